/* See shared.h. */
#include "ops/shared.h"

#include "runtime/memory.h"

#include <string.h>

cnn_status cnn_check_axis(int64_t *axis, int ndim)
{
    if (*axis < -ndim || *axis >= ndim)
        return ndim == 0 ? cnn_fail(CNN_ERR_VALUE, "axis %lld for a tensor without dimensions", (long long)*axis)
                         : cnn_fail(CNN_ERR_VALUE, "axis %lld for a tensor of %d dimensions; it must be from %d to %d",
                                    (long long)*axis, ndim, -ndim, ndim - 1);
    if (*axis < 0) *axis += ndim;
    return CNN_OK;
}

cnn_status cnn_check_axes(const cnn_ints *axes, const cnn_shape *shape, bool keepdims, bool reduced[CNN_MAX_NDIM],
                          cnn_shape *out)
{
    for (int d = 0; d < CNN_MAX_NDIM; d++) reduced[d] = axes->count == 0 && d < shape->ndim;
    for (int64_t i = 0; i < axes->count; i++) {
        int64_t axis = axes->at[i];
        CNN_TRY(cnn_check_axis(&axis, shape->ndim));
        if (reduced[axis]) return cnn_fail(CNN_ERR_VALUE, "axis %lld is given twice", (long long)axes->at[i]);
        reduced[axis] = true;
    }
    out->ndim = 0;
    for (int d = 0; d < shape->ndim; d++)
        if (!reduced[d]) out->dim[out->ndim++] = shape->dim[d];
        else if (keepdims) out->dim[out->ndim++] = 1;
    return CNN_OK;
}

cnn_status cnn_check_broadcast(const cnn_shape *a, const cnn_shape *b, cnn_shape *out)
{
    char ta[CNN_SHAPE_TEXT], tb[CNN_SHAPE_TEXT];
    out->ndim = a->ndim > b->ndim ? a->ndim : b->ndim;
    for (int d = 0; d < out->ndim; d++) {
        int ia = d - (out->ndim - a->ndim), ib = d - (out->ndim - b->ndim);
        int64_t da = ia < 0 ? 1 : a->dim[ia], db = ib < 0 ? 1 : b->dim[ib];
        if (da != db && da != 1 && db != 1)
            return cnn_fail(
                CNN_ERR_VALUE,
                "shapes %s and %s cannot be broadcast together: counted from the right, dimensions must be equal or 1",
                cnn_shape_text(a, ta), cnn_shape_text(b, tb));
        out->dim[d] = da == 1 ? db : da;
    }
    return CNN_OK;
}

cnn_status cnn_check_broadcast_to(const cnn_shape *x, const cnn_shape *shape)
{
    char tx[CNN_SHAPE_TEXT], ts[CNN_SHAPE_TEXT];
    bool fits = x->ndim <= shape->ndim;
    for (int d = 0; fits && d < x->ndim; d++)
        fits = x->dim[d] == 1 || x->dim[d] == shape->dim[shape->ndim - x->ndim + d];
    if (fits) return CNN_OK;
    return cnn_fail(CNN_ERR_VALUE,
                    "shape %s cannot be broadcast to %s: counted from the right, its dimensions must be equal or 1",
                    cnn_shape_text(x, tx), cnn_shape_text(shape, ts));
}

void cnn_strides(const cnn_shape *shape, int64_t strides[CNN_MAX_NDIM])
{
    int64_t step = 1;
    for (int d = shape->ndim - 1; d >= 0; d--) {
        strides[d] = step;
        step *= shape->dim[d];
    }
}

/* The steps of X inside Y: 0 where it is broadcast. */
static void broadcast_strides(const cnn_shape *y, const cnn_shape *x, int64_t steps[CNN_MAX_NDIM])
{
    int64_t own[CNN_MAX_NDIM];
    cnn_strides(x, own);
    for (int d = 0; d < y->ndim; d++) {
        int i = d - (y->ndim - x->ndim);
        steps[d] = i < 0 || x->dim[i] == 1 ? 0 : own[i];
    }
}

void cnn_broadcast_loops(const cnn_shape *y, const cnn_shape *a, const cnn_shape *b, cnn_broadcast *loops)
{
    int64_t sa[CNN_MAX_NDIM], sb[CNN_MAX_NDIM];
    int last = -1;
    broadcast_strides(y, a, sa);
    broadcast_strides(y, b, sb);
    for (int d = 0; d < y->ndim; d++) {
        if (y->dim[d] == 1) continue;
        if (last >= 0 && loops->a[last] == sa[d] * y->dim[d] && loops->b[last] == sb[d] * y->dim[d])
            loops->dim[last] *= y->dim[d];
        else loops->dim[++last] = y->dim[d];
        loops->a[last] = sa[d];
        loops->b[last] = sb[d];
    }
    if (last < 0) {
        loops->dim[++last] = 1;
        loops->a[last] = loops->b[last] = 0;
    }
    loops->ndim = last + 1;
}

cnn_move cnn_move_over(const cnn_shape *shape)
{
    cnn_move m = {.ndim = shape->ndim};
    memcpy(m.dim, shape->dim, sizeof m.dim);
    cnn_strides(shape, m.from);
    cnn_strides(shape, m.to);
    return m;
}

cnn_status cnn_as_dtype(cnn_tensor *t, cnn_dtype dtype, cnn_tensor **out)
{
    cnn_shape shape = t->shape;
    if (shape.dtype == dtype) {
        *out = cnn_tensor_retain(t);
        return CNN_OK;
    }
    shape.dtype = dtype;
    CNN_TRY(cnn_tensor_new(&shape, out));
    cnn_k()->cast(t->shape.dtype, dtype, t->size, t->data, (*out)->data);
    return CNN_OK;
}

