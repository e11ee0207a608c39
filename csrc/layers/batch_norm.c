/* Batch normalisation along one axis (Ioffe and Szegedy 2015).
 *
 * xhat = (x - mean) / sqrt(variance + epsilon), y = gamma * xhat + beta. Training takes mean and (biased) variance from
 * x and also returns them; inference is given them. Backward keeps x, not xhat, and makes everything from two sums per
 * channel: of dy, and of dy * xhat. ReLU may follow in the same pass; backward finds out from x where it let something
 * through. Coefficients are computed in double. */
#include "layers/norm.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    int64_t axis;
    double epsilon;
    int activation;
} attributes;

static bool has_relu(const cnn_call *c)
{
    return ((const attributes *)c->attrs)->activation == CNN_RELU;
}

static cnn_status check_axis(cnn_call *c, int64_t *axis)
{
    const attributes *a = c->attrs;
    const cnn_shape *x = &c->in[0]->shape;
    char text[CNN_SHAPE_TEXT];
    CNN_TRY(cnn_check_float(c, 0));
    if (a->axis < -x->ndim || a->axis >= x->ndim)
        return cnn_fail(CNN_ERR_VALUE, "axis %lld is not one of the %d axes of shape %s; it must be in [%d, %d)",
                        (long long)a->axis, x->ndim, cnn_shape_text(x, text), -x->ndim, x->ndim);
    CNN_TRY(cnn_check_epsilon(a->epsilon));
    *axis = a->axis < 0 ? a->axis + x->ndim : a->axis;
    return CNN_OK;
}

/* Inputs FIRST .. of the op are vectors over the axis. */
static cnn_status check_vectors(cnn_call *c, int first, int64_t axis)
{
    char why[80];
    snprintf(why, sizeof why, "one entry for each position along axis %d of x", (int)axis);
    for (int i = first; i < c->inputs; i++) CNN_TRY(cnn_check_vector(c, i, c->in[0]->shape.dim[axis], why));
    c->out_shape[0] = c->in[0]->shape;
    return CNN_OK;
}

static cnn_channels channels_of(const cnn_call *c)
{
    const cnn_shape *x = &c->in[0]->shape;
    int64_t axis = ((const attributes *)c->attrs)->axis;
    cnn_channels s = {1, 1, 1};
    if (axis < 0) axis += x->ndim;
    for (int i = 0; i < x->ndim; i++) *(i < axis ? &s.outer : i > axis ? &s.inner : &s.channels) *= x->dim[i];
    return s;
}

static cnn_status get_workspace(const cnn_channels *s, cnn_norm_work *w)
{
    double *memory = cnn_alloc((size_t)cnn_norm_work_size(s) * sizeof *memory);
    if (!memory) return CNN_ERR_MEMORY;
    *w = cnn_norm_work_at(s, memory);
    return CNN_OK;
}

/* ---- training ---- */

enum { X, T_GAMMA, T_BETA };

static cnn_status training_check(cnn_call *c)
{
    int64_t axis;
    char text[CNN_SHAPE_TEXT];
    CNN_TRY(check_axis(c, &axis));
    CNN_TRY(check_vectors(c, T_GAMMA, axis));
    if (c->in[X]->size == 0)
        return cnn_fail(CNN_ERR_VALUE,
                        "x of shape %s has no values to take a mean of; pass a batch of at least one sample",
                        cnn_shape_text(&c->in[X]->shape, text));
    c->out_shape[1] = c->out_shape[2] = cnn_shape_of(c->in[X]->shape.dtype, 1, &c->in[X]->shape.dim[axis]);
    if (!c->recording) return CNN_OK;
    c->aux_count = has_relu(c) ? 3 : 2; /* the mean, 1 / sqrt(variance + epsilon), and this times gamma */
    c->aux_shape[0] = c->aux_shape[1] = c->aux_shape[2] = c->out_shape[1];
    return CNN_OK;
}

