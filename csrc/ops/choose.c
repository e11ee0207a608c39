/* clip: numbers between two bounds; where: one of two by a condition. */
#include "ops/shared.h"

#include <math.h>

/* ---- clip ---- */

typedef struct {
    double min, max;
} clip_attributes;

static cnn_status check_clip(cnn_call *c)
{
    const clip_attributes *a = c->attrs;
    if (!(a->min <= a->max))
        return cnn_fail(CNN_ERR_VALUE, "min is %g and max is %g; min must not be greater than max, nor one of them NaN",
                        a->min, a->max);
    c->out_shape[0] = c->in[0]->shape;
    return CNN_OK;
}

typedef union {
    uint8_t u8;
    int32_t i32;
    int64_t i64;
    float f32;
    double f64;
} number;

/* X as DTYPE, moved into its range. */
static number bound(double x, cnn_dtype dtype)
{
    number n = {0};
    switch (dtype) {
    case CNN_FLOAT32: n.f32 = (float)x; break;
    case CNN_FLOAT64: n.f64 = x; break;
    case CNN_INT64: n.i64 = x < -0x1p63 ? INT64_MIN : x >= 0x1p63 ? INT64_MAX : (int64_t)x; break;
    case CNN_INT32: n.i32 = x < INT32_MIN ? INT32_MIN : x > INT32_MAX ? INT32_MAX : (int32_t)x; break;
    default: n.u8 = x < 0 ? 0 : x > 255 ? 255 : (uint8_t)x;
    }
    return n;
}

/* For integers the bounds are the whole numbers between min and max. */
static void bounds(const cnn_call *c, number *low, number *high)
{
    const clip_attributes *a = c->attrs;
    cnn_dtype dtype = c->in[0]->shape.dtype;
    bool real = cnn_dtype_is_float(dtype);
    *low = bound(real ? a->min : ceil(a->min), dtype);
    *high = bound(real ? a->max : floor(a->max), dtype);
}

static cnn_status forward_clip(cnn_call *c)
{
    number low, high;
    bounds(c, &low, &high);
    cnn_k()->clip(c->in[0]->shape.dtype, c->in[0]->size, c->in[0]->data, &low, &high, c->out[0]->data);
    return CNN_OK;
}

static cnn_status backward_clip(cnn_call *c)
{
    number low, high;
    bounds(c, &low, &high);
    CNN_TRY(cnn_grad_buffer(c, 0, &c->grad_in[0]));
    cnn_k()->clip_gradient(c->in[0]->shape.dtype, c->in[0]->size, c->in[0]->data, &low, &high, c->grad_out[0]->data,
                           c->grad_in[0]->data);
    return CNN_OK;
}

static const char *const clip_inputs[] = {"x"};
static const cnn_attr clip_attrs[] = {
    {"min", CNN_ATTR_FLOAT, offsetof(clip_attributes, min), NULL},
    {"max", CNN_ATTR_FLOAT, offsetof(clip_attributes, max), NULL},
};
static const clip_attributes clip_defaults = {-INFINITY, INFINITY};

const cnn_op cnn_op_clip = {
    .name = "clip",
    .doc = "clip(x, *, min=-inf, max=inf): x, min where it is less and max where it is greater; NaN stays.",
    .input_names = clip_inputs,
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attrs = clip_attrs,
    .attr_count = 2,
    .attrs_size = sizeof(clip_attributes),
    .attr_defaults = &clip_defaults,
    .keeps = CNN_KEEP_INPUT(0),
    .check = check_clip,
    .forward = forward_clip,
    .backward = backward_clip,
};

/* ---- where ---- */

static cnn_status check_where(cnn_call *c)
{
    cnn_shape *y = &c->out_shape[0], chosen;
    CNN_TRY(cnn_check_broadcast(&c->in[1]->shape, &c->in[2]->shape, &chosen));
    CNN_TRY(cnn_check_broadcast(&c->in[0]->shape, &chosen, y));
    y->dtype = cnn_promote(c->in[1]->shape.dtype, c->in[2]->shape.dtype);
    return CNN_OK;
}

/* T as DTYPE and, unless it is one number and may stay that, broadcast to Y. */
static cnn_status operand(cnn_tensor *t, cnn_dtype dtype, const cnn_shape *y, bool may_be_one, cnn_tensor **out)
{
    CNN_TRY(cnn_as_dtype(t, dtype, out));
    if (cnn_shape_equal(&t->shape, y) || (may_be_one && t->size == 1)) return CNN_OK;
    cnn_tensor *typed = *out;
    cnn_status status = cnn_expand(typed, y, out);
    cnn_tensor_release(typed);
    return status;
}

/* Y = CONDITION ? A : B, for operands that broadcast to Y. */
static cnn_status choose(cnn_tensor *condition, cnn_tensor *a, cnn_tensor *b, cnn_tensor *y)
{
    cnn_tensor *t[3] = {NULL, NULL, NULL};
    cnn_status status = operand(condition, CNN_BOOL, &y->shape, false, &t[0]);
    if (status == CNN_OK) status = operand(a, y->shape.dtype, &y->shape, true, &t[1]);
    if (status == CNN_OK) status = operand(b, y->shape.dtype, &y->shape, true, &t[2]);
    if (status == CNN_OK && y->size)
        cnn_k()->where((int)cnn_dtype_size(y->shape.dtype), y->size, t[0]->data, t[1]->data, t[1]->size == 1,
                       t[2]->data, t[2]->size == 1, y->data);
    for (int i = 0; i < 3; i++) cnn_tensor_release(t[i]);
    return status;
}

static cnn_status forward_where(cnn_call *c)
{
    return choose(c->in[0], c->in[1], c->in[2], c->out[0]);
}

static cnn_status backward_where(cnn_call *c)
{
    cnn_tensor *g = c->grad_out[0], *zero, *full;
    cnn_shape scalar = {.dtype = g->shape.dtype};
    for (int i = 1; i < 3; i++) {
        if (!c->needs_grad[i]) continue;
        CNN_TRY(cnn_tensor_zeros(&scalar, &zero));
        cnn_status status = cnn_tensor_new(&g->shape, &full);
        if (status == CNN_OK) {
            status = choose(c->in[0], i == 1 ? g : zero, i == 1 ? zero : g, full);
            if (status == CNN_OK) status = cnn_sum_to(full, &c->in[i]->shape, &c->grad_in[i]);
            cnn_tensor_release(full);
        }
        cnn_tensor_release(zero);
        CNN_TRY(status);
    }
    return CNN_OK;
}

static const char *const where_inputs[] = {"condition", "x1", "x2"};

const cnn_op cnn_op_where = {
    .name = "where",
    .doc =
        "where(condition, x1, x2): x1 where the condition is true, else x2, element by element; all three broadcast.",
    .input_names = where_inputs,
    .min_inputs = 3,
    .max_inputs = 3,
    .outputs = 1,
    .keeps = CNN_KEEP_INPUT(0),
    .check = check_where,
    .forward = forward_where,
    .backward = backward_where,
};
