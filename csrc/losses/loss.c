/* See loss.h. */
#include "losses/loss.h"

#include "runtime/parallel.h"

/* Elements per piece: such that a piece outweighs the start of a parallel region, some ten microseconds. */
#define GRAIN_OF_CLASSES 16384
#define GRAIN_OF_MEANS 131072

/* ---- shapes ---- */

cnn_status cnn_loss_common_shape(const cnn_call *c, const char *hint, cnn_shape *common)
{
    const cnn_shape *t = &c->in[0]->shape, *x = &c->in[1]->shape;
    char a[CNN_SHAPE_TEXT], b[CNN_SHAPE_TEXT];
    cnn_shape left = *t, right = *x;
    cnn_shape *longer = left.ndim > right.ndim ? &left : &right, *shorter = longer == &left ? &right : &left;
    if (longer->ndim == shorter->ndim + 1 && longer->dim[longer->ndim - 1] == 1) {
        if (shorter->ndim == 1) shorter->dim[shorter->ndim++] = 1;
        else longer->ndim--;
    }
    if (!cnn_shape_equal(&left, &right))
        return cnn_fail(CNN_ERR_VALUE, "y_true has shape %s but y_pred has shape %s; they must agree%s",
                        cnn_shape_text(t, a), cnn_shape_text(x, b), hint);
    *common = right;
    common->dtype = x->dtype;
    return CNN_OK;
}

cnn_status cnn_loss_check_with_hint(cnn_call *c, const char *hint)
{
    char text[CNN_SHAPE_TEXT];
    cnn_shape *out = &c->out_shape[0];
    CNN_TRY(cnn_check_float(c, 1));
    CNN_TRY(cnn_loss_common_shape(c, hint, out));
    if (out->ndim == 0)
        return cnn_fail(CNN_ERR_VALUE, "y_pred must have at least 1 dimension, got a scalar; give it shape (1,)");
    if (out->dim[out->ndim - 1] == 0)
        return cnn_fail(CNN_ERR_VALUE, "the last axis of y_pred is empty, got shape %s", cnn_shape_text(out, text));
    out->ndim--;
    return CNN_OK;
}

cnn_status cnn_loss_check(cnn_call *c)
{
    return cnn_loss_check_with_hint(c, "");
}

cnn_status cnn_loss_check_smoothing(double label_smoothing)
{
    if (label_smoothing >= 0 && label_smoothing <= 1) return CNN_OK;
    return cnn_fail(CNN_ERR_VALUE, "label_smoothing must be between 0 and 1, got %g", label_smoothing);
}

cnn_status cnn_loss_check_epsilon(double epsilon)
{
    if (epsilon > 0 && epsilon < 0.5) return CNN_OK;
    return cnn_fail(CNN_ERR_VALUE, "epsilon must be above 0 and below 0.5, got %g", epsilon);
}

/* ---- conversion ---- */

#define CONVERT_TO(type, from, to, n)                                                                                  \
    switch (from->shape.dtype) {                                                                                       \
    case CNN_BOOL:                                                                                                     \
    case CNN_UINT8:                                                                                                    \
        for (int64_t i = 0; i < n; i++) (to)[i] = (type)((const uint8_t *)from->data)[i];                              \
        break;                                                                                                         \
    case CNN_INT32:                                                                                                    \
        for (int64_t i = 0; i < n; i++) (to)[i] = (type)((const int32_t *)from->data)[i];                              \
        break;                                                                                                         \
    case CNN_INT64:                                                                                                    \
        for (int64_t i = 0; i < n; i++) (to)[i] = (type)((const int64_t *)from->data)[i];                              \
        break;                                                                                                         \
    case CNN_FLOAT32:                                                                                                  \
        for (int64_t i = 0; i < n; i++) (to)[i] = (type)((const float *)from->data)[i];                                \
        break;                                                                                                         \
    case CNN_FLOAT64:                                                                                                  \
        for (int64_t i = 0; i < n; i++) (to)[i] = (type)((const double *)from->data)[i];                               \
        break;                                                                                                         \
    case CNN_DTYPE_COUNT: break;                                                                                       \
    }

