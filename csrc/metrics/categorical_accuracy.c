/* Whether the largest score is where the label's largest value is. */
#include "losses/loss.h"
#include "metrics/metric.h"

static cnn_status check(cnn_call *c)
{
    char text[CNN_SHAPE_TEXT];
    cnn_shape *out = &c->out_shape[0];
    bool numbers = c->in[0]->size < c->in[1]->size;
    CNN_TRY(cnn_loss_common_shape(c, numbers ? ". If y_true holds class numbers, use sparse_categorical_accuracy" : "",
                                  out));
    if (out->ndim == 0 || out->dim[out->ndim - 1] == 0)
        return cnn_fail(CNN_ERR_VALUE, "y_pred must have class scores along its last axis, got shape %s",
                        cnn_shape_text(out, text));
    out->ndim--;
    out->dtype = CNN_FLOAT32;
    return CNN_OK;
}

static bool row(const void *y_true, const void *y_pred, int64_t columns, bool single, double number)
{
    (void)number;
    return cnn_metric_argmax(y_true, columns, single) == cnn_metric_argmax(y_pred, columns, single);
}

static cnn_status forward(cnn_call *c)
{
    int64_t rows = c->out[0]->size, columns = rows > 0 ? c->in[1]->size / rows : 1;
    return cnn_metric_rows(c, columns, columns, 0, row);
}

static const char *const input_names[] = {"y_true", "y_pred"};

const cnn_op cnn_op_categorical_accuracy = {
    .name = "categorical_accuracy",
    .doc = "categorical_accuracy(y_true[..., C], y_pred[..., C]) -> float32 [...]: 1 where the largest entries of both "
           "are at the same "
           "place (the first of equals), else 0.",
    .input_names = input_names,
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .check = check,
    .forward = forward,
};
