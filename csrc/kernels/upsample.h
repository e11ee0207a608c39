/* x[batch, height, width, channels] -> y[batch, height * scale_h, width * scale_w, channels]. */
#ifndef CNN_KERNELS_UPSAMPLE_H
#define CNN_KERNELS_UPSAMPLE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t batch, height, width, channels; /* of x */
    int64_t scale_h, scale_w;
    bool bilinear; /* else nearest */
} cnn_upsample2d;

/* x[batch, height, width] of PIXEL_BYTES each, surrounded by zeros. */
typedef struct {
    int64_t batch, height, width, pixel_bytes;
    int64_t top, bottom, left, right;
} cnn_zero_pad2d;

#endif