cnn_status cnn_loss_convert(cnn_tensor *t, cnn_dtype dtype, cnn_tensor **out)
{
    cnn_shape shape = t->shape;
    if (shape.dtype == dtype) {
        *out = cnn_tensor_retain(t);
        return CNN_OK;
    }
    shape.dtype = dtype;
    CNN_TRY(cnn_tensor_new(&shape, out));
    if (dtype == CNN_FLOAT32) {
        CONVERT_TO(float, t, (float *)(*out)->data, t->size)
    } else if (dtype == CNN_FLOAT64) {
        CONVERT_TO(double, t, (double *)(*out)->data, t->size)
    } else {
        CONVERT_TO(int64_t, t, (int64_t *)(*out)->data, t->size)
    }
    return CNN_OK;
}

/* ---- running a kernel over the rows ---- */

typedef struct {
    const cnn_loss_job *job;
    cnn_loss_kernel *kernel;
    int64_t rows, pieces;
} rows_job;

static void run_piece(void *context, int64_t piece, int thread)
{
    const rows_job *all = context;
    int64_t begin, end;
    (void)thread;
    cnn_piece_range(all->rows, all->pieces, piece, &begin, &end);
    all->kernel(all->job, begin, end);
}

cnn_status cnn_loss_rows(const cnn_tensor *prediction, cnn_loss_job *job, cnn_loss_kernel *f32, cnn_loss_kernel *f64)
{
    int64_t rows = prediction->size / job->columns, grain = GRAIN_OF_MEANS / job->columns;
    if (job->classes) grain = GRAIN_OF_CLASSES / job->columns;
    rows_job all = {job, prediction->shape.dtype == CNN_FLOAT32 ? f32 : f64, rows,
                    cnn_pieces(rows, grain < 1 ? 1 : grain)};
    job->prediction = prediction->data;
    cnn_parallel(all.pieces, run_piece, &all);
    return CNN_OK;
}

/* The size of the last axis of the common shape: y_true and y_pred have the same number of elements. */
static int64_t columns_of(const cnn_call *c, const cnn_tensor *rows)
{
    return rows->size > 0 ? c->in[1]->size / rows->size : 1;
}

cnn_status cnn_loss_forward(cnn_call *c, cnn_loss_job *job, cnn_loss_kernel *f32, cnn_loss_kernel *f64)
{
    cnn_tensor *target;
    CNN_TRY(cnn_loss_convert(c->in[0], c->in[1]->shape.dtype, &target));
    job->columns = columns_of(c, c->out[0]);
    job->target = target->data;
    job->loss = c->out[0]->data;
    cnn_loss_rows(c->in[1], job, f32, f64);
    cnn_tensor_release(target);
    return CNN_OK;
}

/* The gradient of a symmetric loss by y_true is the negative of that by y_pred. */
static cnn_status negated(cnn_call *c, const cnn_tensor *gradient)
{
    CNN_TRY(cnn_tensor_new(&c->in[0]->shape, &c->grad_in[0]));
    bool single_in = gradient->shape.dtype == CNN_FLOAT32, single_out = c->in[0]->shape.dtype == CNN_FLOAT32;
    for (int64_t i = 0; i < gradient->size; i++) {
        double g = single_in ? (double)((const float *)gradient->data)[i] : ((const double *)gradient->data)[i];
        if (single_out) ((float *)c->grad_in[0]->data)[i] = (float)-g;
        else ((double *)c->grad_in[0]->data)[i] = -g;
    }
    return CNN_OK;
}

