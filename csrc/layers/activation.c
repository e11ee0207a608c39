/* Activations, element by element: relu, leaky_relu, sigmoid, tanh, elu, selu, gelu, softplus, softsign, silu,
 * hard_sigmoid; and `activation`, the enum that layers fuse.
 *
 * Each is one pass forward and one backward, in place where nobody else holds the gradient. All but gelu and silu take
 * their slope from the result, so the argument need not be kept. */
#include "layers/common.h"

#include <math.h>

typedef struct {
    double p[3];
    int activation;
    bool approximate;
} attributes;

static cnn_status check(cnn_call *c)
{
    CNN_TRY(cnn_check_float(c, 0));
    c->out_shape[0] = c->in[0]->shape;
    return CNN_OK;
}

/* ---- the fused enum ---- */

/* x as [rows, channels]; only softmax cares which. */
static int64_t channels_of(const cnn_shape *shape)
{
    return shape->ndim ? shape->dim[shape->ndim - 1] : 1;
}

static cnn_status run_enum(cnn_call *c, cnn_activation act)
{
    cnn_tensor *x = c->in[0];
    int64_t n = channels_of(&x->shape);
    if (x->size == 0) return CNN_OK;
    CNN_RUN(x->shape.dtype, bias_activation, act, x->size / n, n, x->data, NULL, c->out[0]->data);
    if (act == CNN_SOFTMAX || act == CNN_SIGMOID) cnn_tensor_set_logits(c->out[0], act, x);
    return CNN_OK;
}

static cnn_status back_enum(cnn_call *c, cnn_activation act)
{
    cnn_tensor *dy = c->grad_out[0], *y = c->out[0];
    int64_t n = channels_of(&dy->shape);
    CNN_TRY(cnn_grad_buffer(c, 0, &c->grad_in[0]));
    if (dy->size == 0) return CNN_OK;
    CNN_RUN(dy->shape.dtype, activation_backward, act, dy->size / n, n, y->data, dy->data, c->grad_in[0]->data, NULL,
            NULL);
    return CNN_OK;
}

/* ---- the others ---- */

static cnn_status run_kind(cnn_call *c, cnn_nonlinear kind)
{
    const attributes *a = c->attrs;
    cnn_tensor *x = c->in[0];
    CNN_RUN(x->shape.dtype, nonlinear, kind, a->p, x->size, x->data, c->out[0]->data);
    return CNN_OK;
}

static cnn_status back_kind(cnn_call *c, cnn_nonlinear kind, const cnn_tensor *v)
{
    const attributes *a = c->attrs;
    cnn_tensor *dy = c->grad_out[0];
    CNN_TRY(cnn_grad_buffer(c, 0, &c->grad_in[0]));
    CNN_RUN(dy->shape.dtype, nonlinear_backward, kind, a->p, dy->size, v->data, dy->data, c->grad_in[0]->data);
    return CNN_OK;
}

/* ---- relu ---- */

static bool is_plain_relu(const attributes *a)
{
    return a->p[0] == 0 && a->p[1] == INFINITY && a->p[2] == 0;
}

static cnn_status relu_check(cnn_call *c)
{
    static const char *const names[] = {"negative_slope", "max_value", "threshold"};
    const attributes *a = c->attrs;
    for (int i = 0; i < 3; i++)
        if (!(a->p[i] >= 0))
            return cnn_fail(CNN_ERR_VALUE,
                            "%s must be 0 or more, got %g; for other shapes combine minimum, maximum and where",
                            names[i], a->p[i]);
    return check(c);
}

static cnn_status relu_forward(cnn_call *c)
{
    return is_plain_relu(c->attrs) ? run_enum(c, CNN_RELU) : run_kind(c, CNN_RELU_WITH);
}

static cnn_status relu_backward(cnn_call *c)
{
    return is_plain_relu(c->attrs) ? back_enum(c, CNN_RELU) : back_kind(c, CNN_RELU_WITH, c->out[0]);
}

static cnn_status elu_check(cnn_call *c)
{
    const attributes *a = c->attrs;
    if (!(a->p[0] >= 0)) return cnn_fail(CNN_ERR_VALUE, "alpha must be 0 or more, got %g", a->p[0]);
    return check(c);
}

/* ---- descriptors ---- */

static cnn_status activation_check(cnn_call *c)
{
    const attributes *a = c->attrs;
    if (a->activation == CNN_SOFTMAX && c->in[0]->shape.ndim == 0)
        return cnn_fail(CNN_ERR_VALUE, "softmax needs at least 1 dimension, got a scalar");
    return check(c);
}

static cnn_status activation_forward(cnn_call *c)
{
    return run_enum(c, (cnn_activation)((const attributes *)c->attrs)->activation);
}

static cnn_status activation_backward(cnn_call *c)
{
    return back_enum(c, (cnn_activation)((const attributes *)c->attrs)->activation);
}

static cnn_status sigmoid_forward(cnn_call *c)
{
    return run_enum(c, CNN_SIGMOID);
}

static cnn_status sigmoid_backward(cnn_call *c)
{
    return back_enum(c, CNN_SIGMOID);
}

static cnn_status tanh_forward(cnn_call *c)
{
    return run_enum(c, CNN_TANH);
}

static cnn_status tanh_backward(cnn_call *c)
{
    return back_enum(c, CNN_TANH);
}

