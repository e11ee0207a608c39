/* The maximum and the mean of each channel over all pixels: pooling whose window is the image. */
#include "layers/common.h"

typedef struct {
    bool keepdims;
} attributes;

static cnn_pool2d geometry(const cnn_call *c)
{
    const int64_t *x = c->in[0]->shape.dim;
    return (cnn_pool2d){
        .batch = x[0],
        .height = x[1],
        .width = x[2],
        .channels = x[3],
        .rows = 1,
        .columns = 1,
        .window_h = x[1],
        .window_w = x[2],
        .stride_h = x[1],
        .stride_w = x[2],
        .wide_index = true,
    };
}

static cnn_status check(cnn_call *c)
{
    const attributes *a = c->attrs;
    const cnn_shape *x = &c->in[0]->shape;
    char text[CNN_SHAPE_TEXT];
    CNN_TRY(cnn_check_float(c, 0));
    CNN_TRY(cnn_check_ndim(c, 0, 4, "(batch, height, width, channels)"));
    if (x->dim[1] == 0 || x->dim[2] == 0 || x->dim[1] > INT32_MAX / x->dim[2])
        return cnn_fail(CNN_ERR_VALUE, "images must have 1 to %d pixels, got shape %s", INT32_MAX,
                        cnn_shape_text(x, text));
    if (a->keepdims) c->out_shape[0] = cnn_shape_of(x->dtype, 4, (int64_t[]){x->dim[0], 1, 1, x->dim[3]});
    else c->out_shape[0] = cnn_shape_of(x->dtype, 2, (int64_t[]){x->dim[0], x->dim[3]});
    return CNN_OK;
}

/* ---- max ---- */

static cnn_status max_check(cnn_call *c)
{
    CNN_TRY(check(c));
    if (!c->recording) return CNN_OK;
    c->aux_count = 1; /* where the maxima are */
    c->aux_shape[0] = c->out_shape[0];
    c->aux_shape[0].dtype = CNN_INT32;
    return CNN_OK;
}

static cnn_status max_forward(cnn_call *c)
{
    cnn_pool2d p = geometry(c);
    void *index = c->aux_count ? c->aux[0]->data : NULL;
    if (c->out[0]->size) CNN_RUN(c->in[0]->shape.dtype, max_pool2d, &p, c->in[0]->data, c->out[0]->data, index);
    return CNN_OK;
}

static cnn_status max_backward(cnn_call *c)
{
    cnn_pool2d p = geometry(c);
    cnn_tensor *dy = c->grad_out[0];
    CNN_TRY(cnn_tensor_new(&c->in[0]->shape, &c->grad_in[0]));
    if (dy->size) CNN_RUN(dy->shape.dtype, max_pool2d_backward, &p, dy->data, c->aux[0]->data, c->grad_in[0]->data);
    return CNN_OK;
}

/* ---- average ---- */

static cnn_status average_forward(cnn_call *c)
{
    cnn_pool2d p = geometry(c);
    if (c->out[0]->size) CNN_RUN(c->in[0]->shape.dtype, average_pool2d, &p, c->in[0]->data, c->out[0]->data);
    return CNN_OK;
}

static cnn_status average_backward(cnn_call *c)
{
    cnn_pool2d p = geometry(c);
    cnn_tensor *dy = c->grad_out[0];
    CNN_TRY(cnn_tensor_new(&c->in[0]->shape, &c->grad_in[0]));
    if (dy->size) CNN_RUN(dy->shape.dtype, average_pool2d_backward, &p, dy->data, c->grad_in[0]->data);
    return CNN_OK;
}

static const char *const input_names[] = {"x"};
static const cnn_attr attrs[] = {{"keepdims", CNN_ATTR_BOOL, offsetof(attributes, keepdims), NULL}};
static const attributes defaults = {false};

#define OP(op_name, stem, checker, text)                                                                               \
    const cnn_op cnn_op_##op_name = {                                                                                  \
        .name = #op_name,                                                                                              \
        .doc = #op_name "(x, *, keepdims=False): the " text                                                            \
                        " of each channel of x[batch, height, width, channels]; [batch, channels], or [batch, 1, 1, "  \
                        "channels] with keepdims. float32 or float64.",                                                \
        .input_names = input_names,                                                                                    \
        .min_inputs = 1,                                                                                               \
        .max_inputs = 1,                                                                                               \
        .outputs = 1,                                                                                                  \
        .attrs = attrs,                                                                                                \
        .attr_count = 1,                                                                                               \
        .attrs_size = sizeof(attributes),                                                                              \
        .attr_defaults = &defaults,                                                                                    \
        .keeps = CNN_KEEP_NOTHING,                                                                                     \
        .check = checker,                                                                                              \
        .forward = stem##_forward,                                                                                     \
        .backward = stem##_backward,                                                                                   \
    };

OP(global_max_pool2d, max, max_check, "maximum (NaN if there is one; its gradient goes to the first of equals)")
OP(global_average_pool2d, average, check, "mean")
