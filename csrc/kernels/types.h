/* Arguments of kernels that are too many for a parameter list. Sizes count elements; images are NHWC. */
#ifndef CNN_KERNELS_TYPES_H
#define CNN_KERNELS_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Activations that layers fuse. The order is that of cnn_activation_names. */
typedef enum {
    CNN_LINEAR = 0,
    CNN_RELU,
    CNN_SIGMOID,
    CNN_TANH,
    CNN_SOFTMAX, /* over the last axis */
} cnn_activation;

#include "kernels/nonlinear.h"
#include "kernels/conv.h"

#endif
