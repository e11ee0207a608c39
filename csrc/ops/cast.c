/* Another dtype. */
#include "ops/shared.h"

typedef struct {
    cnn_dtype dtype;
} attributes;

static cnn_status check(cnn_call *c)
{
    c->out_shape[0] = c->in[0]->shape;
    c->out_shape[0].dtype = ((const attributes *)c->attrs)->dtype;
    return CNN_OK;
}

static cnn_status forward(cnn_call *c)
{
    const cnn_tensor *x = c->in[0];
    if (x->shape.dtype == c->out_shape[0].dtype) return cnn_tensor_view(c->in[0], &x->shape, &c->out[0]);
    CNN_TRY(cnn_tensor_new(&c->out_shape[0], &c->out[0]));
    cnn_k()->cast(x->shape.dtype, c->out_shape[0].dtype, x->size, x->data, c->out[0]->data);
    return CNN_OK;
}

static cnn_status backward(cnn_call *c)
{
    return cnn_as_dtype(c->grad_out[0], c->in[0]->shape.dtype, &c->grad_in[0]);
}

static const char *const input_names[] = {"x"};
static const cnn_attr attrs[] = {{"dtype", CNN_ATTR_DTYPE, offsetof(attributes, dtype), NULL}};
static const attributes defaults = {CNN_FLOAT32};

const cnn_op cnn_op_cast = {
    .name = "cast",
    .doc =
        "cast(x, *, dtype): x as dtype. Reals lose their fraction as integers; integers wrap; what is not 0 is True.",
    .input_names = input_names,
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attrs = attrs,
    .attr_count = 1,
    .attrs_size = sizeof(attributes),
    .attr_defaults = &defaults,
    .makes_outputs = true,
    .check = check,
    .forward = forward,
    .backward = backward,
};
