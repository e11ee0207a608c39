/* A window that slides over images: x[batch, height, width, channels] -> y[batch, rows, columns, channels]. */
#ifndef CNN_KERNELS_POOL_H
#define CNN_KERNELS_POOL_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t batch, height, width, channels; /* of x */
    int64_t rows, columns;                  /* of y */
    int64_t window_h, window_w, stride_h, stride_w;
    int64_t top, left; /* padding before the first pixel */
    bool wide_index;   /* max pooling notes the place of the maximum in int32, not uint8: windows over 255 pixels */
} cnn_pool2d;

#endif
