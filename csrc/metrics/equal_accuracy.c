/* Whether prediction and label are equal, in the prediction's dtype. */
#include "losses/loss.h"
#include "metrics/metric.h"

static cnn_status check(cnn_call *c)
{
    CNN_TRY(cnn_loss_common_shape(c, "", &c->out_shape[0]));
    c->out_shape[0].dtype = CNN_FLOAT32;
    return CNN_OK;
}

static bool row(const void *y_true, const void *y_pred, int64_t columns, bool single, double number)
{
    (void)columns;
    (void)number;
    return cnn_metric_at(y_true, 0, single) == cnn_metric_at(y_pred, 0, single);
}

static cnn_status forward(cnn_call *c)
{
    return cnn_metric_rows(c, 1, 1, 0, row);
}

static const char *const input_names[] = {"y_true", "y_pred"};

const cnn_op cnn_op_equal_accuracy = {
    .name = "equal_accuracy",
    .doc = "equal_accuracy(y_true, y_pred) -> float32 of the same shape: 1 where both are equal, else 0.",
    .input_names = input_names,
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .check = check,
    .forward = forward,
};
