/* Images enlarged by whole factors: x[N,H,W,C] -> y[N, H * size[0], W * size[1], C]. */
#include "layers/common.h"

typedef struct {
    cnn_ints size;
    int interpolation;
} attributes;

static cnn_upsample2d geometry(const cnn_call *c)
{
    const attributes *a = c->attrs;
    const int64_t *x = c->in[0]->shape.dim;
    return (cnn_upsample2d){
        x[0], x[1], x[2], x[3], a->size.at[0], a->size.at[a->size.count - 1], a->interpolation == 1};
}

static cnn_status check(cnn_call *c)
{
    const attributes *a = c->attrs;
    const cnn_shape *x = &c->in[0]->shape;
    char text[CNN_SHAPE_TEXT];
    CNN_TRY(cnn_check_float(c, 0));
    CNN_TRY(cnn_check_ndim(c, 0, 4, "(batch, height, width, channels)"));
    if (a->size.count != 1 && a->size.count != 2)
        return cnn_fail(CNN_ERR_VALUE, "size must be one or two integers, got %d", (int)a->size.count);
    for (int i = 0; i < a->size.count; i++)
        if (a->size.at[i] < 1 || a->size.at[i] > INT16_MAX)
            return cnn_fail(CNN_ERR_VALUE, "size must be in [1, %d], got %lld", INT16_MAX, (long long)a->size.at[i]);
    c->out_shape[0] = *x;
    for (int i = 0; i < 2; i++)
        if (__builtin_mul_overflow(x->dim[1 + i], a->size.at[i < a->size.count ? i : 0], &c->out_shape[0].dim[1 + i]))
            return cnn_fail(CNN_ERR_VALUE, "x of shape %s is too large to be enlarged", cnn_shape_text(x, text));
    return CNN_OK;
}

static cnn_status forward(cnn_call *c)
{
    cnn_upsample2d u = geometry(c);
    if (c->out[0]->size) CNN_RUN(c->in[0]->shape.dtype, upsample2d, &u, c->in[0]->data, c->out[0]->data);
    return CNN_OK;
}

static cnn_status backward(cnn_call *c)
{
    cnn_upsample2d u = geometry(c);
    CNN_TRY(cnn_tensor_new(&c->in[0]->shape, &c->grad_in[0]));
    if (c->grad_in[0]->size)
        CNN_RUN(c->in[0]->shape.dtype, upsample2d_backward, &u, c->grad_out[0]->data, c->grad_in[0]->data);
    return CNN_OK;
}

static const char *const interpolations[] = {"nearest", "bilinear", NULL};
static const char *const input_names[] = {"x"};
static const cnn_attr attrs[] = {
    {"size", CNN_ATTR_INTS, offsetof(attributes, size), NULL},
    {"interpolation", CNN_ATTR_ENUM, offsetof(attributes, interpolation), interpolations},
};
static const attributes defaults = {{2, {2, 2}}, 0};

const cnn_op cnn_op_upsample2d = {
    .name = "upsample2d",
    .doc =
        "upsample2d(x, *, size=(2, 2), interpolation='nearest'): x[batch, height, width, channels] with rows and "
        "columns "
        "size times as many; 'bilinear' takes pixels as areas (half-pixel centres) and repeats the edges. float32 or "
        "float64.",
    .input_names = input_names,
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attrs = attrs,
    .attr_count = 2,
    .attrs_size = sizeof(attributes),
    .attr_defaults = &defaults,
    .keeps = CNN_KEEP_NOTHING,
    .check = check,
    .forward = forward,
    .backward = backward,
};
