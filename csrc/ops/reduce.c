/* Reductions over any axes: sum, mean, variance, max, min, prod, all, any. The sums are accurate to the last places
 * whatever their length (kernels/reduce.c). */
#include "ops/shared.h"

#include <string.h>

typedef struct {
    cnn_ints axis;
    bool keepdims;
} attributes;

/* The dimensions to reduce, and X's shape with ones in their place. */
static void reduced_dims(const cnn_call *c, bool reduced[CNN_MAX_NDIM], cnn_shape *kept)
{
    const attributes *a = c->attrs;
    *kept = c->in[0]->shape;
    cnn_check_axes(&a->axis, &c->in[0]->shape, true, reduced, kept); /* passed before */
}

static int64_t reduced_count(const cnn_shape *x, const bool reduced[CNN_MAX_NDIM])
{
    int64_t count = 1;
    for (int d = 0; d < x->ndim; d++)
        if (reduced[d]) count *= x->dim[d];
    return count;
}

/* ---- check ---- */

static cnn_status check_any_dtype(cnn_call *c)
{
    const attributes *a = c->attrs;
    bool reduced[CNN_MAX_NDIM];
    c->out_shape[0].dtype = c->in[0]->shape.dtype;
    return cnn_check_axes(&a->axis, &c->in[0]->shape, a->keepdims, reduced, &c->out_shape[0]);
}

static cnn_status check_sum(cnn_call *c)
{
    CNN_TRY(check_any_dtype(c));
    c->out_shape[0].dtype = cnn_promote(c->in[0]->shape.dtype, CNN_INT64);
    return CNN_OK;
}

static cnn_status check_mean(cnn_call *c)
{
    CNN_TRY(check_any_dtype(c));
    c->out_shape[0].dtype = cnn_promote_real(c->in[0]->shape.dtype);
    return CNN_OK;
}

static cnn_status check_extreme(cnn_call *c)
{
    char text[CNN_SHAPE_TEXT];
    bool reduced[CNN_MAX_NDIM];
    cnn_shape kept;
    int64_t size;
    CNN_TRY(check_any_dtype(c));
    reduced_dims(c, reduced, &kept);
    CNN_TRY(cnn_shape_size(&c->out_shape[0], &size));
    if (size > 0 && reduced_count(&c->in[0]->shape, reduced) == 0)
        return cnn_fail(CNN_ERR_VALUE, "no elements to take the %s of: x has shape %s", c->op->name,
                        cnn_shape_text(&c->in[0]->shape, text));
    return CNN_OK;
}

static cnn_status check_truth(cnn_call *c)
{
    CNN_TRY(check_any_dtype(c));
    c->out_shape[0].dtype = CNN_BOOL;
    return CNN_OK;
}

/* ---- forward ---- */

/* T with the shape of the result, taking its reference. */
static cnn_status finish(cnn_call *c, cnn_tensor *t)
{
    cnn_status status = cnn_tensor_view(t, &c->out_shape[0], &c->out[0]);
    cnn_tensor_release(t);
    return status;
}

static cnn_status reduce(cnn_call *c, cnn_reduce_fn fn)
{
    bool reduced[CNN_MAX_NDIM];
    cnn_shape kept;
    cnn_tensor *y;
    reduced_dims(c, reduced, &kept);
    CNN_TRY(cnn_reduce_dims(fn, c->in[0], reduced, &y));
    return finish(c, y);
}

/* The mean of T over REDUCED, in its float dtype (integers: float32), with ones in the place of what is reduced. */
static cnn_status mean_of(cnn_tensor *t, const bool reduced[CNN_MAX_NDIM], cnn_tensor **out)
{
    const double count = (double)reduced_count(&t->shape, reduced);
    cnn_shape shape = t->shape;
    cnn_tensor *sum;
    CNN_TRY(cnn_reduce_dims(CNN_FN_sum, t, reduced, &sum));
    shape = sum->shape;
    shape.dtype = cnn_promote_real(t->shape.dtype);
    cnn_status status = cnn_tensor_new(&shape, out);
    for (int64_t i = 0; status == CNN_OK && i < sum->size; i++) {
        if (sum->shape.dtype == CNN_FLOAT64) ((double *)(*out)->data)[i] = ((double *)sum->data)[i] / count;
        else
            ((float *)(*out)->data)[i] = (float)((sum->shape.dtype == CNN_FLOAT32 ? (double)((float *)sum->data)[i]
                                                                                  : (double)((int64_t *)sum->data)[i]) /
                                                 count);
    }
    cnn_tensor_release(sum);
    return status;
}

static cnn_status forward_mean(cnn_call *c)
{
    bool reduced[CNN_MAX_NDIM];
    cnn_shape kept;
    cnn_tensor *mean;
    reduced_dims(c, reduced, &kept);
    CNN_TRY(mean_of(c->in[0], reduced, &mean));
    return finish(c, mean);
}

