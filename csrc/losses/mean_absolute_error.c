/* Mean absolute error over the last axis. Where both are equal its gradient is 0. */
#include "losses/loss.h"

static cnn_status forward(cnn_call *c)
{
    cnn_loss_job job = {0};
    return cnn_loss_forward(c, &job, cnn_k()->absolute_error_f32, cnn_k()->absolute_error_f64);
}

static cnn_status backward(cnn_call *c)
{
    cnn_loss_job job = {0};
    return cnn_loss_backward(c, &job, cnn_k()->absolute_error_f32, cnn_k()->absolute_error_f64, true);
}

static const char *const input_names[] = {"y_true", "y_pred"};

const cnn_op cnn_op_mean_absolute_error = {
    .name = "mean_absolute_error",
    .doc =
        "mean_absolute_error(y_true[..., N], y_pred[..., N]) -> [...]: mean of |y_true - y_pred| over the last axis. "
        "Differentiable by both.",
    .input_names = input_names,
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .keeps = CNN_KEEP_INPUT(0) | CNN_KEEP_INPUT(1),
    .check = cnn_loss_check,
    .forward = forward,
    .backward = backward,
};
