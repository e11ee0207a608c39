/* Copies of x in other places: pad (a border of one value), flip, repeat (each element), tile (the whole). */
#include "ops/shared.h"

#include <math.h>
#include <string.h>

static const char *const input_names[] = {"x"};

/* ---- pad ---- */

typedef struct {
    cnn_ints padding;
    double value;
} pad_attributes;

static cnn_status check_pad(cnn_call *c)
{
    const pad_attributes *a = c->attrs;
    const cnn_shape *x = &c->in[0]->shape;
    char text[CNN_SHAPE_TEXT];
    if (a->padding.count != 2 * x->ndim)
        return cnn_fail(CNN_ERR_VALUE,
                        "padding has %d numbers; shape %s needs %d, how many to put before and after each dimension",
                        (int)a->padding.count, cnn_shape_text(x, text), 2 * x->ndim);
    c->out_shape[0] = *x;
    for (int i = 0; i < a->padding.count; i++) {
        if (a->padding.at[i] < 0)
            return cnn_fail(CNN_ERR_VALUE, "padding of dimension %d is %lld; it must not be negative", i / 2,
                            (long long)a->padding.at[i]);
        if (__builtin_add_overflow(c->out_shape[0].dim[i / 2], a->padding.at[i], &c->out_shape[0].dim[i / 2]))
            return cnn_fail(CNN_ERR_VALUE, "padding is too large");
    }
    return CNN_OK;
}

/* The loops from x into the padded shape, and where they begin there. */
static int64_t pad_loops(const cnn_call *c, const cnn_shape *padded, cnn_move *m)
{
    const pad_attributes *a = c->attrs;
    int64_t begin = 0;
    *m = cnn_move_over(&c->in[0]->shape);
    cnn_strides(padded, m->to);
    for (int d = 0; d < padded->ndim; d++) begin += a->padding.at[2 * d] * m->to[d];
    return begin;
}

static cnn_status forward_pad(cnn_call *c)
{
    const double value = ((const pad_attributes *)c->attrs)->value;
    cnn_tensor *y = c->out[0];
    const int size = (int)cnn_dtype_size(y->shape.dtype);
    cnn_move m, fill = {1, {y->size}, {0}, {1}};
    char border[8];
    cnn_k()->cast(CNN_FLOAT64, y->shape.dtype, 1, &value, border);
    cnn_k()->move(size, &fill, border, y->data);
    int64_t begin = pad_loops(c, &y->shape, &m);
    if (c->in[0]->size) cnn_k()->move(size, &m, c->in[0]->data, (char *)y->data + begin * size);
    return CNN_OK;
}

static cnn_status backward_pad(cnn_call *c)
{
    const cnn_tensor *g = c->grad_out[0];
    const int size = (int)cnn_dtype_size(g->shape.dtype);
    cnn_move m, back;
    CNN_TRY(cnn_tensor_new(&c->in[0]->shape, &c->grad_in[0]));
    if (c->in[0]->size == 0) return CNN_OK;
    int64_t begin = pad_loops(c, &g->shape, &m);
    back = m;
    memcpy(back.from, m.to, sizeof m.to);
    memcpy(back.to, m.from, sizeof m.from);
    cnn_k()->move(size, &back, (const char *)g->data + begin * size, c->grad_in[0]->data);
    return CNN_OK;
}

static const cnn_attr pad_attrs[] = {
    {"padding", CNN_ATTR_INTS, offsetof(pad_attributes, padding), NULL},
    {"value", CNN_ATTR_FLOAT, offsetof(pad_attributes, value), NULL},
};
static const pad_attributes pad_defaults;

/* ---- flip ---- */

typedef struct {
    cnn_ints axis;
} flip_attributes;

static cnn_status check_flip(cnn_call *c)
{
    const flip_attributes *a = c->attrs;
    bool turned[CNN_MAX_NDIM];
    cnn_shape unused;
    c->out_shape[0] = c->in[0]->shape;
    return cnn_check_axes(&a->axis, &c->in[0]->shape, true, turned, &unused);
}

static void flip(const cnn_call *c, const cnn_tensor *x, cnn_tensor *y)
{
    const flip_attributes *a = c->attrs;
    const int size = (int)cnn_dtype_size(x->shape.dtype);
    bool turned[CNN_MAX_NDIM];
    int64_t begin = 0;
    cnn_shape unused;
    cnn_move m = cnn_move_over(&x->shape);
    cnn_check_axes(&a->axis, &x->shape, true, turned, &unused); /* passed before */
    if (x->size == 0) return;
    for (int d = 0; d < m.ndim; d++) {
        if (!turned[d]) continue;
        begin += (m.dim[d] - 1) * m.from[d];
        m.from[d] = -m.from[d];
    }
    cnn_k()->move(size, &m, (const char *)x->data + begin * size, y->data);
}

static cnn_status forward_flip(cnn_call *c)
{
    flip(c, c->in[0], c->out[0]);
    return CNN_OK;
}

