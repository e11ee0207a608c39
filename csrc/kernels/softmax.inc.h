/* See softmax.c; included once per type. */
#include "kernels/row.inc.h"

typedef struct {
    bool log;
    int64_t outer, n, inner, blocks, pieces;
    const REAL *x, *dy; /* in backward, x is the result y */
    REAL *y;
} R(softmax_job);

static void R(log_softmax_row)(int64_t n, const REAL *x, REAL *y)
{
    REAL most = R(row_max)(n, x), sum = 0;
    for (int64_t i = 0; i < n; i++) sum += R(cnn_exp)(x[i] - most);
    REAL shift = (REAL)log((double)sum);
    CNN_INDEPENDENT
    for (int64_t i = 0; i < n; i++) y[i] = x[i] - most - shift;
}

static void R(log_softmax_slope_row)(int64_t n, const REAL *y, const REAL *dy, REAL *dx)
{
    REAL sum = R(row_dot)(n, dy, NULL);
    CNN_INDEPENDENT
    for (int64_t i = 0; i < n; i++) dx[i] = dy[i] - R(cnn_exp)(y[i]) * sum;
}

/* WIDTH <= COLUMNS columns side by side; STEP elements from one entry of a column to the next. */
static void R(softmax_columns)(bool log_too, int64_t n, int64_t step, int64_t width, const REAL *x, REAL *y)
{
    REAL most[COLUMNS], sum[COLUMNS];
    for (int64_t c = 0; c < width; c++) {
        most[c] = -INFINITY;
        sum[c] = 0;
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t c = 0; c < width; c++) most[c] = x[i * step + c] > most[c] ? x[i * step + c] : most[c];
    for (int64_t i = 0; i < n; i++) {
        CNN_INDEPENDENT
        for (int64_t c = 0; c < width; c++) {
            REAL e = R(cnn_exp)(x[i * step + c] - most[c]);
            sum[c] += e;
            y[i * step + c] = log_too ? x[i * step + c] - most[c] : e;
        }
    }
    for (int64_t c = 0; c < width; c++) sum[c] = log_too ? (REAL)log((double)sum[c]) : 1 / sum[c];
    for (int64_t i = 0; i < n; i++) {
        CNN_INDEPENDENT
        for (int64_t c = 0; c < width; c++)
            y[i * step + c] = log_too ? y[i * step + c] - sum[c] : y[i * step + c] * sum[c];
    }
}

static void R(softmax_slope_columns)(bool log_too, int64_t n, int64_t step, int64_t width, const REAL *y,
                                     const REAL *dy, REAL *dx)
{
    REAL sum[COLUMNS] = {0};
    for (int64_t i = 0; i < n; i++)
        for (int64_t c = 0; c < width; c++) sum[c] += log_too ? dy[i * step + c] : dy[i * step + c] * y[i * step + c];
    for (int64_t i = 0; i < n; i++) {
        CNN_INDEPENDENT
        for (int64_t c = 0; c < width; c++) {
            REAL v = y[i * step + c], g = dy[i * step + c];
            dx[i * step + c] = log_too ? g - R(cnn_exp)(v) * sum[c] : v * (g - sum[c]);
        }
    }
}

static void R(softmax_piece)(void *context, int64_t piece, int thread)
{
    const R(softmax_job) *j = context;
    int64_t begin, end;
    (void)thread;
    cnn_piece_range(j->outer * j->blocks, j->pieces, piece, &begin, &end);
    for (int64_t item = begin; item < end; item++) {
        int64_t first = item % j->blocks * COLUMNS, at = item / j->blocks * j->n * j->inner + first;
        int64_t width = j->inner - first < COLUMNS ? j->inner - first : COLUMNS;
        const REAL *x = j->x + at;
        REAL *y = j->y + at;
        if (j->inner > 1) {
            if (j->dy) R(softmax_slope_columns)(j->log, j->n, j->inner, width, x, j->dy + at, y);
            else R(softmax_columns)(j->log, j->n, j->inner, width, x, y);
        } else if (j->dy) {
            if (j->log) R(log_softmax_slope_row)(j->n, x, j->dy + at, y);
            else R(softmax_slope_row)(j->n, x, j->dy + at, y);
        } else {
            if (j->log) R(log_softmax_row)(j->n, x, y);
            else R(softmax_row)(j->n, x, NULL, y);
        }
    }
}

static void R(softmax_run)(R(softmax_job) job)
{
    if (job.outer == 0 || job.n == 0 || job.inner == 0) return;
    job.blocks = (job.inner + COLUMNS - 1) / COLUMNS;
    job.pieces = cnn_pieces(job.outer * job.n * job.inner, GRAIN);
    if (job.pieces > job.outer * job.blocks) job.pieces = job.outer * job.blocks;
    cnn_parallel(job.pieces, R(softmax_piece), &job);
}

void RK(softmax)(bool log_too, int64_t outer, int64_t n, int64_t inner, const REAL *x, REAL *y)
{
    R(softmax_run)((R(softmax_job)){.log = log_too, .outer = outer, .n = n, .inner = inner, .x = x, .y = y});
}

void RK(softmax_backward)(bool log_too, int64_t outer, int64_t n, int64_t inner, const REAL *y, const REAL *dy,
                          REAL *dx)
{
    R(softmax_run)((R(softmax_job)){.log = log_too, .outer = outer, .n = n, .inner = inner, .x = y, .dy = dy, .y = dx});
}
