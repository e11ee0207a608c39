/* See batch_norm.c; included once per type. */
#include "kernels/row.inc.h"

typedef struct {
    const cnn_channels *s;
    int64_t pieces, fold;
    const REAL *x, *dy, *mean, *a, *b, *k;
    const REAL *gate_a, *gate_b; /* dy passes where (x - mean) * gate_a + gate_b > 0; NULL: everywhere */
    bool relu;
    REAL *y;
    double *first, *second, *scratch; /* the two results per channel */
} R(channels_job);

/* What of DY passes ReLU, which got (x - mean) * a + b. */
CNN_INLINE REAL R(gated)(const bool GATED, REAL x, REAL dy, REAL mean, REAL a, REAL b)
{
    if (!GATED) return dy;
    REAL v = (x - mean) * a + b;
    return v > 0 ? dy : 0;
}

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

CNN_INLINE void R(sum_rows)(const bool GATED, const R(channels_job) * j, int64_t count, int64_t n, int64_t at,
                            const REAL *mean, const REAL *a, const REAL *ga, const REAL *gb, REAL *sum, REAL *product,
                            double *first, double *second)
{
    const REAL *x = j->x + at, *dy = j->dy + at;
    memset(sum, 0, (size_t)n * sizeof *sum);
    memset(product, 0, (size_t)n * sizeof *product);
    for (int64_t r = 0; r < count; r++, x += n, dy += n) {
        CNN_INDEPENDENT
        for (int64_t i = 0; i < n; i++) {
            REAL g = R(gated)(GATED, x[i], dy[i], mean[i], ga[i], gb[i]);
            sum[i] += g;
            product[i] += g * ((x[i] - mean[i]) * a[i]);
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
    const REAL *mean = R(unfold)(j, j->mean, mean_buffer), *a = R(unfold)(j, j->a, a_buffer), *ga = a, *gb = a;
    REAL ga_buffer[FOLDED], gb_buffer[FOLDED];
    if (j->gate_a) {
        ga = R(unfold)(j, j->gate_a, ga_buffer);
        gb = R(unfold)(j, j->gate_b, gb_buffer);
    }
    (void)thread;
    cnn_piece_range(j->s->outer, j->pieces, piece, &begin, &end);
    memset(first, 0, (size_t)(2 * n) * sizeof *first);
    for (int64_t r = begin; r < end; r += step) {
        int64_t rows = end - r < step ? end - r : step, whole = rows / j->fold, rest = rows % j->fold;
        int64_t last = (r + rows - rest) * n, wide = n * j->fold;
        if (j->gate_a) {
            if (whole) R(sum_rows)(true, j, whole, wide, r * n, mean, a, ga, gb, sum, product, first, second);
            if (rest) R(sum_rows)(true, j, rest, n, last, mean, a, ga, gb, sum, product, first, second);
        } else {
            if (whole) R(sum_rows)(false, j, whole, wide, r * n, mean, a, ga, gb, sum, product, first, second);
            if (rest) R(sum_rows)(false, j, rest, n, last, mean, a, ga, gb, sum, product, first, second);
        }
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
                const REAL *x = j->x + at + i, *dy = j->dy + at + i;
                REAL xhat[ROW_RUN], g[ROW_RUN];
                if (j->gate_a) {
                    CNN_INDEPENDENT
                    for (int64_t e = 0; e < count; e++)
                        g[e] = R(gated)(true, x[e], dy[e], j->mean[c], j->gate_a[c], j->gate_b[c]);
                    dy = g;
                }
                CNN_INDEPENDENT
                for (int64_t e = 0; e < count; e++) xhat[e] = (x[e] - j->mean[c]) * j->a[c];
                sum += R(row_dot)(count, dy, NULL);
                product += R(row_dot)(count, dy, xhat);
            }
        }
        j->first[c] = sum;
        j->second[c] = product;
    }
}

