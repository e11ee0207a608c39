/* How layer normalisation cuts its work over x[rows, n].
 *
 * Rows are cut into pieces. The gradients of gamma and beta are sums over rows: every piece of rows gathers its own and
 * these are added in order; but where rows are long, so that this would take much memory, the columns are cut. */
#ifndef CNN_KERNELS_LAYER_NORM_H
#define CNN_KERNELS_LAYER_NORM_H

#include "runtime/parallel.h"

#include <stdbool.h>

typedef struct {
    int64_t rows, n;
    bool centered; /* false: the mean is taken as 0 */
    double epsilon;
} cnn_layer_norm;

#define CNN_LAYER_NORM_LONG 4096

static inline int64_t cnn_layer_norm_pieces(const cnn_layer_norm *l)
{
    int64_t pieces = cnn_pieces(l->rows * l->n, 16384);
    return pieces < l->rows ? pieces : l->rows < 1 ? 1 : l->rows;
}

/* Doubles of scratch memory for the gradients of gamma and beta. */
static inline int64_t cnn_layer_norm_scratch(const cnn_layer_norm *l)
{
    return l->n > CNN_LAYER_NORM_LONG ? 0 : cnn_layer_norm_pieces(l) * 2 * l->n;
}

#endif