static cnn_dtype reduced_dtype(cnn_reduce_fn fn, cnn_dtype dtype)
{
    if (fn == CNN_FN_all || fn == CNN_FN_any) return CNN_BOOL;
    if (fn == CNN_FN_sum || fn == CNN_FN_prod) return cnn_promote(dtype, CNN_INT64);
    return dtype;
}

/* Reduces dimensions [first, last] of T. */
static cnn_status reduce_group(cnn_reduce_fn fn, cnn_tensor *t, int first, int last, cnn_tensor **out)
{
    cnn_shape shape = t->shape;
    int64_t outer = 1, count = 1, inner = 1;
    for (int d = 0; d < shape.ndim; d++) {
        if (d < first) outer *= shape.dim[d];
        else if (d > last) inner *= shape.dim[d];
        else {
            count *= shape.dim[d];
            shape.dim[d] = 1;
        }
    }
    shape.dtype = reduced_dtype(fn, shape.dtype);
    void *scratch = NULL;
    int64_t bytes = cnn_k()->reduce_scratch(outer, count, inner);
    if (bytes && !(scratch = cnn_alloc((size_t)bytes))) return CNN_ERR_MEMORY;
    cnn_status status = cnn_tensor_new(&shape, out);
    if (status == CNN_OK) cnn_k()->reduce(fn, t->shape.dtype, outer, count, inner, t->data, (*out)->data, scratch);
    cnn_free(scratch);
    return status;
}

cnn_status cnn_reduce_dims(cnn_reduce_fn fn, cnn_tensor *t, const bool reduced[CNN_MAX_NDIM], cnn_tensor **out)
{
    cnn_tensor *now = cnn_tensor_retain(t);
    bool done = false;
    for (int last = t->shape.ndim - 1; last >= 0; last--) {
        if (!reduced[last]) continue;
        int first = last;
        while (first > 0 && (reduced[first - 1] || now->shape.dim[first - 1] == 1)) first--;
        cnn_tensor *next;
        cnn_status status = reduce_group(fn, now, first, last, &next);
        cnn_tensor_release(now);
        CNN_TRY(status);
        now = next;
        done = true;
        last = first;
    }
    if (!done) { /* nothing to reduce, but the result has its own dtype: a reduction of single elements */
        cnn_shape flat = t->shape;
        cnn_status status = cnn_as_dtype(t, reduced_dtype(fn, flat.dtype), out);
        cnn_tensor_release(now);
        return status;
    }
    *out = now;
    return CNN_OK;
}

cnn_status cnn_sum_to(cnn_tensor *g, const cnn_shape *shape, cnn_tensor **out)
{
    bool reduced[CNN_MAX_NDIM] = {false}, any = false;
    int extra = g->shape.ndim - shape->ndim;
    cnn_tensor *sum, *typed;
    for (int d = 0; d < g->shape.ndim; d++) {
        reduced[d] = d < extra || (shape->dim[d - extra] == 1 && g->shape.dim[d] != 1);
        any = any || reduced[d];
    }
    if (any) CNN_TRY(cnn_reduce_dims(CNN_FN_sum, g, reduced, &sum));
    else sum = cnn_tensor_retain(g);
    cnn_status status = cnn_as_dtype(sum, shape->dtype, &typed);
    cnn_tensor_release(sum);
    CNN_TRY(status);
    if (extra == 0) {
        *out = typed;
        return CNN_OK;
    }
    status = cnn_tensor_view(typed, shape, out);
    cnn_tensor_release(typed);
    return status;
}

cnn_status cnn_expand(cnn_tensor *t, const cnn_shape *shape, cnn_tensor **out)
{
    cnn_shape whole = *shape;
    whole.dtype = t->shape.dtype;
    CNN_TRY(cnn_tensor_new(&whole, out));
    cnn_move m = cnn_move_over(&whole);
    broadcast_strides(&whole, &t->shape, m.from);
    cnn_k()->move((int)cnn_dtype_size(whole.dtype), &m, t->data, (*out)->data);
    return CNN_OK;
}

cnn_status cnn_binary(cnn_binary_fn fn, cnn_tensor *a, cnn_tensor *b, cnn_tensor **out)
{
    cnn_shape shape;
    cnn_broadcast loops;
    CNN_TRY(cnn_check_broadcast(&a->shape, &b->shape, &shape));
    shape.dtype = fn >= CNN_FN_equal ? CNN_BOOL : a->shape.dtype;
    CNN_TRY(cnn_tensor_new(&shape, out));
    cnn_broadcast_loops(&shape, &a->shape, &b->shape, &loops);
    cnn_k()->binary(fn, a->shape.dtype, &loops, a->data, b->data, (*out)->data);
    return CNN_OK;
}

cnn_status cnn_permute(cnn_tensor *t, const int axes[CNN_MAX_NDIM], cnn_tensor **out)
{
    cnn_shape shape = t->shape;
    int64_t strides[CNN_MAX_NDIM];
    for (int d = 0; d < shape.ndim; d++) shape.dim[d] = t->shape.dim[axes[d]];
    CNN_TRY(cnn_tensor_new(&shape, out));
    cnn_move m = cnn_move_over(&shape);
    cnn_strides(&t->shape, strides);
    for (int d = 0; d < shape.ndim; d++) m.from[d] = strides[axes[d]];
    cnn_k()->move((int)cnn_dtype_size(shape.dtype), &m, t->data, (*out)->data);
    return CNN_OK;
}
