/* The same elements with other dimensions of 1, as views: expand_dims, squeeze; broadcast_to, a copy; and
 * stop_gradient, a view that the tape does not follow. */
#include "ops/shared.h"

typedef struct {
    int64_t axis;
} expand_attributes;

typedef struct {
    cnn_ints axis;
} squeeze_attributes;

typedef struct {
    cnn_ints shape;
} broadcast_attributes;

static cnn_status check_expand_dims(cnn_call *c)
{
    int64_t axis = ((const expand_attributes *)c->attrs)->axis;
    cnn_shape *y = &c->out_shape[0];
    if (c->in[0]->shape.ndim == CNN_MAX_NDIM)
        return cnn_fail(CNN_ERR_VALUE, "a tensor has at most %d dimensions", CNN_MAX_NDIM);
    CNN_TRY(cnn_check_axis(&axis, c->in[0]->shape.ndim + 1));
    *y = c->in[0]->shape;
    for (int d = y->ndim++; d > axis; d--) y->dim[d] = y->dim[d - 1];
    y->dim[axis] = 1;
    return CNN_OK;
}

static cnn_status check_squeeze(cnn_call *c)
{
    const squeeze_attributes *a = c->attrs;
    const cnn_shape *x = &c->in[0]->shape;
    cnn_shape *y = &c->out_shape[0];
    char text[CNN_SHAPE_TEXT];
    bool gone[CNN_MAX_NDIM];
    CNN_TRY(cnn_check_axes(&a->axis, x, false, gone, y));
    y->dtype = x->dtype;
    y->ndim = 0;
    for (int d = 0; d < x->ndim; d++) {
        if (gone[d] && x->dim[d] != 1 && a->axis.count)
            return cnn_fail(CNN_ERR_VALUE, "dimension %d of shape %s is not 1 and cannot be squeezed", d,
                            cnn_shape_text(x, text));
        if (!gone[d] || x->dim[d] != 1) y->dim[y->ndim++] = x->dim[d];
    }
    return CNN_OK;
}

static cnn_status forward_view(cnn_call *c)
{
    return cnn_tensor_view(c->in[0], &c->out_shape[0], &c->out[0]);
}

static cnn_status backward_view(cnn_call *c)
{
    return cnn_tensor_view(c->grad_out[0], &c->in[0]->shape, &c->grad_in[0]);
}

static cnn_status check_broadcast_to(cnn_call *c)
{
    const broadcast_attributes *a = c->attrs;
    cnn_shape *y = &c->out_shape[0];
    int64_t size;
    if (a->shape.count > CNN_MAX_NDIM)
        return cnn_fail(CNN_ERR_VALUE, "a tensor has at most %d dimensions, shape asks for %d", CNN_MAX_NDIM,
                        (int)a->shape.count);
    y->dtype = c->in[0]->shape.dtype;
    y->ndim = (int)a->shape.count;
    for (int d = 0; d < y->ndim; d++) y->dim[d] = a->shape.at[d];
    CNN_TRY(cnn_shape_size(y, &size));
    return cnn_check_broadcast_to(&c->in[0]->shape, y);
}

static cnn_status forward_broadcast_to(cnn_call *c)
{
    return cnn_expand(c->in[0], &c->out_shape[0], &c->out[0]);
}

static cnn_status backward_broadcast_to(cnn_call *c)
{
    return cnn_sum_to(c->grad_out[0], &c->in[0]->shape, &c->grad_in[0]);
}

static const char *const input_names[] = {"x"};
static const cnn_attr expand_dims_attrs[] = {{"axis", CNN_ATTR_INT, offsetof(expand_attributes, axis), NULL}};
static const cnn_attr squeeze_attrs[] = {{"axis", CNN_ATTR_INTS, offsetof(squeeze_attributes, axis), NULL}};
static const cnn_attr broadcast_to_attrs[] = {{"shape", CNN_ATTR_INTS, offsetof(broadcast_attributes, shape), NULL}};
static const expand_attributes expand_dims_defaults = {-1};
static const squeeze_attributes squeeze_defaults;
static const broadcast_attributes broadcast_to_defaults;

#define OP(NAME, KIND, DOC)                                                                                            \
    const cnn_op cnn_op_##NAME = {                                                                                     \
        .name = #NAME,                                                                                                 \
        .doc = DOC,                                                                                                    \
        .input_names = input_names,                                                                                    \
        .min_inputs = 1,                                                                                               \
        .max_inputs = 1,                                                                                               \
        .outputs = 1,                                                                                                  \
        .attrs = NAME##_attrs,                                                                                         \
        .attr_count = 1,                                                                                               \
        .attrs_size = sizeof NAME##_defaults,                                                                          \
        .attr_defaults = &NAME##_defaults,                                                                             \
        .makes_outputs = true,                                                                                         \
        .check = check_##NAME,                                                                                         \
        .forward = forward_##KIND,                                                                                     \
        .backward = backward_##KIND,                                                                                   \
    };

OP(expand_dims, view, "expand_dims(x, *, axis=-1): x with a new dimension of 1 at axis.")
OP(squeeze, view, "squeeze(x, *, axis=()): x without the dimensions of 1, all or those named.")
OP(broadcast_to, broadcast_to,
   "broadcast_to(x, *, shape): x repeated along its dimensions of 1, and new ones before, to shape.")

static cnn_status check_stop_gradient(cnn_call *c)
{
    c->out_shape[0] = c->in[0]->shape;
    return CNN_OK;
}

const cnn_op cnn_op_stop_gradient = {
    .name = "stop_gradient",
    .doc = "stop_gradient(x): the same values, through which no gradient flows.",
    .input_names = input_names,
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .makes_outputs = true,
    .check = check_stop_gradient,
    .forward = forward_view,
};
