/* What the metrics of this folder share: ops that give a value per row or element and have no gradient, and sums of
 * these. */
#ifndef CNN_METRICS_METRIC_H
#define CNN_METRICS_METRIC_H

#include "autograd/op.h"

/* One row of COLUMNS elements of the two inputs, which are of one type (float if SINGLE, else double): 1 or 0. */
typedef bool cnn_metric_row(const void *y_true, const void *y_pred, int64_t columns, bool single, double number);

/* Writes ROW's verdicts as float32 into c->out[0], in parallel. Each row has TRUE_COLUMNS of y_true, PRED_COLUMNS of
 * y_pred. */
cnn_status cnn_metric_rows(cnn_call *c, int64_t true_columns, int64_t pred_columns, double number, cnn_metric_row *row);

/* The position of the largest of N, the first of equals; NaN is never larger. */
int64_t cnn_metric_argmax(const void *x, int64_t n, bool single);

static inline double cnn_metric_at(const void *x, int64_t i, bool single)
{
    return single ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

/* Sets out_shape[0] for rows of class scores in y_pred and class numbers, [...] or [..., 1], in y_true. */
cnn_status cnn_metric_check_sparse(cnn_call *c);

/* The weighted sum of VALUES and the sum of their weights (each stretched over the values; 1 without weights). If MEAN,
 * both are divided by the number of values per sample, so that samples count, not values; a scalar weight is that of
 * all values together. */
cnn_status cnn_weighted_sum(cnn_tensor *values, cnn_tensor *weights, bool mean, double *sum, double *count);

#endif
