/* The ops of two operands: arithmetic, comparisons, logic. Formulas and gradients are in kernels/binary.def; here are
 * their dtypes, shapes, and the sum of a gradient over what was broadcast. */
#include "ops/shared.h"

enum { NOTHING = CNN_KEEP_NOTHING, INPUTS = CNN_KEEP_INPUT(0) | CNN_KEEP_INPUT(1), FIXED = CNN_KEEP_NOTHING };

static cnn_dtype common_dtype(const cnn_call *c)
{
    return cnn_promote(c->in[0]->shape.dtype, c->in[1]->shape.dtype);
}

static cnn_status check_arithmetic(cnn_call *c)
{
    CNN_TRY(cnn_check_broadcast(&c->in[0]->shape, &c->in[1]->shape, &c->out_shape[0]));
    c->out_shape[0].dtype = common_dtype(c);
    return CNN_OK;
}

/* For what bools do not have. */
static cnn_status check_numbers(cnn_call *c)
{
    if (common_dtype(c) == CNN_BOOL)
        return cnn_fail(CNN_ERR_TYPE,
                        "both operands are bool, for which %s is not defined; convert one with .astype(), or use "
                        "logical_and, logical_or, logical_xor",
                        c->op->name);
    return check_arithmetic(c);
}

static cnn_status check_power(cnn_call *c)
{
    CNN_TRY(check_numbers(c));
    const cnn_tensor *b = c->in[1];
    cnn_dtype dtype = b->shape.dtype;
    if (common_dtype(c) >= CNN_FLOAT32) return CNN_OK;
    for (int64_t i = 0; i < b->size; i++) {
        int64_t exponent = dtype == CNN_INT64   ? ((int64_t *)b->data)[i]
                           : dtype == CNN_INT32 ? ((int32_t *)b->data)[i]
                                                : 0;
        if (exponent < 0)
            return cnn_fail(
                CNN_ERR_VALUE,
                "an integer to a negative integer power (%lld) is no integer; convert x1 with .astype('float32')",
                (long long)exponent);
    }
    return CNN_OK;
}

static cnn_status check_real(cnn_call *c)
{
    CNN_TRY(check_arithmetic(c));
    c->out_shape[0].dtype = cnn_promote_real(c->out_shape[0].dtype);
    return CNN_OK;
}

static cnn_status check_truth(cnn_call *c)
{
    CNN_TRY(check_arithmetic(c));
    c->out_shape[0].dtype = CNN_BOOL;
    return CNN_OK;
}

/* Both inputs as DTYPE, new references. */
static cnn_status operands(cnn_call *c, cnn_dtype dtype, cnn_tensor *x[2])
{
    CNN_TRY(cnn_as_dtype(c->in[0], dtype, &x[0]));
    cnn_status status = cnn_as_dtype(c->in[1], dtype, &x[1]);
    if (status != CNN_OK) cnn_tensor_release(x[0]);
    return status;
}

/* x1 to the power of the one number 2, by far the most usual power, is a multiplication. */
static bool is_square(const cnn_call *c, cnn_binary_fn fn)
{
    const cnn_tensor *x2 = c->in[1];
    if (fn != CNN_FN_power || x2->size != 1 || c->in[0]->shape.dtype < x2->shape.dtype) return false;
    switch (x2->shape.dtype) {
    case CNN_FLOAT64: return *(const double *)x2->data == 2;
    case CNN_FLOAT32: return *(const float *)x2->data == 2;
    case CNN_INT64: return *(const int64_t *)x2->data == 2;
    case CNN_INT32: return *(const int32_t *)x2->data == 2;
    default: return *(const uint8_t *)x2->data == 2;
    }
}

static cnn_status forward(cnn_call *c, cnn_binary_fn fn, cnn_dtype dtype)
{
    if (is_square(c, fn)) {
        cnn_k()->unary(CNN_FN_square, dtype, c->in[0]->size, c->in[0]->data, c->out[0]->data);
        return CNN_OK;
    }
    cnn_tensor *x[2];
    cnn_broadcast loops;
    CNN_TRY(operands(c, dtype, x));
    cnn_broadcast_loops(&c->out_shape[0], &x[0]->shape, &x[1]->shape, &loops);
    cnn_k()->binary(fn, dtype, &loops, x[0]->data, x[1]->data, c->out[0]->data);
    cnn_tensor_release(x[0]);
    cnn_tensor_release(x[1]);
    return CNN_OK;
}

/* The gradient of input WHICH of the shape of the result. What the op does not keep, its formula does not read: the
 * incoming gradient stands in for it. */
