/* Functions of two operands that may be broadcast, and their gradients. The list of functions is binary.def.
 *
 * Each function has, for each type, one loop over a row in which an operand is a vector or one number; a walk over the
 * outer loops calls it. The operands may be the result (same element, same place). */
#include "kernels/level.h"

#include "runtime/parallel.h"

#include <math.h>

#define GRAIN 16384

/* ---- integer arithmetic that cannot trap: results are modulo 2^bits, x / 0 and x % 0 are 0 ---- */

#define WRAP(a, operation, b) (T)((U)(a)operation(U)(b))
#define DEFINE_INTEGERS(T, U, suffix)                                                                                  \
    CNN_INLINE T floor_divide_of_##suffix(T a, T b)                                                                    \
    {                                                                                                                  \
        if (b == 0) return 0;                                                                                          \
        if ((T) - 1 < 0 && b == (T) - 1) return (T)(0 - (U)a); /* the least integer has no positive fellow */          \
        T q = (T)(a / b);                                                                                              \
        return (T)(q - (a % b != 0 && (a < 0) != (b < 0)));                                                            \
    }                                                                                                                  \
    CNN_INLINE T mod_of_##suffix(T a, T b)                                                                             \
    {                                                                                                                  \
        if (b == 0 || ((T) - 1 < 0 && b == (T) - 1)) return 0;                                                         \
        T r = (T)(a % b);                                                                                              \
        return (T)(r + (r != 0 && (r < 0) != (b < 0) ? b : 0));                                                        \
    }                                                                                                                  \
    CNN_INLINE T fmod_of_##suffix(T a, T b)                                                                            \
    {                                                                                                                  \
        return b == 0 || ((T) - 1 < 0 && b == (T) - 1) ? 0 : (T)(a % b);                                               \
    }                                                                                                                  \
    CNN_INLINE T power_of_##suffix(T a, T b)                                                                           \
    {                                                                                                                  \
        U result = 1, base = (U)a;                                                                                     \
        for (U rest = b < 0 ? 0 : (U)b; rest; rest >>= 1) {                                                            \
            if (rest & 1) result *= base;                                                                              \
            base *= base;                                                                                              \
        }                                                                                                              \
        return (T)result;                                                                                              \
    }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtype-limits" /* an unsigned type is never negative */
DEFINE_INTEGERS(uint8_t, uint32_t, b8)
DEFINE_INTEGERS(uint8_t, uint32_t, u8)
DEFINE_INTEGERS(int32_t, uint32_t, i32)
DEFINE_INTEGERS(int64_t, uint64_t, i64)
#pragma GCC diagnostic pop

#define DEFINE_REALS(T, suffix, F)                                                                                     \
    CNN_INLINE T mod_of_##suffix(T a, T b)                                                                             \
    {                                                                                                                  \
        T r = fmod##F(a, b);                                                                                           \
        if (r == 0) return copysign##F(0, b);                                                                          \
        return (r < 0) != (b < 0) ? r + b : r;                                                                         \
    }                                                                                                                  \
    CNN_INLINE T floor_divide_of_##suffix(T a, T b)                                                                    \
    {                                                                                                                  \
        /* What is left after the remainder is taken divides evenly but for rounding; floor(a / b) is one off at       \
         * times. */                                                                                                   \
        T r = fmod##F(a, b), q = (a - r) / b;                                                                          \
        if (b == 0) return a / b;                                                                                      \
        return rint##F(r != 0 && (r < 0) != (b < 0) ? q - 1 : q);                                                      \
    }

DEFINE_REALS(float, f32, f)
DEFINE_REALS(double, f64, )

/* ---- rows: n elements of a (or one, if not va) and of b ---- */

typedef void (*row_fn)(int64_t n, const void *a, bool va, const void *b, bool vb, void *y);
typedef void (*gradient_row_fn)(int64_t n, const void *a, bool va, const void *b, bool vb, const void *g, void *out);

#define BOOLEAN 1
#define INTEGER 2
#define REAL 3
#define CNN_PASTE_F_(a, b) a##b
#define CNN_PASTE_F(a, b) CNN_PASTE_F_(a, b)
#define INTEGER_POWER NAME(power_of)
#define INTEGER_MOD NAME(mod_of)
#define INTEGER_FMOD NAME(fmod_of)
#define INTEGER_FLOOR_DIVIDE NAME(floor_divide_of)
#define REAL_MOD NAME(mod_of)
#define REAL_FLOOR_DIVIDE NAME(floor_divide_of)

#define T uint8_t
#define U uint32_t
#define S b8
#define KIND BOOLEAN
#include "kernels/binary_rows.h"

#define T uint8_t
#define U uint32_t
#define S u8
#define KIND INTEGER
#include "kernels/binary_rows.h"

#define T int32_t
#define U uint32_t
#define S i32
#define KIND INTEGER
#include "kernels/binary_rows.h"

