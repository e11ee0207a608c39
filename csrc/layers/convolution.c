/* conv1d, conv2d, conv3d: y[N,places,F] = act(x[N,sizes,C] * kernel[taps,C/groups,F] + bias[F]), the convolution of
 * neural networks (no flip).
 *
 * Bias and activation are part of the convolution's own pass over y. Backward hands dy and y to the kernels, which pass
 * dy through the activation's gradient where they read it, so that no gradient of the size of y is written. Only
 * softmax, which needs whole pixels, takes a pass of its own. */
#include "layers/conv.h"

enum { X = CNN_CONV_X, KERNEL = CNN_CONV_KERNEL, BIAS = CNN_CONV_BIAS };

static cnn_status forward(cnn_call *c)
{
    cnn_tensor *bias = c->in[BIAS], *y = c->out[0];
    cnn_conv v;
    if (y->size == 0) return CNN_OK;
    CNN_TRY(cnn_conv_of(c, false, &v));
    return cnn_conv_forward(&v, y->shape.dtype, c->in[X]->data, c->in[KERNEL]->data, NULL, bias ? bias->data : NULL,
                            y->data, NULL);
}

/* ---- backward ---- */

static cnn_status backward(cnn_call *c)
{
    cnn_conv v;
    cnn_tensor *dy = cnn_tensor_retain(c->grad_out[0]);
    cnn_status status = cnn_conv_of(c, false, &v);
    if (dy->size == 0) {
        cnn_tensor_release(dy);
        return status == CNN_OK ? cnn_zero_gradients(c) : status;
    }
    if (status == CNN_OK && v.planes.activation == CNN_SOFTMAX) {
        cnn_tensor_release(dy);
        status = cnn_back_through_activation(c, CNN_SOFTMAX, -1, &dy);
        v.planes.activation = CNN_LINEAR;
    }
    if (status == CNN_OK) status = cnn_conv_gradients(c, &v, dy, c->out[0]->data, NULL);
    cnn_tensor_release(dy);
    return status;
}

/* ---- the descriptors ---- */

static const char *const causal_padding_names[] = {"valid", "same", "causal", NULL};

typedef struct {
    cnn_conv_attributes conv;
} attributes;

static const cnn_attr attrs[] = {CNN_CONV_ATTRS(attributes, conv, cnn_padding_names, cnn_activation_names)};
static const cnn_attr causal_attrs[] = {CNN_CONV_ATTRS(attributes, conv, causal_padding_names, cnn_activation_names)};
static const cnn_attr image_attrs[] = {
    CNN_CONV_ATTRS(attributes, conv, cnn_padding_names, cnn_activation_names),
    {"upsample", CNN_ATTR_INT, offsetof(attributes, conv.upsample), NULL},
};

#define ARGUMENTS "(x, kernel, bias=None, *, strides=1, padding='valid', dilation=1, groups=1, activation='linear'): "

CNN_CONV_OP(
    conv1d, 1, false, causal_attrs,
    ARGUMENTS
    "activation(x[N, L, C] convolved with kernel[K, C / groups, F] + bias[F]), float32 or float64. 'same' pads "
    "as Keras does: ceil(L / stride) steps come out, the odd step of padding goes to the end. 'causal' pads the "
    "beginning alone, so that no step sees later ones.");
CNN_CONV_OP(
    conv2d, 2, false, image_attrs,
    "(x, kernel, bias=None, *, strides=1, padding='valid', dilation=1, groups=1, activation='linear', upsample=1): "
    "activation(x[N, H, W, C] convolved with kernel[KH, KW, C / groups, F] + bias[F]), float32 or float64. "
    "'same' pads as Keras does: ceil(H / stride) rows come out, the odd pixel of padding goes to the bottom and "
    "right. With upsample each pixel of x is repeated that many times along both axes first, without being written.");
CNN_CONV_OP(conv3d, 3, false, attrs,
            ARGUMENTS
            "activation(x[N, D, H, W, C] convolved with kernel[KD, KH, KW, C / groups, F] + bias[F]), float32 or "
            "float64. 'same' pads as Keras does: ceil(D / stride) planes come out, the odd one of padding goes to the "
            "end. Needs KD times the memory of x while it computes.");
