/* Reductions of one row, with 16 running values side by side: that lets the compiler use vectors, and fixes the order
 * of the sums whatever the processor. Also the rows of softmax. Included in a template, once per type. */
#include "kernels/moments.h"

#define ROW_LANES 16
#define ROW_RUN 4096 /* elements of a row that are summed without double precision */

static inline REAL R(row_max)(int64_t n, const REAL *x)
{
    REAL most = -INFINITY;
    int64_t i = 0;
    if (n >= ROW_LANES) {
        REAL lane[ROW_LANES];
        for (int l = 0; l < ROW_LANES; l++) lane[l] = x[l];
        for (i = ROW_LANES; i + ROW_LANES <= n; i += ROW_LANES)
            for (int l = 0; l < ROW_LANES; l++) lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
        for (int l = 0; l < ROW_LANES; l++) most = lane[l] > most ? lane[l] : most;
    }
    for (; i < n; i++) most = x[i] > most ? x[i] : most;
    return most;
}

/* sum(x * w), or sum(x) without W */
static inline REAL R(row_dot)(int64_t n, const REAL *x, const REAL *w)
{
    REAL sum = 0;
    int64_t i = 0;
    if (n >= ROW_LANES) {
        REAL lane[ROW_LANES] = {0};
        for (; i + ROW_LANES <= n; i += ROW_LANES)
            for (int l = 0; l < ROW_LANES; l++) lane[l] += w ? x[i + l] * w[i + l] : x[i + l];
        for (int width = ROW_LANES / 2; width > 0; width /= 2)
            for (int l = 0; l < width; l++) lane[l] += lane[l + width];
        sum = lane[0];
    }
    for (; i < n; i++) sum += w ? x[i] * w[i] : x[i];
    return sum;
}

/* sum((x - middle)^2) */
static inline REAL R(row_squares)(int64_t n, const REAL *x, REAL middle)
{
    REAL lane[ROW_LANES] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + ROW_LANES <= n; i += ROW_LANES)
        for (int l = 0; l < ROW_LANES; l++) lane[l] += (x[i + l] - middle) * (x[i + l] - middle);
    for (int l = 0; l < ROW_LANES; l++) sum += lane[l];
    for (; i < n; i++) sum += (x[i] - middle) * (x[i] - middle);
    return sum;
}

/* Mean of a row, and the sum of the squared deviations from it. */
static inline void R(row_moments)(int64_t n, const REAL *x, double *mean, double *m2)
{
    *mean = *m2 = 0;
    for (int64_t i = 0; i < n; i += ROW_RUN) {
        int64_t count = n - i < ROW_RUN ? n - i : ROW_RUN;
        REAL middle = R(row_dot)(count, x + i, NULL) / (REAL)count, squares = R(row_squares)(count, x + i, middle);
        cnn_join_moments((double)i, (double)count, middle, squares, mean, m2);
    }
}

/* y = exp(x + bias - max) / sum. What cannot be (NaN, +inf, all -inf) gives NaN, as the formula does. */
static inline void R(softmax_row)(int64_t n, const REAL *x, const REAL *bias, REAL *y)
{
    if (bias) {
        CNN_INDEPENDENT
        for (int64_t i = 0; i < n; i++) y[i] = x[i] + bias[i];
        x = y;
    }
    REAL most = R(row_max)(n, x);
    CNN_INDEPENDENT
    for (int64_t i = 0; i < n; i++) y[i] = R(cnn_exp)(x[i] - most);
    REAL scale = 1 / R(row_dot)(n, y, NULL);
    CNN_INDEPENDENT
    for (int64_t i = 0; i < n; i++) y[i] *= scale;
}

/* dx = y * (dy - sum(y * dy)); dx may be dy */
static inline void R(softmax_slope_row)(int64_t n, const REAL *y, const REAL *dy, REAL *dx)
{
    REAL dot = R(row_dot)(n, dy, y);
    CNN_INDEPENDENT
    for (int64_t i = 0; i < n; i++) dx[i] = y[i] * (dy[i] - dot);
}