static cnn_status training_forward(cnn_call *c)
{
    const attributes *attrs = c->attrs;
    cnn_tensor *x = c->in[X];
    cnn_dtype dtype = x->shape.dtype;
    cnn_channels s = channels_of(c);
    cnn_norm_work w;
    CNN_TRY(get_workspace(&s, &w));
    CNN_RUN(dtype, batch_moments, &s, x->data, w.first, w.second, w.kernel);
    for (int64_t i = 0; i < s.channels; i++) {
        double inverse = 1 / sqrt(w.second[i] + attrs->epsilon);
        cnn_set(dtype, c->out[1]->data, i, w.first[i]);
        cnn_set(dtype, c->out[2]->data, i, w.second[i]);
        cnn_set(dtype, w.a, i, inverse * cnn_get_or(c->in[T_GAMMA], i, 1));
        cnn_set(dtype, w.b, i, cnn_get_or(c->in[T_BETA], i, 0));
        if (c->aux_count) cnn_set(dtype, c->aux[1]->data, i, inverse);
    }
    if (c->aux_count) memcpy(c->aux[0]->data, c->out[1]->data, cnn_tensor_bytes(c->out[1]));
    if (c->aux_count == 3) memcpy(c->aux[2]->data, w.a, cnn_tensor_bytes(c->out[1]));
    CNN_RUN(dtype, batch_norm, &s, has_relu(c), x->data, c->out[1]->data, w.a, w.b, c->out[0]->data);
    cnn_free(w.first);
    return CNN_OK;
}

/* dx = a (dy - mean(dy) - xhat mean(dy xhat)), a = gamma / sqrt(variance + epsilon); and what flows in through the mean
 * (dmean / n) and through the variance (2 (x - mean) dvariance / n). */
static cnn_status training_gradients(cnn_call *c, const cnn_channels *s, cnn_norm_work *w, cnn_tensor *zeros)
{
    cnn_tensor *dy = zeros ? zeros : c->grad_out[0], *x = c->in[X], *mean = c->aux[0], *inverse = c->aux[1];
    cnn_dtype dtype = x->shape.dtype;
    double n = (double)(s->outer * s->inner);
    void *gate_a = has_relu(c) ? c->aux[2]->data : NULL, *gate_b = has_relu(c) ? w->gate_b : NULL;
    for (int64_t i = 0; gate_b && i < s->channels; i++) cnn_set(dtype, gate_b, i, cnn_get_or(c->in[T_BETA], i, 0));
    CNN_RUN(dtype, batch_norm_sums, s, x->data, dy->data, mean->data, inverse->data, gate_a, gate_b, w->first,
            w->second, w->kernel);
    CNN_TRY(cnn_give_vector(c, T_BETA, w->first));
    CNN_TRY(cnn_give_vector(c, T_GAMMA, w->second));
    if (!c->needs_grad[X]) return CNN_OK;
    for (int64_t i = 0; i < s->channels; i++) {
        double inv = cnn_get(dtype, inverse->data, i), a = inv * cnn_get_or(c->in[T_GAMMA], i, 1);
        cnn_set(dtype, w->a, i, a);
        cnn_set(dtype, w->b, i, (cnn_get_or(c->grad_out[1], i, 0) - a * w->first[i]) / n);
        cnn_set(dtype, w->k, i, (2 * cnn_get_or(c->grad_out[2], i, 0) - a * inv * w->second[i]) / n);
    }
    if (zeros) c->grad_in[X] = cnn_tensor_retain(zeros);
    else CNN_TRY(cnn_grad_buffer(c, 0, &c->grad_in[X]));
    CNN_RUN(dtype, batch_norm_backward, s, x->data, dy->data, mean->data, w->a, w->b, w->k, gate_a, gate_b,
            c->grad_in[X]->data);
    return CNN_OK;
}

