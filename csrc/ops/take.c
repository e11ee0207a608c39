/* Elements by index: take gathers whole slices along an axis (the batches of a training loop, with axis 0),
 * take_along_axis single elements.
 *
 * Indices are checked before anything is moved; negative ones count from the end. The gradient adds what comes back to
 * each slice in the order of the indices, so it does not depend on the threads: these share out the columns. */
#include "ops/shared.h"

#include "runtime/parallel.h"

#include <string.h>

#define GRAIN_BYTES 65536

typedef struct {
    int64_t axis;
} attributes;

static int64_t index_at(const cnn_tensor *indices, int64_t i)
{
    switch (indices->shape.dtype) {
    case CNN_INT64: return ((const int64_t *)indices->data)[i];
    case CNN_INT32: return ((const int32_t *)indices->data)[i];
    default: return ((const uint8_t *)indices->data)[i];
    }
}

static cnn_status check_indices(const cnn_tensor *indices, int64_t size)
{
    if (cnn_dtype_is_float(indices->shape.dtype) || indices->shape.dtype == CNN_BOOL)
        return cnn_fail(CNN_ERR_TYPE, "indices must be integers, got %s; convert them with .astype('int64')",
                        cnn_dtype_name(indices->shape.dtype));
    for (int64_t i = 0; i < indices->size; i++) {
        int64_t index = index_at(indices, i);
        if (index < -size || index >= size)
            return cnn_fail(CNN_ERR_INDEX, "index %lld is out of range for a dimension of %lld", (long long)index,
                            (long long)size);
    }
    return CNN_OK;
}

/* x as [outer, size, inner] around the axis. */
static void split_at_axis(const cnn_call *c, int64_t *outer, int64_t *size, int64_t *inner)
{
    const cnn_shape *x = &c->in[0]->shape;
    int64_t axis = ((const attributes *)c->attrs)->axis;
    if (axis < 0) axis += x->ndim;
    *outer = *inner = 1;
    *size = x->dim[axis];
    for (int d = 0; d < x->ndim; d++)
        if (d != axis) *(d < axis ? outer : inner) *= x->dim[d];
}

/* ---- take ---- */

static cnn_status check_take(cnn_call *c)
{
    const cnn_shape *x = &c->in[0]->shape, *indices = &c->in[1]->shape;
    cnn_shape *y = &c->out_shape[0];
    int64_t axis = ((const attributes *)c->attrs)->axis;
    CNN_TRY(cnn_check_axis(&axis, x->ndim));
    if (x->ndim - 1 + indices->ndim > CNN_MAX_NDIM)
        return cnn_fail(CNN_ERR_VALUE, "the result would have %d dimensions, a tensor has at most %d",
                        x->ndim - 1 + indices->ndim, CNN_MAX_NDIM);
    CNN_TRY(check_indices(c->in[1], x->dim[axis]));
    y->dtype = x->dtype;
    y->ndim = 0;
    for (int d = 0; d < axis; d++) y->dim[y->ndim++] = x->dim[d];
    for (int d = 0; d < indices->ndim; d++) y->dim[y->ndim++] = indices->dim[d];
    for (int d = (int)axis + 1; d < x->ndim; d++) y->dim[y->ndim++] = x->dim[d];
    return CNN_OK;
}

typedef struct {
    const cnn_tensor *indices;
    int64_t outer, size, bytes; /* bytes of a slice */
    int64_t pieces;
    const char *x;
    char *y;
} gather_job;

static void gather(void *context, int64_t piece, int thread)
{
    const gather_job *j = context;
    int64_t begin, end;
    (void)thread;
    cnn_piece_range(j->outer * j->indices->size, j->pieces, piece, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        int64_t o = row / j->indices->size, index = index_at(j->indices, row % j->indices->size);
        if (index < 0) index += j->size;
        memcpy(j->y + row * j->bytes, j->x + (o * j->size + index) * j->bytes, (size_t)j->bytes);
    }
}

static cnn_status forward_take(cnn_call *c)
{
    gather_job j = {.indices = c->in[1], .x = c->in[0]->data, .y = c->out[0]->data};
    int64_t inner;
    if (c->out[0]->size == 0) return CNN_OK;
    split_at_axis(c, &j.outer, &j.size, &inner);
    j.bytes = inner * (int64_t)cnn_dtype_size(c->in[0]->shape.dtype);
    j.pieces = cnn_pieces(j.outer * j.indices->size, j.bytes < GRAIN_BYTES ? GRAIN_BYTES / j.bytes : 1);
    cnn_parallel(j.pieces, gather, &j);
    return CNN_OK;
}

typedef struct {
    const cnn_tensor *indices;
    int64_t outer, size, inner;
    int64_t columns, pieces; /* pieces of inner in each outer turn */
    const void *g;
    void *dx;
} scatter_job;

#define DEFINE_SCATTER(T, suffix)                                                                                      \
    static void scatter_##suffix(void *context, int64_t piece, int thread)                                             \
    {                                                                                                                  \
        const scatter_job *j = context;                                                                                \
        const T *g = j->g;                                                                                             \
        T *dx = j->dx;                                                                                                 \
        int64_t begin, end, o = piece / j->columns, count = j->indices->size;                                          \
        (void)thread;                                                                                                  \
        cnn_piece_range(j->inner, j->columns, piece % j->columns, &begin, &end);                                       \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            int64_t index = index_at(j->indices, i);                                                                   \
            const T *from = g + (o * count + i) * j->inner;                                                            \
            T *to = dx + (o * j->size + (index < 0 ? index + j->size : index)) * j->inner;                             \
            for (int64_t k = begin; k < end; k++) to[k] += from[k];                                                    \
        }                                                                                                              \
    }