static cnn_status backward_flip(cnn_call *c)
{
    CNN_TRY(cnn_tensor_new(&c->in[0]->shape, &c->grad_in[0]));
    flip(c, c->grad_out[0], c->grad_in[0]);
    return CNN_OK;
}

static const cnn_attr flip_attrs[] = {{"axis", CNN_ATTR_INTS, offsetof(flip_attributes, axis), NULL}};
static const flip_attributes flip_defaults;

/* ---- repeat and tile: [outer, count, inner] -> [outer, count, times, inner] or [outer, times, count, inner] ---- */

typedef struct {
    int64_t repeats, axis;
} repeat_attributes;

typedef struct {
    cnn_ints repeats;
} tile_attributes;

/* T with each block of WIDTH elements TIMES times; the dimensions are those of SHAPE. */
static cnn_status repeat_blocks(cnn_tensor *t, int64_t width, int64_t times, const cnn_shape *shape, cnn_tensor **out)
{
    cnn_shape typed = *shape;
    typed.dtype = t->shape.dtype;
    CNN_TRY(cnn_tensor_new(&typed, out));
    if ((*out)->size == 0) return CNN_OK;
    cnn_move m = {3, {t->size / width, times, width}, {width, 0, 1}, {width * times, width, 1}};
    cnn_k()->move((int)cnn_dtype_size(typed.dtype), &m, t->data, (*out)->data);
    return CNN_OK;
}

/* The gradient of it: the sum over the repetitions. */
static cnn_status sum_blocks(cnn_tensor *g, int64_t blocks, int64_t width, int64_t times, const cnn_shape *shape,
                             cnn_tensor **out)
{
    const bool middle[CNN_MAX_NDIM] = {false, true, false};
    cnn_shape split = {g->shape.dtype, 3, {blocks, times, width}};
    cnn_tensor *view, *sum;
    CNN_TRY(cnn_tensor_view(g, &split, &view));
    cnn_status status = cnn_reduce_dims(CNN_FN_sum, view, middle, &sum);
    cnn_tensor_release(view);
    CNN_TRY(status);
    status = cnn_tensor_view(sum, shape, out);
    cnn_tensor_release(sum);
    return status;
}

/* Elements of X in the dimensions FIRST and after; 0 if these are beyond all bounds, as they can be in tensors that
 * have no elements at all. */
static int64_t elements_from(const cnn_shape *x, int64_t first)
{
    int64_t n = 1;
    for (int64_t d = first; d < x->ndim; d++)
        if (__builtin_mul_overflow(n, x->dim[d], &n)) return 0;
    return n;
}

static cnn_status check_repeat(cnn_call *c)
{
    const repeat_attributes *a = c->attrs;
    int64_t axis = a->axis;
    CNN_TRY(cnn_check_axis(&axis, c->in[0]->shape.ndim));
    if (a->repeats < 0) return cnn_fail(CNN_ERR_VALUE, "repeats must not be negative, got %lld", (long long)a->repeats);
    c->out_shape[0] = c->in[0]->shape;
    if (__builtin_mul_overflow(c->out_shape[0].dim[axis], a->repeats, &c->out_shape[0].dim[axis]))
        return cnn_fail(CNN_ERR_VALUE, "repeats is too large");
    return CNN_OK;
}

static int64_t repeat_width(const cnn_call *c)
{
    int64_t axis = ((const repeat_attributes *)c->attrs)->axis;
    return elements_from(&c->in[0]->shape, (axis < 0 ? axis + c->in[0]->shape.ndim : axis) + 1);
}

static cnn_status forward_repeat(cnn_call *c)
{
    return repeat_blocks(c->in[0], repeat_width(c), ((const repeat_attributes *)c->attrs)->repeats, &c->out_shape[0],
                         &c->out[0]);
}

static cnn_status backward_repeat(cnn_call *c)
{
    const int64_t width = repeat_width(c);
    return sum_blocks(c->grad_out[0], width ? c->in[0]->size / width : 0, width,
                      ((const repeat_attributes *)c->attrs)->repeats, &c->in[0]->shape, &c->grad_in[0]);
}

static const cnn_attr repeat_attrs[] = {
    {"repeats", CNN_ATTR_INT, offsetof(repeat_attributes, repeats), NULL},
    {"axis", CNN_ATTR_INT, offsetof(repeat_attributes, axis), NULL},
};
static const repeat_attributes repeat_defaults = {1, -1};

/* How often dimension D of the result, of NDIM, holds that of x, which is *SIZE. */
static int64_t tile_times(const cnn_call *c, int ndim, int d, int64_t *size)
{
    const tile_attributes *a = c->attrs;
    const cnn_shape *x = &c->in[0]->shape;
    int i = d - (ndim - x->ndim);
    int64_t r = d - (ndim - a->repeats.count);
    *size = i < 0 ? 1 : x->dim[i];
    return r < 0 ? 1 : a->repeats.at[r];
}

