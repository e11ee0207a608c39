/* What the general ops share: the table of dtypes, broadcasting, axes, and a few whole-tensor steps for gradients.
 *
 * Dtypes of a result of several operands, the one place where it is said (cnn_promote): the later of
 *
 *     bool < uint8 < int32 < int64 < float32 < float64
 *
 * so float32 stays float32 beside any integer, and nothing but float64 makes float64. Division, means and functions
 * of real numbers turn integers into float32 (cnn_promote_real). Sums and products of integers are int64. Python's
 * numbers have no dtype of their own; the binding gives them their neighbour's. */
#ifndef CNN_OPS_SHARED_H
#define CNN_OPS_SHARED_H

#include "autograd/op.h"
#include "kernels/kernels.h"

static inline cnn_dtype cnn_promote(cnn_dtype a, cnn_dtype b)
{
    return a > b ? a : b;
}

static inline cnn_dtype cnn_promote_real(cnn_dtype a)
{
    return cnn_promote(a, CNN_FLOAT32);
}

/* ---- for `check` ---- */

/* *AXIS from [-ndim, ndim) to [0, ndim). */
cnn_status cnn_check_axis(int64_t *axis, int ndim);
/* REDUCED[d] tells whether AXES (none: all) name dimension d of SHAPE; OUT is what is left, with KEEPDIMS as ones. */
cnn_status cnn_check_axes(const cnn_ints *axes, const cnn_shape *shape, bool keepdims, bool reduced[CNN_MAX_NDIM],
                          cnn_shape *out);
/* The shape that A and B broadcast to; the dtype of OUT is not touched. */
cnn_status cnn_check_broadcast(const cnn_shape *a, const cnn_shape *b, cnn_shape *out);
/* Input I can be broadcast to SHAPE. */
cnn_status cnn_check_broadcast_to(const cnn_shape *x, const cnn_shape *shape);

/* ---- for `forward` ---- */

/* The loops of A and B broadcast to Y, adjacent ones melted. */
void cnn_broadcast_loops(const cnn_shape *y, const cnn_shape *a, const cnn_shape *b, cnn_broadcast *loops);
/* The steps of a contiguous SHAPE, in elements. */
void cnn_strides(const cnn_shape *shape, int64_t strides[CNN_MAX_NDIM]);
/* One whole loop nest over SHAPE, both sides contiguous; to be changed. */
cnn_move cnn_move_over(const cnn_shape *shape);

/* ---- new tensors, for `forward` and `backward`; none records ---- */

/* T as DTYPE: T itself (a new reference) if it is that. */
cnn_status cnn_as_dtype(cnn_tensor *t, cnn_dtype dtype, cnn_tensor **out);
/* fn over the DIMENSIONS (true) of T, which get size 1; the dtype is what the kernel gives. */
cnn_status cnn_reduce_dims(cnn_reduce_fn fn, cnn_tensor *t, const bool reduced[CNN_MAX_NDIM], cnn_tensor **out);
/* The gradient of a tensor of SHAPE that was broadcast (and converted): G summed to its dimensions, in its dtype. */
cnn_status cnn_sum_to(cnn_tensor *g, const cnn_shape *shape, cnn_tensor **out);
/* T broadcast to the dimensions of SHAPE. */
cnn_status cnn_expand(cnn_tensor *t, const cnn_shape *shape, cnn_tensor **out);
/* y = fn(a, b) of one dtype, broadcast. */
cnn_status cnn_binary(cnn_binary_fn fn, cnn_tensor *a, cnn_tensor *b, cnn_tensor **out);
/* The dimensions of T in the order AXES. */
cnn_status cnn_permute(cnn_tensor *t, const int axes[CNN_MAX_NDIM], cnn_tensor **out);

#endif
