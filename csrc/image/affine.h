/* Batches of images under affine transforms, as SciPy's `ndimage.affine_transform` computes them. */
#ifndef CNN_IMAGE_AFFINE_H
#define CNN_IMAGE_AFFINE_H

#include "tensor/tensor.h"

/* What lies outside of an image. Wrap repeats with a period of length - 1, as SciPy's 'wrap' does. */
typedef enum { CNN_EDGE_NEAREST = 0, CNN_EDGE_CONSTANT, CNN_EDGE_REFLECT, CNN_EDGE_WRAP } cnn_edge;

enum { CNN_AFFINE_NUMBERS = 9 };

/* x[N,H,W,C] (uint8, float32 or float64), transforms[N,9] (float64) -> *y[N,H,W,C], float64 for float64, else float32.
 * y at (row, column) is x at (t0 row + t1 column + t2, t3 row + t4 column + t5): the nearest pixel (ORDER 0) or between
 * four (1), places in float64. Then t6 is added to all values, which stay within the image's range (not with NaN), and
 * the image is mirrored left to right with t7 and upside down with t8. */
cnn_status cnn_image_affine(cnn_tensor *x, cnn_tensor *transforms, int order, cnn_edge edge, double fill,
                            cnn_tensor **y);

#endif
