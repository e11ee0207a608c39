/* Functions of one operand, their gradients (the list is unary.def), and conversions between types. The result may be
 * the operand. */
#include "kernels/level.h"

#include "kernels/special.h"
#include "kernels/vmath.h"
#include "runtime/parallel.h"

#include <math.h>

#define GRAIN 16384

typedef void (*row_fn)(int64_t n, const void *x, void *y);
typedef void (*gradient_row_fn)(int64_t n, const void *kept, const void *g, void *out);

#define ROW(label, T_, U_, Y, expression)                                                                              \
    static void label(int64_t n, const void *px, void *py)                                                             \
    {                                                                                                                  \
        typedef T_ T;                                                                                                  \
        typedef U_ U __attribute__((unused));                                                                          \
        const T *in = px;                                                                                              \
        Y *out = py;                                                                                                   \
        CNN_INDEPENDENT                                                                                                \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            const T x = in[i];                                                                                         \
            out[i] = (Y)(expression);                                                                                  \
        }                                                                                                              \
    }

#define GRADIENT(label, T_, expression)                                                                                \
    static void label(int64_t n, const void *pk, const void *pg, void *pout)                                           \
    {                                                                                                                  \
        typedef T_ T;                                                                                                  \
        const T *kept = pk, *dy = pg;                                                                                  \
        T *out = pout;                                                                                                 \
        CNN_INDEPENDENT                                                                                                \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            const T x = kept ? kept[i] : 0, y = x, g = dy[i];                                                          \
            (void)x, (void)y, (void)g;                                                                                 \
            out[i] = (expression);                                                                                     \
        }                                                                                                              \
    }

