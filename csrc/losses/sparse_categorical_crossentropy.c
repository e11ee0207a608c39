/* Categorical cross-entropy of class numbers, on probabilities or logits. */
#include "losses/loss.h"

#include <math.h>

typedef struct {
    bool from_logits, ignores;
    int64_t ignore_class;
    double epsilon;
} attributes;

/* Each label must be a whole number in [0, classes), or the one to be ignored. */
static cnn_status check_labels(const cnn_tensor *labels, int64_t classes, const attributes *a)
{
    for (int64_t i = 0; i < labels->size; i++) {
        double label = 0;
        switch (labels->shape.dtype) {
        case CNN_BOOL:
        case CNN_UINT8: label = ((const uint8_t *)labels->data)[i]; break;
        case CNN_INT32: label = ((const int32_t *)labels->data)[i]; break;
        case CNN_INT64: label = (double)((const int64_t *)labels->data)[i]; break;
        case CNN_FLOAT32: label = (double)((const float *)labels->data)[i]; break;
        case CNN_FLOAT64: label = ((const double *)labels->data)[i]; break;
        case CNN_DTYPE_COUNT: break;
        }
        if (a->ignores && label == (double)a->ignore_class) continue;
        if (!(label >= 0 && label < (double)classes))
            return cnn_fail(CNN_ERR_VALUE,
                            "label %.10g in row %lld is not a class number: y_pred has %lld classes, so labels go "
                            "from 0 to %lld",
                            label, (long long)i, (long long)classes, (long long)classes - 1);
        if (label != floor(label))
            return cnn_fail(CNN_ERR_VALUE,
                            "label %.10g in row %lld is not a whole number; sparse labels are class numbers, for "
                            "one-hot or soft labels use categorical_crossentropy",
                            label, (long long)i);
    }
    return CNN_OK;
}

static cnn_status check(cnn_call *c)
{
    const attributes *a = c->attrs;
    const cnn_shape *t = &c->in[0]->shape, *x = &c->in[1]->shape;
    char ta[CNN_SHAPE_TEXT], xa[CNN_SHAPE_TEXT];
    CNN_TRY(cnn_check_float(c, 1));
    CNN_TRY(cnn_loss_check_epsilon(a->epsilon));
    if (x->ndim < 1) return cnn_fail(CNN_ERR_VALUE, "y_pred must have at least 1 dimension, the classes, got a scalar");
    cnn_shape rows = *x, labels = *t;
    rows.ndim--;
    if (labels.ndim == x->ndim && labels.dim[labels.ndim - 1] == 1) labels.ndim--;
    if (!cnn_shape_equal(&rows, &labels))
        return cnn_fail(CNN_ERR_VALUE,
                        "y_true has shape %s but y_pred has shape %s; y_true must be one class number per row, "
                        "without y_pred's last axis%s",
                        cnn_shape_text(t, ta), cnn_shape_text(x, xa),
                        cnn_shape_equal(t, x) ? ". For one-hot labels use categorical_crossentropy" : "");
    int64_t classes = x->dim[x->ndim - 1];
    if (classes == 0) return cnn_fail(CNN_ERR_VALUE, "y_pred has no classes, got shape %s", cnn_shape_text(x, xa));
    c->out_shape[0] = rows;
    return check_labels(c->in[0], classes, a);
}

static cnn_loss_job job_of(const cnn_call *c, const cnn_tensor *labels)
{
    const attributes *a = c->attrs;
    return (cnn_loss_job){
        .columns = c->in[1]->shape.dim[c->in[1]->shape.ndim - 1],
        .labels = labels->data,
        .classes = true,
        .from_logits = a->from_logits,
        .epsilon = a->epsilon,
        .ignored = a->ignores ? a->ignore_class : INT64_MIN,
    };
}

static cnn_status forward(cnn_call *c)
{
    cnn_tensor *labels;
    CNN_TRY(cnn_loss_convert(c->in[0], CNN_INT64, &labels));
    cnn_loss_job job = job_of(c, labels);
    job.loss = c->out[0]->data;
    cnn_loss_rows(c->in[1], &job, cnn_k()->sparse_categorical_crossentropy_f32,
                  cnn_k()->sparse_categorical_crossentropy_f64);
    cnn_tensor_release(labels);
    return CNN_OK;
}

static cnn_status backward(cnn_call *c)
{
    cnn_tensor *labels;
    if (!c->needs_grad[1]) return CNN_OK;
    CNN_TRY(cnn_loss_convert(c->in[0], CNN_INT64, &labels));
    cnn_status status = cnn_tensor_new(&c->in[1]->shape, &c->grad_in[1]);
    if (status == CNN_OK) {
        cnn_loss_job job = job_of(c, labels);
        job.grad_loss = c->grad_out[0]->data;
        job.grad = c->grad_in[1]->data;
        cnn_loss_rows(c->in[1], &job, cnn_k()->sparse_categorical_crossentropy_f32,
                      cnn_k()->sparse_categorical_crossentropy_f64);
    }
    cnn_tensor_release(labels);
    return status;
}

static const char *const input_names[] = {"y_true", "y_pred"};
static const cnn_attr attrs[] = {
    {"from_logits", CNN_ATTR_BOOL, offsetof(attributes, from_logits), NULL},
    {"ignores", CNN_ATTR_BOOL, offsetof(attributes, ignores), NULL},
    {"ignore_class", CNN_ATTR_INT, offsetof(attributes, ignore_class), NULL},
    {"epsilon", CNN_ATTR_FLOAT, offsetof(attributes, epsilon), NULL},
};
static const attributes defaults = {.epsilon = 1e-7};

const cnn_op cnn_op_sparse_categorical_crossentropy = {
    .name = "sparse_categorical_crossentropy",
    .doc =
        "sparse_categorical_crossentropy(y_true[...] or [..., 1], y_pred[..., C], *, from_logits=False, ignores=False, "
        "ignore_class=0, epsilon=1e-7) -> [...]: -ln q[label], the labels being whole numbers in [0, C) of any dtype. "
        "From logits, "
        "q is their softmax; from probabilities, y_pred clipped to [epsilon, 1 - epsilon] and divided by its sum. "
        "If ignores, rows with the label ignore_class give 0. Differentiable by y_pred.",
    .input_names = input_names,
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .attrs = attrs,
    .attr_count = 4,
    .attrs_size = sizeof(attributes),
    .attr_defaults = &defaults,
    .keeps = CNN_KEEP_INPUT(0) | CNN_KEEP_INPUT(1),
    .check = check,
    .forward = forward,
    .backward = backward,
};
