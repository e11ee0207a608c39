/* See metric.h. */
#include "metrics/metric.h"

#include "kernels/kernels.h"
#include "losses/loss.h"
#include "runtime/parallel.h"

#define GRAIN 32768

typedef struct {
    const char *y_true, *y_pred;
    float *out;
    int64_t rows, pieces, true_bytes, pred_bytes, columns;
    double number;
    bool single;
    cnn_metric_row *row;
} rows_job;

static void rows_piece(void *context, int64_t piece, int thread)
{
    const rows_job *job = context;
    int64_t begin, end;
    (void)thread;
    cnn_piece_range(job->rows, job->pieces, piece, &begin, &end);
    for (int64_t r = begin; r < end; r++)
        job->out[r] = job->row(job->y_true + r * job->true_bytes, job->y_pred + r * job->pred_bytes, job->columns,
                               job->single, job->number);
}

cnn_status cnn_metric_rows(cnn_call *c, int64_t true_columns, int64_t pred_columns, double number, cnn_metric_row *row)
{
    cnn_dtype dtype = c->in[1]->shape.dtype;
    cnn_tensor *t, *x;
    if (!cnn_dtype_is_float(dtype)) dtype = CNN_FLOAT64;
    CNN_TRY(cnn_loss_convert(c->in[0], dtype, &t));
    cnn_status status = cnn_loss_convert(c->in[1], dtype, &x);
    if (status == CNN_OK) {
        int64_t bytes = (int64_t)cnn_dtype_size(dtype), rows = c->out[0]->size;
        int64_t grain = GRAIN / (pred_columns > 0 ? pred_columns : 1);
        rows_job job = {.y_true = t->data, .y_pred = x->data, .out = c->out[0]->data, .rows = rows};
        job.pieces = cnn_pieces(rows, grain < 1 ? 1 : grain);
        job.true_bytes = true_columns * bytes;
        job.pred_bytes = pred_columns * bytes;
        job.columns = pred_columns;
        job.number = number;
        job.single = dtype == CNN_FLOAT32;
        job.row = row;
        cnn_parallel(job.pieces, rows_piece, &job);
        cnn_tensor_release(x);
    }
    cnn_tensor_release(t);
    return status;
}

int64_t cnn_metric_argmax(const void *x, int64_t n, bool single)
{
    int64_t best = 0;
    if (single) {
        const float *v = x;
        for (int64_t i = 1; i < n; i++)
            if (v[i] > v[best]) best = i;
    } else {
        const double *v = x;
        for (int64_t i = 1; i < n; i++)
            if (v[i] > v[best]) best = i;
    }
    return best;
}

cnn_status cnn_metric_check_sparse(cnn_call *c)
{
    const cnn_shape *t = &c->in[0]->shape, *x = &c->in[1]->shape;
    char a[CNN_SHAPE_TEXT], b[CNN_SHAPE_TEXT];
    if (x->ndim < 1 || x->dim[x->ndim - 1] == 0)
        return cnn_fail(CNN_ERR_VALUE, "y_pred must have class scores along its last axis, got shape %s",
                        cnn_shape_text(x, a));
    cnn_shape rows = *x, labels = *t;
    rows.ndim--;
    if (labels.ndim == x->ndim && labels.dim[labels.ndim - 1] == 1) labels.ndim--;
    if (!cnn_shape_equal(&rows, &labels))
        return cnn_fail(CNN_ERR_VALUE,
                        "y_true has shape %s but y_pred has shape %s; y_true must be one class number per row, "
                        "without y_pred's last axis%s",
                        cnn_shape_text(t, a), cnn_shape_text(x, b),
                        cnn_shape_equal(t, x) ? ". For one-hot labels use the categorical metric" : "");
    c->out_shape[0] = rows;
    c->out_shape[0].dtype = CNN_FLOAT32;
    return CNN_OK;
}

static double plain_sum(const cnn_tensor *x, const cnn_tensor *w, int64_t inner)
{
    if (x->size == 0) return 0;
    if (x->shape.dtype == CNN_FLOAT32) return cnn_k()->weighted_sum_f32(x->size, inner, x->data, w ? w->data : NULL);
    return cnn_k()->weighted_sum_f64(x->size, inner, x->data, w ? w->data : NULL);
}

cnn_status cnn_weighted_sum(cnn_tensor *values, cnn_tensor *weights, bool mean, double *sum, double *count)
{
    const cnn_shape *shape = &values->shape;
    cnn_dtype dtype = cnn_dtype_is_float(shape->dtype) ? shape->dtype : CNN_FLOAT64;
    double per_sample = mean && shape->ndim > 0 && shape->dim[0] > 0 ? (double)(values->size / shape->dim[0]) : 1;
    cnn_tensor *v, *w = NULL;
    int64_t inner = 1;
    if (mean && weights && weights->shape.ndim == 0 && values->size > 0) per_sample = (double)values->size;
    if (weights) CNN_TRY(cnn_weights_check(shape, &weights->shape));
    CNN_TRY(cnn_loss_convert(values, dtype, &v));
    cnn_status status = weights ? cnn_weights_expand(shape, weights, dtype, &w, &inner) : CNN_OK;
    if (status == CNN_OK) {
        *sum = plain_sum(v, w, inner);
        *count = w ? plain_sum(w, NULL, 1) * (double)inner : (double)v->size;
        if (per_sample > 0) {
            *sum /= per_sample;
            *count /= per_sample;
        }
    }
    cnn_tensor_release(w);
    cnn_tensor_release(v);
    return status;
}
