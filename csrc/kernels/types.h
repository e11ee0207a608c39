/* Arguments of kernels that are too many for a parameter list. Sizes count elements; images are NHWC. */
#ifndef CNN_KERNELS_TYPES_H
#define CNN_KERNELS_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Types of elements, ordered so that the later of two holds what their arithmetic gives. A bool is a byte, 0 or 1. */
typedef enum {
    CNN_BOOL = 0,
    CNN_UINT8,
    CNN_INT32,
    CNN_INT64,
    CNN_FLOAT32,
    CNN_FLOAT64,
    CNN_DTYPE_COUNT,
} cnn_dtype;

/* Activations that layers fuse. The order is that of cnn_activation_names. */
typedef enum {
    CNN_LINEAR = 0,
    CNN_RELU,
    CNN_SIGMOID,
    CNN_TANH,
    CNN_SOFTMAX, /* over the last axis */
} cnn_activation;

#endif
