/* Layer normalisation over the last dimensions (Ba, Kiros and Hinton 2016), and by the root mean square alone (Zhang
 * and Sennrich 2019).
 *
 * x is rows of n values; each row is normalised by its own mean and biased variance, then every column has its gamma
 * and beta. Backward keeps x, the mean and 1 / sqrt(variance + epsilon) of each row. */
#include "layers/norm.h"

typedef struct {
    int64_t dims;
    double epsilon;
    bool rms;
} attributes;

enum { X, GAMMA, BETA };

/* Input I, if it is there, has the last DIMS dimensions of x. */
static cnn_status check_parameter(const cnn_call *c, int i, int dims)
{
    const cnn_shape *x = &c->in[X]->shape, *v;
    char text[CNN_SHAPE_TEXT], wanted[CNN_SHAPE_TEXT];
    if (!c->in[i]) return CNN_OK;
    v = &c->in[i]->shape;
    cnn_shape last = cnn_shape_of(x->dtype, dims, x->dim + x->ndim - dims);
    if (!cnn_shape_equal(v, &last))
        return cnn_fail(CNN_ERR_VALUE, "%s must have shape %s, that of the last %d dimensions of x; got shape %s",
                        c->op->input_names[i], cnn_shape_text(&last, wanted), dims, cnn_shape_text(v, text));
    return cnn_check_same_dtype(c, X, i);
}

static cnn_status check(cnn_call *c)
{
    const attributes *a = c->attrs;
    const cnn_shape *x = &c->in[X]->shape;
    char text[CNN_SHAPE_TEXT];
    CNN_TRY(cnn_check_float(c, X));
    if (a->dims < 1 || a->dims > x->ndim)
        return cnn_fail(CNN_ERR_VALUE, "dims must be from 1 to the number of dimensions of x, got %lld for shape %s",
                        (long long)a->dims, cnn_shape_text(x, text));
    CNN_TRY(cnn_check_epsilon(a->epsilon));
    CNN_TRY(check_parameter(c, GAMMA, (int)a->dims));
    CNN_TRY(check_parameter(c, BETA, (int)a->dims));
    c->out_shape[0] = *x;
    if (!c->recording) return CNN_OK;
    c->aux_count = 2; /* of each row the mean, and 1 / sqrt(variance + epsilon) */
    c->aux_shape[0] = c->aux_shape[1] = cnn_shape_of(x->dtype, x->ndim - (int)a->dims, x->dim);
    return CNN_OK;
}

static cnn_layer_norm geometry(const cnn_call *c)
{
    const attributes *a = c->attrs;
    const cnn_shape *x = &c->in[X]->shape;
    cnn_layer_norm l = {.rows = 1, .n = 1, .centered = !a->rms, .epsilon = a->epsilon};
    for (int i = 0; i < x->ndim; i++) *(i < x->ndim - a->dims ? &l.rows : &l.n) *= x->dim[i];
    return l;
}

static const void *data_or_null(const cnn_tensor *t)
{
    return t ? t->data : NULL;
}

static cnn_status forward(cnn_call *c)
{
    cnn_layer_norm l = geometry(c);
    cnn_tensor *x = c->in[X];
    if (x->size == 0) return CNN_OK;
    CNN_RUN(x->shape.dtype, layer_norm, &l, x->data, data_or_null(c->in[GAMMA]), data_or_null(c->in[BETA]),
            c->out[0]->data, c->aux_count ? c->aux[0]->data : NULL, c->aux_count ? c->aux[1]->data : NULL);
    return CNN_OK;
}

static cnn_status backward(cnn_call *c)
{
    cnn_layer_norm l = geometry(c);
    cnn_tensor *x = c->in[X], *dy = c->grad_out[0];
    bool vectors = (c->in[GAMMA] && c->needs_grad[GAMMA]) || (c->in[BETA] && c->needs_grad[BETA]);
    double *sums = NULL;
    void *dx = NULL;
    if (vectors) {
        int64_t count = 2 * l.n + cnn_layer_norm_scratch(&l);
        sums = cnn_alloc((size_t)(count ? count : 1) * sizeof *sums);
        if (!sums) return CNN_ERR_MEMORY;
        for (int64_t i = 0; i < 2 * l.n; i++) sums[i] = 0; /* x may be empty */
    }
    cnn_status status = c->needs_grad[X] ? cnn_grad_buffer(c, 0, &c->grad_in[X]) : CNN_OK;
    if (status == CNN_OK && x->size > 0) {
        if (c->needs_grad[X]) dx = c->grad_in[X]->data;
        CNN_RUN(x->shape.dtype, layer_norm_backward, &l, x->data, dy->data, data_or_null(c->in[GAMMA]), c->aux[0]->data,
                c->aux[1]->data, dx, sums, sums ? sums + l.n : NULL, sums ? sums + 2 * l.n : NULL);
    }
    if (status == CNN_OK && vectors) status = cnn_give_vector(c, GAMMA, sums);
    if (status == CNN_OK && vectors) status = cnn_give_vector(c, BETA, sums + l.n);
    cnn_free(sums);
    return status;
}

static const char *const input_names[] = {"x", "gamma", "beta"};
static const cnn_attr attrs[] = {
    {"dims", CNN_ATTR_INT, offsetof(attributes, dims), NULL},
    {"epsilon", CNN_ATTR_FLOAT, offsetof(attributes, epsilon), NULL},
    {"rms", CNN_ATTR_BOOL, offsetof(attributes, rms), NULL},
};
static const attributes defaults = {1, 1e-3, false};

const cnn_op cnn_op_layer_norm = {
    .name = "layer_norm",
    .doc =
        "layer_norm(x, gamma=None, beta=None, *, dims=1, epsilon=1e-3, rms=False): x normalised over its last dims "
        "dimensions, (x - mean) / sqrt(variance + epsilon), times gamma, plus beta, which have these dimensions. rms "
        "takes the mean as 0: x / sqrt(mean(x^2) + epsilon). float32 or float64.",
    .input_names = input_names,
    .min_inputs = 1,
    .max_inputs = 3,
    .outputs = 1,
    .attrs = attrs,
    .attr_count = 3,
    .attrs_size = sizeof(attributes),
    .attr_defaults = &defaults,
    .keeps = CNN_KEEP_INPUT(X) | CNN_KEEP_INPUT(GAMMA),
    .check = check,
    .forward = forward,
    .backward = backward,
};
