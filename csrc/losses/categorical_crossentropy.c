/* Categorical cross-entropy of one-hot or soft labels, on probabilities or logits. */
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
    bool numbers = c->in[0]->shape.ndim < c->in[1]->shape.ndim || c->in[0]->size < c->in[1]->size;
    return cnn_loss_check_with_hint(
        c, numbers ? ". If y_true holds class numbers, use sparse_categorical_crossentropy or to_categorical()" : "");
}

static cnn_loss_job job_of(const cnn_call *c, const cnn_tensor *rows)
{
    const attributes *a = c->attrs;
    double classes = rows->size > 0 ? (double)(c->in[1]->size / rows->size) : 1;
    return (cnn_loss_job){
        .classes = true,
        .from_logits = a->from_logits,
        .epsilon = a->epsilon,
        .target_scale = 1 - a->label_smoothing,
        .target_shift = a->label_smoothing / classes,
    };
}

static cnn_status forward(cnn_call *c)
{
    cnn_loss_job job = job_of(c, c->out[0]);
    return cnn_loss_forward(c, &job, cnn_k()->categorical_crossentropy_f32, cnn_k()->categorical_crossentropy_f64);
}

static cnn_status backward(cnn_call *c)
{
    cnn_loss_job job = job_of(c, c->grad_out[0]);
    return cnn_loss_backward(c, &job, cnn_k()->categorical_crossentropy_f32, cnn_k()->categorical_crossentropy_f64,
                             false);
}

static const char *const input_names[] = {"y_true", "y_pred"};
static const cnn_attr attrs[] = {
    {"from_logits", CNN_ATTR_BOOL, offsetof(attributes, from_logits), NULL},
    {"label_smoothing", CNN_ATTR_FLOAT, offsetof(attributes, label_smoothing), NULL},
    {"epsilon", CNN_ATTR_FLOAT, offsetof(attributes, epsilon), NULL},
};
static const attributes defaults = {.epsilon = 1e-7};

const cnn_op cnn_op_categorical_crossentropy = {
    .name = "categorical_crossentropy",
    .doc = "categorical_crossentropy(y_true[..., C], y_pred[..., C], *, from_logits=False, label_smoothing=0.0, "
           "epsilon=1e-7) -> "
           "[...]: -sum(t ln q) with t = y_true (1 - s) + s / C. From logits, q is their softmax; from probabilities, "
           "q is y_pred / sum(y_pred), clipped to [epsilon, 1 - epsilon]. Differentiable by y_pred.",
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
