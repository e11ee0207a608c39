/* Group normalisation (Wu and He 2018): the channels of a sample are cut into groups of neighbours, and each group is
 * normalised by its own mean and biased variance; then every channel has its gamma and beta.
 *
 * A sample is x[outer, channels, inner], which is what the kernels of batch normalisation take: they give the moments
 * of each channel, which are joined to those of the groups, and what is left is a scale and an offset per channel. So
 * the loops run over channels whatever the number of groups. Samples are independent: with many of them they are done
 * in parallel, else the kernels themselves are parallel. Backward keeps x, and of each group the mean and 1 /
 * sqrt(variance + epsilon). */
#include "layers/norm.h"

#include "kernels/moments.h"

#include <math.h>

typedef struct {
    int64_t groups, axis;
    double epsilon;
} attributes;

enum { X, GAMMA, BETA };

static cnn_status check(cnn_call *c)
{
    const attributes *a = c->attrs;
    const cnn_shape *x = &c->in[X]->shape;
    int64_t axis = a->axis;
    char text[CNN_SHAPE_TEXT];
    CNN_TRY(cnn_check_float(c, X));
    if (axis < 0) axis += x->ndim;
    if (axis < 1 || axis >= x->ndim)
        return cnn_fail(CNN_ERR_VALUE, "axis %lld is not one of the axes of shape %s after the first, the batch",
                        (long long)a->axis, cnn_shape_text(x, text));
    CNN_TRY(cnn_check_epsilon(a->epsilon));
    if (a->groups < 1 || x->dim[axis] % a->groups)
        return cnn_fail(CNN_ERR_VALUE, "groups must divide the %lld channels of x, got %lld groups for shape %s",
                        (long long)x->dim[axis], (long long)a->groups, cnn_shape_text(x, text));
    for (int i = GAMMA; i <= BETA; i++)
        CNN_TRY(cnn_check_vector(c, i, x->dim[axis], "one entry for each channel of x"));
    c->out_shape[0] = *x;
    if (!c->recording) return CNN_OK;
    c->aux_count = 2;
    c->aux_shape[0] = c->aux_shape[1] = cnn_shape_of(x->dtype, 2, (int64_t[]){x->dim[0], a->groups});
    return CNN_OK;
}

/* ---- the loop over samples, forward and backward ---- */

typedef struct {
    const cnn_call *c;
    cnn_channels s; /* of one sample */
    int64_t samples, groups, pieces;
    cnn_dtype dtype;
    size_t sample_bytes;
    void *result;        /* y or dx; NULL if dx is not wanted */
    double *work, *sums; /* a workspace per thread; backward: dbeta and dgamma of each piece */
} norm_job;

static norm_job job_of(const cnn_call *c)
{
    const attributes *a = c->attrs;
    const cnn_shape *x = &c->in[X]->shape;
    int64_t axis = a->axis < 0 ? a->axis + x->ndim : a->axis, size;
    norm_job j = {.c = c, .s = {1, 1, 1}, .samples = x->dim[0], .groups = a->groups, .dtype = x->dtype};
    for (int i = 1; i < x->ndim; i++) *(i < axis ? &j.s.outer : i > axis ? &j.s.inner : &j.s.channels) *= x->dim[i];
    size = j.s.outer * j.s.channels * j.s.inner;
    j.sample_bytes = (size_t)size * cnn_dtype_size(j.dtype);
    j.pieces = j.samples < 8 ? 1 : cnn_pieces(j.samples * size, 16384);
    if (j.pieces > j.samples) j.pieces = j.samples;
    return j;
}

static void *sample_at(const norm_job *j, void *data, int64_t sample)
{
    return (char *)data + (size_t)sample * j->sample_bytes;
}

/* The mean, and 1 / sqrt(variance + epsilon), of the group that begins at channel FROM, from the channels' moments. */
static void join_group(const norm_job *j, const cnn_norm_work *w, int64_t from, double *mean, double *inverse)
{
    double m2 = 0, n = (double)(j->s.outer * j->s.inner);
    int64_t size = j->s.channels / j->groups;
    *mean = 0;
    for (int64_t i = 0; i < size; i++)
        cnn_join_moments((double)i * n, n, w->first[from + i], w->second[from + i] * n, mean, &m2);
    *inverse = 1 / sqrt(m2 / (n * (double)size) + ((const attributes *)j->c->attrs)->epsilon);
}

static void forward_sample(const norm_job *j, const cnn_norm_work *w, int64_t sample)
{
    const cnn_call *c = j->c;
    const void *x = sample_at(j, c->in[X]->data, sample);
    int64_t size = j->s.channels / j->groups;
    CNN_RUN(j->dtype, batch_moments, &j->s, x, w->first, w->second, w->kernel);
    for (int64_t g = 0; g < j->groups; g++) {
        double mean, inverse;
        join_group(j, w, g * size, &mean, &inverse);
        for (int64_t i = g * size; i < (g + 1) * size; i++) {
            cnn_set(j->dtype, w->mean, i, mean);
            cnn_set(j->dtype, w->a, i, inverse * cnn_get_or(c->in[GAMMA], i, 1));
            cnn_set(j->dtype, w->b, i, cnn_get_or(c->in[BETA], i, 0));
        }
        if (!c->aux_count) continue;
        cnn_set(j->dtype, c->aux[0]->data, sample * j->groups + g, mean);
        cnn_set(j->dtype, c->aux[1]->data, sample * j->groups + g, inverse);
    }
    CNN_RUN(j->dtype, batch_norm, &j->s, false, x, w->mean, w->a, w->b, sample_at(j, j->result, sample));
}

