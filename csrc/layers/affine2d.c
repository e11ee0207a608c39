/* Images under projective transforms, one each: x[N,H,W,C], transforms[N,8] -> y[N,H,W,C]. See cnn_affine2d. */
#include "layers/common.h"

typedef struct {
    int interpolation, fill_mode;
    double fill_value;
} attributes;

enum { X, TRANSFORMS };

static cnn_affine2d geometry(const cnn_call *c)
{
    const attributes *a = c->attrs;
    const int64_t *x = c->in[X]->shape.dim;
    return (cnn_affine2d){x[0], x[1], x[2], x[3], a->interpolation == 1, (cnn_fill)a->fill_mode, a->fill_value};
}

static cnn_status check(cnn_call *c)
{
    const cnn_shape *x = &c->in[X]->shape, *t = &c->in[TRANSFORMS]->shape;
    char text[CNN_SHAPE_TEXT], transforms_text[CNN_SHAPE_TEXT];
    CNN_TRY(cnn_check_float(c, X));
    CNN_TRY(cnn_check_same_dtype(c, X, TRANSFORMS));
    CNN_TRY(cnn_check_ndim(c, X, 4, "(batch, height, width, channels)"));
    if (t->ndim != 2 || t->dim[0] != x->dim[0] || t->dim[1] != 8)
        return cnn_fail(CNN_ERR_VALUE,
                        "transforms must have shape (batch, 8), eight numbers for each of the images of shape %s; got "
                        "%s",
                        cnn_shape_text(x, text), cnn_shape_text(t, transforms_text));
    c->out_shape[0] = *x;
    return CNN_OK;
}

static cnn_status forward(cnn_call *c)
{
    cnn_affine2d a = geometry(c);
    if (c->out[0]->size)
        CNN_RUN(c->in[X]->shape.dtype, affine2d, &a, c->in[X]->data, c->in[TRANSFORMS]->data, c->out[0]->data);
    return CNN_OK;
}

static cnn_status backward(cnn_call *c)
{
    cnn_affine2d a = geometry(c);
    if (c->needs_grad[TRANSFORMS])
        return cnn_fail(CNN_ERR_RUNTIME, "affine2d has no gradient with respect to its transforms; pass them through "
                                         "stop_gradient()");
    CNN_TRY(cnn_tensor_new(&c->in[X]->shape, &c->grad_in[X]));
    if (c->grad_in[X]->size)
        CNN_RUN(c->in[X]->shape.dtype, affine2d_backward, &a, c->grad_out[0]->data, c->in[TRANSFORMS]->data,
                c->grad_in[X]->data);
    return CNN_OK;
}

static const char *const interpolations[] = {"nearest", "bilinear", NULL};
static const char *const fill_modes[] = {"constant", "nearest", "wrap", "reflect", "mirror", NULL};
static const char *const input_names[] = {"x", "transforms"};
static const cnn_attr attrs[] = {
    {"interpolation", CNN_ATTR_ENUM, offsetof(attributes, interpolation), interpolations},
    {"fill_mode", CNN_ATTR_ENUM, offsetof(attributes, fill_mode), fill_modes},
    {"fill_value", CNN_ATTR_FLOAT, offsetof(attributes, fill_value), NULL},
};
static const attributes defaults = {1, 0, 0};

const cnn_op cnn_op_affine2d = {
    .name = "affine2d",
    .doc = "affine2d(x, transforms, *, interpolation='bilinear', fill_mode='constant', fill_value=0): each image of "
           "x[batch, height, width, channels] under its transform t of transforms[batch, 8]: the result at (column, "
           "row) is x at ((t0 column + t1 row + t2) / k, (t3 column + t4 row + t5) / k), k = t6 column + t7 row + 1. "
           "What lies outside is filled by 'constant', 'nearest', 'wrap', 'reflect' or 'mirror'. Differentiable by x.",
    .input_names = input_names,
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .attrs = attrs,
    .attr_count = 3,
    .attrs_size = sizeof(attributes),
    .attr_defaults = &defaults,
    .keeps = CNN_KEEP_INPUT(TRANSFORMS),
    .check = check,
    .forward = forward,
    .backward = backward,
};
