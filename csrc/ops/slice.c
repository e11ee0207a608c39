/* Every stride-th element from begin up to, not including, end, along each dimension: NumPy's x[b:e:s, ...]. Steps may
 * be negative. */
#include "ops/shared.h"

typedef struct {
    cnn_ints begin, end, stride;
} attributes;

/* The first element, the step and the count along dimension D, as Python's slice(begin, end, step).indices() gives. */
static void range_of(const attributes *a, int d, int64_t size, int64_t *first, int64_t *step, int64_t *count)
{
    int64_t lowest, highest, begin, end;
    *step = d < a->stride.count ? a->stride.at[d] : 1;
    lowest = *step < 0 ? -1 : 0;
    highest = *step < 0 ? size - 1 : size;
    begin = d < a->begin.count ? a->begin.at[d] : 0;
    end = d < a->end.count ? a->end.at[d] : size;
    if (begin < 0) begin = begin + size < lowest ? lowest : begin + size;
    else if (begin > highest) begin = highest;
    if (end < 0) end = end + size < lowest ? lowest : end + size;
    else if (end > highest) end = highest;
    *first = begin;
    *count = 0;
    if (*step > 0 && end > begin) *count = (end - begin - 1) / *step + 1;
    if (*step < 0 && end < begin) *count = (begin - end - 1) / -*step + 1;
}

static cnn_status check(cnn_call *c)
{
    const attributes *a = c->attrs;
    const cnn_shape *x = &c->in[0]->shape;
    char text[CNN_SHAPE_TEXT];
    int64_t first, step;
    if (a->begin.count > x->ndim || a->end.count != a->begin.count ||
        (a->stride.count && a->stride.count != a->begin.count))
        return cnn_fail(CNN_ERR_VALUE,
                        "begin, end and stride have %d, %d and %d entries; they need equally many (stride may "
                        "have none), at most one for each dimension of shape %s",
                        (int)a->begin.count, (int)a->end.count, (int)a->stride.count, cnn_shape_text(x, text));
    for (int d = 0; d < a->stride.count; d++)
        if (a->stride.at[d] == 0 || a->stride.at[d] == INT64_MIN)
            return cnn_fail(CNN_ERR_VALUE, "stride %lld of dimension %d is not possible", (long long)a->stride.at[d],
                            d);
    c->out_shape[0] = *x;
    for (int d = 0; d < x->ndim; d++) range_of(a, d, x->dim[d], &first, &step, &c->out_shape[0].dim[d]);
    return CNN_OK;
}

/* The loops over the slice, and where it begins in x; its steps there are FROM. */
static int64_t loops_of(const cnn_call *c, const cnn_shape *y, cnn_move *m)
{
    const cnn_shape *x = &c->in[0]->shape;
    int64_t strides[CNN_MAX_NDIM], begin = 0, first, step, count;
    *m = cnn_move_over(y);
    cnn_strides(x, strides);
    for (int d = 0; d < x->ndim; d++) {
        range_of(c->attrs, d, x->dim[d], &first, &step, &count);
        begin += first * strides[d];
        m->from[d] = step * strides[d];
    }
    return begin;
}

static cnn_status forward(cnn_call *c)
{
    cnn_move m;
    if (c->out[0]->size == 0) return CNN_OK;
    int64_t begin = loops_of(c, &c->out_shape[0], &m);
    int size = (int)cnn_dtype_size(c->out_shape[0].dtype);
    cnn_k()->move(size, &m, (const char *)c->in[0]->data + begin * size, c->out[0]->data);
    return CNN_OK;
}

static cnn_status backward(cnn_call *c)
{
    cnn_move m, into;
    const cnn_tensor *g = c->grad_out[0];
    cnn_shape shape = c->in[0]->shape;
    CNN_TRY(cnn_tensor_zeros(&shape, &c->grad_in[0]));
    if (g->size == 0) return CNN_OK;
    int64_t begin = loops_of(c, &g->shape, &m);
    int size = (int)cnn_dtype_size(shape.dtype);
    into = cnn_move_over(&g->shape);
    for (int d = 0; d < m.ndim; d++) into.to[d] = m.from[d];
    cnn_k()->move(size, &into, g->data, (char *)c->grad_in[0]->data + begin * size);
    return CNN_OK;
}

static const char *const input_names[] = {"x"};
static const cnn_attr attrs[] = {
    {"begin", CNN_ATTR_INTS, offsetof(attributes, begin), NULL},
    {"end", CNN_ATTR_INTS, offsetof(attributes, end), NULL},
    {"stride", CNN_ATTR_INTS, offsetof(attributes, stride), NULL},
};
static const attributes defaults;

const cnn_op cnn_op_slice = {
    .name = "slice",
    .doc =
        "slice(x, *, begin, end, stride=()): x[begin[0]:end[0]:stride[0], begin[1]:end[1]:stride[1], ...] with "
        "Python's "
        "rules for negative and too large numbers; dimensions that are not named stay whole. To run backwards past the "
        "first element, end must be below -size.",
    .input_names = input_names,
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attrs = attrs,
    .attr_count = 3,
    .attrs_size = sizeof(attributes),
    .attr_defaults = &defaults,
    .check = check,
    .forward = forward,
    .backward = backward,
};
