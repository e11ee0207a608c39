/* Arguments of resample.c: one axis of x[outer,in,inner] -> y[outer,out,inner], by tables of what each place takes. */
#ifndef CNN_KERNELS_RESAMPLE_H
#define CNN_KERNELS_RESAMPLE_H

#include <stdbool.h>
#include <stdint.h>

/* y[i] = sum of weight[i * most + k] * x[first[i] + k] for k < count[i]. */
typedef struct {
    int64_t in, out, most;
    const int64_t *first, *count;
    const double *weight;
} cnn_taps;

/* Images x[n,h,w,c] under projective transforms t[n,8]: y at (column, row) is x at
 * ((t0 column + t1 row + t2) / k, (t3 column + t4 row + t5) / k), k = t6 column + t7 row + 1. */
typedef enum { CNN_FILL_CONSTANT, CNN_FILL_NEAREST, CNN_FILL_WRAP, CNN_FILL_REFLECT, CNN_FILL_MIRROR } cnn_fill;

typedef struct {
    int64_t n, h, w, c;
    bool bilinear;
    cnn_fill fill;
    double fill_value;
} cnn_affine2d;

#endif
