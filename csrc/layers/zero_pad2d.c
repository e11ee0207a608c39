/* Zeros around images: x[N,H,W,C] -> y[N, top + H + bottom, left + W + right, C]. Any dtype. */
#include "layers/common.h"

typedef struct {
    cnn_ints padding;
} attributes;

static cnn_zero_pad2d geometry(const cnn_call *c)
{
    const attributes *a = c->attrs;
    const cnn_shape *x = &c->in[0]->shape;
    return (cnn_zero_pad2d){
        .batch = x->dim[0],
        .height = x->dim[1],
        .width = x->dim[2],
        .pixel_bytes = x->dim[3] * (int64_t)cnn_dtype_size(x->dtype),
        .top = a->padding.at[0],
        .bottom = a->padding.at[1],
        .left = a->padding.at[2],
        .right = a->padding.at[3],
    };
}

static cnn_status check(cnn_call *c)
{
    const attributes *a = c->attrs;
    CNN_TRY(cnn_check_ndim(c, 0, 4, "(batch, height, width, channels)"));
    if (a->padding.count != 4)
        return cnn_fail(CNN_ERR_VALUE, "padding must be (top, bottom, left, right), got %d integers",
                        (int)a->padding.count);
    for (int i = 0; i < 4; i++)
        if (a->padding.at[i] < 0 || a->padding.at[i] > INT32_MAX)
            return cnn_fail(CNN_ERR_VALUE,
                            "padding must be 0 or more pixels, got %lld; to cut pixels away use Cropping2D",
                            (long long)a->padding.at[i]);
    c->out_shape[0] = c->in[0]->shape;
    for (int i = 0; i < 4; i++) c->out_shape[0].dim[1 + i / 2] += a->padding.at[i];
    return CNN_OK;
}

static cnn_status forward(cnn_call *c)
{
    cnn_zero_pad2d p = geometry(c);
    if (c->out[0]->size) cnn_k()->zero_pad2d(&p, c->in[0]->data, c->out[0]->data);
    return CNN_OK;
}

static cnn_status backward(cnn_call *c)
{
    cnn_zero_pad2d p = geometry(c);
    CNN_TRY(cnn_tensor_new(&c->in[0]->shape, &c->grad_in[0]));
    if (c->grad_in[0]->size) cnn_k()->crop2d(&p, c->grad_out[0]->data, c->grad_in[0]->data);
    return CNN_OK;
}

static const char *const input_names[] = {"x"};
static const cnn_attr attrs[] = {{"padding", CNN_ATTR_INTS, offsetof(attributes, padding), NULL}};
static const attributes defaults = {{4, {1, 1, 1, 1}}};

const cnn_op cnn_op_zero_pad2d = {
    .name = "zero_pad2d",
    .doc =
        "zero_pad2d(x, *, padding=(1, 1, 1, 1)): x[batch, height, width, channels] with padding = (top, bottom, left, "
        "right) rows and columns of zeros around. Any dtype.",
    .input_names = input_names,
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attrs = attrs,
    .attr_count = 1,
    .attrs_size = sizeof(attributes),
    .attr_defaults = &defaults,
    .keeps = CNN_KEEP_NOTHING,
    .check = check,
    .forward = forward,
    .backward = backward,
};
