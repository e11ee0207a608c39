/* y = x / (1 - rate) where the noise keeps x, else 0. See kernels/dropout.c for the noise. */
#include "layers/common.h"

typedef struct {
    double rate;
    uint64_t seed, offset;
    cnn_ints noise_shape;
} attributes;

static cnn_status check(cnn_call *c)
{
    const attributes *a = c->attrs;
    const cnn_shape *x = &c->in[0]->shape;
    char text[CNN_SHAPE_TEXT];
    CNN_TRY(cnn_check_float(c, 0));
    if (!(a->rate >= 0 && a->rate <= 1))
        return cnn_fail(CNN_ERR_VALUE, "rate is the fraction to drop and must be in [0, 1], got %g", a->rate);
    if (a->noise_shape.count != 0 && a->noise_shape.count != x->ndim)
        return cnn_fail(CNN_ERR_VALUE,
                        "noise_shape has %d entries but x has shape %s; give one entry per axis, 1 where the "
                        "noise is to repeat",
                        (int)a->noise_shape.count, cnn_shape_text(x, text));
    for (int i = 0; i < a->noise_shape.count; i++) {
        int64_t length = a->noise_shape.at[i];
        if (length != 1 && length != -1 && length != x->dim[i])
            return cnn_fail(CNN_ERR_VALUE, "noise_shape[%d] is %lld; it must be 1, or %lld (or -1) as in x of shape %s",
                            i, (long long)length, (long long)x->dim[i], cnn_shape_text(x, text));
    }
    c->out_shape[0] = *x;
    return CNN_OK;
}

static cnn_dropout noise_of(const attributes *a, const cnn_shape *x, int64_t size)
{
    cnn_dropout d = {
        .seed = a->seed,
        .stream = a->offset,
        .threshold = (uint64_t)(a->rate * 0x1p32),
        .scale = a->rate < 1 ? 1 / (1 - a->rate) : 0,
        .rows = 1,
        .n = size,
    };
    bool repeats[CNN_MAX_NDIM], any = false;
    for (int i = 0; i < x->ndim; i++) {
        repeats[i] = a->noise_shape.count && a->noise_shape.at[i] == 1 && x->dim[i] != 1;
        any = any || repeats[i];
    }
    if (!any) return d;
    int last = x->ndim - 1;
    d.n = x->dim[last];
    d.row_alike = repeats[last];
    d.ndim = last;
    int64_t stride = d.row_alike ? 1 : d.n;
    for (int i = last - 1; i >= 0; i--) {
        d.dim[i] = x->dim[i];
        d.stride[i] = repeats[i] ? 0 : stride;
        d.rows *= x->dim[i];
        if (!repeats[i]) stride *= x->dim[i];
    }
    return d;
}

static void drop(const cnn_call *c, const cnn_tensor *x, cnn_tensor *y)
{
    cnn_dropout d = noise_of(c->attrs, &x->shape, x->size);
    if (x->size) CNN_RUN(x->shape.dtype, dropout, &d, x->data, y->data);
}

static cnn_status forward(cnn_call *c)
{
    if (((const attributes *)c->attrs)->rate == 0) return cnn_tensor_view(c->in[0], &c->out_shape[0], &c->out[0]);
    CNN_TRY(cnn_tensor_new(&c->out_shape[0], &c->out[0]));
    drop(c, c->in[0], c->out[0]);
    return CNN_OK;
}

static cnn_status backward(cnn_call *c)
{
    if (((const attributes *)c->attrs)->rate == 0) {
        c->grad_in[0] = cnn_tensor_retain(c->grad_out[0]);
        return CNN_OK;
    }
    CNN_TRY(cnn_grad_buffer(c, 0, &c->grad_in[0]));
    drop(c, c->grad_out[0], c->grad_in[0]);
    return CNN_OK;
}

static const char *const input_names[] = {"x"};
static const cnn_attr attrs[] = {
    {"rate", CNN_ATTR_FLOAT, offsetof(attributes, rate), NULL},
    {"seed", CNN_ATTR_SEED, offsetof(attributes, seed), NULL},
    {"offset", CNN_ATTR_SEED, offsetof(attributes, offset), NULL},
    {"noise_shape", CNN_ATTR_INTS, offsetof(attributes, noise_shape), NULL},
};
static const attributes defaults = {0.5, 0, 0, {0, {0}}};

const cnn_op cnn_op_dropout = {
    .name = "dropout",
    .doc = "dropout(x, *, rate=0.5, seed=0, offset=0, noise_shape=()): x / (1 - rate) where noise keeps x, else 0. The "
           "noise "
           "depends on (seed, offset) and the place alone; it repeats along axes where noise_shape is 1. Any shape, "
           "float32 "
           "or float64.",
    .input_names = input_names,
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attrs = attrs,
    .attr_count = 4,
    .attrs_size = sizeof(attributes),
    .attr_defaults = &defaults,
    .keeps = CNN_KEEP_NOTHING,
    .makes_outputs = true,
    .check = check,
    .forward = forward,
    .backward = backward,
};
