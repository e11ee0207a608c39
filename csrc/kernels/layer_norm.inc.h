/* See layer_norm.c; included once per type. */
#include "kernels/row.inc.h"

typedef struct {
    const cnn_layer_norm *l;
    int64_t pieces;
    const REAL *x, *dy, *gamma, *beta, *mean, *inverse;
    REAL *y, *mean_out, *inverse_out;
    double *dgamma, *dbeta, *scratch;
} R(rows_job);

/* ---- forward ---- */

static void R(normalize_row)(const R(rows_job) * j, int64_t row)
{
    int64_t n = j->l->n;
    const REAL *x = j->x + row * n, *gamma = j->gamma, *beta = j->beta;
    REAL *y = j->y + row * n;
    double mean = 0, squares = 0;
    if (j->l->centered) R(row_moments)(n, x, &mean, &squares);
    else
        for (int64_t i = 0; i < n; i += ROW_RUN) squares += R(row_squares)(n - i < ROW_RUN ? n - i : ROW_RUN, x + i, 0);
    REAL middle = (REAL)mean, inverse = (REAL)(1 / sqrt(squares / (double)n + j->l->epsilon));
    CNN_INDEPENDENT
    for (int64_t i = 0; i < n; i++) {
        REAL v = (x[i] - middle) * inverse;
        v = gamma ? v * gamma[i] : v;
        y[i] = beta ? v + beta[i] : v;
    }
    if (j->mean_out) j->mean_out[row] = middle;
    if (j->inverse_out) j->inverse_out[row] = inverse;
}

static void R(normalize_rows)(void *context, int64_t piece, int thread)
{
    const R(rows_job) *j = context;
    int64_t begin, end;
    (void)thread;
    cnn_piece_range(j->l->rows, j->pieces, piece, &begin, &end);
    for (int64_t row = begin; row < end; row++) R(normalize_row)(j, row);
}

void RK(layer_norm)(const cnn_layer_norm *l, const REAL *x, const REAL *gamma, const REAL *beta, REAL *y, REAL *mean,
                    REAL *inverse)
{
    R(rows_job) job = {.l = l, .x = x, .gamma = gamma, .beta = beta, .y = y, .mean_out = mean, .inverse_out = inverse};
    job.pieces = cnn_layer_norm_pieces(l);
    cnn_parallel(job.pieces, R(normalize_rows), &job);
}

/* ---- backward ---- */

/* Adds dy * xhat to DGAMMA and dy to DBETA, for columns [BEGIN, END) of a row. */
static void R(gather_row)(const R(rows_job) * j, int64_t row, int64_t begin, int64_t end, double *dgamma, double *dbeta)
{
    const REAL *x = j->x + row * j->l->n, *dy = j->dy + row * j->l->n;
    REAL mean = j->mean[row], inverse = j->inverse[row];
    CNN_INDEPENDENT
    for (int64_t i = begin; i < end; i++) {
        dgamma[i] += dy[i] * ((x[i] - mean) * inverse);
        dbeta[i] += dy[i];
    }
}

/* *SUM = sum(dy * gamma), *PRODUCT = sum(dy * gamma * (x - mean)) over N elements. */
static inline void R(slope_sums)(int64_t n, const REAL *x, const REAL *dy, const REAL *gamma, REAL mean, REAL *sum,
                                 REAL *product)
{
    REAL sums[ROW_LANES] = {0}, products[ROW_LANES] = {0};
    int64_t i = 0;
    *sum = *product = 0;
    for (; i + ROW_LANES <= n; i += ROW_LANES)
        for (int l = 0; l < ROW_LANES; l++) {
            REAL g = gamma ? dy[i + l] * gamma[i + l] : dy[i + l];
            sums[l] += g;
            products[l] += g * (x[i + l] - mean);
        }
    for (int l = 0; l < ROW_LANES; l++) {
        *sum += sums[l];
        *product += products[l];
    }
    for (; i < n; i++) {
        REAL g = gamma ? dy[i] * gamma[i] : dy[i];
        *sum += g;
        *product += g * (x[i] - mean);
    }
}

