/* See batch_norm.c; included once per type. */
#include "kernels/row.inc.h"

typedef struct {
    const cnn_channels *s;
    int64_t pieces, fold;
    const REAL *x, *dy, *mean, *a, *b, *k;
    REAL *y;
    double *first, *second, *scratch; /* the two results per channel */
} R(channels_job);

/* ---- moments ---- */

/* COUNT rows of N values at X: joins their moments to MEAN and M2 of C channels, N being a multiple of C. */
static void R(join_rows)(int64_t count, int64_t n, int64_t channels, const REAL *x, REAL *sum, REAL *squares,
                         int64_t had, double *mean, double *m2)
{
    memset(sum, 0, (size_t)n * sizeof *sum);
    memset(squares, 0, (size_t)n * sizeof *squares);
    for (int64_t r = 0; r < count; r++) {
        CNN_INDEPENDENT
        for (int64_t i = 0; i < n; i++) sum[i] += x[r * n + i];
    }
    for (int64_t i = 0; i < n; i++) sum[i] /= (REAL)count;
    for (int64_t r = 0; r < count; r++) {
        CNN_INDEPENDENT
        for (int64_t i = 0; i < n; i++) squares[i] += (x[r * n + i] - sum[i]) * (x[r * n + i] - sum[i]);
    }
    for (int64_t i = 0; i < n; i += channels, had += count)
        for (int64_t c = 0; c < channels; c++)
            cnn_join_moments((double)had, (double)count, sum[i + c], squares[i + c], &mean[c], &m2[c]);
}

static void R(moments_of_rows)(void *context, int64_t piece, int thread)
{
    const R(channels_job) *j = context;
    int64_t begin, end, n = j->s->channels, step = block_rows(j->s, j->fold) / j->fold * j->fold;
    double *mean = j->scratch + piece * cnn_batch_norm_scratch_per_piece(j->s), *m2 = mean + n;
    REAL *sum = (REAL *)(m2 + n), *squares = sum + n * j->fold;
    (void)thread;
    cnn_piece_range(j->s->outer, j->pieces, piece, &begin, &end);
    memset(mean, 0, (size_t)(2 * n) * sizeof *mean);
    for (int64_t r = begin; r < end; r += step) {
        int64_t rows = end - r < step ? end - r : step, whole = rows / j->fold, rest = rows % j->fold;
        const REAL *x = j->x + r * n;
        if (whole) R(join_rows)(whole, n * j->fold, n, x, sum, squares, r - begin, mean, m2);
        if (rest) R(join_rows)(rest, n, n, x + (rows - rest) * n, sum, squares, r - begin + rows - rest, mean, m2);
    }
}

static void R(moments_of_channels)(void *context, int64_t piece, int thread)
{
    const R(channels_job) *j = context;
    const cnn_channels *s = j->s;
    int64_t begin, end;
    (void)thread;
    cnn_piece_range(s->channels, j->pieces, piece, &begin, &end);
    for (int64_t c = begin; c < end; c++) {
        double mean = 0, m2 = 0;
        for (int64_t o = 0; o < s->outer; o++) {
            double run_mean, run_m2;
            R(row_moments)(s->inner, j->x + (o * s->channels + c) * s->inner, &run_mean, &run_m2);
            cnn_join_moments((double)(o * s->inner), (double)s->inner, run_mean, run_m2, &mean, &m2);
        }
        j->first[c] = mean;
        j->second[c] = m2;
    }
}

void RK(batch_moments)(const cnn_channels *s, const REAL *x, double *mean, double *variance, double *scratch)
{
    R(channels_job) job = {.s = s, .x = x, .first = mean, .second = variance, .scratch = scratch};
    double total = (double)(s->outer * s->inner);
    job.pieces = cnn_batch_norm_pieces(s);
    job.fold = cnn_batch_norm_fold(s);
    if (s->inner > 1) {
        cnn_parallel(job.pieces, R(moments_of_channels), &job);
    } else {
        cnn_parallel(job.pieces, R(moments_of_rows), &job);
        memset(mean, 0, (size_t)s->channels * sizeof *mean);
        memset(variance, 0, (size_t)s->channels * sizeof *variance);
        for (int64_t piece = 0; piece < job.pieces; piece++) {
            const double *part = scratch + piece * cnn_batch_norm_scratch_per_piece(s);
            int64_t begin, end;
            cnn_piece_range(s->outer, job.pieces, piece, &begin, &end);
            for (int64_t c = 0; begin < end && c < s->channels; c++)
                cnn_join_moments((double)begin, (double)(end - begin), part[c], part[s->channels + c], &mean[c],
                                 &variance[c]);
        }
    }
    for (int64_t c = 0; c < s->channels; c++) variance[c] /= total;
}

