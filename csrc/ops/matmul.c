/* Matrix products as NumPy's matmul: a[..., M, K] b[..., K, N] -> y[..., M, N]; what stands before broadcasts, and a
 * vector counts as one row (a) or one column (b), which the result does not have.
 *
 * A single matrix b under a stack of a's is one large product. Else the products of a stack are shared out among the
 * threads, each serial; a stack of few is done one after the other, each in parallel. Integers are multiplied in
 * float32 or float64 as their dtype promotes: exact up to 2^24. */
#include "ops/shared.h"

#include "kernels/gemm.h"
#include "runtime/parallel.h"

/* Both operands as stacks of matrices. */
typedef struct {
    cnn_shape a, b, y; /* with both matrix dimensions */
    int64_t m, n, k;
    int64_t stack; /* products */
} layout;

static cnn_status matrices(const cnn_call *c, layout *l)
{
    char ta[CNN_SHAPE_TEXT], tb[CNN_SHAPE_TEXT];
    cnn_shape heads[2];
    l->a = c->in[0]->shape;
    l->b = c->in[1]->shape;
    if (l->a.ndim == 0 || l->b.ndim == 0)
        return cnn_fail(CNN_ERR_VALUE,
                        "operands must have at least one dimension, got shapes %s and %s; use multiply for numbers",
                        cnn_shape_text(&l->a, ta), cnn_shape_text(&l->b, tb));
    if (l->a.ndim == 1) {
        l->a.dim[1] = l->a.dim[0];
        l->a.dim[0] = 1;
        l->a.ndim = 2;
    }
    if (l->b.ndim == 1) {
        l->b.dim[1] = 1;
        l->b.ndim = 2;
    }
    l->m = l->a.dim[l->a.ndim - 2];
    l->k = l->a.dim[l->a.ndim - 1];
    l->n = l->b.dim[l->b.ndim - 1];
    if (l->b.dim[l->b.ndim - 2] != l->k)
        return cnn_fail(CNN_ERR_VALUE, "shapes %s and %s do not fit: the last dimension of a must equal %s of b",
                        cnn_shape_text(&c->in[0]->shape, ta), cnn_shape_text(&c->in[1]->shape, tb),
                        c->in[1]->shape.ndim == 1 ? "the only one" : "the last but one");
    if (l->m > INT32_MAX || l->n > INT32_MAX || l->k > INT32_MAX)
        return cnn_fail(CNN_ERR_VALUE, "shapes %s and %s: a dimension of a matrix is at most 2147483647",
                        cnn_shape_text(&l->a, ta), cnn_shape_text(&l->b, tb));
    heads[0] = l->a;
    heads[1] = l->b;
    heads[0].ndim -= 2;
    heads[1].ndim -= 2;
    CNN_TRY(cnn_check_broadcast(&heads[0], &heads[1], &l->y));
    l->stack = 1;
    for (int d = 0; d < l->y.ndim; d++) l->stack *= l->y.dim[d];
    l->y.dim[l->y.ndim++] = l->m;
    l->y.dim[l->y.ndim++] = l->n;
    return CNN_OK;
}

static cnn_status check(cnn_call *c)
{
    layout l;
    cnn_shape *y = &c->out_shape[0];
    CNN_TRY(matrices(c, &l));
    *y = l.y;
    if (c->in[1]->shape.ndim == 1) y->ndim--;
    if (c->in[0]->shape.ndim == 1) {
        y->ndim--;
        if (c->in[1]->shape.ndim != 1) y->dim[y->ndim - 1] = l.n;
    }
    y->dtype = cnn_promote_real(cnn_promote(c->in[0]->shape.dtype, c->in[1]->shape.dtype));
    return CNN_OK;
}

/* ---- stacks of products: y[s] = op(a[s]) op(b[s]) ---- */

typedef struct {
    cnn_dtype dtype;
    bool ta, tb, serial;
    int64_t m, n, k, stack;
    int64_t pieces;
    cnn_shape y, a, b; /* heads, to find the operand of a product */
    const char *pa, *pb;
    char *py;
} job;

/* Where the matrix for product S of stack Y lies in stack X. */
static int64_t place(const cnn_shape *y, const cnn_shape *x, int64_t s)
{
    int64_t at = 0, step = 1;
    for (int d = y->ndim - 3; d >= 0; d--) {
        int i = d - (y->ndim - x->ndim);
        int64_t here = s % y->dim[d];
        s /= y->dim[d];
        if (i < 0) continue;
        if (x->dim[i] != 1) at += here * step;
        step *= x->dim[i];
    }
    return at;
}

static void one_product(const job *j, int64_t s)
{
    const int64_t size = j->dtype == CNN_FLOAT32 ? 4 : 8;
    const int64_t lda = j->ta ? j->m : j->k, ldb = j->tb ? j->k : j->n;
    const void *a = j->pa + place(&j->y, &j->a, s) * j->m * j->k * size,
               *b = j->pb + place(&j->y, &j->b, s) * j->k * j->n * size;
    void *y = j->py + s * j->m * j->n * size;
    if (j->dtype == CNN_FLOAT32)
        (j->serial ? cnn_gemm_serial_f32 : cnn_gemm_f32)(j->ta, j->tb, j->m, j->n, j->k, a, lda > 0 ? lda : 1, b,
                                                         ldb > 0 ? ldb : 1, 0, y, j->n);
    else
        (j->serial ? cnn_gemm_serial_f64 : cnn_gemm_f64)(j->ta, j->tb, j->m, j->n, j->k, a, lda > 0 ? lda : 1, b,
                                                         ldb > 0 ? ldb : 1, 0, y, j->n);
}

