/* Another shape over the same data; one dimension may be -1. */
#include "autograd/op.h"

typedef struct {
    cnn_ints shape;
} attributes;

static cnn_status check(cnn_call *c)
{
    const attributes *a = c->attrs;
    const cnn_shape *x = &c->in[0]->shape;
    cnn_shape *y = &c->out_shape[0];
    char text[CNN_SHAPE_TEXT], wanted[CNN_SHAPE_TEXT];
    int64_t known = 1, free_at = -1;
    if (a->shape.count > CNN_MAX_NDIM)
        return cnn_fail(CNN_ERR_VALUE, "a tensor has at most %d dimensions, shape asks for %d", CNN_MAX_NDIM,
                        (int)a->shape.count);
    y->dtype = x->dtype;
    y->ndim = (int)a->shape.count;
    for (int i = 0; i < y->ndim; i++) {
        y->dim[i] = a->shape.at[i];
        if (y->dim[i] == -1) {
            if (free_at >= 0) return cnn_fail(CNN_ERR_VALUE, "shape may hold -1 only once");
            free_at = i;
        } else if (y->dim[i] < 0) {
            return cnn_fail(CNN_ERR_VALUE, "dimension %d of shape is %lld; only -1 may be negative", i,
                            (long long)y->dim[i]);
        } else if (__builtin_mul_overflow(known, y->dim[i], &known)) {
            return cnn_fail(CNN_ERR_VALUE, "shape is too large");
        }
    }
    bool fits = free_at < 0 ? known == c->in[0]->size : known > 0 && c->in[0]->size % known == 0;
    if (!fits)
        return cnn_fail(CNN_ERR_VALUE, "%lld elements of shape %s do not fill shape %s", (long long)c->in[0]->size,
                        cnn_shape_text(x, text), cnn_shape_text(y, wanted));
    if (free_at >= 0) y->dim[free_at] = c->in[0]->size / known;
    return CNN_OK;
}

static cnn_status forward(cnn_call *c)
{
    return cnn_tensor_view(c->in[0], &c->out_shape[0], &c->out[0]);
}

static cnn_status backward(cnn_call *c)
{
    return cnn_tensor_view(c->grad_out[0], &c->in[0]->shape, &c->grad_in[0]);
}

static const char *const input_names[] = {"x"};
static const cnn_attr attrs[] = {{"shape", CNN_ATTR_INTS, offsetof(attributes, shape), NULL}};
static const attributes defaults = {{1, {-1}}};

const cnn_op cnn_op_reshape = {
    .name = "reshape",
    .doc =
        "reshape(x, *, shape): x with another shape and the same elements in the same order; one dimension may be -1.",
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