/* dx = inverse * (g - mean(g) - xhat * mean(g * xhat)), g = dy * gamma, means over the group; and the sample's share of
 * dbeta = sum(dy) and dgamma = sum(dy * xhat) per channel, added to SUMS. */
static void backward_sample(const norm_job *j, const cnn_norm_work *w, int64_t sample, double *sums)
{
    const cnn_call *c = j->c;
    const void *x = sample_at(j, c->in[X]->data, sample), *dy = sample_at(j, c->grad_out[0]->data, sample);
    int64_t size = j->s.channels / j->groups, channels = j->s.channels;
    double n = (double)(j->s.outer * j->s.inner * size);
    for (int64_t i = 0; i < channels; i++) {
        cnn_set(j->dtype, w->mean, i, cnn_get(j->dtype, c->aux[0]->data, sample * j->groups + i / size));
        cnn_set(j->dtype, w->k, i, cnn_get(j->dtype, c->aux[1]->data, sample * j->groups + i / size));
    }
    CNN_RUN(j->dtype, batch_norm_sums, &j->s, x, dy, w->mean, w->k, NULL, NULL, w->first, w->second, w->kernel);
    for (int64_t i = 0; i < channels; i++) {
        sums[i] += w->first[i];
        sums[channels + i] += w->second[i];
    }
    if (!j->result) return;
    for (int64_t from = 0; from < channels; from += size) {
        double slope = 0, product = 0, inverse = cnn_get(j->dtype, w->k, from);
        for (int64_t i = from; i < from + size; i++) {
            slope += cnn_get_or(c->in[GAMMA], i, 1) * w->first[i];
            product += cnn_get_or(c->in[GAMMA], i, 1) * w->second[i];
        }
        for (int64_t i = from; i < from + size; i++) {
            cnn_set(j->dtype, w->a, i, inverse * cnn_get_or(c->in[GAMMA], i, 1));
            cnn_set(j->dtype, w->b, i, -inverse * slope / n);
            cnn_set(j->dtype, w->k, i, -inverse * inverse * product / n);
        }
    }
    CNN_RUN(j->dtype, batch_norm_backward, &j->s, x, dy, w->mean, w->a, w->b, w->k, NULL, NULL,
            sample_at(j, j->result, sample));
}

static void do_samples(void *context, int64_t piece, int thread)
{
    const norm_job *j = context;
    cnn_norm_work w = cnn_norm_work_at(&j->s, j->work + thread * cnn_norm_work_size(&j->s));
    int64_t begin, end;
    cnn_piece_range(j->samples, j->pieces, piece, &begin, &end);
    for (int64_t sample = begin; sample < end; sample++) {
        if (j->sums) backward_sample(j, &w, sample, j->sums + piece * 2 * j->s.channels);
        else forward_sample(j, &w, sample);
    }
}

static cnn_status forward(cnn_call *c)
{
    norm_job j = job_of(c);
    if (c->in[X]->size == 0) return CNN_OK;
    j.result = c->out[0]->data;
    j.work = cnn_alloc((size_t)(cnn_get_threads() * cnn_norm_work_size(&j.s)) * sizeof *j.work);
    if (!j.work) return CNN_ERR_MEMORY;
    cnn_parallel(j.pieces, do_samples, &j);
    cnn_free(j.work);
    return CNN_OK;
}

static cnn_status backward(cnn_call *c)
{
    norm_job j = job_of(c);
    int64_t sums = 2 * j.s.channels;
    if (c->needs_grad[X]) CNN_TRY(cnn_grad_buffer(c, 0, &c->grad_in[X]));
    if (j.pieces < 1) j.pieces = 1; /* no samples: the sums are 0 */
    j.result = c->needs_grad[X] ? c->grad_in[X]->data : NULL;
    j.sums = cnn_alloc((size_t)(j.pieces * sums + cnn_get_threads() * cnn_norm_work_size(&j.s) + 1) * sizeof *j.sums);
    if (!j.sums) return CNN_ERR_MEMORY;
    j.work = j.sums + j.pieces * sums;
    for (int64_t i = 0; i < j.pieces * sums; i++) j.sums[i] = 0;
    if (c->in[X]->size) cnn_parallel(j.pieces, do_samples, &j);
    for (int64_t piece = 1; piece < j.pieces; piece++)
        for (int64_t i = 0; i < sums; i++) j.sums[i] += j.sums[piece * sums + i];
    cnn_status status = cnn_give_vector(c, BETA, j.sums);
    if (status == CNN_OK) status = cnn_give_vector(c, GAMMA, j.sums + j.s.channels);
    cnn_free(j.sums);
    return status;
}

static const char *const input_names[] = {"x", "gamma", "beta"};
static const cnn_attr attrs[] = {
    {"groups", CNN_ATTR_INT, offsetof(attributes, groups), NULL},
    {"axis", CNN_ATTR_INT, offsetof(attributes, axis), NULL},
    {"epsilon", CNN_ATTR_FLOAT, offsetof(attributes, epsilon), NULL},
};
static const attributes defaults = {1, -1, 1e-3};

const cnn_op cnn_op_group_norm = {
    .name = "group_norm",
    .doc = "group_norm(x, gamma=None, beta=None, *, groups=1, axis=-1, epsilon=1e-3): the channels along axis of each "
           "sample of x cut into groups, each normalised by its own mean and biased variance, times gamma, plus beta, "
           "vectors over the channels. float32 or float64.",
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