/* dx = inverse * (g - mean(g) - xhat * mean(g * xhat)), g = dy * gamma; without mean(g) if not centered. */
static void R(slope_row)(const R(rows_job) * j, int64_t row)
{
    int64_t n = j->l->n;
    const REAL *x = j->x + row * n, *dy = j->dy + row * n, *gamma = j->gamma;
    REAL *dx = j->y + row * n, mean = j->mean[row], inverse = j->inverse[row];
    double sum = 0, product = 0;
    for (int64_t i = 0; i < n; i += ROW_RUN) {
        REAL part, part_product;
        R(slope_sums)(n - i < ROW_RUN ? n - i : ROW_RUN, x + i, dy + i, gamma ? gamma + i : NULL, mean, &part,
                      &part_product);
        sum += part;
        product += part_product;
    }
    double inv = inverse;
    REAL b = j->l->centered ? (REAL)(inv * sum / (double)n) : 0, k = (REAL)(inv * inv * inv * product / (double)n);
    CNN_INDEPENDENT
    for (int64_t i = 0; i < n; i++) {
        REAL g = gamma ? dy[i] * gamma[i] : dy[i];
        dx[i] = g * inverse - b - (x[i] - mean) * k;
    }
}

static void R(backward_rows)(void *context, int64_t piece, int thread)
{
    const R(rows_job) *j = context;
    int64_t begin, end, n = j->l->n;
    double *dgamma = j->scratch ? j->scratch + piece * 2 * n : NULL;
    (void)thread;
    cnn_piece_range(j->l->rows, j->pieces, piece, &begin, &end);
    if (dgamma) memset(dgamma, 0, (size_t)(2 * n) * sizeof *dgamma);
    for (int64_t row = begin; row < end; row++) {
        if (dgamma) R(gather_row)(j, row, 0, n, dgamma, dgamma + n);
        if (j->y) R(slope_row)(j, row); /* afterwards: it may write over dy */
    }
}

static void R(gather_columns)(void *context, int64_t piece, int thread)
{
    const R(rows_job) *j = context;
    int64_t begin, end;
    (void)thread;
    cnn_piece_range(j->l->n, j->pieces, piece, &begin, &end);
    memset(j->dgamma + begin, 0, (size_t)(end - begin) * sizeof(double));
    memset(j->dbeta + begin, 0, (size_t)(end - begin) * sizeof(double));
    for (int64_t row = 0; row < j->l->rows; row++) R(gather_row)(j, row, begin, end, j->dgamma, j->dbeta);
}

void RK(layer_norm_backward)(const cnn_layer_norm *l, const REAL *x, const REAL *dy, const REAL *gamma,
                             const REAL *mean, const REAL *inverse, REAL *dx, double *dgamma, double *dbeta,
                             double *scratch)
{
    R(rows_job) job = {.l = l, .x = x, .dy = dy, .gamma = gamma, .mean = mean, .inverse = inverse, .y = dx};
    bool gathers = dgamma != NULL, by_columns = gathers && l->n > CNN_LAYER_NORM_LONG;
    job.dgamma = dgamma;
    job.dbeta = dbeta;
    if (by_columns) {
        job.pieces = cnn_pieces(l->n, 1024);
        cnn_parallel(job.pieces, R(gather_columns), &job);
        if (!dx) return;
    }
    job.scratch = gathers && !by_columns ? scratch : NULL;
    job.pieces = cnn_layer_norm_pieces(l);
    cnn_parallel(job.pieces, R(backward_rows), &job);
    if (!job.scratch) return;
    memset(dgamma, 0, (size_t)l->n * sizeof *dgamma);
    memset(dbeta, 0, (size_t)l->n * sizeof *dbeta);
    for (int64_t piece = 0; piece < job.pieces; piece++) {
        const double *part = scratch + piece * 2 * l->n;
        for (int64_t i = 0; i < l->n; i++) {
            dgamma[i] += part[i];
            dbeta[i] += part[l->n + i];
        }
    }
}