DEFINE_SCATTER(float, f32)
DEFINE_SCATTER(double, f64)

static cnn_status backward_take(cnn_call *c)
{
    cnn_shape shape = c->in[0]->shape;
    scatter_job j = {.indices = c->in[1], .g = c->grad_out[0]->data};
    CNN_TRY(cnn_tensor_zeros(&shape, &c->grad_in[0]));
    if (c->grad_out[0]->size == 0) return CNN_OK;
    split_at_axis(c, &j.outer, &j.size, &j.inner);
    j.dx = c->grad_in[0]->data;
    j.columns = cnn_pieces(j.inner, 256);
    cnn_parallel(j.outer * j.columns, shape.dtype == CNN_FLOAT32 ? scatter_f32 : scatter_f64, &j);
    return CNN_OK;
}

/* ---- take_along_axis ---- */

static cnn_status check_along(cnn_call *c)
{
    const cnn_shape *x = &c->in[0]->shape, *indices = &c->in[1]->shape;
    char tx[CNN_SHAPE_TEXT], ti[CNN_SHAPE_TEXT];
    int64_t axis = ((const attributes *)c->attrs)->axis;
    CNN_TRY(cnn_check_axis(&axis, x->ndim));
    bool fits = indices->ndim == x->ndim;
    for (int d = 0; fits && d < x->ndim; d++) fits = d == axis || indices->dim[d] == x->dim[d];
    if (!fits)
        return cnn_fail(CNN_ERR_VALUE, "indices of shape %s must have the shape of x, %s, but for dimension %d",
                        cnn_shape_text(indices, ti), cnn_shape_text(x, tx), (int)axis);
    CNN_TRY(check_indices(c->in[1], x->dim[axis]));
    c->out_shape[0] = *indices;
    c->out_shape[0].dtype = x->dtype;
    return CNN_OK;
}

/* For each element of indices, in order: AT is its place in x. */
#define DEFINE_ALONG(T, name, statement)                                                                               \
    static void name(const cnn_tensor *indices, int64_t outer, int64_t size, int64_t inner, const T *from, T *to)      \
    {                                                                                                                  \
        int64_t i = 0, rows = outer && inner ? indices->size / outer / inner : 0;                                      \
        for (int64_t o = 0; o < outer; o++)                                                                            \
            for (int64_t row = 0; row < rows; row++)                                                                   \
                for (int64_t k = 0; k < inner; k++, i++) {                                                             \
                    int64_t index = index_at(indices, i);                                                              \
                    int64_t at = (o * size + (index < 0 ? index + size : index)) * inner + k;                          \
                    statement;                                                                                         \
                }                                                                                                      \
    }
DEFINE_ALONG(uint8_t, gather_1, to[i] = from[at])
DEFINE_ALONG(uint32_t, gather_4, to[i] = from[at])
DEFINE_ALONG(uint64_t, gather_8, to[i] = from[at])
DEFINE_ALONG(float, add_f32, to[at] += from[i])
DEFINE_ALONG(double, add_f64, to[at] += from[i])

static cnn_status forward_along(cnn_call *c)
{
    int64_t outer, size, inner;
    const cnn_tensor *x = c->in[0];
    void *y = c->out[0]->data;
    split_at_axis(c, &outer, &size, &inner);
    switch (cnn_dtype_size(x->shape.dtype)) {
    case 1: gather_1(c->in[1], outer, size, inner, x->data, y); break;
    case 4: gather_4(c->in[1], outer, size, inner, x->data, y); break;
    default: gather_8(c->in[1], outer, size, inner, x->data, y);
    }
    return CNN_OK;
}

static cnn_status backward_along(cnn_call *c)
{
    int64_t outer, size, inner;
    const cnn_tensor *g = c->grad_out[0];
    split_at_axis(c, &outer, &size, &inner);
    CNN_TRY(cnn_tensor_zeros(&c->in[0]->shape, &c->grad_in[0]));
    if (g->shape.dtype == CNN_FLOAT32) add_f32(c->in[1], outer, size, inner, g->data, c->grad_in[0]->data);
    else add_f64(c->in[1], outer, size, inner, g->data, c->grad_in[0]->data);
    return CNN_OK;
}

/* ---- descriptors ---- */

static const char *const input_names[] = {"x", "indices"};
static const cnn_attr attrs[] = {{"axis", CNN_ATTR_INT, offsetof(attributes, axis), NULL}};
static const attributes take_defaults = {0}, along_defaults = {-1};

const cnn_op cnn_op_take = {
    .name = "take",
    .doc =
        "take(x, indices, *, axis=0): the slices of x at the indices along an axis, in whose place the dimensions of "
        "indices stand. Indices are integers; negative ones count from the end.",
    .input_names = input_names,
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .attrs = attrs,
    .attr_count = 1,
    .attrs_size = sizeof(attributes),
    .attr_defaults = &take_defaults,
    .keeps = CNN_KEEP_INPUT(1),
    .check = check_take,
    .forward = forward_take,
    .backward = backward_take,
};

const cnn_op cnn_op_take_along_axis = {
    .name = "take_along_axis",
    .doc =
        "take_along_axis(x, indices, *, axis=-1): y[.., i, ..] = x[.., indices[.., i, ..], ..]; x and indices agree in "
        "all dimensions but the axis.",
    .input_names = input_names,
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .attrs = attrs,
    .attr_count = 1,
    .attrs_size = sizeof(attributes),
    .attr_defaults = &along_defaults,
    .keeps = CNN_KEEP_INPUT(1),
    .check = check_along,
    .forward = forward_along,
    .backward = backward_along,
};
