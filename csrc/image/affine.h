/* Batches of images under affine transforms, as SciPy's `ndimage.affine_transform` computes them. */
#ifndef CNN_IMAGE_AFFINE_H
#define CNN_IMAGE_AFFINE_H

#include "kernels/image_affine.h"
#include "tensor/tensor.h"

/* x[N,H,W,C] (uint8, float32 or float64), transforms[N,9] (float64) -> *y[N,H,W,C], float64 for float64, else float32.
 * y at (row, column) is x at (t0 row + t1 column + t2, t3 row + t4 column + t5): the nearest pixel (ORDER 0) or between
 * four (1), places in float64. Then t6 is added to all values, which stay within the image's range (not with NaN), and
 * the image is mirrored left to right with t7 and upside down with t8, and SCALE multiplies the results. */
cnn_status cnn_image_affine(cnn_tensor *x, cnn_tensor *transforms, int order, cnn_edge edge, double fill, double scale,
                            cnn_tensor **y);

#endif
