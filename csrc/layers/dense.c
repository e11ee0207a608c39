/* y[..., O] = act(x[..., I] kernel[I, O] + bias[O]).
 *
 * One matrix product, then bias and activation in one pass over y. Backward turns dy into dz = dy * act'(y) and sums
 * the bias gradient in one pass, in place if nobody else holds dy, then makes the products that are asked for. A small
 * batch has products of its own (kernels/few_rows.c), which do not copy the kernel. */
#include "layers/common.h"

#include "kernels/few_rows.h"
#include "kernels/gemm.h"

typedef struct {
    int activation;
} attributes;

enum { X, KERNEL, BIAS };
enum { FEW_ROWS = 32 };

static cnn_status check(cnn_call *c)
{
    char x_text[CNN_SHAPE_TEXT], k_text[CNN_SHAPE_TEXT];
    const cnn_shape *x = &c->in[X]->shape, *k = &c->in[KERNEL]->shape;
    CNN_TRY(cnn_check_float(c, X));
    CNN_TRY(cnn_check_same_dtype(c, X, KERNEL));
    CNN_TRY(cnn_check_ndim(c, KERNEL, 2, "(inputs, units)"));
    if (x->ndim < 1)
        return cnn_fail(CNN_ERR_VALUE, "x must have at least 1 dimension, got a scalar; pass shape (batch, %lld)",
                        (long long)k->dim[0]);
    if (x->dim[x->ndim - 1] != k->dim[0])
        return cnn_fail(
            CNN_ERR_VALUE,
            "x has %lld features on its last axis, the kernel expects %lld; got x of shape %s and kernel of "
            "shape %s. Pass x of shape (..., %lld), or build the layer for %lld features",
            (long long)x->dim[x->ndim - 1], (long long)k->dim[0], cnn_shape_text(x, x_text), cnn_shape_text(k, k_text),
            (long long)k->dim[0], (long long)x->dim[x->ndim - 1]);
    CNN_TRY(cnn_check_vector(c, BIAS, k->dim[1], "one entry per unit of the kernel"));
    c->out_shape[0] = *x;
    c->out_shape[0].dim[x->ndim - 1] = k->dim[1];
    return CNN_OK;
}

static int64_t rows_of(const cnn_shape *shape)
{
    int64_t rows = 1;
    for (int i = 0; i + 1 < shape->ndim; i++) rows *= shape->dim[i];
    return rows;
}

static void gemm(cnn_dtype dtype, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const void *a, int64_t lda,
                 const void *b, int64_t ldb, void *y)
{
    if (dtype == CNN_FLOAT32) cnn_gemm_f32(ta, tb, m, n, k, a, lda, b, ldb, 0, y, n);
    else cnn_gemm_f64(ta, tb, m, n, k, a, lda, b, ldb, 0, y, n);
}

/* Whether the products for ROWS rows go to kernels/few_rows.c. */
static bool is_small_batch(int64_t rows, int64_t inputs, int64_t units)
{
    return rows > 0 && rows <= FEW_ROWS && inputs > 0 && units >= 16;
}

static cnn_status forward(cnn_call *c)
{
    const attributes *a = c->attrs;
    cnn_tensor *x = c->in[X], *k = c->in[KERNEL], *bias = c->in[BIAS], *y = c->out[0];
    cnn_dtype dtype = x->shape.dtype;
    int64_t rows = rows_of(&x->shape), inputs = k->shape.dim[0], units = k->shape.dim[1];
    if (is_small_batch(rows, inputs, units)) {
        void *scratch = cnn_alloc((size_t)cnn_few_rows_scratch(rows, inputs, units) * cnn_dtype_size(dtype));
        if (!scratch) return CNN_ERR_MEMORY;
        CNN_RUN(dtype, few_rows_product, rows, inputs, units, x->data, k->data, y->data, scratch);
        cnn_free(scratch);
    } else {
        gemm(dtype, false, false, rows, units, inputs, x->data, inputs, k->data, units, y->data);
    }
    CNN_RUN(dtype, bias_activation, a->activation, rows, units, y->data, bias ? bias->data : NULL, y->data);
    return CNN_OK;
}

static cnn_status products(cnn_call *c, const cnn_tensor *dz)
{
    cnn_tensor *x = c->in[X], *k = c->in[KERNEL], **dx = &c->grad_in[X], **dk = &c->grad_in[KERNEL];
    cnn_dtype dtype = x->shape.dtype;
    int64_t rows = rows_of(&x->shape), inputs = k->shape.dim[0], units = k->shape.dim[1];
    bool small = is_small_batch(rows, inputs, units);
    if (c->needs_grad[KERNEL]) {
        CNN_TRY(cnn_tensor_new(&k->shape, dk));
        if (small) CNN_RUN(dtype, few_rows_weights, rows, inputs, units, x->data, dz->data, (*dk)->data);
        else gemm(dtype, true, false, inputs, units, rows, x->data, inputs, dz->data, units, (*dk)->data);
    }
    if (c->needs_grad[X]) {
        CNN_TRY(cnn_tensor_new(&x->shape, dx));
        /* with few units, adding up vectors outweighs the copy that a general product makes */
        if (small && (rows <= 8 || units >= 512))
            CNN_RUN(dtype, few_rows_data, rows, inputs, units, dz->data, k->data, (*dx)->data);
        else gemm(dtype, false, true, rows, inputs, units, dz->data, units, k->data, units, (*dx)->data);
    }
    return CNN_OK;
}

static cnn_status backward(cnn_call *c)
{
    const attributes *a = c->attrs;
    cnn_tensor *dz = NULL;
    cnn_status status = cnn_back_through_activation(c, (cnn_activation)a->activation, BIAS, &dz);
    if (status == CNN_OK) status = products(c, dz);
    cnn_tensor_release(dz);
    return status;
}

static const char *const input_names[] = {"x", "kernel", "bias"};
static const cnn_attr attrs[] = {
    {"activation", CNN_ATTR_ENUM, offsetof(attributes, activation), cnn_activation_names},
};
static const attributes defaults = {CNN_LINEAR};

const cnn_op cnn_op_dense = {
    .name = "dense",
    .doc =
        "dense(x, kernel, bias=None, *, activation='linear'): activation(x[..., I] @ kernel[I, O] + bias[O]), float32 "
        "or float64.",
    .input_names = input_names,
    .min_inputs = 2,
    .max_inputs = 3,
    .outputs = 1,
    .attrs = attrs,
    .attr_count = 1,
    .attrs_size = sizeof(attributes),
    .attr_defaults = &defaults,
    .keeps = CNN_KEEP_INPUT(X) | CNN_KEEP_INPUT(KERNEL) | CNN_KEEP_OUTPUT,
    .check = check,
    .forward = forward,
    .backward = backward,
};
