/* The ops of one operand, element by element. Formulas and gradients are in kernels/unary.def; here are their dtypes.
 * Also logical_not, which takes any dtype. */
#include "ops/shared.h"

enum { NOTHING = CNN_KEEP_NOTHING, INPUT = CNN_KEEP_INPUT(0), OUTPUT = CNN_KEEP_OUTPUT, FIXED = CNN_KEEP_NOTHING };

static cnn_status check_signed(cnn_call *c)
{
    if (c->in[0]->shape.dtype == CNN_BOOL)
        return cnn_fail(CNN_ERR_TYPE,
                        "x is bool, for which %s is not defined; convert it with .astype('int32'), or use logical_not",
                        c->op->name);
    c->out_shape[0] = c->in[0]->shape;
    return CNN_OK;
}

static cnn_status check_smooth(cnn_call *c)
{
    c->out_shape[0] = c->in[0]->shape;
    c->out_shape[0].dtype = cnn_promote_real(c->in[0]->shape.dtype);
    return CNN_OK;
}

static cnn_status check_truth(cnn_call *c)
{
    c->out_shape[0] = c->in[0]->shape;
    c->out_shape[0].dtype = CNN_BOOL;
    return CNN_OK;
}

static cnn_status forward(cnn_call *c, cnn_unary_fn fn, cnn_dtype dtype)
{
    cnn_tensor *x;
    CNN_TRY(cnn_as_dtype(c->in[0], dtype, &x));
    cnn_k()->unary(fn, dtype, x->size, x->data, c->out[0]->data);
    cnn_tensor_release(x);
    return CNN_OK;
}

/* Only float inputs have gradients, and these are never converted. */
static cnn_status backward(cnn_call *c, cnn_unary_fn fn)
{
    cnn_tensor *g = c->grad_out[0];
    const cnn_tensor *kept = c->op->keeps & CNN_KEEP_INPUT(0) ? c->in[0]
                             : c->op->keeps & CNN_KEEP_OUTPUT ? c->out[0]
                                                              : NULL;
    CNN_TRY(cnn_grad_buffer(c, 0, &c->grad_in[0]));
    cnn_k()->unary_gradient(fn, g->shape.dtype, g->size, kept ? kept->data : NULL, g->data, c->grad_in[0]->data);
    return CNN_OK;
}

static const char *const input_names[] = {"x"};

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
        .doc = #NAME "(x): " WORDS ", element by element.",                                                            \
        .input_names = input_names,                                                                                    \
        .min_inputs = 1,                                                                                               \
        .max_inputs = 1,                                                                                               \
        .outputs = 1,                                                                                                  \
        .keeps = KEEPS,                                                                                                \
        .check = CHECK,                                                                                                \
        .forward = forward_##NAME,                                                                                     \
        .backward = BACKWARD,                                                                                          \
    };

#define BACKWARD_NOTHING(name) backward_##name
#define BACKWARD_INPUT(name) backward_##name
#define BACKWARD_OUTPUT(name) backward_##name
#define BACKWARD_FIXED(name) NULL

#define CNN_SIGNED(name, integer, real, gradient, keeps, doc)                                                          \
    OP(name, doc, check_signed, c->out_shape[0].dtype, keeps, BACKWARD_##keeps(name))
#define CNN_SMOOTH(name, formula, gradient, keeps, doc)                                                                \
    OP(name, doc, check_smooth, c->out_shape[0].dtype, keeps, BACKWARD_##keeps(name))
#define CNN_TEST(name, formula, doc)                                                                                   \
    OP(name, doc, check_truth, cnn_promote_real(c->in[0]->shape.dtype), CNN_KEEP_NOTHING, NULL)
#include "kernels/unary.def"

static cnn_status forward_logical_not(cnn_call *c)
{
    const cnn_tensor *x = c->in[0];
    uint8_t *y = c->out[0]->data;
    cnn_k()->cast(x->shape.dtype, CNN_BOOL, x->size, x->data, y);
    for (int64_t i = 0; i < x->size; i++) y[i] = !y[i];
    return CNN_OK;
}

const cnn_op cnn_op_logical_not = {
    .name = "logical_not",
    .doc = "logical_not(x): True where x is 0 or False.",
    .input_names = input_names,
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .check = check_truth,
    .forward = forward_logical_not,
};