static void some_products(void *context, int64_t piece, int thread)
{
    const job *j = context;
    int64_t begin, end;
    (void)thread;
    cnn_piece_range(j->stack, j->pieces, piece, &begin, &end);
    for (int64_t s = begin; s < end; s++) one_product(j, s);
}

static void run(job *j)
{
    if (j->stack == 0 || j->m == 0 || j->n == 0) return;
    j->serial = j->stack >= 8;
    if (!j->serial) {
        for (int64_t s = 0; s < j->stack; s++) one_product(j, s);
        return;
    }
    int64_t work = j->m * j->n * j->k, grain = work > 65536 ? 1 : 65536 / (work + 1) + 1;
    j->pieces = cnn_pieces(j->stack, grain);
    cnn_parallel(j->pieces, some_products, j);
}

/* Y (of the whole stack, M x N each) = op(A) op(B); the matrix shapes SA and SB are those of the data as stored. */
static cnn_status products(bool ta, bool tb, int64_t m, int64_t n, int64_t k, cnn_tensor *a, const cnn_shape *sa,
                           cnn_tensor *b, const cnn_shape *sb, const cnn_shape *heads, cnn_tensor *y)
{
    job j = {.dtype = y->shape.dtype, .ta = ta, .tb = tb, .m = m, .n = n, .k = k, .y = *heads, .a = *sa, .b = *sb};
    j.stack = 1;
    for (int d = 0; d < heads->ndim - 2; d++) j.stack *= heads->dim[d];
    j.pa = a->data;
    j.pb = b->data;
    j.py = y->data;
    if (!ta && sb->ndim == 2 && sa->ndim == heads->ndim && j.stack > 1 && j.stack * m <= INT32_MAX) {
        j.m *= j.stack; /* the rows of all a's under one b */
        j.stack = 1;
    }
    run(&j);
    return CNN_OK;
}

static cnn_status forward(cnn_call *c)
{
    layout l;
    cnn_tensor *a, *b;
    cnn_dtype dtype = c->out_shape[0].dtype;
    CNN_TRY(matrices(c, &l));
    CNN_TRY(cnn_as_dtype(c->in[0], dtype, &a));
    cnn_status status = cnn_as_dtype(c->in[1], dtype, &b);
    if (status == CNN_OK) {
        status = products(false, false, l.m, l.n, l.k, a, &l.a, b, &l.b, &l.y, c->out[0]);
        cnn_tensor_release(b);
    }
    cnn_tensor_release(a);
    return status;
}

/* dA = G B', dB = A' G, summed over what was broadcast. */
static cnn_status gradient_of(cnn_call *c, int which, const layout *l, cnn_tensor *g)
{
    cnn_tensor *other, *full, *sum;
    const cnn_shape *own = which ? &l->b : &l->a;
    cnn_shape stacked = l->y;
    CNN_TRY(cnn_as_dtype(c->in[!which], g->shape.dtype, &other));
    cnn_status status = CNN_OK;
    bool folded =
        which == 1 && l->b.ndim == 2 && l->a.ndim == l->y.ndim && l->stack > 1 && l->stack * l->m <= INT32_MAX;
    stacked.dtype = g->shape.dtype;
    stacked.dim[stacked.ndim - 2] = which ? l->k : l->m;
    stacked.dim[stacked.ndim - 1] = which ? l->n : l->k;
    if (folded) stacked = l->b, stacked.dtype = g->shape.dtype;
    status = cnn_tensor_new(&stacked, &full);
    if (status == CNN_OK) {
        if (folded) { /* one product over the rows of the whole stack sums it, too */
            job j = {.dtype = g->shape.dtype, .ta = true, .m = l->k, .n = l->n, .k = l->stack * l->m, .stack = 1};
            j.pa = other->data;
            j.pb = g->data;
            j.py = full->data;
            run(&j);
        } else if (which == 0) {
            status = products(false, true, l->m, l->k, l->n, g, &l->y, other, &l->b, &l->y, full);
        } else {
            status = products(true, false, l->k, l->n, l->m, other, &l->a, g, &l->y, &l->y, full);
        }
        cnn_shape target = *own;
        target.dtype = c->in[which]->shape.dtype;
        if (status == CNN_OK) status = cnn_sum_to(full, &target, &sum);
        if (status == CNN_OK) {
            status = cnn_tensor_view(sum, &c->in[which]->shape, &c->grad_in[which]);
            cnn_tensor_release(sum);
        }
        cnn_tensor_release(full);
    }
    cnn_tensor_release(other);
    return status;
}

static cnn_status backward(cnn_call *c)
{
    layout l;
    CNN_TRY(matrices(c, &l));
    for (int i = 0; i < 2; i++)
        if (c->needs_grad[i]) CNN_TRY(gradient_of(c, i, &l, c->grad_out[0]));
    return CNN_OK;
}

static const char *const input_names[] = {"a", "b"};

const cnn_op cnn_op_matmul = {
    .name = "matmul",
    .doc =
        "matmul(a, b): the matrix product of a[..., M, K] and b[..., K, N] as NumPy's; a vector is one row (a) or one "
        "column (b).",
    .input_names = input_names,
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .keeps = CNN_KEEP_INPUT(0) | CNN_KEEP_INPUT(1),
    .check = check,
    .forward = forward,
    .backward = backward,
};
