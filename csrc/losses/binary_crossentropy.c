/* Binary cross-entropy, on probabilities or logits, averaged over the last axis. */
#include "losses/loss.h"

typedef struct {
    bool from_logits;
    double label_smoothing, epsilon;
} attributes;

static cnn_status check(cnn_call *c)
{
    const attributes *a = c->attrs;
    CNN_TRY(cnn_loss_check_smoothing(a->label_smoothing));
    CNN_TRY(cnn_loss_check_epsilon(a->epsilon));
    return cnn_loss_check(c);
}

static cnn_loss_job job_of(const attributes *a)
{
    return (cnn_loss_job){
        .from_logits = a->from_logits,
        .epsilon = a->epsilon,
        .target_scale = 1 - a->label_smoothing,
        .target_shift = a->label_smoothing / 2,
    };
}

static cnn_status forward(cnn_call *c)
{
    cnn_loss_job job = job_of(c->attrs);
    return cnn_loss_forward(c, &job, cnn_k()->binary_crossentropy_f32, cnn_k()->binary_crossentropy_f64);
}

static cnn_status backward(cnn_call *c)
{
    cnn_loss_job job = job_of(c->attrs);
    return cnn_loss_backward(c, &job, cnn_k()->binary_crossentropy_f32, cnn_k()->binary_crossentropy_f64, false);
}

static const char *const input_names[] = {"y_true", "y_pred"};
static const cnn_attr attrs[] = {
    {"from_logits", CNN_ATTR_BOOL, offsetof(attributes, from_logits), NULL},
    {"label_smoothing", CNN_ATTR_FLOAT, offsetof(attributes, label_smoothing), NULL},
    {"epsilon", CNN_ATTR_FLOAT, offsetof(attributes, epsilon), NULL},
};
static const attributes defaults = {.epsilon = 1e-7};

const cnn_op cnn_op_binary_crossentropy = {
    .name = "binary_crossentropy",
    .doc =
        "binary_crossentropy(y_true[..., N], y_pred[..., N], *, from_logits=False, label_smoothing=0.0, epsilon=1e-7) "
        "-> [...]: "
        "mean over the last axis of -(t ln p + (1 - t) ln(1 - p)) with t = y_true (1 - s) + s / 2. From logits, p is "
        "their sigmoid; else p is y_pred clipped to [epsilon, 1 - epsilon]. Differentiable by y_pred.",
    .input_names = input_names,
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .attrs = attrs,
    .attr_count = 3,
    .attrs_size = sizeof(attributes),
    .attr_defaults = &defaults,
    .keeps = CNN_KEEP_INPUT(0) | CNN_KEEP_INPUT(1),
    .check = check,
    .forward = forward,
    .backward = backward,
};
