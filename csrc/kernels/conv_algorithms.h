/* The algorithms of a convolution at this level, each in a file of its own; conv.c chooses. Arguments are those of the
 * kernels in kernels.def; `scratch` holds what the algorithm's own ..._workspace says. None of them knows softmax. */
#ifndef CNN_KERNELS_CONV_ALGORITHMS_H
#define CNN_KERNELS_CONV_ALGORITHMS_H

#include "kernels/level.h"

#define CNN_CONV_FORWARD_FN(name, T, suffix)                                                                           \
    void CNN_K(name##_##suffix)(const cnn_conv2d *conv, const T *x, const T *kernel, const T *scale, const T *bias,    \
                                T *y, uint8_t *place, void *scratch);
#define CNN_CONV_DATA_FN(name, T, suffix)                                                                              \
    void CNN_K(name##_##suffix)(const cnn_conv2d *conv, const T *dy, const T *y, const uint8_t *place,                 \
                                const T *kernel, T *dx, void *scratch);
#define CNN_CONV_WEIGHTS_FN(name, T, suffix)                                                                           \
    void CNN_K(name##_##suffix)(const cnn_conv2d *conv, const T *x, const T *dy, const T *y, const uint8_t *place,     \
                                T *dkernel, T *dbias, void *scratch);
#define CNN_CONV_TRANSPOSE_FN(name, T, suffix)                                                                         \
    void CNN_K(name##_##suffix)(const cnn_conv2d *conv, cnn_activation act, const T *x, const T *kernel,               \
                                const T *bias, T *y, void *scratch);
#define CNN_CONV_EACH(DECLARE, name) DECLARE(name, float, f32) DECLARE(name, double, f64)

/* conv_direct.c */
size_t CNN_K(conv_direct_workspace)(const cnn_conv2d *conv, bool backward, size_t item_bytes);
CNN_CONV_EACH(CNN_CONV_FORWARD_FN, conv_direct_forward)
CNN_CONV_EACH(CNN_CONV_DATA_FN, conv_direct_backward_data)
CNN_CONV_EACH(CNN_CONV_TRANSPOSE_FN, conv_direct_transpose)

/* winograd.c: what winograd_fits says */
size_t CNN_K(conv_winograd_workspace)(const cnn_conv2d *conv, bool backward, size_t item_bytes);
CNN_CONV_EACH(CNN_CONV_FORWARD_FN, conv_winograd_forward)
CNN_CONV_EACH(CNN_CONV_DATA_FN, conv_winograd_backward_data)
CNN_CONV_EACH(CNN_CONV_TRANSPOSE_FN, conv_winograd_transpose)

/* conv_weights.c */
size_t CNN_K(conv_direct_weights_workspace)(const cnn_conv2d *conv, size_t item_bytes);
CNN_CONV_EACH(CNN_CONV_WEIGHTS_FN, conv_direct_backward_weights)

/* winograd_weights.c */
size_t CNN_K(conv_winograd_weights_workspace)(const cnn_conv2d *conv, size_t item_bytes);
CNN_CONV_EACH(CNN_CONV_WEIGHTS_FN, conv_winograd_backward_weights)

#endif
