/* One image under an affine transform: x[h,w,c] -> y[h,w,c]. */
#ifndef CNN_KERNELS_IMAGE_AFFINE_H
#define CNN_KERNELS_IMAGE_AFFINE_H

#include <stdint.h>

/* What lies outside of an image. Wrap repeats with a period of length - 1, as SciPy's 'wrap' does. */
typedef enum { CNN_EDGE_NEAREST = 0, CNN_EDGE_CONSTANT, CNN_EDGE_REFLECT, CNN_EDGE_WRAP } cnn_edge;

enum { CNN_AFFINE_NUMBERS = 9 };

typedef struct {
    int64_t h, w, c; /* h * w <= INT32_MAX */
    int order;       /* 0: the nearest pixel, 1: between four */
    cnn_edge edge;
    double fill, scale; /* SCALE multiplies every result, FILL too */
} cnn_affine_image;

#endif