#define CNN_SMOOTH(name, formula, gradient, keeps, doc)
#define CNN_TEST(name, formula, doc)
#define CNN_SIGNED(name, integer, real, gradient, keeps, doc)                                                          \
    ROW(name##_u8, uint8_t, uint32_t, uint8_t, integer)                                                                \
    ROW(name##_i32, int32_t, uint32_t, int32_t, integer)                                                               \
    ROW(name##_i64, int64_t, uint64_t, int64_t, integer)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtype-limits" /* an unsigned type is never negative */
#include "kernels/unary.def"
#pragma GCC diagnostic pop
#undef CNN_SMOOTH
#undef CNN_TEST
#undef CNN_SIGNED

#define REAL_ROWS(name, suffix, T, real, gradient)                                                                     \
    ROW(name##_##suffix, T, T, T, real) GRADIENT(name##_gradient_##suffix, T, gradient)

#define R(name) name##f
#define V(name) cnn_##name##_f32
#define CNN_SIGNED(name, integer, real, gradient, keeps, doc) REAL_ROWS(name, f32, float, real, gradient)
#define CNN_SMOOTH(name, formula, gradient, keeps, doc) REAL_ROWS(name, f32, float, formula, gradient)
#define CNN_TEST(name, formula, doc) ROW(name##_f32, float, float, uint8_t, formula)
#include "kernels/unary.def"
#undef CNN_SMOOTH
#undef CNN_TEST
#undef CNN_SIGNED
#undef R
#undef V

#define R(name) name
#define V(name) cnn_##name##_f64
#define CNN_SIGNED(name, integer, real, gradient, keeps, doc) REAL_ROWS(name, f64, double, real, gradient)
#define CNN_SMOOTH(name, formula, gradient, keeps, doc) REAL_ROWS(name, f64, double, formula, gradient)
#define CNN_TEST(name, formula, doc) ROW(name##_f64, double, double, uint8_t, formula)
#include "kernels/unary.def"
#undef CNN_SMOOTH
#undef CNN_TEST
#undef CNN_SIGNED
#undef R
#undef V

#define CNN_SIGNED(name, ...) {NULL, name##_u8, name##_i32, name##_i64, name##_f32, name##_f64},
#define CNN_SMOOTH(name, ...) {NULL, NULL, NULL, NULL, name##_f32, name##_f64},
#define CNN_TEST(name, ...) {NULL, NULL, NULL, NULL, name##_f32, name##_f64},
static const row_fn rows[CNN_UNARY_COUNT][CNN_DTYPE_COUNT] = {
#include "kernels/unary.def"
};
#undef CNN_SMOOTH
#undef CNN_TEST
#undef CNN_SIGNED

#define CNN_SIGNED(name, ...) {name##_gradient_f32, name##_gradient_f64},
#define CNN_SMOOTH(name, ...) {name##_gradient_f32, name##_gradient_f64},
#define CNN_TEST(name, ...) {NULL, NULL},
static const gradient_row_fn gradient_rows[CNN_UNARY_COUNT][2] = {
#include "kernels/unary.def"
};
#undef CNN_SMOOTH
#undef CNN_TEST
#undef CNN_SIGNED

/* ---- conversions: integers wrap, NaN and what is out of range become the least int64, wrapped; not 0 is True ---- */

CNN_INLINE int64_t whole(double x)
{
    return x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN;
}

#define SAME(x) (x)
#define CASTS_TO(to, Y, from_integer, from_real)                                                                       \
    ROW(u8_to_##to, uint8_t, uint8_t, Y, from_integer(x))                                                              \
    ROW(i32_to_##to, int32_t, int32_t, Y, from_integer(x))                                                             \
    ROW(i64_to_##to, int64_t, int64_t, Y, from_integer(x))                                                             \
    ROW(f32_to_##to, float, float, Y, from_real(x))                                                                    \
    ROW(f64_to_##to, double, double, Y, from_real(x))
#define TRUTH(x) (x != 0)

CASTS_TO(bool, uint8_t, TRUTH, TRUTH)
CASTS_TO(u8, uint8_t, SAME, whole)
CASTS_TO(i32, int32_t, SAME, whole)
CASTS_TO(i64, int64_t, SAME, whole)
CASTS_TO(f32, float, SAME, SAME)
CASTS_TO(f64, double, SAME, SAME)

#define CASTS_FROM(from) {from##_to_bool, from##_to_u8, from##_to_i32, from##_to_i64, from##_to_f32, from##_to_f64}
static const row_fn casts[CNN_DTYPE_COUNT][CNN_DTYPE_COUNT] = {
    CASTS_FROM(u8), /* bool */
    CASTS_FROM(u8), CASTS_FROM(i32), CASTS_FROM(i64), CASTS_FROM(f32), CASTS_FROM(f64),
};

/* ---- parallel over the elements ---- */

static const int sizes[CNN_DTYPE_COUNT] = {1, 1, 4, 8, 4, 8};

typedef struct {
    int64_t n, pieces;
    row_fn row;
    gradient_row_fn gradient_row; /* instead of row, with g */
    int in_size, out_size;
    const char *x, *g;
    char *y;
} job;

static void piece_of_row(void *context, int64_t piece, int thread)
{
    const job *j = context;
    int64_t begin, end;
    (void)thread;
    cnn_piece_range(j->n, j->pieces, piece, &begin, &end);
    const char *x = j->x ? j->x + begin * j->in_size : NULL;
    if (j->row) j->row(end - begin, x, j->y + begin * j->out_size);
    else j->gradient_row(end - begin, x, j->g + begin * j->in_size, j->y + begin * j->out_size);
}

void CNN_K(unary)(cnn_unary_fn fn, cnn_dtype dtype, int64_t n, const void *x, void *y)
{
    job j = {.n = n, .pieces = cnn_pieces(n, GRAIN), .row = rows[fn][dtype], .x = x, .y = y, .in_size = sizes[dtype]};
    j.out_size = fn >= CNN_FN_isnan ? 1 : sizes[dtype];
    cnn_parallel(j.pieces, piece_of_row, &j);
}

void CNN_K(unary_gradient)(cnn_unary_fn fn, cnn_dtype dtype, int64_t n, const void *kept, const void *g, void *out)
{
    job j = {.n = n, .pieces = cnn_pieces(n, GRAIN), .x = kept, .g = g, .y = out};
    j.gradient_row = gradient_rows[fn][dtype == CNN_FLOAT64];
    j.in_size = j.out_size = sizes[dtype];
    cnn_parallel(j.pieces, piece_of_row, &j);
}

void CNN_K(cast)(cnn_dtype from, cnn_dtype to, int64_t n, const void *x, void *y)
{
    job j = {.n = n, .pieces = cnn_pieces(n, GRAIN), .row = casts[from][to], .x = x, .y = y};
    j.in_size = sizes[from];
    j.out_size = sizes[to];
    cnn_parallel(j.pieces, piece_of_row, &j);
}