/* ---- sums of dy and of dy * xhat, xhat = (x - mean) * a ---- */

static void R(sum_rows)(const R(channels_job) * j, int64_t count, int64_t n, int64_t at, const REAL *mean,
                        const REAL *a, REAL *sum, REAL *product, double *first, double *second)
{
    const REAL *x = j->x + at, *dy = j->dy + at;
    memset(sum, 0, (size_t)n * sizeof *sum);
    memset(product, 0, (size_t)n * sizeof *product);
    for (int64_t r = 0; r < count; r++, x += n, dy += n) {
        CNN_INDEPENDENT
        for (int64_t i = 0; i < n; i++) {
            sum[i] += dy[i];
            product[i] += dy[i] * ((x[i] - mean[i]) * a[i]);
        }
    }
    for (int64_t i = 0; i < n; i += j->s->channels) {
        for (int64_t c = 0; c < j->s->channels; c++) {
            first[c] += sum[i + c];
            second[c] += product[i + c];
        }
    }
}

/* V, or, for folded rows, V repeated in BUFFER. */
static const REAL *R(unfold)(const R(channels_job) * j, const REAL *v, REAL *buffer)
{
    if (j->fold == 1 || !v) return v;
    for (int64_t i = 0; i < j->fold; i++) memcpy(buffer + i * j->s->channels, v, (size_t)j->s->channels * sizeof *v);
    return buffer;
}

static void R(sums_of_rows)(void *context, int64_t piece, int thread)
{
    const R(channels_job) *j = context;
    int64_t begin, end, n = j->s->channels, step = block_rows(j->s, j->fold) / j->fold * j->fold;
    double *first = j->scratch + piece * cnn_batch_norm_scratch_per_piece(j->s), *second = first + n;
    REAL *sum = (REAL *)(second + n), *product = sum + n * j->fold, mean_buffer[FOLDED], a_buffer[FOLDED];
    const REAL *mean = R(unfold)(j, j->mean, mean_buffer), *a = R(unfold)(j, j->a, a_buffer);
    (void)thread;
    cnn_piece_range(j->s->outer, j->pieces, piece, &begin, &end);
    memset(first, 0, (size_t)(2 * n) * sizeof *first);
    for (int64_t r = begin; r < end; r += step) {
        int64_t rows = end - r < step ? end - r : step, whole = rows / j->fold, rest = rows % j->fold;
        if (whole) R(sum_rows)(j, whole, n * j->fold, r * n, mean, a, sum, product, first, second);
        if (rest) R(sum_rows)(j, rest, n, (r + rows - rest) * n, mean, a, sum, product, first, second);
    }
}

static void R(sums_of_channels)(void *context, int64_t piece, int thread)
{
    const R(channels_job) *j = context;
    const cnn_channels *s = j->s;
    int64_t begin, end;
    (void)thread;
    cnn_piece_range(s->channels, j->pieces, piece, &begin, &end);
    for (int64_t c = begin; c < end; c++) {
        double sum = 0, product = 0;
        for (int64_t o = 0; o < s->outer; o++) {
            int64_t at = (o * s->channels + c) * s->inner;
            for (int64_t i = 0; i < s->inner; i += ROW_RUN) {
                int64_t count = s->inner - i < ROW_RUN ? s->inner - i : ROW_RUN;
                REAL xhat[ROW_RUN];
                CNN_INDEPENDENT
                for (int64_t e = 0; e < count; e++) xhat[e] = (j->x[at + i + e] - j->mean[c]) * j->a[c];
                sum += R(row_dot)(count, j->dy + at + i, NULL);
                product += R(row_dot)(count, j->dy + at + i, xhat);
            }
        }
        j->first[c] = sum;
        j->second[c] = product;
    }
}

