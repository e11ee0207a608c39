/* max_pool2d and average_pool2d over x[batch, height, width, channels].
 *
 * 'valid' takes the windows that fit; 'same' gives ceil(size / stride) windows, the padding halved and the odd pixel at
 * the bottom and right. Padding is never a maximum and never counts in a mean. */
#include "layers/common.h"

typedef struct {
    cnn_ints pool_size, strides;
    int padding;
} attributes;

/* One direction of the geometry. */
static cnn_status slide(int64_t size, int64_t window, int64_t stride, int padding, int64_t *results, int64_t *before)
{
    *before = 0;
    if (padding == CNN_PADDING_SAME) {
        *results = size / stride + (size % stride != 0);
        int64_t last = *results > 0 ? (*results - 1) * stride : 0; /* < size */
        int64_t over = window - (size - last);
        if (*results > 0 && over > 0) *before = over / 2;
        return CNN_OK;
    }
    if (size < window) return CNN_ERR_VALUE;
    *results = (size - window) / stride + 1;
    return CNN_OK;
}

static cnn_status geometry(const cnn_call *c, const cnn_shape *x, cnn_pool2d *p)
{
    const attributes *a = c->attrs;
    char text[CNN_SHAPE_TEXT];
    int window_last = a->pool_size.count > 1, stride_last = a->strides.count > 1;
    *p = (cnn_pool2d){
        .batch = x->dim[0],
        .height = x->dim[1],
        .width = x->dim[2],
        .channels = x->dim[3],
        .window_h = a->pool_size.at[0],
        .window_w = a->pool_size.at[window_last],
        .stride_h = a->strides.at[0],
        .stride_w = a->strides.at[stride_last],
    };
    if (slide(p->height, p->window_h, p->stride_h, a->padding, &p->rows, &p->top) != CNN_OK ||
        slide(p->width, p->window_w, p->stride_w, a->padding, &p->columns, &p->left) != CNN_OK)
        return cnn_fail(
            CNN_ERR_VALUE,
            "a window of pool_size (%lld, %lld) does not fit into images of %lld by %lld pixels (x has shape %s); "
            "use padding='same', a smaller pool_size or larger images",
            (long long)p->window_h, (long long)p->window_w, (long long)p->height, (long long)p->width,
            cnn_shape_text(x, text));
    p->wide_index = p->window_w > 255 / p->window_h;
    return CNN_OK;
}

static cnn_status check_pair(const char *name, const cnn_ints *pair)
{
    if (pair->count != 1 && pair->count != 2)
        return cnn_fail(CNN_ERR_VALUE, "%s must be one or two integers, got %d", name, (int)pair->count);
    for (int i = 0; i < pair->count; i++)
        if (pair->at[i] < 1 || pair->at[i] > INT16_MAX)
            return cnn_fail(CNN_ERR_VALUE, "%s must be in [1, %d], got %lld", name, INT16_MAX, (long long)pair->at[i]);
    return CNN_OK;
}

static cnn_status check(cnn_call *c)
{
    const attributes *a = c->attrs;
    cnn_pool2d p;
    CNN_TRY(cnn_check_float(c, 0));
    CNN_TRY(cnn_check_ndim(c, 0, 4, "(batch, height, width, channels)"));
    CNN_TRY(check_pair("pool_size", &a->pool_size));
    CNN_TRY(check_pair("strides", &a->strides));
    CNN_TRY(geometry(c, &c->in[0]->shape, &p));
    c->out_shape[0] = cnn_shape_of(c->in[0]->shape.dtype, 4, (int64_t[]){p.batch, p.rows, p.columns, p.channels});
    return CNN_OK;
}

/* ---- max ---- */

static cnn_status max_check(cnn_call *c)
{
    cnn_pool2d p;
    CNN_TRY(check(c));
    if (!c->recording) return CNN_OK;
    CNN_TRY(geometry(c, &c->in[0]->shape, &p));
    c->aux_count = 1;
    c->aux_shape[0] = c->out_shape[0];
    c->aux_shape[0].dtype = p.wide_index ? CNN_INT32 : CNN_UINT8;
    return CNN_OK;
}

static cnn_status max_forward(cnn_call *c)
{
    cnn_pool2d p;
    CNN_TRY(geometry(c, &c->in[0]->shape, &p));
    if (c->out[0]->size == 0) return CNN_OK;
    CNN_RUN(c->in[0]->shape.dtype, max_pool2d, &p, c->in[0]->data, c->out[0]->data,
            c->aux_count ? c->aux[0]->data : NULL);
    return CNN_OK;
}

static cnn_status max_backward(cnn_call *c)
{
    cnn_pool2d p;
    CNN_TRY(geometry(c, &c->in[0]->shape, &p));
    CNN_TRY(cnn_tensor_new(&c->in[0]->shape, &c->grad_in[0]));
    if (c->grad_in[0]->size == 0) return CNN_OK;
    CNN_RUN(c->in[0]->shape.dtype, max_pool2d_backward, &p, c->grad_out[0]->data, c->aux[0]->data, c->grad_in[0]->data);
    return CNN_OK;
}

/* ---- average ---- */

static cnn_status average_forward(cnn_call *c)
{
    cnn_pool2d p;
    CNN_TRY(geometry(c, &c->in[0]->shape, &p));
    if (c->out[0]->size == 0) return CNN_OK;
    CNN_RUN(c->in[0]->shape.dtype, average_pool2d, &p, c->in[0]->data, c->out[0]->data);
    return CNN_OK;
}

static cnn_status average_backward(cnn_call *c)
{
    cnn_pool2d p;
    CNN_TRY(geometry(c, &c->in[0]->shape, &p));
    CNN_TRY(cnn_tensor_new(&c->in[0]->shape, &c->grad_in[0]));
    if (c->grad_in[0]->size == 0) return CNN_OK;
    CNN_RUN(c->in[0]->shape.dtype, average_pool2d_backward, &p, c->grad_out[0]->data, c->grad_in[0]->data);
    return CNN_OK;
}

static const char *const input_names[] = {"x"};
static const cnn_attr attrs[] = {
    {"pool_size", CNN_ATTR_INTS, offsetof(attributes, pool_size), NULL},
    {"strides", CNN_ATTR_INTS, offsetof(attributes, strides), NULL},
    {"padding", CNN_ATTR_ENUM, offsetof(attributes, padding), cnn_padding_names},
};
static const attributes defaults = {{2, {2, 2}}, {2, {2, 2}}, CNN_PADDING_VALID};

#define OP(op_name, stem, checker, text)                                                                               \
    const cnn_op cnn_op_##op_name = {                                                                                  \
        .name = #op_name,                                                                                              \
        .doc = #op_name "(x, *, pool_size=(2, 2), strides=(2, 2), padding='valid'): the " text                         \
                        " of each window of x[batch, height, width, channels], float32 or float64.",                   \
        .input_names = input_names,                                                                                    \
        .min_inputs = 1,                                                                                               \
        .max_inputs = 1,                                                                                               \
        .outputs = 1,                                                                                                  \
        .attrs = attrs,                                                                                                \
        .attr_count = 3,                                                                                               \
        .attrs_size = sizeof(attributes),                                                                              \
        .attr_defaults = &defaults,                                                                                    \
        .keeps = CNN_KEEP_NOTHING,                                                                                     \
        .check = checker,                                                                                              \
        .forward = stem##_forward,                                                                                     \
        .backward = stem##_backward,                                                                                   \
    };

OP(max_pool2d, max, max_check, "maximum (NaN if there is one)")
OP(average_pool2d, average, check, "mean")