static cnn_status training_backward(cnn_call *c)
{
    cnn_channels s = channels_of(c);
    cnn_tensor *zeros = NULL;
    cnn_norm_work w = {0};
    cnn_status status = CNN_OK;
    if (!c->grad_out[0]) status = cnn_tensor_zeros(&c->in[X]->shape, &zeros); /* only mean or variance were used */
    if (status == CNN_OK) status = get_workspace(&s, &w);
    if (status == CNN_OK) status = training_gradients(c, &s, &w, zeros);
    cnn_free(w.first);
    cnn_tensor_release(zeros);
    return status;
}

/* ---- inference ---- */

enum { I_MEAN = 1, I_VARIANCE, I_GAMMA, I_BETA };

static cnn_status inference_check(cnn_call *c)
{
    int64_t axis;
    CNN_TRY(check_axis(c, &axis));
    return check_vectors(c, I_MEAN, axis);
}

static double inverse_deviation(const cnn_call *c, int64_t i)
{
    return 1 / sqrt(cnn_get_or(c->in[I_VARIANCE], i, 0) + ((const attributes *)c->attrs)->epsilon);
}

static cnn_status inference_forward(cnn_call *c)
{
    cnn_tensor *x = c->in[X];
    cnn_dtype dtype = x->shape.dtype;
    cnn_channels s = channels_of(c);
    cnn_norm_work w;
    CNN_TRY(get_workspace(&s, &w));
    for (int64_t i = 0; i < s.channels; i++) {
        cnn_set(dtype, w.a, i, inverse_deviation(c, i) * cnn_get_or(c->in[I_GAMMA], i, 1));
        cnn_set(dtype, w.b, i, cnn_get_or(c->in[I_BETA], i, 0));
    }
    CNN_RUN(dtype, batch_norm, &s, has_relu(c), x->data, c->in[I_MEAN]->data, w.a, w.b, c->out[0]->data);
    cnn_free(w.first);
    return CNN_OK;
}

/* dbeta = sum(dy), dgamma = sum(dy xhat), dmean = -a dbeta, dvariance = -a dgamma / (2 sqrt(variance + epsilon)). */
static cnn_status inference_vectors(cnn_call *c, const cnn_channels *s, cnn_norm_work *w)
{
    cnn_tensor *x = c->in[X], *dy = c->grad_out[0], *mean = c->in[I_MEAN];
    cnn_dtype dtype = x->shape.dtype;
    for (int64_t i = 0; i < s->channels; i++) cnn_set(dtype, w->a, i, inverse_deviation(c, i));
    CNN_RUN(dtype, batch_norm_sums, s, x->data, dy->data, mean->data, w->a, has_relu(c) ? w->gate_a : NULL, w->gate_b,
            w->first, w->second, w->kernel);
    CNN_TRY(cnn_give_vector(c, I_BETA, w->first));
    CNN_TRY(cnn_give_vector(c, I_GAMMA, w->second));
    for (int64_t i = 0; i < s->channels; i++) {
        double inverse = inverse_deviation(c, i), a = inverse * cnn_get_or(c->in[I_GAMMA], i, 1);
        w->first[i] *= -a;
        w->second[i] *= -a * inverse / 2;
    }
    CNN_TRY(cnn_give_vector(c, I_MEAN, w->first));
    return cnn_give_vector(c, I_VARIANCE, w->second);
}