#define T int64_t
#define U uint64_t
#define S i64
#define KIND INTEGER
#include "kernels/binary_rows.h"

#define T float
#define S f32
#define F f
#define KIND REAL
#include "kernels/binary_rows.h"

#define T double
#define S f64
#define F
#define KIND REAL
#include "kernels/binary_rows.h"

#define CNN_ARITHMETIC(name, ...) {name##_b8, name##_u8, name##_i32, name##_i64, name##_f32, name##_f64},
#define CNN_REAL(name, ...) {NULL, NULL, NULL, NULL, name##_f32, name##_f64},
#define CNN_COMPARISON(name, ...) {name##_u8, name##_u8, name##_i32, name##_i64, name##_f32, name##_f64},
#define CNN_LOGICAL(name, ...) {name##_b8, NULL, NULL, NULL, NULL, NULL},
static const row_fn rows[CNN_BINARY_COUNT][CNN_DTYPE_COUNT] = {
#include "kernels/binary.def"
};
#undef CNN_ARITHMETIC
#undef CNN_REAL
#undef CNN_COMPARISON
#undef CNN_LOGICAL

#define CNN_ARITHMETIC(name, ...) {{name##_da_f32, name##_db_f32}, {name##_da_f64, name##_db_f64}},
#define CNN_REAL(name, ...) {{name##_da_f32, name##_db_f32}, {name##_da_f64, name##_db_f64}},
#define CNN_COMPARISON(name, ...) {{NULL, NULL}, {NULL, NULL}},
#define CNN_LOGICAL(name, ...) {{NULL, NULL}, {NULL, NULL}},
static const gradient_row_fn gradient_rows[CNN_BINARY_COUNT][2][2] = {
#include "kernels/binary.def"
};
#undef CNN_ARITHMETIC
#undef CNN_REAL
#undef CNN_COMPARISON
#undef CNN_LOGICAL

/* ---- the walk over the loops ---- */

static const int sizes[CNN_DTYPE_COUNT] = {1, 1, 4, 8, 4, 8};

typedef struct {
    const cnn_broadcast *loops;
    int64_t n, pieces;
    row_fn row;
    gradient_row_fn gradient_row; /* instead of row, with g */
    int in_size, out_size;
    const char *a, *b, *g;
    char *y;
} job;

static void piece_of_rows(void *context, int64_t piece, int thread)
{
    const job *j = context;
    const cnn_broadcast *s = j->loops;
    const int last = s->ndim - 1;
    int64_t at[CNN_MAX_LOOPS], begin, end, rest, a = 0, b = 0;
    (void)thread;
    cnn_piece_range(j->n, j->pieces, piece, &begin, &end);
    rest = begin;
    for (int d = last; d >= 0; d--) {
        at[d] = rest % s->dim[d];
        rest /= s->dim[d];
        a += at[d] * s->a[d];
        b += at[d] * s->b[d];
    }
    while (begin < end) {
        int64_t n = s->dim[last] - at[last];
        if (n > end - begin) n = end - begin;
        const char *pa = j->a + a * j->in_size, *pb = j->b + b * j->in_size;
        if (j->row) j->row(n, pa, s->a[last], pb, s->b[last], j->y + begin * j->out_size);
        else j->gradient_row(n, pa, s->a[last], pb, s->b[last], j->g + begin * j->in_size, j->y + begin * j->out_size);
        begin += n;
        at[last] += n;
        a += n * s->a[last];
        b += n * s->b[last];
        for (int d = last; d > 0 && at[d] == s->dim[d]; d--) {
            a += s->a[d - 1] - at[d] * s->a[d];
            b += s->b[d - 1] - at[d] * s->b[d];
            at[d] = 0;
            at[d - 1]++;
        }
    }
}

static void run(job *j)
{
    j->n = 1;
    for (int d = 0; d < j->loops->ndim; d++) j->n *= j->loops->dim[d];
    if (j->n == 0) return;
    j->pieces = cnn_pieces(j->n, GRAIN);
    cnn_parallel(j->pieces, piece_of_rows, j);
}

void CNN_K(binary)(cnn_binary_fn fn, cnn_dtype dtype, const cnn_broadcast *loops, const void *a, const void *b, void *y)
{
    bool truth = fn >= CNN_FN_equal; /* comparisons and what follows them give bools */
    job j = {.loops = loops, .row = rows[fn][dtype], .a = a, .b = b, .y = y};
    j.in_size = sizes[dtype];
    j.out_size = truth ? 1 : sizes[dtype];
    run(&j);
}

void CNN_K(binary_gradient)(cnn_binary_fn fn, int which, cnn_dtype dtype, const cnn_broadcast *loops, const void *a,
                            const void *b, const void *g, void *out)
{
    job j = {.loops = loops, .a = a, .b = b, .g = g, .y = out};
    j.gradient_row = gradient_rows[fn][dtype == CNN_FLOAT64][which];
    j.in_size = j.out_size = sizes[dtype];
    run(&j);
}
