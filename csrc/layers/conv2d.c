/* y[N,OH,OW,F] = act(x[N,H,W,C] * kernel[KH,KW,C/groups,F] + bias[F]), the convolution of neural networks (no flip).
 *
 * Bias and activation are part of the convolution's own pass over y. Backward hands dy and y to the kernels, which pass
 * dy through the activation's gradient where they read it, so that no gradient of the size of y is written. Only
 * softmax, which needs whole pixels, takes a pass of its own. */
#include "layers/common.h"

typedef struct {
    cnn_ints strides, dilation;
    int64_t groups;
    int padding, activation;
} attributes;

enum { X, KERNEL, BIAS };
enum { LARGEST_STEP = 1 << 20, LARGEST_KERNEL = 1 << 16 };

static const char *plural(int64_t n)
{
    return n == 1 ? "" : "s";
}

/* ---- checks ---- */

static cnn_status check_pair(const char *name, const cnn_ints *value, int64_t *h, int64_t *w)
{
    if (value->count != 1 && value->count != 2)
        return cnn_fail(CNN_ERR_VALUE, "%s must be one integer or two (height, width), got %d", name,
                        (int)value->count);
    *h = value->at[0];
    *w = value->at[value->count - 1];
    if (*h < 1 || *w < 1 || *h > LARGEST_STEP || *w > LARGEST_STEP)
        return cnn_fail(CNN_ERR_VALUE, "%s must be positive (and at most %d), got (%lld, %lld)", name, LARGEST_STEP,
                        (long long)*h, (long long)*w);
    return CNN_OK;
}

static cnn_status check_channels(const cnn_call *c, int64_t groups)
{
    char text[CNN_SHAPE_TEXT], kernel_text[CNN_SHAPE_TEXT];
    const cnn_shape *x = &c->in[X]->shape, *k = &c->in[KERNEL]->shape;
    long long channels = x->dim[3], filters = k->dim[3];
    if (groups < 1) return cnn_fail(CNN_ERR_VALUE, "groups must be positive, got %lld", (long long)groups);
    for (int d = 0; d < 4; d++)
        if (k->dim[d] < 1)
            return cnn_fail(
                CNN_ERR_VALUE,
                "no dimension of the kernel (height, width, channels / groups, filters) may be 0, got shape %s",
                cnn_shape_text(k, kernel_text));
    if (filters % groups)
        return cnn_fail(CNN_ERR_VALUE,
                        "%lld filter%s cannot be divided into %lld groups; choose filters as a multiple of groups, or "
                        "another groups",
                        filters, plural(filters), (long long)groups);
    if (channels % groups)
        return cnn_fail(
            CNN_ERR_VALUE,
            "input has %lld channel%s, which cannot be divided into %lld groups; got shape %s. Pass channels in a "
            "multiple of groups, or choose another groups",
            channels, plural(channels), (long long)groups, cnn_shape_text(x, text));
    long long expected = k->dim[2] * groups;
    if (channels != expected)
        return cnn_fail(CNN_ERR_VALUE,
                        "input has %lld channel%s, its kernel expects %lld; got shape %s. Pass images of shape (batch, "
                        "height, width, %lld), or build the layer for %lld channel%s (kernel here: %s, groups %lld)",
                        channels, plural(channels), expected, cnn_shape_text(x, text), expected, channels,
                        plural(channels), cnn_shape_text(k, kernel_text), (long long)groups);
    return CNN_OK;
}

/* The output's size and the padding before it, along one axis. */
static cnn_status output_size(const cnn_call *c, int padding, const char *axis, int64_t size, int64_t kernel,
                              int64_t stride, int64_t dilation, int64_t *out, int64_t *pad)
{
    char text[CNN_SHAPE_TEXT];
    if (kernel > LARGEST_KERNEL || (kernel - 1) * dilation >= LARGEST_KERNEL)
        return cnn_fail(CNN_ERR_VALUE, "a kernel of %s %lld with dilation %lld spans more than %d pixels", axis,
                        (long long)kernel, (long long)dilation, LARGEST_KERNEL);
    int64_t span = (kernel - 1) * dilation + 1;
    if (padding == CNN_PADDING_SAME) {
        *out = (size + stride - 1) / stride;
        int64_t total = (*out - 1) * stride + span - size;
        *pad = size > 0 && total > 0 ? total / 2 : 0; /* the odd pixel goes to the bottom or right */
        return CNN_OK;
    }
    if (span > size)
        return cnn_fail(
            CNN_ERR_VALUE,
            "a kernel of %s %lld%s is larger than the input's %s of %lld with padding 'valid'; got shape %s. Use "
            "padding='same', a smaller kernel, or larger images",
            axis, (long long)span, dilation > 1 ? " (dilation included)" : "", axis, (long long)size,
            cnn_shape_text(&c->in[X]->shape, text));
    *out = (size - span) / stride + 1;
    *pad = 0;
    return CNN_OK;
}