/* X minus its mean over REDUCED, in X's float dtype. */
static cnn_status deviations(cnn_tensor *t, const bool reduced[CNN_MAX_NDIM], cnn_tensor **out)
{
    cnn_tensor *x, *mean;
    CNN_TRY(cnn_as_dtype(t, cnn_promote_real(t->shape.dtype), &x));
    cnn_status status = mean_of(x, reduced, &mean);
    if (status == CNN_OK) {
        status = cnn_binary(CNN_FN_subtract, x, mean, out);
        cnn_tensor_release(mean);
    }
    cnn_tensor_release(x);
    return status;
}

static cnn_status forward_variance(cnn_call *c)
{
    bool reduced[CNN_MAX_NDIM];
    cnn_shape kept;
    cnn_tensor *d, *variance;
    reduced_dims(c, reduced, &kept);
    CNN_TRY(deviations(c->in[0], reduced, &d));
    cnn_k()->unary(CNN_FN_square, d->shape.dtype, d->size, d->data, d->data);
    cnn_status status = mean_of(d, reduced, &variance);
    cnn_tensor_release(d);
    CNN_TRY(status);
    return finish(c, variance);
}

/* ---- backward ---- */

/* G with ones in the place of what was reduced. */
static cnn_status kept_gradient(cnn_call *c, bool reduced[CNN_MAX_NDIM], cnn_tensor **out)
{
    cnn_shape kept;
    reduced_dims(c, reduced, &kept);
    return cnn_tensor_view(c->grad_out[0], &kept, out);
}

/* G / divisor, spread over x. */
static cnn_status spread(cnn_call *c, double divisor)
{
    bool reduced[CNN_MAX_NDIM];
    cnn_tensor *g, *share;
    CNN_TRY(kept_gradient(c, reduced, &g));
    cnn_status status = cnn_tensor_new(&g->shape, &share);
    if (status == CNN_OK) {
        for (int64_t i = 0; i < g->size; i++) {
            if (g->shape.dtype == CNN_FLOAT32) ((float *)share->data)[i] = (float)(((float *)g->data)[i] / divisor);
            else ((double *)share->data)[i] = ((double *)g->data)[i] / divisor;
        }
        status = cnn_expand(share, &c->in[0]->shape, &c->grad_in[0]);
        cnn_tensor_release(share);
    }
    cnn_tensor_release(g);
    return status;
}

static cnn_status backward_sum(cnn_call *c)
{
    return spread(c, 1);
}

static cnn_status backward_mean(cnn_call *c)
{
    bool reduced[CNN_MAX_NDIM];
    cnn_shape kept;
    reduced_dims(c, reduced, &kept);
    return spread(c, (double)reduced_count(&c->in[0]->shape, reduced));
}

/* d variance / dx = 2 (x - mean) / n */
static cnn_status backward_variance(cnn_call *c)
{
    bool reduced[CNN_MAX_NDIM];
    cnn_tensor *g, *d;
    cnn_broadcast loops;
    CNN_TRY(kept_gradient(c, reduced, &g));
    cnn_status status = deviations(c->in[0], reduced, &d);
    if (status == CNN_OK) {
        const double factor = 2 / (double)reduced_count(&c->in[0]->shape, reduced);
        cnn_broadcast_loops(&d->shape, &d->shape, &g->shape, &loops);
        cnn_k()->binary(CNN_FN_multiply, d->shape.dtype, &loops, d->data, g->data, d->data);
        cnn_broadcast scalar = {1, {d->size}, {1}, {0}};
        const float factor_f32 = (float)factor;
        const void *b = d->shape.dtype == CNN_FLOAT32 ? (const void *)&factor_f32 : (const void *)&factor;
        cnn_k()->binary(CNN_FN_multiply, d->shape.dtype, &scalar, d->data, b, d->data);
        c->grad_in[0] = d;
    }
    cnn_tensor_release(g);
    return status;
}

/* The gradient goes in equal shares to all elements that equal the extreme. */
static cnn_status backward_extreme(cnn_call *c)
{
    bool reduced[CNN_MAX_NDIM];
    cnn_tensor *g = NULL, *y = NULL, *chosen = NULL, *mask = NULL, *count = NULL, *share = NULL;
    cnn_tensor *x = c->in[0];
    cnn_status status = kept_gradient(c, reduced, &g);
    if (status == CNN_OK) status = cnn_tensor_view(c->out[0], &g->shape, &y);
    if (status == CNN_OK) status = cnn_binary(CNN_FN_equal, x, y, &chosen);
    if (status == CNN_OK) status = cnn_as_dtype(chosen, x->shape.dtype, &mask);
    if (status == CNN_OK) status = cnn_reduce_dims(CNN_FN_sum, mask, reduced, &count);
    if (status == CNN_OK) status = cnn_binary(CNN_FN_divide, g, count, &share);
    if (status == CNN_OK) status = cnn_binary(CNN_FN_multiply, mask, share, &c->grad_in[0]);
    cnn_tensor *all[] = {g, y, chosen, mask, count, share};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) cnn_tensor_release(all[i]);
    return status;
}

