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

/* ---- elementwise functions, reductions and moves (binary.c, unary.c, reduce.c, move.c) ---- */

typedef enum {
#define CNN_ARITHMETIC(name, ...) CNN_FN_##name,
#define CNN_REAL(name, ...) CNN_FN_##name,
#define CNN_COMPARISON(name, ...) CNN_FN_##name,
#define CNN_LOGICAL(name, ...) CNN_FN_##name,
#include "kernels/binary.def"
#undef CNN_ARITHMETIC
#undef CNN_REAL
#undef CNN_COMPARISON
#undef CNN_LOGICAL
    CNN_BINARY_COUNT,
} cnn_binary_fn;

typedef enum {
#define CNN_SIGNED(name, ...) CNN_FN_##name,
#define CNN_SMOOTH(name, ...) CNN_FN_##name,
#define CNN_TEST(name, ...) CNN_FN_##name,
#include "kernels/unary.def"
#undef CNN_SIGNED
#undef CNN_SMOOTH
#undef CNN_TEST
    CNN_UNARY_COUNT,
} cnn_unary_fn;

typedef enum {
    CNN_FN_sum,
    CNN_FN_prod,
    CNN_FN_max,
    CNN_FN_min,
    CNN_FN_all,
    CNN_FN_any,
    CNN_REDUCE_COUNT
} cnn_reduce_fn;

#define CNN_MAX_LOOPS 8

/* Two operands in one loop nest: DIM, outermost first, and how many elements each operand moves per step, A and B.
 * At least one loop; in the innermost one every step is 0 or 1. The result is contiguous. */
typedef struct {
    int ndim;
    int64_t dim[CNN_MAX_LOOPS], a[CNN_MAX_LOOPS], b[CNN_MAX_LOOPS];
} cnn_broadcast;

/* A copy between two layouts: DIM, outermost first, and the steps in elements, which may be 0 (source) or negative. */
typedef struct {
    int ndim;
    int64_t dim[CNN_MAX_LOOPS], from[CNN_MAX_LOOPS], to[CNN_MAX_LOOPS];
} cnn_move;
#include "kernels/batch_norm.h"
#include "kernels/conv.h"
#include "kernels/dropout.h"
#include "kernels/image_affine.h"
#include "kernels/layer_norm.h"
#include "kernels/losses.h"
#include "kernels/nonlinear.h"
#include "kernels/optimizers.h"
#include "kernels/pool.h"
#include "kernels/resample.h"
#include "kernels/upsample.h"

#endif