static cnn_nonlinear gelu_kind(const cnn_call *c)
{
    return ((const attributes *)c->attrs)->approximate ? CNN_GELU_TANH : CNN_GELU;
}

static cnn_status gelu_forward(cnn_call *c)
{
    return run_kind(c, gelu_kind(c));
}

static cnn_status gelu_backward(cnn_call *c)
{
    return back_kind(c, gelu_kind(c), c->in[0]);
}

#define KIND(name, kind, v)                                                                                            \
    static cnn_status name##_forward(cnn_call *c)                                                                      \
    {                                                                                                                  \
        return run_kind(c, kind);                                                                                      \
    }                                                                                                                  \
    static cnn_status name##_backward(cnn_call *c)                                                                     \
    {                                                                                                                  \
        return back_kind(c, kind, v);                                                                                  \
    }

KIND(elu, CNN_ELU, c->out[0])
KIND(softplus, CNN_SOFTPLUS, c->out[0])
KIND(softsign, CNN_SOFTSIGN, c->out[0])
KIND(silu, CNN_SILU, c->in[0])
KIND(hard_sigmoid, CNN_HARD_SIGMOID, c->out[0])

#define P(i) offsetof(attributes, p) + (i) * sizeof(double)
static const cnn_attr relu_attrs[] = {{"negative_slope", CNN_ATTR_FLOAT, P(0), NULL},
                                      {"max_value", CNN_ATTR_FLOAT, P(1), NULL},
                                      {"threshold", CNN_ATTR_FLOAT, P(2), NULL}};
static const cnn_attr elu_attrs[] = {{"alpha", CNN_ATTR_FLOAT, P(0), NULL}};
static const cnn_attr gelu_attrs[] = {{"approximate", CNN_ATTR_BOOL, offsetof(attributes, approximate), NULL}};
static const cnn_attr activation_attrs[] = {
    {"activation", CNN_ATTR_ENUM, offsetof(attributes, activation), cnn_activation_names}};

static const attributes none = {.p = {0}};
static const attributes relu_defaults = {.p = {0, INFINITY, 0}}, leaky_relu_defaults = {.p = {0.2, INFINITY, 0}};
static const attributes elu_defaults = {.p = {1, 1}};
static const attributes selu_defaults = {.p = {1.6732632423543772848, 1.0507009873554804934}};
static const attributes gelu_defaults = {.approximate = true}, activation_defaults = {.activation = CNN_RELU};
static const char *const input_names[] = {"x"};

#define OP(op_name, stem, checker, attr_list, attr_number, default_values, kept, text)                                 \
    const cnn_op cnn_op_##op_name = {                                                                                  \
        .name = #op_name,                                                                                              \
        .doc = text " Any shape, float32 or float64.",                                                                 \
        .input_names = input_names,                                                                                    \
        .min_inputs = 1,                                                                                               \
        .max_inputs = 1,                                                                                               \
        .outputs = 1,                                                                                                  \
        .attrs = attr_list,                                                                                            \
        .attr_count = attr_number,                                                                                     \
        .attrs_size = sizeof(attributes),                                                                              \
        .attr_defaults = &default_values,                                                                              \
        .keeps = kept,                                                                                                 \
        .check = checker,                                                                                              \
        .forward = stem##_forward,                                                                                     \
        .backward = stem##_backward,                                                                                   \
    };

#define Y CNN_KEEP_OUTPUT
#define X CNN_KEEP_INPUT(0)
OP(relu, relu, relu_check, relu_attrs, 3, relu_defaults, Y,
   "relu(x, *, negative_slope=0.0, max_value=inf, threshold=0.0): min(x, max_value) where x >= threshold, else "
   "negative_slope * (x - threshold).")
OP(leaky_relu, relu, relu_check, relu_attrs, 1, leaky_relu_defaults, Y,
   "leaky_relu(x, *, negative_slope=0.2): x where x >= 0, else negative_slope * x.")
OP(sigmoid, sigmoid, check, NULL, 0, none, Y, "sigmoid(x): 1 / (1 + exp(-x)).")
OP(tanh, tanh, check, NULL, 0, none, Y, "tanh(x): the hyperbolic tangent.")
OP(elu, elu, elu_check, elu_attrs, 1, elu_defaults, Y,
   "elu(x, *, alpha=1.0): x where x > 0, else alpha * (exp(x) - 1).")
OP(selu, elu, check, NULL, 0, selu_defaults, Y,
   "selu(x): 1.0507009873554805 * elu(x, alpha=1.6732632423543772) (Klambauer et al. 2017).")
OP(gelu, gelu, check, gelu_attrs, 1, gelu_defaults, X,
   "gelu(x, *, approximate=True): x times the normal distribution function, by tanh if approximate.")
OP(softplus, softplus, check, NULL, 0, none, Y, "softplus(x): log(1 + exp(x)).")
OP(softsign, softsign, check, NULL, 0, none, Y, "softsign(x): x / (1 + |x|).")
OP(silu, silu, check, NULL, 0, none, X, "silu(x): x * sigmoid(x).")
OP(hard_sigmoid, hard_sigmoid, check, NULL, 0, none, Y, "hard_sigmoid(x): clip(x / 6 + 0.5, 0, 1).")
OP(activation, activation, activation_check, activation_attrs, 1, activation_defaults, Y,
   "activation(x, *, activation='relu'): one of linear, relu, sigmoid, tanh, softmax (over the last axis).")