static int tile_ndim(const cnn_call *c)
{
    const tile_attributes *a = c->attrs;
    return a->repeats.count > c->in[0]->shape.ndim ? (int)a->repeats.count : c->in[0]->shape.ndim;
}

static cnn_status check_tile(cnn_call *c)
{
    const tile_attributes *a = c->attrs;
    cnn_shape *y = &c->out_shape[0];
    int64_t size;
    if (a->repeats.count > CNN_MAX_NDIM)
        return cnn_fail(CNN_ERR_VALUE, "a tensor has at most %d dimensions", CNN_MAX_NDIM);
    for (int i = 0; i < a->repeats.count; i++)
        if (a->repeats.at[i] < 0)
            return cnn_fail(CNN_ERR_VALUE, "repeats must not be negative, got %lld", (long long)a->repeats.at[i]);
    y->dtype = c->in[0]->shape.dtype;
    y->ndim = tile_ndim(c);
    for (int d = 0; d < y->ndim; d++) {
        int64_t times = tile_times(c, y->ndim, d, &size);
        if (__builtin_mul_overflow(times, size, &y->dim[d])) return cnn_fail(CNN_ERR_VALUE, "repeats is too large");
    }
    return CNN_OK;
}

/* Dimension by dimension, from the last one: each is a repetition of blocks. */
static cnn_status forward_tile(cnn_call *c)
{
    cnn_shape shape = c->out_shape[0];
    cnn_tensor *now, *next;
    int64_t size;
    CNN_TRY(cnn_shape_size(&shape, &size));
    if (size == 0) return cnn_tensor_new(&shape, &c->out[0]); /* else what comes on the way fits, too */
    for (int d = 0; d < shape.ndim; d++) tile_times(c, shape.ndim, d, &shape.dim[d]);
    CNN_TRY(cnn_tensor_view(c->in[0], &shape, &now));
    for (int d = shape.ndim - 1; d >= 0; d--) {
        int64_t times = tile_times(c, shape.ndim, d, &size), width = elements_from(&shape, d);
        if (times == 1) continue;
        shape.dim[d] *= times;
        cnn_status status = repeat_blocks(now, width, times, &shape, &next);
        cnn_tensor_release(now);
        CNN_TRY(status);
        now = next;
    }
    c->out[0] = now;
    return CNN_OK;
}

static cnn_status backward_tile(cnn_call *c)
{
    if (c->grad_out[0]->size == 0) return cnn_tensor_zeros(&c->in[0]->shape, &c->grad_in[0]);
    cnn_tensor *now = cnn_tensor_retain(c->grad_out[0]), *next;
    cnn_shape shape = now->shape;
    cnn_status status;
    for (int d = 0; d < shape.ndim; d++) {
        int64_t size, times = tile_times(c, shape.ndim, d, &size), blocks = 1;
        if (times == 1) continue;
        for (int e = 0; e < d; e++) blocks *= shape.dim[e];
        shape.dim[d] = size;
        status = sum_blocks(now, blocks, elements_from(&shape, d), times, &shape, &next);
        cnn_tensor_release(now);
        CNN_TRY(status);
        now = next;
    }
    status = cnn_tensor_view(now, &c->in[0]->shape, &c->grad_in[0]);
    cnn_tensor_release(now);
    return status;
}

static const cnn_attr tile_attrs[] = {{"repeats", CNN_ATTR_INTS, offsetof(tile_attributes, repeats), NULL}};
static const tile_attributes tile_defaults;

/* ---- descriptors ---- */

#define OP(NAME, ATTRS, MAKES, DOC)                                                                                    \
    const cnn_op cnn_op_##NAME = {                                                                                     \
        .name = #NAME,                                                                                                 \
        .doc = DOC,                                                                                                    \
        .input_names = input_names,                                                                                    \
        .min_inputs = 1,                                                                                               \
        .max_inputs = 1,                                                                                               \
        .outputs = 1,                                                                                                  \
        .attrs = NAME##_attrs,                                                                                         \
        .attr_count = ATTRS,                                                                                           \
        .attrs_size = sizeof NAME##_defaults,                                                                          \
        .attr_defaults = &NAME##_defaults,                                                                             \
        .makes_outputs = MAKES,                                                                                        \
        .check = check_##NAME,                                                                                         \
        .forward = forward_##NAME,                                                                                     \
        .backward = backward_##NAME,                                                                                   \
    };

OP(pad, 2, false,
   "pad(x, *, padding, value=0): x inside a border; padding = (before, after) of dimension 0, then of 1, ...")
OP(flip, 1, false, "flip(x, *, axis=()): x with the order along the axes (none named: all) reversed.")
OP(repeat, 2, true, "repeat(x, *, repeats, axis=-1): each slice along the axis that many times, one after the other.")
OP(tile, 1, true,
   "tile(x, *, repeats): x side by side that many times in each dimension; the shorter of the shape and repeats "
   "gets ones in front.")
