/* concatenate: along an axis there is; stack: along a new one. */
#include "ops/shared.h"

typedef struct {
    int64_t axis;
} attributes;

/* Promotes the dtypes; the shapes must agree but for dimension AXIS (-1: agree). */
static cnn_status check_alike(cnn_call *c, int axis)
{
    const cnn_shape *first = &c->in[0]->shape;
    char ta[CNN_SHAPE_TEXT], tb[CNN_SHAPE_TEXT];
    c->out_shape[0] = *first;
    for (int i = 1; i < c->inputs; i++) {
        const cnn_shape *x = &c->in[i]->shape;
        bool fits = x->ndim == first->ndim;
        for (int d = 0; fits && d < x->ndim; d++) fits = d == axis || x->dim[d] == first->dim[d];
        if (!fits)
            return cnn_fail(CNN_ERR_VALUE,
                            axis < 0 ? "shapes must be equal, got %s and %s (input %d)%.0d"
                                     : "shapes %s and %s (input %d) must be equal but for dimension %d",
                            cnn_shape_text(first, ta), cnn_shape_text(x, tb), i, axis < 0 ? 0 : axis);
        c->out_shape[0].dtype = cnn_promote(c->out_shape[0].dtype, x->dtype);
    }
    return CNN_OK;
}

static cnn_status check_concatenate(cnn_call *c)
{
    int64_t axis = ((const attributes *)c->attrs)->axis;
    if (c->in[0]->shape.ndim == 0)
        return cnn_fail(CNN_ERR_VALUE, "tensors without dimensions cannot be concatenated; use stack");
    CNN_TRY(cnn_check_axis(&axis, c->in[0]->shape.ndim));
    CNN_TRY(check_alike(c, (int)axis));
    for (int i = 1; i < c->inputs; i++)
        if (__builtin_add_overflow(c->out_shape[0].dim[axis], c->in[i]->shape.dim[axis], &c->out_shape[0].dim[axis]))
            return cnn_fail(CNN_ERR_VALUE, "the result is too large");
    return CNN_OK;
}

static cnn_status check_stack(cnn_call *c)
{
    int64_t axis = ((const attributes *)c->attrs)->axis;
    cnn_shape *y = &c->out_shape[0];
    if (c->in[0]->shape.ndim == CNN_MAX_NDIM)
        return cnn_fail(CNN_ERR_VALUE, "a tensor has at most %d dimensions", CNN_MAX_NDIM);
    CNN_TRY(cnn_check_axis(&axis, c->in[0]->shape.ndim + 1));
    CNN_TRY(check_alike(c, -1));
    for (int d = y->ndim++; d > axis; d--) y->dim[d] = y->dim[d - 1];
    y->dim[axis] = c->inputs;
    return CNN_OK;
}

/* Both ops see each input as a block of WIDTH elements in each of OUTER rows of the result. */
static void rows_of(const cnn_call *c, const cnn_shape *y, int64_t *outer, int64_t *row)
{
    int64_t axis = ((const attributes *)c->attrs)->axis;
    if (axis < 0) axis += y->ndim;
    *outer = *row = 1;
    for (int d = 0; d < y->ndim; d++) *(d < axis ? outer : row) *= y->dim[d];
}

static cnn_status forward(cnn_call *c)
{
    cnn_tensor *y = c->out[0];
    const int size = (int)cnn_dtype_size(y->shape.dtype);
    int64_t outer, row, at = 0;
    rows_of(c, &y->shape, &outer, &row);
    for (int i = 0; i < c->inputs; i++) {
        cnn_tensor *x;
        CNN_TRY(cnn_as_dtype(c->in[i], y->shape.dtype, &x));
        int64_t width = outer ? x->size / outer : 0;
        cnn_move m = {2, {outer, width}, {width, 1}, {row, 1}};
        cnn_k()->move(size, &m, x->data, (char *)y->data + at * size);
        at += width;
        cnn_tensor_release(x);
    }
    return CNN_OK;
}

static cnn_status backward(cnn_call *c)
{
    const cnn_tensor *g = c->grad_out[0];
    const int size = (int)cnn_dtype_size(g->shape.dtype);
    int64_t outer, row, at = 0;
    rows_of(c, &g->shape, &outer, &row);
    for (int i = 0; i < c->inputs; i++) {
        int64_t width = outer ? c->in[i]->size / outer : 0;
        if (c->needs_grad[i]) {
            cnn_tensor *part;
            cnn_shape shape = c->in[i]->shape;
            shape.dtype = g->shape.dtype;
            CNN_TRY(cnn_tensor_new(&shape, &part));
            cnn_move m = {2, {outer, width}, {row, 1}, {width, 1}};
            cnn_k()->move(size, &m, (const char *)g->data + at * size, part->data);
            cnn_status status = cnn_as_dtype(part, c->in[i]->shape.dtype, &c->grad_in[i]);
            cnn_tensor_release(part);
            CNN_TRY(status);
        }
        at += width;
    }
    return CNN_OK;
}

static const char *const input_names[] = {"xs"};
static const cnn_attr attrs[] = {{"axis", CNN_ATTR_INT, offsetof(attributes, axis), NULL}};
static const attributes concatenate_defaults = {-1}, stack_defaults = {0};

#define OP(NAME, DOC)                                                                                                  \
    const cnn_op cnn_op_##NAME = {                                                                                     \
        .name = #NAME,                                                                                                 \
        .doc = DOC,                                                                                                    \
        .input_names = input_names,                                                                                    \
        .min_inputs = 1,                                                                                               \
        .max_inputs = 1,                                                                                               \
        .variadic = true,                                                                                              \
        .outputs = 1,                                                                                                  \
        .attrs = attrs,                                                                                                \
        .attr_count = 1,                                                                                               \
        .attrs_size = sizeof(attributes),                                                                              \
        .attr_defaults = &NAME##_defaults,                                                                             \
        .check = check_##NAME,                                                                                         \
        .forward = forward,                                                                                            \
        .backward = backward,                                                                                          \
    };

OP(concatenate, "concatenate(xs, *, axis=-1): the tensors one after another along an axis; else their shapes agree.")
OP(stack, "stack(xs, *, axis=0): tensors of one shape along a new axis.")