/* dx[i] = g * (product of the others), which is a product from the left times one from the right: right with zeros. */
#define DEFINE_PRODUCT_GRADIENT(T, suffix)                                                                             \
    static void product_gradient_##suffix(int64_t rows, int64_t n, const T *x, const T *g, T *dx)                      \
    {                                                                                                                  \
        for (int64_t r = 0; r < rows; r++, x += n, dx += n) {                                                          \
            T left = g[r], right = 1;                                                                                  \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                dx[i] = left;                                                                                          \
                left *= x[i];                                                                                          \
            }                                                                                                          \
            for (int64_t i = n - 1; i >= 0; i--) {                                                                     \
                dx[i] *= right;                                                                                        \
                right *= x[i];                                                                                         \
            }                                                                                                          \
        }                                                                                                              \
    }
DEFINE_PRODUCT_GRADIENT(float, f32)
DEFINE_PRODUCT_GRADIENT(double, f64)

static cnn_status backward_prod(cnn_call *c)
{
    bool reduced[CNN_MAX_NDIM];
    cnn_shape kept;
    int order[CNN_MAX_NDIM], back[CNN_MAX_NDIM], at = 0;
    cnn_tensor *x, *dx, *g = c->grad_out[0];
    reduced_dims(c, reduced, &kept);
    for (int last = 0; last < 2; last++) /* what is reduced goes to the end */
        for (int d = 0; d < kept.ndim; d++)
            if (reduced[d] == last) order[at++] = d;
    for (int d = 0; d < kept.ndim; d++) back[order[d]] = d;
    CNN_TRY(cnn_permute(c->in[0], order, &x));
    cnn_status status = cnn_tensor_new(&x->shape, &dx);
    if (status == CNN_OK) {
        int64_t n = reduced_count(&c->in[0]->shape, reduced);
        if (x->size && x->shape.dtype == CNN_FLOAT32) product_gradient_f32(g->size, n, x->data, g->data, dx->data);
        else if (x->size) product_gradient_f64(g->size, n, x->data, g->data, dx->data);
        status = cnn_permute(dx, back, &c->grad_in[0]);
        cnn_tensor_release(dx);
    }
    cnn_tensor_release(x);
    return status;
}

/* ---- descriptors ---- */

static const char *const input_names[] = {"x"};
static const cnn_attr attrs[] = {
    {"axis", CNN_ATTR_INTS, offsetof(attributes, axis), NULL},
    {"keepdims", CNN_ATTR_BOOL, offsetof(attributes, keepdims), NULL},
};
static const attributes defaults;

#define OP(NAME, WORDS, CHECK, FORWARD, KEEPS, BACKWARD)                                                               \
    const cnn_op cnn_op_##NAME = {                                                                                     \
        .name = #NAME,                                                                                                 \
        .doc = #NAME "(x, *, axis=(), keepdims=False): " WORDS " over the axes (none named: over all), which stay as " \
                     "dimensions of 1 with keepdims.",                                                                 \
        .input_names = input_names,                                                                                    \
        .min_inputs = 1,                                                                                               \
        .max_inputs = 1,                                                                                               \
        .outputs = 1,                                                                                                  \
        .attrs = attrs,                                                                                                \
        .attr_count = 2,                                                                                               \
        .attrs_size = sizeof(attributes),                                                                              \
        .attr_defaults = &defaults,                                                                                    \
        .keeps = KEEPS,                                                                                                \
        .makes_outputs = true,                                                                                         \
        .check = CHECK,                                                                                                \
        .forward = FORWARD,                                                                                            \
        .backward = BACKWARD,                                                                                          \
    };

#define REDUCTION(NAME, WORDS, CHECK, KEEPS, BACKWARD)                                                                 \
    static cnn_status forward_##NAME(cnn_call *c)                                                                      \
    {                                                                                                                  \
        return reduce(c, CNN_FN_##NAME);                                                                               \
    }                                                                                                                  \
    OP(NAME, WORDS, CHECK, forward_##NAME, KEEPS, BACKWARD)

REDUCTION(sum, "the sum (of integers: int64)", check_sum, CNN_KEEP_NOTHING, backward_sum)
REDUCTION(prod, "the product (of integers: int64)", check_sum, CNN_KEEP_INPUT(0), backward_prod)
REDUCTION(max, "the largest element", check_extreme, CNN_KEEP_INPUT(0) | CNN_KEEP_OUTPUT, backward_extreme)
REDUCTION(min, "the smallest element", check_extreme, CNN_KEEP_INPUT(0) | CNN_KEEP_OUTPUT, backward_extreme)
REDUCTION(all, "whether all elements are true", check_truth, CNN_KEEP_NOTHING, NULL)
REDUCTION(any, "whether any element is true", check_truth, CNN_KEEP_NOTHING, NULL)
OP(mean, "the mean (of integers: float32)", check_mean, forward_mean, CNN_KEEP_NOTHING, backward_mean)
OP(variance, "the mean square distance from the mean (of integers: float32)", check_mean, forward_variance,
   CNN_KEEP_INPUT(0), backward_variance)
