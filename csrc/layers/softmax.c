/* softmax and log_softmax along one axis. The gradients come from the results. */
#include "layers/common.h"

typedef struct {
    int64_t axis;
} attributes;

static cnn_status check(cnn_call *c)
{
    const attributes *a = c->attrs;
    const cnn_shape *x = &c->in[0]->shape;
    char text[CNN_SHAPE_TEXT];
    CNN_TRY(cnn_check_float(c, 0));
    if (a->axis < -x->ndim || a->axis >= x->ndim)
        return cnn_fail(CNN_ERR_VALUE, "axis %lld is not one of the %d axes of shape %s; it must be in [%d, %d)",
                        (long long)a->axis, x->ndim, cnn_shape_text(x, text), -x->ndim, x->ndim);
    c->out_shape[0] = *x;
    return CNN_OK;
}

typedef struct {
    int64_t outer, n, inner;
} extent;

static extent extent_of(const cnn_call *c, const cnn_shape *shape)
{
    int64_t axis = ((const attributes *)c->attrs)->axis;
    extent e = {1, 1, 1};
    if (axis < 0) axis += shape->ndim;
    for (int i = 0; i < shape->ndim; i++) *(i < axis ? &e.outer : i > axis ? &e.inner : &e.n) *= shape->dim[i];
    return e;
}

static cnn_status run(cnn_call *c, bool log_too)
{
    cnn_tensor *x = c->in[0];
    extent e = extent_of(c, &x->shape);
    CNN_RUN(x->shape.dtype, softmax, log_too, e.outer, e.n, e.inner, x->data, c->out[0]->data);
    return CNN_OK;
}

static cnn_status back(cnn_call *c, bool log_too)
{
    cnn_tensor *dy = c->grad_out[0];
    extent e = extent_of(c, &dy->shape);
    CNN_TRY(cnn_grad_buffer(c, 0, &c->grad_in[0]));
    CNN_RUN(dy->shape.dtype, softmax_backward, log_too, e.outer, e.n, e.inner, c->out[0]->data, dy->data,
            c->grad_in[0]->data);
    return CNN_OK;
}

static cnn_status softmax_forward(cnn_call *c)
{
    int64_t axis = ((const attributes *)c->attrs)->axis;
    CNN_TRY(run(c, false));
    if (axis == -1 || axis == c->in[0]->shape.ndim - 1) cnn_tensor_set_logits(c->out[0], CNN_SOFTMAX, c->in[0]);
    return CNN_OK;
}

static cnn_status softmax_backward(cnn_call *c)
{
    return back(c, false);
}

static cnn_status log_softmax_forward(cnn_call *c)
{
    return run(c, true);
}

static cnn_status log_softmax_backward(cnn_call *c)
{
    return back(c, true);
}

static const char *const input_names[] = {"x"};
static const cnn_attr attrs[] = {{"axis", CNN_ATTR_INT, offsetof(attributes, axis), NULL}};
static const attributes defaults = {-1};

#define OP(op_name, text)                                                                                              \
    const cnn_op cnn_op_##op_name = {                                                                                  \
        .name = #op_name,                                                                                              \
        .doc = text,                                                                                                   \
        .input_names = input_names,                                                                                    \
        .min_inputs = 1,                                                                                               \
        .max_inputs = 1,                                                                                               \
        .outputs = 1,                                                                                                  \
        .attrs = attrs,                                                                                                \
        .attr_count = 1,                                                                                               \
        .attrs_size = sizeof(attributes),                                                                              \
        .attr_defaults = &defaults,                                                                                    \
        .keeps = CNN_KEEP_OUTPUT,                                                                                      \
        .check = check,                                                                                                \
        .forward = op_name##_forward,                                                                                  \
        .backward = op_name##_backward,                                                                                \
    };

OP(softmax,
   "softmax(x, *, axis=-1): exp(x - max) / sum(exp(x - max)) along axis. Any shape of 1 dimension or more, float32 "
   "or float64.")
OP(log_softmax, "log_softmax(x, *, axis=-1): the logarithm of softmax, computed as x - max - log(sum(exp(x - max))).")