cnn_status cnn_loss_backward(cnn_call *c, cnn_loss_job *job, cnn_loss_kernel *f32, cnn_loss_kernel *f64, bool symmetric)
{
    bool for_target = symmetric && c->needs_grad[0];
    cnn_tensor *target = NULL, *gradient = NULL;
    if (!c->needs_grad[1] && !for_target) return CNN_OK;
    CNN_TRY(cnn_loss_convert(c->in[0], c->in[1]->shape.dtype, &target));
    cnn_status status = cnn_tensor_new(&c->in[1]->shape, &gradient);
    if (status == CNN_OK) {
        job->columns = columns_of(c, c->grad_out[0]);
        job->target = target->data;
        job->grad_loss = c->grad_out[0]->data;
        job->grad = gradient->data;
        cnn_loss_rows(c->in[1], job, f32, f64);
    }
    cnn_tensor_release(target);
    if (status == CNN_OK && for_target) status = negated(c, gradient);
    if (status == CNN_OK && c->needs_grad[1]) c->grad_in[1] = gradient;
    else cnn_tensor_release(gradient);
    return status;
}

/* ---- weights ---- */

/* STRIDE[d] is the weights' step along axis d of the values, 0 where one weight serves the whole axis. */
static bool align(const cnn_shape *values, const cnn_shape *weights, int first, int64_t stride[CNN_MAX_NDIM])
{
    int64_t step = 1;
    for (int d = 0; d < values->ndim; d++) stride[d] = 0;
    for (int d = weights->ndim - 1; d >= 0; d--) {
        if (weights->dim[d] != 1) {
            if (weights->dim[d] != values->dim[first + d]) return false;
            stride[first + d] = step;
        }
        step *= weights->dim[d];
    }
    return true;
}

static cnn_status plan(const cnn_shape *values, const cnn_shape *weights, int64_t stride[CNN_MAX_NDIM])
{
    char a[CNN_SHAPE_TEXT], b[CNN_SHAPE_TEXT];
    cnn_shape w = *weights;
    while (w.ndim > values->ndim && w.dim[w.ndim - 1] == 1) w.ndim--;
    if (w.ndim <= values->ndim && (align(values, &w, 0, stride) || align(values, &w, values->ndim - w.ndim, stride)))
        return CNN_OK;
    return cnn_fail(CNN_ERR_VALUE,
                    "sample weights of shape %s do not fit values of shape %s; pass one weight per sample",
                    cnn_shape_text(weights, a), cnn_shape_text(values, b));
}

cnn_status cnn_weights_check(const cnn_shape *values, const cnn_shape *weights)
{
    int64_t stride[CNN_MAX_NDIM];
    return plan(values, weights, stride);
}

/* Each value's weight in full, by counting through the axes. */
static void stretch(const cnn_shape *values, const int64_t stride[CNN_MAX_NDIM], const cnn_tensor *from, cnn_tensor *to)
{
    int64_t at[CNN_MAX_NDIM] = {0}, source = 0;
    for (int64_t i = 0; i < to->size; i++) {
        if (to->shape.dtype == CNN_FLOAT32) ((float *)to->data)[i] = ((const float *)from->data)[source];
        else ((double *)to->data)[i] = ((const double *)from->data)[source];
        for (int d = values->ndim - 1; d >= 0; d--) {
            source += stride[d];
            if (++at[d] < values->dim[d]) break;
            source -= stride[d] * values->dim[d];
            at[d] = 0;
        }
    }
}

cnn_status cnn_weights_expand(const cnn_shape *values, cnn_tensor *weights, cnn_dtype dtype, cnn_tensor **out,
                              int64_t *inner)
{
    int64_t stride[CNN_MAX_NDIM], run = 1, step = 1;
    int last = values->ndim - 1;
    CNN_TRY(plan(values, &weights->shape, stride));
    while (last >= 0 && (stride[last] == 0 || values->dim[last] == 1)) run *= values->dim[last--];
    bool plain = true; /* the axes before the run are stored one after the other */
    for (int d = last; plain && d >= 0; d--) {
        plain = values->dim[d] == 1 || stride[d] == step;
        step *= values->dim[d];
    }
    cnn_tensor *converted;
    CNN_TRY(cnn_loss_convert(weights, dtype, &converted));
    *inner = run;
    *out = converted;
    if (plain) return CNN_OK;
    cnn_shape full = *values;
    full.dtype = dtype;
    cnn_status status = cnn_tensor_new(&full, out);
    if (status == CNN_OK) stretch(values, stride, converted, *out);
    cnn_tensor_release(converted);
    *inner = 1;
    return status;
}