/* Checks everything and describes the convolution. */
static cnn_status describe(const cnn_call *c, cnn_conv2d *conv)
{
    const attributes *a = c->attrs;
    CNN_TRY(cnn_check_float(c, X));
    CNN_TRY(cnn_check_same_dtype(c, X, KERNEL));
    CNN_TRY(cnn_check_ndim(c, X, 4, "(batch, height, width, channels)"));
    CNN_TRY(cnn_check_ndim(c, KERNEL, 4, "(height, width, channels / groups, filters)"));
    CNN_TRY(check_pair("strides", &a->strides, &conv->stride_h, &conv->stride_w));
    CNN_TRY(check_pair("dilation", &a->dilation, &conv->dilation_h, &conv->dilation_w));
    if ((conv->stride_h > 1 || conv->stride_w > 1) && (conv->dilation_h > 1 || conv->dilation_w > 1))
        return cnn_fail(
            CNN_ERR_VALUE,
            "strides above 1 cannot be combined with a dilation above 1; got strides (%lld, %lld) and dilation "
            "(%lld, %lld). Set one of them to 1",
            (long long)conv->stride_h, (long long)conv->stride_w, (long long)conv->dilation_h,
            (long long)conv->dilation_w);
    CNN_TRY(check_channels(c, a->groups));
    conv->n = CNN_DIM(c, X, 0);
    conv->h = CNN_DIM(c, X, 1);
    conv->w = CNN_DIM(c, X, 2);
    conv->c = CNN_DIM(c, X, 3);
    conv->kh = CNN_DIM(c, KERNEL, 0);
    conv->kw = CNN_DIM(c, KERNEL, 1);
    conv->f = CNN_DIM(c, KERNEL, 3);
    conv->groups = a->groups;
    conv->activation = (cnn_activation)a->activation;
    CNN_TRY(output_size(c, a->padding, "height", conv->h, conv->kh, conv->stride_h, conv->dilation_h, &conv->oh,
                        &conv->pad_top));
    CNN_TRY(output_size(c, a->padding, "width", conv->w, conv->kw, conv->stride_w, conv->dilation_w, &conv->ow,
                        &conv->pad_left));
    return CNN_OK;
}

static cnn_status check(cnn_call *c)
{
    cnn_conv2d conv;
    CNN_TRY(describe(c, &conv));
    CNN_TRY(cnn_check_vector(c, BIAS, conv.f, "one entry per filter of the kernel"));
    const int64_t dim[] = {conv.n, conv.oh, conv.ow, conv.f};
    c->out_shape[0] = cnn_shape_of(c->in[X]->shape.dtype, 4, dim);
    return CNN_OK;
}

/* ---- forward ---- */

static cnn_status workspace(const cnn_kernels *k, const cnn_conv2d *conv, cnn_conv2d_pass pass, cnn_dtype dtype,
                            void **scratch)
{
    *scratch = cnn_alloc(k->conv2d_workspace(conv, pass, cnn_dtype_size(dtype)));
    return *scratch ? CNN_OK : CNN_ERR_MEMORY;
}

static cnn_status forward(cnn_call *c)
{
    const cnn_kernels *k = cnn_k();
    cnn_tensor *bias = c->in[BIAS], *y = c->out[0];
    cnn_dtype dtype = y->shape.dtype;
    cnn_conv2d conv;
    void *scratch, *b = bias ? bias->data : NULL;
    if (y->size == 0) return CNN_OK;
    CNN_TRY(describe(c, &conv));
    CNN_TRY(workspace(k, &conv, CNN_CONV_FORWARD, dtype, &scratch));
    if (dtype == CNN_FLOAT32) k->conv2d_forward_f32(&conv, c->in[X]->data, c->in[KERNEL]->data, b, y->data, scratch);
    else k->conv2d_forward_f64(&conv, c->in[X]->data, c->in[KERNEL]->data, b, y->data, scratch);
    cnn_free(scratch);
    return CNN_OK;
}

/* ---- backward ---- */

