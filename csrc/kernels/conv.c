/* 2D convolution: chooses the algorithm. This is the one place that does. */
#define CNN_TEMPLATE "kernels/conv.inc.h"
#include "kernels/conv_algorithms.h"

#include "kernels/each_real.h"

size_t CNN_K(conv2d_workspace)(const cnn_conv2d *conv, cnn_conv2d_pass pass, size_t item_bytes)
{
    if (pass == CNN_CONV_BACKWARD_WEIGHTS) return CNN_K(conv_direct_weights_workspace)(conv, item_bytes);
    return CNN_K(conv_direct_workspace)(conv, pass == CNN_CONV_BACKWARD_DATA, item_bytes);
}
