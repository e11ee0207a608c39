/* See activation.c; included once per type. */
#include "kernels/row.inc.h"

typedef struct {
    cnn_activation act;
    int64_t rows, channels, pieces, fold;
    const REAL *x, *bias, *dy;
    REAL *y, *dz, *sums;
} R(rows_job);

CNN_INLINE REAL R(activate)(cnn_activation act, REAL x)
{
    switch (act) {
    case CNN_RELU: return x < 0 ? 0 : x; /* so written, NaN stays NaN */
    case CNN_SIGMOID: return R(cnn_sigmoid)(x);
    case CNN_TANH: return R(cnn_tanh)(x);
    default: return x;
    }
}

CNN_INLINE REAL R(activation_slope)(cnn_activation act, REAL y, REAL dy)
{
    switch (act) {
    case CNN_RELU: return y > 0 ? dy : 0;
    case CNN_SIGMOID: return dy * (y * (1 - y));
    case CNN_TANH: return dy * (1 - y * y);
    default: return dy;
    }
}

/* ---- forward ---- */

CNN_INLINE void R(activate_run)(cnn_activation act, int64_t n, const REAL *x, const REAL *bias, REAL *y)
{
    if (bias) {
        CNN_INDEPENDENT
        for (int64_t i = 0; i < n; i++) y[i] = R(activate)(act, x[i] + bias[i]);
    } else {
        CNN_INDEPENDENT
        for (int64_t i = 0; i < n; i++) y[i] = R(activate)(act, x[i]);
    }
}

CNN_INLINE void R(activate_rows)(cnn_activation act, const R(rows_job) * j, int64_t begin, int64_t end)
{
    int64_t n = j->channels;
    if (!j->bias) {
        R(activate_run)(act, (end - begin) * n, j->x + begin * n, NULL, j->y + begin * n);
        return;
    }
    for (int64_t r = begin; r < end; r++) R(activate_run)(act, n, j->x + r * n, j->bias, j->y + r * n);
}

static void R(bias_activation_piece)(void *context, int64_t piece, int thread)
{
    const R(rows_job) *j = context;
    int64_t begin, end, n = j->channels;
    (void)thread;
    cnn_piece_range(j->rows, j->pieces, piece, &begin, &end);
    switch (j->act) {
    case CNN_RELU: R(activate_rows)(CNN_RELU, j, begin, end); break;
    case CNN_SIGMOID: R(activate_rows)(CNN_SIGMOID, j, begin, end); break;
    case CNN_TANH: R(activate_rows)(CNN_TANH, j, begin, end); break;
    case CNN_SOFTMAX:
        for (int64_t r = begin; r < end; r++) R(softmax_row)(n, j->x + r * n, j->bias, j->y + r * n);
        break;
    default: R(activate_rows)(CNN_LINEAR, j, begin, end); break;
    }
}

void RK(bias_activation)(cnn_activation act, int64_t rows, int64_t channels, const REAL *x, const REAL *bias, REAL *y)
{
    if (act == CNN_LINEAR && !bias && x == y) return;
    if (!bias && act != CNN_SOFTMAX) { /* no row matters, so long rows can be cut too */
        rows *= channels;
        channels = 1;
    }
    R(rows_job) job = {.act = act, .rows = rows, .channels = channels, .x = x, .bias = bias, .y = y};
    job.pieces = cnn_activation_pieces(rows, channels);
    cnn_parallel(job.pieces, R(bias_activation_piece), &job);
}

/* ---- backward ---- */

/* dz = dy * act'(y) and, where SUMS is given, SUMS += dz; dz may be dy. */
CNN_INLINE void R(slope_run)(cnn_activation act, int64_t n, const REAL *y, const REAL *dy, REAL *dz, REAL *sums)
{
    if (!sums) {
        CNN_INDEPENDENT
        for (int64_t i = 0; i < n; i++) dz[i] = R(activation_slope)(act, y[i], dy[i]);
    } else if (dz == dy && act == CNN_LINEAR) {
        CNN_INDEPENDENT
        for (int64_t i = 0; i < n; i++) sums[i] += dy[i];
    } else {
        CNN_INDEPENDENT
        for (int64_t i = 0; i < n; i++) {
            REAL g = R(activation_slope)(act, y[i], dy[i]);
            dz[i] = g;
            sums[i] += g;
        }
    }
}

CNN_INLINE void R(slope_rows)(cnn_activation act, const R(rows_job) * j, int64_t begin, int64_t end, REAL *sums)
{
    int64_t n = j->channels, step = sums ? j->fold : end - begin;
    const REAL *y = act == CNN_LINEAR ? j->dy : j->y; /* a linear layer's y may be NULL */
    for (int64_t r = begin; r < end; r += step) {
        int64_t count = (end - r < step ? end - r : step) * n, at = r * n;
        R(slope_run)(act, count, y + at, j->dy + at, j->dz + at, sums);
    }
}

static void R(softmax_slope_rows)(const R(rows_job) * j, int64_t begin, int64_t end, REAL *sums)
{
    int64_t n = j->channels;
    for (int64_t r = begin; r < end; r++) {
        REAL *dz = j->dz + r * n;
        R(softmax_slope_row)(n, j->y + r * n, j->dy + r * n, dz);
        for (int64_t i = 0; sums && i < n; i++) sums[i] += dz[i];
    }
}

static void R(activation_backward_piece)(void *context, int64_t piece, int thread)
{
    const R(rows_job) *j = context;
    int64_t begin, end, n = j->channels, width = n * j->fold;
    REAL *sums = j->sums ? j->sums + piece * width : NULL;
    (void)thread;
    cnn_piece_range(j->rows, j->pieces, piece, &begin, &end);
    if (sums) memset(sums, 0, (size_t)width * sizeof *sums);
    if (begin == end) return;
    switch (j->act) {
    case CNN_RELU: R(slope_rows)(CNN_RELU, j, begin, end, sums); break;
    case CNN_SIGMOID: R(slope_rows)(CNN_SIGMOID, j, begin, end, sums); break;
    case CNN_TANH: R(slope_rows)(CNN_TANH, j, begin, end, sums); break;
    case CNN_SOFTMAX: R(softmax_slope_rows)(j, begin, end, sums); break;
    default: R(slope_rows)(CNN_LINEAR, j, begin, end, sums); break;
    }
}

void RK(activation_backward)(cnn_activation act, int64_t rows, int64_t channels, const REAL *y, const REAL *dy,
                             REAL *dz, REAL *dbias, REAL *scratch)
{
    if (act == CNN_LINEAR && dz == dy && !dbias) return;
    if (!dbias && act != CNN_SOFTMAX) {
        rows *= channels;
        channels = 1;
    }
    R(rows_job) job = {.act = act, .rows = rows, .channels = channels, .y = (REAL *)y, .dy = dy, .dz = dz};
    job.pieces = cnn_activation_pieces(rows, channels);
    job.fold = cnn_activation_fold(channels);
    job.sums = dbias ? scratch : NULL;
    cnn_parallel(job.pieces, R(activation_backward_piece), &job);
    if (!dbias) return;
    memset(dbias, 0, (size_t)channels * sizeof *dbias);
    for (int64_t part = 0; part < job.pieces * job.fold; part++) {
        const REAL *sums = scratch + part * channels;
        for (int64_t c = 0; c < channels; c++) dbias[c] += sums[c];
    }
}
