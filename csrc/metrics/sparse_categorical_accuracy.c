/* Whether the largest score is that of the labelled class. */
#include "metrics/metric.h"

static bool row(const void *y_true, const void *y_pred, int64_t columns, bool single, double number)
{
    (void)number;
    return cnn_metric_at(y_true, 0, single) == (double)cnn_metric_argmax(y_pred, columns, single);
}

static cnn_status forward(cnn_call *c)
{
    return cnn_metric_rows(c, 1, c->in[1]->shape.dim[c->in[1]->shape.ndim - 1], 0, row);
}

static const char *const input_names[] = {"y_true", "y_pred"};

const cnn_op cnn_op_sparse_categorical_accuracy = {
    .name = "sparse_categorical_accuracy",
    .doc = "sparse_categorical_accuracy(y_true[...] or [..., 1], y_pred[..., C]) -> float32 [...]: 1 where y_pred is "
           "largest at y_true (the "
           "first of equals), else 0. A label that is no class number counts as wrong.",
    .input_names = input_names,
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .check = cnn_metric_check_sparse,
    .forward = forward,
};
