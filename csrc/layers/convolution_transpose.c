/* conv1d_transpose, conv2d_transpose, conv3d_transpose: y[N,sizes,F] = act(x[N,places,C] spread by kernel[taps,F,C] +
 * bias[F]).
 *
 * It is the gradient of a convolution from y's shape to x's with respect to its input, and its own gradients are that
 * convolution and the one of its kernel, with x and dy in each other's place. */
#include "layers/conv.h"

enum { X = CNN_CONV_X, KERNEL = CNN_CONV_KERNEL, BIAS = CNN_CONV_BIAS };

static cnn_status forward(cnn_call *c)
{
    const cnn_conv_attributes *a = c->attrs;
    cnn_tensor *bias = c->in[BIAS], *y = c->out[0];
    cnn_conv v;
    if (y->size == 0) return CNN_OK;
    CNN_TRY(cnn_conv_of(c, true, &v));
    return cnn_conv_transpose(&v, y->shape.dtype, (cnn_activation)a->activation, c->in[X]->data, c->in[KERNEL]->data,
                              bias ? bias->data : NULL, y->data);
}

static cnn_status products(cnn_call *c, const cnn_conv *v, const cnn_tensor *dz)
{
    cnn_dtype dtype = dz->shape.dtype;
    if (c->needs_grad[KERNEL]) {
        CNN_TRY(cnn_tensor_new(&c->in[KERNEL]->shape, &c->grad_in[KERNEL]));
        CNN_TRY(
            cnn_conv_backward_weights(v, dtype, dz->data, c->in[X]->data, NULL, NULL, c->grad_in[KERNEL]->data, NULL));
    }
    if (!c->needs_grad[X]) return CNN_OK;
    CNN_TRY(cnn_tensor_new(&c->in[X]->shape, &c->grad_in[X]));
    return cnn_conv_forward(v, dtype, dz->data, c->in[KERNEL]->data, NULL, NULL, c->grad_in[X]->data, NULL);
}

static cnn_status backward(cnn_call *c)
{
    const cnn_conv_attributes *a = c->attrs;
    cnn_tensor *dz = NULL;
    cnn_conv v;
    CNN_TRY(cnn_conv_of(c, true, &v));
    if (c->grad_out[0]->size == 0) return cnn_zero_gradients(c);
    cnn_status status = cnn_back_through_activation(c, (cnn_activation)a->activation, BIAS, &dz);
    if (status == CNN_OK) status = products(c, &v, dz);
    cnn_tensor_release(dz);
    return status;
}

static const cnn_attr attrs[] = {
    {"strides", CNN_ATTR_INTS, offsetof(cnn_conv_attributes, strides), NULL},
    {"padding", CNN_ATTR_ENUM, offsetof(cnn_conv_attributes, padding), cnn_padding_names},
    {"output_padding", CNN_ATTR_INTS, offsetof(cnn_conv_attributes, output_padding), NULL},
    {"dilation", CNN_ATTR_INTS, offsetof(cnn_conv_attributes, dilation), NULL},
    {"activation", CNN_ATTR_ENUM, offsetof(cnn_conv_attributes, activation), cnn_activation_names},
};

#define ARGUMENTS                                                                                                      \
    "(x, kernel, bias=None, *, strides=1, padding='valid', output_padding=(), dilation=1, activation='linear'): "
#define SIZES                                                                                                          \
    " Along an axis of size n come out, with padding 'valid', (n - 1) * stride + span (of the kernel) + "              \
    "output_padding, by default max(stride - span, 0); with 'same' (n - 1) * stride + span % 2 + output_padding, by "  \
    "default n * stride in all. float32 or float64."

CNN_CONV_OP(conv1d_transpose, 1, true, attrs,
            ARGUMENTS "activation(x[N, L, C] spread by kernel[K, F, C] + bias[F])." SIZES);
CNN_CONV_OP(conv2d_transpose, 2, true, attrs,
            ARGUMENTS "activation(x[N, H, W, C] spread by kernel[KH, KW, F, C] + bias[F])." SIZES);
CNN_CONV_OP(conv3d_transpose, 3, true, attrs,
            ARGUMENTS "activation(x[N, D, H, W, C] spread by kernel[KD, KH, KW, F, C] + bias[F])." SIZES);
