/* Along one axis, x[outer, count, inner]: running sums, and the place of an extreme. Parallel over the lines. */
#include "kernels/level.h"

#include "runtime/parallel.h"

#define GRAIN 16384
#define COLUMNS 64 /* of inner, done together */

typedef struct {
    int64_t outer, count, inner, columns, pieces;
    bool reverse;
    const void *x;
    void *y;
} job;

/* A group of columns of one outer turn at a time: calls BODY with o, first, width. */
#define DEFINE_PIECE(label, body)                                                                                      \
    static void label(void *context, int64_t piece, int thread)                                                        \
    {                                                                                                                  \
        const job *j = context;                                                                                        \
        int64_t begin, end;                                                                                            \
        (void)thread;                                                                                                  \
        cnn_piece_range(j->outer * j->columns, j->pieces, piece, &begin, &end);                                        \
        for (int64_t unit = begin; unit < end; unit++) {                                                               \
            int64_t first = unit % j->columns * COLUMNS, at = unit / j->columns * j->count * j->inner + first;         \
            int64_t width = j->inner - first < COLUMNS ? j->inner - first : COLUMNS;                                   \
            body(j, at, unit / j->columns * j->inner + first, width);                                                  \
        }                                                                                                              \
    }

/* ---- running sums, in double or modulo 2^64 ---- */

#define DEFINE_CUMSUM(T, A, Y, suffix)                                                                                 \
    static void cumsum_lines_##suffix(const job *j, int64_t at, int64_t unused, int64_t width)                         \
    {                                                                                                                  \
        const T *x = (const T *)j->x + at;                                                                             \
        Y *y = (Y *)j->y + at;                                                                                         \
        A sum[COLUMNS] = {0};                                                                                          \
        (void)unused;                                                                                                  \
        for (int64_t i = 0; i < j->count; i++) {                                                                       \
            const int64_t row = (j->reverse ? j->count - 1 - i : i) * j->inner;                                        \
            for (int64_t k = 0; k < width; k++) {                                                                      \
                sum[k] += (A)x[row + k];                                                                               \
                y[row + k] = (Y)sum[k];                                                                                \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    DEFINE_PIECE(cumsum_##suffix, cumsum_lines_##suffix)

DEFINE_CUMSUM(uint8_t, uint64_t, int64_t, u8)
DEFINE_CUMSUM(int32_t, uint64_t, int64_t, i32)
DEFINE_CUMSUM(int64_t, uint64_t, int64_t, i64)
DEFINE_CUMSUM(float, double, float, f32)
DEFINE_CUMSUM(double, double, double, f64)

static void run(cnn_piece_fn fn, int64_t outer, int64_t count, int64_t inner, bool reverse, const void *x, void *y)
{
    job j = {outer, count, inner, (inner + COLUMNS - 1) / COLUMNS, 1, reverse, x, y};
    if (outer * inner == 0) return;
    j.pieces = cnn_pieces(outer * count * inner, GRAIN);
    if (j.pieces > outer * j.columns) j.pieces = outer * j.columns;
    cnn_parallel(j.pieces, fn, &j);
}

void CNN_K(cumsum)(cnn_dtype dtype, int64_t outer, int64_t count, int64_t inner, bool reverse, const void *x, void *y)
{
    static const cnn_piece_fn pieces[CNN_DTYPE_COUNT] = {cumsum_u8,  cumsum_u8,  cumsum_i32,
                                                         cumsum_i64, cumsum_f32, cumsum_f64};
    run(pieces[dtype], outer, count, inner, reverse, x, y);
}

/* ---- the first place of the largest or smallest; of a NaN, if there is one ---- */

#define DEFINE_ARG(name, T, suffix, better)                                                                            \
    static void name##_lines_##suffix(const job *j, int64_t at, int64_t to, int64_t width)                             \
    {                                                                                                                  \
        const T *x = (const T *)j->x + at;                                                                             \
        int64_t *place = (int64_t *)j->y + to;                                                                         \
        T best[COLUMNS];                                                                                               \
        if (j->inner == 1) { /* one line: branches that are seldom taken */                                            \
            T top = x[0];                                                                                              \
            *place = 0;                                                                                                \
            for (int64_t i = 1; i < j->count && top == top; i++)                                                       \
                if (x[i] better top || x[i] != x[i]) {                                                                 \
                    top = x[i];                                                                                        \
                    *place = i;                                                                                        \
                }                                                                                                      \
            return;                                                                                                    \
        }                                                                                                              \
        for (int64_t k = 0; k < width; k++) {                                                                          \
            best[k] = x[k];                                                                                            \
            place[k] = 0;                                                                                              \
        }                                                                                                              \
        for (int64_t i = 1; i < j->count; i++)                                                                         \
            for (int64_t k = 0; k < width; k++) {                                                                      \
                const T a = x[i * j->inner + k], b = best[k];                                                          \
                const bool take = ((a better b) | (a != a)) & (b == b);                                                \
                best[k] = take ? a : b;                                                                                \
                place[k] = take ? i : place[k];                                                                        \
            }                                                                                                          \
    }                                                                                                                  \
    DEFINE_PIECE(name##_##suffix, name##_lines_##suffix)
#define DEFINE_ARGS(T, suffix) DEFINE_ARG(argmax, T, suffix, >) DEFINE_ARG(argmin, T, suffix, <)

DEFINE_ARGS(uint8_t, u8)
DEFINE_ARGS(int32_t, i32)
DEFINE_ARGS(int64_t, i64)
DEFINE_ARGS(float, f32)
DEFINE_ARGS(double, f64)

void CNN_K(arg)(bool largest, cnn_dtype dtype, int64_t outer, int64_t count, int64_t inner, const void *x, int64_t *y)
{
    static const cnn_piece_fn pieces[CNN_DTYPE_COUNT][2] = {
        {argmin_u8, argmax_u8},   {argmin_u8, argmax_u8},   {argmin_i32, argmax_i32},
        {argmin_i64, argmax_i64}, {argmin_f32, argmax_f32}, {argmin_f64, argmax_f64},
    };
    run(pieces[dtype][largest], outer, count, inner, false, x, y);
}
