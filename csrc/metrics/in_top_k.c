/* Whether the labelled class is among the k largest scores. */
#include "metrics/metric.h"

#include <math.h>

typedef struct {
    int64_t k;
} attributes;

static cnn_status check(cnn_call *c)
{
    int64_t k = ((const attributes *)c->attrs)->k;
    if (k < 1) return cnn_fail(CNN_ERR_VALUE, "k must be at least 1, got %lld", (long long)k);
    return cnn_metric_check_sparse(c);
}

/* Equal scores share a place: the label is in if fewer than k scores are larger. */
static bool row(const void *y_true, const void *y_pred, int64_t columns, bool single, double k)
{
    double label = cnn_metric_at(y_true, 0, single);
    if (!(label >= 0 && label < (double)columns)) return false;
    double own = cnn_metric_at(y_pred, (int64_t)label, single);
    int64_t larger = 0;
    if (!isfinite(own)) return false;
    for (int64_t i = 0; i < columns; i++) {
        double score = cnn_metric_at(y_pred, i, single);
        if (!isfinite(score)) return false;
        larger += score > own;
    }
    return (double)larger < k;
}

static cnn_status forward(cnn_call *c)
{
    const attributes *a = c->attrs;
    return cnn_metric_rows(c, 1, c->in[1]->shape.dim[c->in[1]->shape.ndim - 1], (double)a->k, row);
}

static const char *const input_names[] = {"y_true", "y_pred"};
static const cnn_attr attrs[] = {{"k", CNN_ATTR_INT, offsetof(attributes, k), NULL}};
static const attributes defaults = {5};

const cnn_op cnn_op_in_top_k = {
    .name = "in_top_k",
    .doc = "in_top_k(y_true[...] or [..., 1], y_pred[..., C], *, k=5) -> float32 [...]: 1 where fewer than k scores "
           "are larger than that "
           "of the class y_true, else 0. Rows with a score that is not finite, or a label that is no class number, "
           "give 0.",
    .input_names = input_names,
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .attrs = attrs,
    .attr_count = 1,
    .attrs_size = sizeof(attributes),
    .attr_defaults = &defaults,
    .check = check,
    .forward = forward,
};
