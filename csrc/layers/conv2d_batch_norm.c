/* conv2d_batch_norm: act(batch_norm_inference(conv2d(x, kernel, bias), mean, variance, gamma, beta)), a convolution
 * with other weights: each filter times gamma / sqrt(variance + epsilon), which the kernels multiply in where they pack
 * the weights, and another bias.
 *
 * For prediction alone; it has no gradient. */
#include "layers/conv.h"
#include "layers/norm.h"

#include <math.h>

enum { X = CNN_CONV_X, KERNEL = CNN_CONV_KERNEL, MEAN, VARIANCE, BIAS, GAMMA, BETA };

typedef struct {
    cnn_conv_attributes conv; /* first: the convolution's own functions read it */
    double epsilon;
} attributes;

static cnn_status check(cnn_call *c)
{
    CNN_TRY(cnn_conv_check(c, 2, false));
    CNN_TRY(cnn_check_epsilon(((const attributes *)c->attrs)->epsilon));
    int64_t filters = CNN_DIM(c, KERNEL, 3);
    for (int i = MEAN; i <= BETA; i++) CNN_TRY(cnn_check_vector(c, i, filters, "one entry per filter of the kernel"));
    return CNN_OK;
}

static cnn_status forward(cnn_call *c)
{
    cnn_tensor *y = c->out[0];
    cnn_dtype dtype = y->shape.dtype;
    int64_t filters = CNN_DIM(c, KERNEL, 3);
    cnn_conv v;
    if (y->size == 0) return CNN_OK;
    CNN_TRY(cnn_conv_of(c, false, &v));
    double *scale = cnn_alloc((size_t)(2 * filters) * sizeof *scale), *bias = scale + filters;
    if (!scale) return CNN_ERR_MEMORY;
    for (int64_t i = 0; i < filters; i++) {
        double variance = cnn_get_or(c->in[VARIANCE], i, 1) + ((const attributes *)c->attrs)->epsilon;
        double a = cnn_get_or(c->in[GAMMA], i, 1) / sqrt(variance);
        double b = (cnn_get_or(c->in[BIAS], i, 0) - cnn_get_or(c->in[MEAN], i, 0)) * a;
        cnn_set(dtype, scale, i, a);
        cnn_set(dtype, bias, i, b + cnn_get_or(c->in[BETA], i, 0));
    }
    cnn_status status = cnn_conv_forward(&v, dtype, c->in[X]->data, c->in[KERNEL]->data, scale, bias, y->data, NULL);
    cnn_free(scale);
    return status;
}

static const char *const input_names[] = {"input", "kernel", "mean", "variance", "bias", "gamma", "beta"};
static const cnn_attr attrs[] = {
    CNN_CONV_ATTRS(attributes, conv, cnn_padding_names, cnn_activation_names),
    {"epsilon", CNN_ATTR_FLOAT, offsetof(attributes, epsilon), NULL},
};
static const attributes defaults = {.conv = {.strides = {1, {1}}, .dilation = {1, {1}}, .groups = 1, .upsample = 1},
                                    .epsilon = 1e-3};

const cnn_op cnn_op_conv2d_batch_norm = {
    .name = "conv2d_batch_norm",
    .doc =
        "conv2d_batch_norm(x, kernel, mean, variance, bias=None, gamma=None, beta=None, *, strides=1, padding='valid', "
        "dilation=1, groups=1, activation='linear', epsilon=1e-3): activation((conv2d(x, kernel, bias) - mean) / "
        "sqrt(variance + epsilon) * gamma + beta) in one pass, for prediction: it has no gradient. float32 or float64.",
    .input_names = input_names,
    .min_inputs = 4,
    .max_inputs = 7,
    .outputs = 1,
    .attrs = attrs,
    .attr_count = sizeof attrs / sizeof *attrs,
    .attrs_size = sizeof(attributes),
    .attr_defaults = &defaults,
    .keeps = CNN_KEEP_NOTHING,
    .check = check,
    .forward = forward,
};