static cnn_status inference_gradients(cnn_call *c, const cnn_channels *s, cnn_norm_work *w)
{
    cnn_tensor *x = c->in[X], *dy = c->grad_out[0];
    cnn_dtype dtype = x->shape.dtype;
    bool vectors = false;
    for (int i = I_MEAN; i < c->inputs; i++) vectors = vectors || c->needs_grad[i];
    for (int64_t i = 0; i < s->channels; i++) { /* as forward had them */
        cnn_set(dtype, w->gate_a, i, inverse_deviation(c, i) * cnn_get_or(c->in[I_GAMMA], i, 1));
        cnn_set(dtype, w->gate_b, i, cnn_get_or(c->in[I_BETA], i, 0));
    }
    if (vectors) CNN_TRY(inference_vectors(c, s, w));
    if (!c->needs_grad[X]) return CNN_OK;
    memset(w->b, 0, (size_t)s->channels * sizeof(double));
    CNN_TRY(cnn_grad_buffer(c, 0, &c->grad_in[X]));
    if (has_relu(c)) /* g * a + 0 + (x - mean) * 0 */
        CNN_RUN(dtype, batch_norm_backward, s, x->data, dy->data, c->in[I_MEAN]->data, w->gate_a, w->b, w->b, w->gate_a,
                w->gate_b, c->grad_in[X]->data);
    else /* (dy - 0) * a + 0 */
        CNN_RUN(dtype, batch_norm, s, false, dy->data, w->b, w->gate_a, w->b, c->grad_in[X]->data);
    return CNN_OK;
}

static cnn_status inference_backward(cnn_call *c)
{
    cnn_channels s = channels_of(c);
    cnn_norm_work w;
    CNN_TRY(get_workspace(&s, &w));
    cnn_status status = inference_gradients(c, &s, &w);
    cnn_free(w.first);
    return status;
}

/* ---- descriptors ---- */

static const char *const training_names[] = {"x", "gamma", "beta"};
static const char *const inference_names[] = {"x", "mean", "variance", "gamma", "beta"};
static const char *const activation_names[] = {"linear", "relu", NULL};
static const cnn_attr attrs[] = {
    {"axis", CNN_ATTR_INT, offsetof(attributes, axis), NULL},
    {"epsilon", CNN_ATTR_FLOAT, offsetof(attributes, epsilon), NULL},
    {"activation", CNN_ATTR_ENUM, offsetof(attributes, activation), activation_names},
};
static const attributes defaults = {-1, 1e-3, CNN_LINEAR};

const cnn_op cnn_op_batch_norm_training = {
    .name = "batch_norm_training",
    .doc = "batch_norm_training(x, gamma=None, beta=None, *, axis=-1, epsilon=1e-3, activation='linear') -> (y, mean, "
           "variance): x "
           "normalised by "
           "its own mean and biased variance for each position along axis, times gamma, plus beta, and its 'linear' or "
           "'relu' activation. float32 or float64.",
    .input_names = training_names,
    .min_inputs = 1,
    .max_inputs = 3,
    .outputs = 3,
    .attrs = attrs,
    .attr_count = 3,
    .attrs_size = sizeof(attributes),
    .attr_defaults = &defaults,
    .keeps = CNN_KEEP_INPUT(X) | CNN_KEEP_INPUT(T_GAMMA) | CNN_KEEP_INPUT(T_BETA),
    .check = training_check,
    .forward = training_forward,
    .backward = training_backward,
};

const cnn_op cnn_op_batch_norm_inference = {
    .name = "batch_norm_inference",
    .doc = "batch_norm_inference(x, mean, variance, gamma=None, beta=None, *, axis=-1, epsilon=1e-3, "
           "activation='linear'): "
           "(x - mean) / "
           "sqrt(variance + epsilon) * gamma + beta, vectors along axis, and its 'linear' or 'relu' activation. "
           "float32 or float64.",
    .input_names = inference_names,
    .min_inputs = 3,
    .max_inputs = 5,
    .outputs = 1,
    .attrs = attrs,
    .attr_count = 3,
    .attrs_size = sizeof(attributes),
    .attr_defaults = &defaults,
    .keeps = CNN_KEEP_INPUT(X) | CNN_KEEP_INPUT(I_MEAN) | CNN_KEEP_INPUT(I_VARIANCE) | CNN_KEEP_INPUT(I_GAMMA) |
             CNN_KEEP_INPUT(I_BETA),
    .check = inference_check,
    .forward = inference_forward,
    .backward = inference_backward,
};
