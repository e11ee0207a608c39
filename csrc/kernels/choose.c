/* Choices element by element: clip, and one of two by a condition. */
#include "kernels/level.h"

#include "runtime/parallel.h"

#define GRAIN 32768

/* ---- y = x between low and high; NaN stays ---- */

typedef struct {
    int64_t n, pieces;
    const void *x, *g, *low, *high;
    void *y;
} clip_job;

#define DEFINE_CLIP(T, suffix)                                                                                         \
    static void clip_##suffix(void *context, int64_t piece, int thread)                                                \
    {                                                                                                                  \
        const clip_job *j = context;                                                                                   \
        const T *in = j->x, low = *(const T *)j->low, high = *(const T *)j->high;                                      \
        T *y = j->y;                                                                                                   \
        int64_t begin, end;                                                                                            \
        (void)thread;                                                                                                  \
        cnn_piece_range(j->n, j->pieces, piece, &begin, &end);                                                         \
        CNN_INDEPENDENT                                                                                                \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            T x = in[i];                                                                                               \
            x = x < low ? low : x;                                                                                     \
            y[i] = x > high ? high : x;                                                                                \
        }                                                                                                              \
    }

/* The gradient passes where x was not clipped, bounds included. */
#define DEFINE_CLIP_GRADIENT(T, suffix)                                                                                \
    static void clip_gradient_##suffix(void *context, int64_t piece, int thread)                                       \
    {                                                                                                                  \
        const clip_job *j = context;                                                                                   \
        const T *x = j->x, *g = j->g, low = *(const T *)j->low, high = *(const T *)j->high;                            \
        T *y = j->y;                                                                                                   \
        int64_t begin, end;                                                                                            \
        (void)thread;                                                                                                  \
        cnn_piece_range(j->n, j->pieces, piece, &begin, &end);                                                         \
        CNN_INDEPENDENT                                                                                                \
        for (int64_t i = begin; i < end; i++) y[i] = ((x[i] < low) | (x[i] > high)) ? 0 : g[i];                        \
    }

DEFINE_CLIP(uint8_t, u8)
DEFINE_CLIP(int32_t, i32)
DEFINE_CLIP(int64_t, i64)
DEFINE_CLIP(float, f32)
DEFINE_CLIP(double, f64)
DEFINE_CLIP_GRADIENT(float, f32)
DEFINE_CLIP_GRADIENT(double, f64)

void CNN_K(clip)(cnn_dtype dtype, int64_t n, const void *x, const void *low, const void *high, void *y)
{
    static const cnn_piece_fn pieces[CNN_DTYPE_COUNT] = {clip_u8, clip_u8, clip_i32, clip_i64, clip_f32, clip_f64};
    clip_job job = {.n = n, .pieces = cnn_pieces(n, GRAIN), .x = x, .low = low, .high = high, .y = y};
    cnn_parallel(job.pieces, pieces[dtype], &job);
}

void CNN_K(clip_gradient)(cnn_dtype dtype, int64_t n, const void *x, const void *low, const void *high, const void *g,
                          void *out)
{
    clip_job job = {.n = n, .pieces = cnn_pieces(n, GRAIN), .x = x, .low = low, .high = high, .g = g, .y = out};
    cnn_parallel(job.pieces, dtype == CNN_FLOAT32 ? clip_gradient_f32 : clip_gradient_f64, &job);
}

/* ---- y = condition ? a : b ---- */

typedef struct {
    int64_t n, pieces;
    const uint8_t *condition;
    const void *a, *b;
    bool one_a, one_b;
    void *y;
} where_job;

/* Both are loaded, so that the choice needs no branch. */
#define WHERE_LOOP(T, at_a, at_b)                                                                                      \
    CNN_INDEPENDENT                                                                                                    \
    for (int64_t i = begin; i < end; i++) {                                                                            \
        const T yes = a[at_a], no = b[at_b];                                                                           \
        y[i] = condition[i] ? yes : no;                                                                                \
    }

#define DEFINE_WHERE(T, suffix)                                                                                        \
    static void where_##suffix(void *context, int64_t piece, int thread)                                               \
    {                                                                                                                  \
        const where_job *j = context;                                                                                  \
        const T *a = j->a, *b = j->b;                                                                                  \
        const uint8_t *condition = j->condition;                                                                       \
        T *y = j->y;                                                                                                   \
        int64_t begin, end;                                                                                            \
        (void)thread;                                                                                                  \
        cnn_piece_range(j->n, j->pieces, piece, &begin, &end);                                                         \
        if (j->one_a && j->one_b) {                                                                                    \
            WHERE_LOOP(T, 0, 0)                                                                                        \
        } else if (j->one_a) {                                                                                         \
            WHERE_LOOP(T, 0, i)                                                                                        \
        } else if (j->one_b) {                                                                                         \
            WHERE_LOOP(T, i, 0)                                                                                        \
        } else {                                                                                                       \
            WHERE_LOOP(T, i, i)                                                                                        \
        }                                                                                                              \
    }

DEFINE_WHERE(uint8_t, 1)
DEFINE_WHERE(uint32_t, 4)
DEFINE_WHERE(uint64_t, 8)

void CNN_K(where)(int size, int64_t n, const uint8_t *condition, const void *a, bool one_a, const void *b, bool one_b,
                  void *y)
{
    where_job job = {n, cnn_pieces(n, GRAIN), condition, a, b, one_a, one_b, y};
    cnn_parallel(job.pieces, size == 1 ? where_1 : size == 4 ? where_4 : where_8, &job);
}
