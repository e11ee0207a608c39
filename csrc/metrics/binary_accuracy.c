/* Whether a score is on the label's side of a threshold; exactly at the threshold it counts as negative. */
#include "losses/loss.h"
#include "metrics/metric.h"

typedef struct {
    double threshold;
} attributes;

static cnn_status check(cnn_call *c)
{
    CNN_TRY(cnn_loss_common_shape(c, "", &c->out_shape[0]));
    c->out_shape[0].dtype = CNN_FLOAT32;
    return CNN_OK;
}

static bool row(const void *y_true, const void *y_pred, int64_t columns, bool single, double threshold)
{
    (void)columns;
    if (single) threshold = (double)(float)threshold;
    return cnn_metric_at(y_true, 0, single) == (cnn_metric_at(y_pred, 0, single) > threshold ? 1.0 : 0.0);
}

static cnn_status forward(cnn_call *c)
{
    return cnn_metric_rows(c, 1, 1, ((const attributes *)c->attrs)->threshold, row);
}

static const char *const input_names[] = {"y_true", "y_pred"};
static const cnn_attr attrs[] = {{"threshold", CNN_ATTR_FLOAT, offsetof(attributes, threshold), NULL}};
static const attributes defaults = {0.5};

const cnn_op cnn_op_binary_accuracy = {
    .name = "binary_accuracy",
    .doc = "binary_accuracy(y_true, y_pred, *, threshold=0.5) -> float32 of the same shape: 1 where y_true equals "
           "(y_pred > threshold), "
           "else 0.",
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
