/* Per-sample losses times sample weights, made a scalar.
 *
 * Sums are taken in double over fixed pieces, so a float32 loss is right to its last bit or two whatever the batch
 * size. Weights are constants to the tape. */
#include "losses/loss.h"

#include "runtime/parallel.h"

enum { NONE, SUM, MEAN, WEIGHTED_MEAN };

typedef struct {
    int reduction;
} attributes;

#define GRAIN 262144

static const int meaning[] = {MEAN, MEAN, SUM, WEIGHTED_MEAN, NONE};
static const char *const reductions[] = {"sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", NULL};

/* A scalar is not reduced further. */
static int reduction_of(const cnn_call *c)
{
    return c->in[0]->shape.ndim == 0 ? NONE : meaning[((const attributes *)c->attrs)->reduction];
}

static cnn_status check(cnn_call *c)
{
    CNN_TRY(cnn_check_float(c, 0));
    if (c->in[1]) CNN_TRY(cnn_weights_check(&c->in[0]->shape, &c->in[1]->shape));
    c->out_shape[0] = c->in[0]->shape;
    if (reduction_of(c) != NONE) c->out_shape[0].ndim = 0;
    return CNN_OK;
}

typedef struct {
    const cnn_tensor *values, *weights;
    int64_t inner, units, pieces; /* a unit is the values of one weight */
    double partial[64];
} sum_job;

static void sum_piece(void *context, int64_t piece, int thread)
{
    sum_job *job = context;
    int64_t begin, end, inner = job->inner;
    (void)thread;
    cnn_piece_range(job->units, job->pieces, piece, &begin, &end);
    if (job->values->shape.dtype == CNN_FLOAT32) {
        const float *x = job->values->data, *w = job->weights ? job->weights->data : NULL;
        job->partial[piece] =
            cnn_k()->weighted_sum_f32((end - begin) * inner, inner, x + begin * inner, w ? w + begin : NULL);
    } else {
        const double *x = job->values->data, *w = job->weights ? job->weights->data : NULL;
        job->partial[piece] =
            cnn_k()->weighted_sum_f64((end - begin) * inner, inner, x + begin * inner, w ? w + begin : NULL);
    }
}

static double sum(const cnn_tensor *values, const cnn_tensor *weights, int64_t inner)
{
    sum_job job = {.values = values, .weights = weights, .inner = inner, .units = inner > 0 ? values->size / inner : 0};
    double total = 0;
    if (values->size == 0) return 0;
    job.pieces = cnn_pieces(job.units, GRAIN / inner < 1 ? 1 : GRAIN / inner);
    if (values->size < GRAIN) job.pieces = 1;
    cnn_parallel(job.pieces, sum_piece, &job);
    for (int64_t i = 0; i < job.pieces; i++) total += job.partial[i];
    return total;
}

/* What the sum is divided by; 0 stands for a loss of 0. Weights count as they were given, not as they were stretched.
 */
static cnn_status divisor_of(const cnn_call *c, double *divisor)
{
    cnn_tensor *weights;
    int reduction = reduction_of(c);
    *divisor = reduction == SUM || reduction == NONE ? 1 : (double)c->in[0]->size;
    if (reduction != WEIGHTED_MEAN || !c->in[1]) return CNN_OK;
    CNN_TRY(cnn_loss_convert(c->in[1], c->in[0]->shape.dtype, &weights));
    *divisor = sum(weights, NULL, 1);
    cnn_tensor_release(weights);
    return CNN_OK;
}

static cnn_status expand(const cnn_call *c, cnn_tensor **weights, int64_t *inner)
{
    *weights = NULL;
    *inner = 1;
    return c->in[1] ? cnn_weights_expand(&c->in[0]->shape, c->in[1], c->in[0]->shape.dtype, weights, inner) : CNN_OK;
}

/* out[i] = factor * source[i or 0] * w[i / inner] */
static void spread(cnn_tensor *out, const cnn_tensor *source, const cnn_tensor *weights, int64_t inner, double factor)
{
    bool scalar = source->size == 1, single = out->shape.dtype == CNN_FLOAT32;
    int64_t run = weights ? inner : out->size;
    for (int64_t begin = 0, k = 0; begin < out->size; begin += run, k++) {
        if (single) {
            float *y = (float *)out->data + begin;
            const float *x = (const float *)source->data + (scalar ? 0 : begin);
            float f = (float)factor * (weights ? ((const float *)weights->data)[k] : 1.0f);
            for (int64_t i = 0; i < run; i++) y[i] = f * x[scalar ? 0 : i];
        } else {
            double *y = (double *)out->data + begin;
            const double *x = (const double *)source->data + (scalar ? 0 : begin);
            double f = factor * (weights ? ((const double *)weights->data)[k] : 1.0);
            for (int64_t i = 0; i < run; i++) y[i] = f * x[scalar ? 0 : i];
        }
    }
}

static cnn_status forward(cnn_call *c)
{
    cnn_tensor *weights;
    int64_t inner;
    double divisor;
    CNN_TRY(divisor_of(c, &divisor));
    CNN_TRY(expand(c, &weights, &inner));
    if (reduction_of(c) == NONE) {
        spread(c->out[0], c->in[0], weights, inner, 1);
    } else {
        double loss = divisor == 0 ? 0 : sum(c->in[0], weights, inner) / divisor;
        if (c->out[0]->shape.dtype == CNN_FLOAT32) *(float *)c->out[0]->data = (float)loss;
        else *(double *)c->out[0]->data = loss;
    }
    cnn_tensor_release(weights);
    return CNN_OK;
}

static cnn_status backward(cnn_call *c)
{
    cnn_tensor *weights;
    int64_t inner;
    double divisor;
    if (!c->needs_grad[0]) return CNN_OK;
    CNN_TRY(divisor_of(c, &divisor));
    CNN_TRY(expand(c, &weights, &inner));
    cnn_status status = cnn_tensor_new(&c->in[0]->shape, &c->grad_in[0]);
    if (status == CNN_OK) spread(c->grad_in[0], c->grad_out[0], weights, inner, divisor == 0 ? 0 : 1 / divisor);
    cnn_tensor_release(weights);
    return status;
}

static const char *const input_names[] = {"values", "sample_weight"};
static const cnn_attr attrs[] = {{"reduction", CNN_ATTR_ENUM, offsetof(attributes, reduction), reductions}};
static const attributes defaults = {0};

const cnn_op cnn_op_reduce_loss = {
    .name = "reduce_loss",
    .doc =
        "reduce_loss(values, sample_weight=None, *, reduction='sum_over_batch_size'): values times weights, and of "
        "that the mean "
        "over the number of values ('sum_over_batch_size', 'mean'), the 'sum', the sum divided by that of the weights "
        "('mean_with_sample_weight'), or all of it ('none'). Weights are aligned with the first axes of the values, or "
        "else as NumPy "
        "broadcasts. An empty batch gives 0. Differentiable by values.",
    .input_names = input_names,
    .min_inputs = 1,
    .max_inputs = 2,
    .outputs = 1,
    .attrs = attrs,
    .attr_count = 1,
    .attrs_size = sizeof(attributes),
    .attr_defaults = &defaults,
    .keeps = CNN_KEEP_INPUT(1),
    .check = check,
    .forward = forward,
    .backward = backward,
};
