/* conv2d_pool: the largest values of p x p windows of act(x[N,H,W,C] * kernel[KH,KW,C/groups,F] + bias[F]), the
 * activation being linear or ReLU, in one pass.
 *
 * What the convolution makes before the pooling is never written. Of each window a byte is kept that tells where its
 * maximum was; from it the kernels of the backward passes read the gradient as if it had been spread out. */
#include "layers/conv.h"

enum { X = CNN_CONV_X, KERNEL = CNN_CONV_KERNEL, BIAS = CNN_CONV_BIAS, PLACE = 0 };

typedef struct {
    cnn_conv_attributes conv; /* first: the convolution's own functions read it */
    int64_t pool_size;
} attributes;

static cnn_status check(cnn_call *c)
{
    const attributes *a = c->attrs;
    char text[CNN_SHAPE_TEXT];
    CNN_TRY(cnn_conv_check(c, 2, false));
    if (a->pool_size != 2 && a->pool_size != 3)
        return cnn_fail(CNN_ERR_VALUE, "pool_size must be 2 or 3, got %lld", (long long)a->pool_size);
    cnn_shape *y = &c->out_shape[0];
    if (y->dim[1] < a->pool_size || y->dim[2] < a->pool_size)
        return cnn_fail(CNN_ERR_VALUE,
                        "a window of pool_size %lld does not fit into what the convolution gives, of shape %s; use "
                        "padding='same', a smaller pool_size or larger images",
                        (long long)a->pool_size, cnn_shape_text(y, text));
    y->dim[1] /= a->pool_size;
    y->dim[2] /= a->pool_size;
    if (!c->recording) return CNN_OK;
    c->aux_count = 1;
    c->aux_shape[PLACE] = *y;
    c->aux_shape[PLACE].dtype = CNN_UINT8;
    return CNN_OK;
}

static cnn_status describe(const cnn_call *c, cnn_conv *v)
{
    CNN_TRY(cnn_conv_of(c, false, v));
    v->planes.pool = ((const attributes *)c->attrs)->pool_size;
    return CNN_OK;
}

static cnn_status forward(cnn_call *c)
{
    cnn_tensor *bias = c->in[BIAS], *y = c->out[0];
    cnn_conv v;
    if (y->size == 0) return CNN_OK;
    CNN_TRY(describe(c, &v));
    return cnn_conv_forward(&v, y->shape.dtype, c->in[X]->data, c->in[KERNEL]->data, NULL, bias ? bias->data : NULL,
                            y->data, c->aux_count ? c->aux[PLACE]->data : NULL);
}

static cnn_status backward(cnn_call *c)
{
    cnn_conv v;
    CNN_TRY(describe(c, &v));
    if (c->grad_out[0]->size == 0) return cnn_zero_gradients(c);
    return cnn_conv_gradients(c, &v, c->grad_out[0], NULL, c->aux[PLACE]->data);
}

static const char *const activation_names[] = {"linear", "relu", NULL};
static const cnn_attr attrs[] = {
    CNN_CONV_ATTRS(attributes, conv, cnn_padding_names, activation_names),
    {"upsample", CNN_ATTR_INT, offsetof(attributes, conv.upsample), NULL},
    {"pool_size", CNN_ATTR_INT, offsetof(attributes, pool_size), NULL},
};
static const attributes defaults = {.conv = {.strides = {1, {1}}, .dilation = {1, {1}}, .groups = 1, .upsample = 1},
                                    .pool_size = 2};

const cnn_op cnn_op_conv2d_pool = {
    .name = "conv2d_pool",
    .doc =
        "conv2d_pool(x, kernel, bias=None, *, strides=1, padding='valid', dilation=1, groups=1, "
        "activation='linear', upsample=1, pool_size=2): the largest values of windows of pool_size (2 or 3) by "
        "pool_size, "
        "beside each other, of conv2d with the same arguments, whose activation may be 'linear' or 'relu'. float32 or "
        "float64.",
    .input_names = cnn_conv_input_names,
    .min_inputs = 2,
    .max_inputs = 3,
    .outputs = 1,
    .attrs = attrs,
    .attr_count = sizeof attrs / sizeof *attrs,
    .attrs_size = sizeof(attributes),
    .attr_defaults = &defaults,
    .keeps = CNN_KEEP_INPUT(X) | CNN_KEEP_INPUT(KERNEL),
    .check = check,
    .forward = forward,
    .backward = backward,
};
