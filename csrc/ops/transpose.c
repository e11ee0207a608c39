/* The dimensions in another order. */
#include "ops/shared.h"

typedef struct {
    cnn_ints axes;
} attributes;

/* ORDER[d] is the dimension of x that becomes dimension d; none given: reversed. */
static cnn_status order_of(const cnn_call *c, int order[CNN_MAX_NDIM])
{
    const attributes *a = c->attrs;
    const int ndim = c->in[0]->shape.ndim;
    bool seen[CNN_MAX_NDIM] = {false};
    if (a->axes.count == 0) {
        for (int d = 0; d < ndim; d++) order[d] = ndim - 1 - d;
        return CNN_OK;
    }
    if (a->axes.count != ndim)
        return cnn_fail(CNN_ERR_VALUE, "axes has %d entries for a tensor of %d dimensions; name each dimension once",
                        (int)a->axes.count, ndim);
    for (int d = 0; d < ndim; d++) {
        int64_t axis = a->axes.at[d];
        CNN_TRY(cnn_check_axis(&axis, ndim));
        if (seen[axis]) return cnn_fail(CNN_ERR_VALUE, "axes names dimension %d twice", (int)axis);
        seen[axis] = true;
        order[d] = (int)axis;
    }
    return CNN_OK;
}

static cnn_status check(cnn_call *c)
{
    int order[CNN_MAX_NDIM];
    CNN_TRY(order_of(c, order));
    c->out_shape[0] = c->in[0]->shape;
    for (int d = 0; d < c->in[0]->shape.ndim; d++) c->out_shape[0].dim[d] = c->in[0]->shape.dim[order[d]];
    return CNN_OK;
}

static cnn_status forward(cnn_call *c)
{
    int order[CNN_MAX_NDIM];
    CNN_TRY(order_of(c, order));
    return cnn_permute(c->in[0], order, &c->out[0]);
}

static cnn_status backward(cnn_call *c)
{
    int order[CNN_MAX_NDIM], back[CNN_MAX_NDIM];
    CNN_TRY(order_of(c, order));
    for (int d = 0; d < c->in[0]->shape.ndim; d++) back[order[d]] = d;
    return cnn_permute(c->grad_out[0], back, &c->grad_in[0]);
}

static const char *const input_names[] = {"x"};
static const cnn_attr attrs[] = {{"axes", CNN_ATTR_INTS, offsetof(attributes, axes), NULL}};
static const attributes defaults;

const cnn_op cnn_op_transpose = {
    .name = "transpose",
    .doc = "transpose(x, *, axes=()): the dimensions of x in the order of axes; reversed if none are given.",
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