static cnn_status backward_weights(cnn_call *c, const cnn_kernels *k, const cnn_conv2d *conv, const cnn_tensor *dy)
{
    cnn_dtype dtype = dy->shape.dtype;
    bool wants_kernel = c->needs_grad[KERNEL], wants_bias = c->in[BIAS] && c->needs_grad[BIAS];
    void *dkernel = NULL, *dbias = NULL, *scratch, *y = c->out[0]->data, *x = c->in[X]->data;
    if (!wants_kernel && !wants_bias) return CNN_OK;
    if (wants_kernel) {
        CNN_TRY(cnn_tensor_new(&c->in[KERNEL]->shape, &c->grad_in[KERNEL]));
        dkernel = c->grad_in[KERNEL]->data;
    }
    if (wants_bias) {
        CNN_TRY(cnn_tensor_new(&c->in[BIAS]->shape, &c->grad_in[BIAS]));
        dbias = c->grad_in[BIAS]->data;
    }
    CNN_TRY(workspace(k, conv, CNN_CONV_BACKWARD_WEIGHTS, dtype, &scratch));
    if (dtype == CNN_FLOAT32) k->conv2d_backward_weights_f32(conv, x, dy->data, y, dkernel, dbias, scratch);
    else k->conv2d_backward_weights_f64(conv, x, dy->data, y, dkernel, dbias, scratch);
    cnn_free(scratch);
    return CNN_OK;
}

static cnn_status backward_data(cnn_call *c, const cnn_kernels *k, const cnn_conv2d *conv, const cnn_tensor *dy)
{
    cnn_dtype dtype = dy->shape.dtype;
    void *scratch, *y = c->out[0]->data, *kernel = c->in[KERNEL]->data;
    if (!c->needs_grad[X]) return CNN_OK;
    CNN_TRY(cnn_tensor_new(&c->in[X]->shape, &c->grad_in[X]));
    CNN_TRY(workspace(k, conv, CNN_CONV_BACKWARD_DATA, dtype, &scratch));
    if (dtype == CNN_FLOAT32) k->conv2d_backward_data_f32(conv, dy->data, y, kernel, c->grad_in[X]->data, scratch);
    else k->conv2d_backward_data_f64(conv, dy->data, y, kernel, c->grad_in[X]->data, scratch);
    cnn_free(scratch);
    return CNN_OK;
}

static cnn_status backward(cnn_call *c)
{
    const cnn_kernels *k = cnn_k();
    cnn_conv2d conv;
    cnn_tensor *dy = cnn_tensor_retain(c->grad_out[0]);
    cnn_status status = describe(c, &conv);
    if (dy->size == 0) {
        for (int i = X; status == CNN_OK && i <= BIAS; i++)
            if (c->in[i] && c->needs_grad[i]) status = cnn_tensor_zeros(&c->in[i]->shape, &c->grad_in[i]);
        cnn_tensor_release(dy);
        return status;
    }
    if (status == CNN_OK && conv.activation == CNN_SOFTMAX) {
        cnn_tensor_release(dy);
        status = cnn_grad_buffer(c, 0, &dy);
        if (status == CNN_OK)
            CNN_RUN(dy->shape.dtype, activation_backward, CNN_SOFTMAX, conv.n * conv.oh * conv.ow, conv.f,
                    c->out[0]->data, c->grad_out[0]->data, dy->data, NULL, NULL);
        conv.activation = CNN_LINEAR;
    }
    if (status == CNN_OK) status = backward_weights(c, k, &conv, dy);
    if (status == CNN_OK) status = backward_data(c, k, &conv, dy);
    cnn_tensor_release(dy);
    return status;
}

/* ---- the descriptor ---- */

static const char *const input_names[] = {"input", "kernel", "bias"};
static const cnn_attr attrs[] = {
    {"strides", CNN_ATTR_INTS, offsetof(attributes, strides), NULL},
    {"padding", CNN_ATTR_ENUM, offsetof(attributes, padding), cnn_padding_names},
    {"dilation", CNN_ATTR_INTS, offsetof(attributes, dilation), NULL},
    {"groups", CNN_ATTR_INT, offsetof(attributes, groups), NULL},
    {"activation", CNN_ATTR_ENUM, offsetof(attributes, activation), cnn_activation_names},
};
static const attributes defaults = {{2, {1, 1}}, {2, {1, 1}}, 1, CNN_PADDING_VALID, CNN_LINEAR};

const cnn_op cnn_op_conv2d = {
    .name = "conv2d",
    .doc =
        "conv2d(x, kernel, bias=None, *, strides=(1, 1), padding='valid', dilation=(1, 1), groups=1, "
        "activation='linear'): activation(x[N, H, W, C] convolved with kernel[KH, KW, C / groups, F] + bias[F]), "
        "float32 or float64. 'same' pads as Keras does: ceil(H / stride) rows come out, the odd pixel of padding goes "
        "to the bottom and right. A stride above 1 excludes a dilation above 1.",
    .input_names = input_names,
    .min_inputs = 2,
    .max_inputs = 3,
    .outputs = 1,
    .attrs = attrs,
    .attr_count = sizeof attrs / sizeof *attrs,
    .attrs_size = sizeof(attributes),
    .attr_defaults = &defaults,
    .keeps = CNN_KEEP_INPUT(X) | CNN_KEEP_INPUT(KERNEL) | CNN_KEEP_OUTPUT,
    .check = check,
    .forward = forward,
    .backward = backward,
};
