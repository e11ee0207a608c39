/* Along one axis: cumsum, argmax, argmin. */
#include "ops/shared.h"

typedef struct {
    int64_t axis;
    bool reverse;
} cumsum_attributes;

typedef struct {
    cnn_ints axis;
    bool keepdims;
} arg_attributes;

/* X as [outer, count, inner] around AXIS. */
static void split_at(const cnn_shape *x, int64_t axis, int64_t *outer, int64_t *count, int64_t *inner)
{
    *outer = *inner = 1;
    *count = x->dim[axis];
    for (int d = 0; d < x->ndim; d++)
        if (d != axis) *(d < axis ? outer : inner) *= x->dim[d];
}

/* ---- cumsum ---- */

static cnn_status check_cumsum(cnn_call *c)
{
    int64_t axis = ((const cumsum_attributes *)c->attrs)->axis;
    CNN_TRY(cnn_check_axis(&axis, c->in[0]->shape.ndim));
    c->out_shape[0] = c->in[0]->shape;
    c->out_shape[0].dtype = cnn_promote(c->in[0]->shape.dtype, CNN_INT64);
    return CNN_OK;
}

static void cumsum(const cnn_call *c, bool reverse, const cnn_tensor *x, cnn_tensor *y)
{
    int64_t axis = ((const cumsum_attributes *)c->attrs)->axis, outer, count, inner;
    split_at(&x->shape, axis < 0 ? axis + x->shape.ndim : axis, &outer, &count, &inner);
    cnn_k()->cumsum(x->shape.dtype, outer, count, inner, reverse, x->data, y->data);
}

static cnn_status forward_cumsum(cnn_call *c)
{
    cumsum(c, ((const cumsum_attributes *)c->attrs)->reverse, c->in[0], c->out[0]);
    return CNN_OK;
}

/* x[i] is in all sums from i on: the gradient is the running sum from the other end. */
static cnn_status backward_cumsum(cnn_call *c)
{
    CNN_TRY(cnn_grad_buffer(c, 0, &c->grad_in[0]));
    cumsum(c, !((const cumsum_attributes *)c->attrs)->reverse, c->grad_out[0], c->grad_in[0]);
    return CNN_OK;
}

static const char *const input_names[] = {"x"};
static const cnn_attr cumsum_attrs[] = {
    {"axis", CNN_ATTR_INT, offsetof(cumsum_attributes, axis), NULL},
    {"reverse", CNN_ATTR_BOOL, offsetof(cumsum_attributes, reverse), NULL},
};
static const cumsum_attributes cumsum_defaults = {-1, false};

const cnn_op cnn_op_cumsum = {
    .name = "cumsum",
    .doc = "cumsum(x, *, axis=-1, reverse=False): the sums of all elements up to each one (reverse: from each one on) "
           "along "
           "an axis. Integers give int64.",
    .input_names = input_names,
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attrs = cumsum_attrs,
    .attr_count = 2,
    .attrs_size = sizeof(cumsum_attributes),
    .attr_defaults = &cumsum_defaults,
    .check = check_cumsum,
    .forward = forward_cumsum,
    .backward = backward_cumsum,
};

/* ---- argmax, argmin ---- */

static cnn_status check_arg(cnn_call *c)
{
    const arg_attributes *a = c->attrs;
    const cnn_shape *x = &c->in[0]->shape;
    char text[CNN_SHAPE_TEXT];
    bool reduced[CNN_MAX_NDIM];
    int64_t count = a->axis.count ? 1 : c->in[0]->size, size;
    if (a->axis.count > 1) return cnn_fail(CNN_ERR_VALUE, "axis must be one integer, or () for the flattened tensor");
    CNN_TRY(cnn_check_axes(&a->axis, x, a->keepdims, reduced, &c->out_shape[0]));
    c->out_shape[0].dtype = CNN_INT64;
    if (a->axis.count) count = x->dim[a->axis.at[0] < 0 ? a->axis.at[0] + x->ndim : a->axis.at[0]];
    CNN_TRY(cnn_shape_size(&c->out_shape[0], &size));
    if (count == 0 && size > 0)
        return cnn_fail(CNN_ERR_VALUE, "no elements to take the %s of: x has shape %s", c->op->name,
                        cnn_shape_text(x, text));
    return CNN_OK;
}

static cnn_status arg(cnn_call *c, bool largest)
{
    const arg_attributes *a = c->attrs;
    const cnn_tensor *x = c->in[0];
    int64_t outer = 1, count = x->size, inner = 1, axis = a->axis.at[0];
    if (a->axis.count) split_at(&x->shape, axis < 0 ? axis + x->shape.ndim : axis, &outer, &count, &inner);
    cnn_k()->arg(largest, x->shape.dtype, outer, count, inner, x->data, c->out[0]->data);
    return CNN_OK;
}

static cnn_status forward_argmax(cnn_call *c)
{
    return arg(c, true);
}

static cnn_status forward_argmin(cnn_call *c)
{
    return arg(c, false);
}

static const cnn_attr arg_attrs[] = {
    {"axis", CNN_ATTR_INTS, offsetof(arg_attributes, axis), NULL},
    {"keepdims", CNN_ATTR_BOOL, offsetof(arg_attributes, keepdims), NULL},
};
static const arg_attributes arg_defaults;

#define ARG(NAME, WORDS)                                                                                               \
    const cnn_op cnn_op_##NAME = {                                                                                     \
        .name = #NAME,                                                                                                 \
        .doc = #NAME "(x, *, axis=(), keepdims=False): where the first of the " WORDS                                  \
                     " elements along an axis is, or in "                                                              \
                     "the flattened tensor, as int64; the first NaN, if there is one.",                                \
        .input_names = input_names,                                                                                    \
        .min_inputs = 1,                                                                                               \
        .max_inputs = 1,                                                                                               \
        .outputs = 1,                                                                                                  \
        .attrs = arg_attrs,                                                                                            \
        .attr_count = 2,                                                                                               \
        .attrs_size = sizeof(arg_attributes),                                                                          \
        .attr_defaults = &arg_defaults,                                                                                \
        .check = check_arg,                                                                                            \
        .forward = forward_##NAME,                                                                                     \
    };

ARG(argmax, "largest")
ARG(argmin, "smallest")