void RK(batch_norm_sums)(const cnn_channels *s, const REAL *x, const REAL *dy, const REAL *mean, const REAL *a,
                         const REAL *gate_a, const REAL *gate_b, double *sum_dy, double *sum_dy_xhat, double *scratch)
{
    R(channels_job) job = {.s = s, .x = x, .dy = dy, .mean = mean, .a = a, .first = sum_dy, .second = sum_dy_xhat};
    job.gate_a = gate_a;
    job.gate_b = gate_b;
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

CNN_INLINE REAL R(affine)(const affine_kind KIND, REAL x, REAL dy, REAL mean, REAL a, REAL b, REAL k, REAL ga, REAL gb)
{
    if (KIND >= AFFINE_BACKWARD) return R(gated)(KIND == AFFINE_GATED, x, dy, mean, ga, gb) * a + b + (x - mean) * k;
    REAL v = (x - mean) * a + b;
    return KIND == AFFINE_RELU && v < 0 ? 0 : v; /* so written, NaN stays NaN */
}

CNN_INLINE void R(affine_rows)(const affine_kind KIND, const R(channels_job) * j, int64_t begin, int64_t end)
{
    REAL buffer[6][FOLDED];
    const REAL *mean = R(unfold)(j, j->mean, buffer[0]), *a = R(unfold)(j, j->a, buffer[1]);
    const REAL *b = R(unfold)(j, j->b, buffer[2]), *k = b, *ga = b, *gb = b;
    if (KIND >= AFFINE_BACKWARD) k = R(unfold)(j, j->k, buffer[3]);
    if (KIND == AFFINE_GATED) {
        ga = R(unfold)(j, j->gate_a, buffer[4]);
        gb = R(unfold)(j, j->gate_b, buffer[5]);
    }
    int64_t n = j->s->channels;
    for (int64_t r = begin; r < end; r += j->fold) {
        int64_t count = (end - r < j->fold ? end - r : j->fold) * n;
        const REAL *x = j->x + r * n, *dy = KIND >= AFFINE_BACKWARD ? j->dy + r * n : x;
        REAL *y = j->y + r * n;
        CNN_INDEPENDENT
        for (int64_t i = 0; i < count; i++)
            y[i] = R(affine)(KIND, x[i], dy[i], mean[i], a[i], b[i], k[i], ga[i], gb[i]);
    }
}

CNN_INLINE void R(affine_channels)(const affine_kind KIND, const R(channels_job) * j, int64_t begin, int64_t end)
{
    int64_t n = j->s->inner;
    for (int64_t run = begin; run < end; run++) {
        int64_t c = run % j->s->channels;
        const REAL *x = j->x + run * n, *dy = KIND >= AFFINE_BACKWARD ? j->dy + run * n : x;
        REAL *y = j->y + run * n, mean = j->mean[c], a = j->a[c], b = j->b[c];
        REAL k = KIND >= AFFINE_BACKWARD ? j->k[c] : 0;
        REAL ga = KIND == AFFINE_GATED ? j->gate_a[c] : 0, gb = KIND == AFFINE_GATED ? j->gate_b[c] : 0;
        CNN_INDEPENDENT
        for (int64_t i = 0; i < n; i++) y[i] = R(affine)(KIND, x[i], dy[i], mean, a, b, k, ga, gb);
    }
}

CNN_INLINE void R(affine_part)(const affine_kind KIND, const R(channels_job) * j, int64_t begin, int64_t end)
{
    if (j->s->inner > 1) R(affine_channels)(KIND, j, begin, end);
    else R(affine_rows)(KIND, j, begin, end);
}

static void R(affine_piece)(void *context, int64_t piece, int thread)
{
    const R(channels_job) *j = context;
    int64_t begin, end;
    (void)thread;
    cnn_piece_range(j->s->inner > 1 ? j->s->outer * j->s->channels : j->s->outer, j->pieces, piece, &begin, &end);
    if (!j->dy && !j->relu) R(affine_part)(AFFINE, j, begin, end);
    else if (!j->dy) R(affine_part)(AFFINE_RELU, j, begin, end);
    else if (!j->gate_a) R(affine_part)(AFFINE_BACKWARD, j, begin, end);
    else R(affine_part)(AFFINE_GATED, j, begin, end);
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

void RK(batch_norm)(const cnn_channels *s, bool relu, const REAL *x, const REAL *mean, const REAL *a, const REAL *b,
                    REAL *y)
{
    R(affine_all)((R(channels_job)){.s = s, .x = x, .mean = mean, .a = a, .b = b, .y = y, .relu = relu});
}

void RK(batch_norm_backward)(const cnn_channels *s, const REAL *x, const REAL *dy, const REAL *mean, const REAL *a,
                             const REAL *b, const REAL *k, const REAL *gate_a, const REAL *gate_b, REAL *dx)
{
    R(channels_job) job = {.s = s, .x = x, .dy = dy, .mean = mean, .a = a, .b = b, .k = k, .y = dx};
    job.gate_a = gate_a;
    job.gate_b = gate_b;
    R(affine_all)(job);
}