void RK(batch_norm_sums)(const cnn_channels *s, const REAL *x, const REAL *dy, const REAL *mean, const REAL *a,
                         double *sum_dy, double *sum_dy_xhat, double *scratch)
{
    R(channels_job) job = {.s = s, .x = x, .dy = dy, .mean = mean, .a = a, .first = sum_dy, .second = sum_dy_xhat};
    job.scratch = scratch;
    job.pieces = cnn_batch_norm_pieces(s);
    job.fold = cnn_batch_norm_fold(s);
    if (s->inner > 1) {
        cnn_parallel(job.pieces, R(sums_of_channels), &job);
        return;
    }
    cnn_parallel(job.pieces, R(sums_of_rows), &job);
    memset(sum_dy, 0, (size_t)s->channels * sizeof *sum_dy);
    memset(sum_dy_xhat, 0, (size_t)s->channels * sizeof *sum_dy_xhat);
    for (int64_t piece = 0; piece < job.pieces; piece++) {
        const double *part = scratch + piece * cnn_batch_norm_scratch_per_piece(s);
        for (int64_t c = 0; c < s->channels; c++) {
            sum_dy[c] += part[c];
            sum_dy_xhat[c] += part[s->channels + c];
        }
    }
}

/* ---- y = (x - mean) * a + b, or with dy: dy * a + b + (x - mean) * k ---- */

CNN_INLINE REAL R(affine)(REAL x, REAL dy, REAL mean, REAL a, REAL b, REAL k, bool backward)
{
    return backward ? dy * a + b + (x - mean) * k : (x - mean) * a + b;
}

CNN_INLINE void R(affine_rows)(const R(channels_job) * j, int64_t begin, int64_t end, bool backward)
{
    REAL buffer[4][FOLDED];
    const REAL *mean = R(unfold)(j, j->mean, buffer[0]), *a = R(unfold)(j, j->a, buffer[1]);
    const REAL *b = R(unfold)(j, j->b, buffer[2]), *k = R(unfold)(j, backward ? j->k : j->b, buffer[3]);
    int64_t n = j->s->channels;
    for (int64_t r = begin; r < end; r += j->fold) {
        int64_t count = (end - r < j->fold ? end - r : j->fold) * n;
        const REAL *x = j->x + r * n, *dy = backward ? j->dy + r * n : x;
        REAL *y = j->y + r * n;
        CNN_INDEPENDENT
        for (int64_t i = 0; i < count; i++) y[i] = R(affine)(x[i], dy[i], mean[i], a[i], b[i], k[i], backward);
    }
}

CNN_INLINE void R(affine_channels)(const R(channels_job) * j, int64_t begin, int64_t end, bool backward)
{
    int64_t n = j->s->inner;
    for (int64_t run = begin; run < end; run++) {
        int64_t c = run % j->s->channels;
        const REAL *x = j->x + run * n, *dy = backward ? j->dy + run * n : x;
        REAL *y = j->y + run * n, mean = j->mean[c], a = j->a[c], b = j->b[c], k = backward ? j->k[c] : 0;
        CNN_INDEPENDENT
        for (int64_t i = 0; i < n; i++) y[i] = R(affine)(x[i], dy[i], mean, a, b, k, backward);
    }
}

static void R(affine_piece)(void *context, int64_t piece, int thread)
{
    const R(channels_job) *j = context;
    int64_t begin, end;
    (void)thread;
    cnn_piece_range(j->s->inner > 1 ? j->s->outer * j->s->channels : j->s->outer, j->pieces, piece, &begin, &end);
    if (j->s->inner > 1) {
        if (j->dy) R(affine_channels)(j, begin, end, true);
        else R(affine_channels)(j, begin, end, false);
    } else {
        if (j->dy) R(affine_rows)(j, begin, end, true);
        else R(affine_rows)(j, begin, end, false);
    }
}

static void R(affine_all)(R(channels_job) job)
{
    const cnn_channels *s = job.s;
    int64_t items = s->inner > 1 ? s->outer * s->channels : s->outer;
    job.pieces = cnn_pieces(s->outer * s->channels * s->inner, 16384);
    if (job.pieces > items) job.pieces = items;
    job.fold = cnn_batch_norm_fold(s);
    if (items) cnn_parallel(job.pieces, R(affine_piece), &job);
}

void RK(batch_norm)(const cnn_channels *s, const REAL *x, const REAL *mean, const REAL *a, const REAL *b, REAL *y)
{
    R(affine_all)((R(channels_job)){.s = s, .x = x, .mean = mean, .a = a, .b = b, .y = y});
}

void RK(batch_norm_backward)(const cnn_channels *s, const REAL *x, const REAL *dy, const REAL *mean, const REAL *a,
                             const REAL *b, const REAL *k, REAL *dx)
{
    R(affine_all)((R(channels_job)){.s = s, .x = x, .dy = dy, .mean = mean, .a = a, .b = b, .k = k, .y = dx});
}