static cnn_status full_gradient(cnn_call *c, cnn_binary_fn fn, int which, bool last, cnn_tensor **out)
{
    cnn_tensor *g = c->grad_out[0], *x[2] = {NULL, NULL};
    cnn_broadcast loops;
    if (which == 0 && is_square(c, fn)) {
        CNN_TRY(last ? cnn_grad_buffer(c, 0, out) : cnn_tensor_new(&g->shape, out));
        cnn_k()->unary_gradient(CNN_FN_square, g->shape.dtype, g->size, c->in[0]->data, g->data, (*out)->data);
        return CNN_OK;
    }
    bool reads = c->op->keeps & CNN_KEEP_INPUT(0);
    if (reads) CNN_TRY(operands(c, g->shape.dtype, x));
    cnn_broadcast_loops(&g->shape, reads ? &x[0]->shape : &g->shape, reads ? &x[1]->shape : &g->shape, &loops);
    cnn_status status = last ? cnn_grad_buffer(c, 0, out) : cnn_tensor_new(&g->shape, out);
    if (status == CNN_OK)
        cnn_k()->binary_gradient(fn, which, g->shape.dtype, &loops, reads ? x[0]->data : g->data,
                                 reads ? x[1]->data : g->data, g->data, (*out)->data);
    cnn_tensor_release(x[0]);
    cnn_tensor_release(x[1]);
    return status;
}

static cnn_status backward(cnn_call *c, cnn_binary_fn fn)
{
    for (int i = 0; i < 2; i++) {
        if (!c->needs_grad[i]) continue;
        cnn_tensor *full;
        if (fn == CNN_FN_add || (fn == CNN_FN_subtract && i == 0)) full = cnn_tensor_retain(c->grad_out[0]);
        else CNN_TRY(full_gradient(c, fn, i, i == 1 || !c->needs_grad[1], &full));
        cnn_status status = cnn_sum_to(full, &c->in[i]->shape, &c->grad_in[i]);
        cnn_tensor_release(full);
        CNN_TRY(status);
    }
    return CNN_OK;
}

static const char *const input_names[] = {"x1", "x2"};

#define OP(NAME, WORDS, CHECK, DTYPE, KEEPS, BACKWARD)                                                                 \
    static cnn_status forward_##NAME(cnn_call *c)                                                                      \
    {                                                                                                                  \
        return forward(c, CNN_FN_##NAME, DTYPE);                                                                       \
    }                                                                                                                  \
    static __attribute__((unused)) cnn_status backward_##NAME(cnn_call *c)                                             \
    {                                                                                                                  \
        return backward(c, CNN_FN_##NAME);                                                                             \
    }                                                                                                                  \
    const cnn_op cnn_op_##NAME = {                                                                                     \
        .name = #NAME,                                                                                                 \
        .doc = #NAME "(x1, x2): " WORDS ", element by element. Shapes broadcast as in NumPy.",                         \
        .input_names = input_names,                                                                                    \
        .min_inputs = 2,                                                                                               \
        .max_inputs = 2,                                                                                               \
        .outputs = 1,                                                                                                  \
        .keeps = KEEPS,                                                                                                \
        .check = CHECK,                                                                                                \
        .forward = forward_##NAME,                                                                                     \
        .backward = BACKWARD,                                                                                          \
    };

#define check_add check_arithmetic
#define check_multiply check_arithmetic
#define check_maximum check_arithmetic
#define check_minimum check_arithmetic
#define check_subtract check_numbers
#define check_mod check_numbers
#define check_fmod check_numbers
#define check_fmax check_arithmetic
#define check_fmin check_arithmetic
#define check_floor_divide check_numbers
#define BACKWARD_NOTHING(name) backward_##name
#define BACKWARD_INPUTS(name) backward_##name
#define BACKWARD_FIXED(name) NULL

#define CNN_ARITHMETIC(name, integer, real, da, db, keeps, doc)                                                        \
    OP(name, doc, check_##name, c->out_shape[0].dtype, keeps, BACKWARD_##keeps(name))
#define CNN_REAL(name, real, da, db, keeps, doc)                                                                       \
    OP(name, doc, check_real, c->out_shape[0].dtype, keeps, BACKWARD_##keeps(name))
#define CNN_COMPARISON(name, formula, doc) OP(name, doc, check_truth, common_dtype(c), CNN_KEEP_NOTHING, NULL)
#define CNN_LOGICAL(name, formula, doc) OP(name, doc, check_truth, CNN_BOOL, CNN_KEEP_NOTHING, NULL)
#include "kernels/binary.def"
