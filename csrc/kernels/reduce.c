/* Reductions x[outer, count, inner] -> y[outer, inner]: sum, product, maximum, minimum, all, any.
 *
 * Sums are exact to a few units in the last place however long: short runs are added in the element's type, in vector
 * lanes, and their sums in double (integers: in int64, modulo 2^64). NaN goes through maximum and minimum. The count is
 * cut into parts that depend on the sizes alone, whose results meet in order. Results: sum and product of float32 and
 * float64 keep their type, of integers and bools are int64; all and any give bools; maximum and minimum keep the type.
 * An empty count gives the neutral element (callers refuse it for maximum and minimum). */
#include "kernels/level.h"

#include "runtime/parallel.h"

#include <math.h>
#include <string.h>

#define GRAIN 32768
#define RUN 64 /* additions in the type of the elements before double takes over: 1e-7 also where all round one way */
#define COLUMNS 256 /* of inner, done together */
#define LANES 16
#define SHORT 8

/* A part of the work: rows [row, row + rows) of one outer turn, columns [column, column + columns) of inner. The
 * result, one number per column, goes to `to` as the wide type A. */
typedef void (*part_fn)(int64_t rows, int64_t columns, int64_t stride, const void *x, void *to);
/* Joins `parts` results, `step` apart, of n columns into y, of its own type. */
typedef void (*join_fn)(int64_t parts, int64_t step, int64_t n, const void *wide, void *y);

/* T: the element; A: the wide type; W: what a run is reduced in. JOIN(a, b) of W, FOLD(a, b) of A. */
#define PART(label, T, W, A, FIRST, VALUE, JOIN, FOLD)                                                                 \
    static void label##_part(int64_t rows, int64_t columns, int64_t stride, const void *px, void *pto)                 \
    {                                                                                                                  \
        const T *x = px;                                                                                               \
        A *to = pto;                                                                                                   \
        if (columns == 1 && stride == 1) {                                                                             \
            A total = FIRST;                                                                                           \
            if (rows < LANES * 4) { /* a short row: fewer lanes */                                                     \
                W lane[SHORT];                                                                                         \
                int64_t i = 0;                                                                                         \
                for (int k = 0; k < SHORT; k++) lane[k] = FIRST;                                                       \
                for (; i + SHORT <= rows; i += SHORT)                                                                  \
                    for (int k = 0; k < SHORT; k++) lane[k] = JOIN(lane[k], VALUE(x[i + k]));                          \
                for (int k = 0; i < rows; i++, k++) lane[k] = JOIN(lane[k], VALUE(x[i]));                              \
                for (int half = SHORT / 2; half > 0; half /= 2)                                                        \
                    for (int k = 0; k < half; k++) lane[k] = JOIN(lane[k], lane[k + half]);                            \
                to[0] = lane[0];                                                                                       \
                return;                                                                                                \
            }                                                                                                          \
            for (int64_t begin = 0; begin < rows; begin += RUN * LANES) {                                              \
                int64_t n = rows - begin < RUN * LANES ? rows - begin : RUN * LANES, i = 0;                            \
                W lane[LANES * 4];                                                                                     \
                for (int k = 0; k < LANES * 4; k++) lane[k] = FIRST;                                                   \
                for (; i + LANES * 4 <= n; i += LANES * 4)                                                             \
                    for (int k = 0; k < LANES * 4; k++) lane[k] = JOIN(lane[k], VALUE(x[begin + i + k]));              \
                for (int k = 0; i < n; i++, k++) lane[k] = JOIN(lane[k], VALUE(x[begin + i]));                         \
                for (int half = LANES * 2; half > 0; half /= 2)                                                        \
                    for (int k = 0; k < half; k++) lane[k] = JOIN(lane[k], lane[k + half]);                            \
                total = FOLD(total, lane[0]);                                                                          \
            }                                                                                                          \
            to[0] = total;                                                                                             \
            return;                                                                                                    \
        }                                                                                                              \
        for (int64_t j = 0; j < columns; j++) to[j] = FIRST;                                                           \
        for (int64_t begin = 0; begin < rows; begin += RUN / 4) {                                                      \
            int64_t end = begin + RUN / 4 < rows ? begin + RUN / 4 : rows;                                             \
            W run[COLUMNS];                                                                                            \
            for (int64_t j = 0; j < columns; j++) run[j] = FIRST;                                                      \
            for (int64_t i = begin; i < end; i++) {                                                                    \
                const T *row = x + i * stride;                                                                         \
                for (int64_t j = 0; j < columns; j++) run[j] = JOIN(run[j], VALUE(row[j]));                            \
            }                                                                                                          \
            for (int64_t j = 0; j < columns; j++) to[j] = FOLD(to[j], run[j]);                                         \
        }                                                                                                              \
    }

#define FINISH(label, A, Y, FOLD)                                                                                      \
    static void label##_join(int64_t parts, int64_t step, int64_t n, const void *pwide, void *py)                      \
    {                                                                                                                  \
        const A *wide = pwide;                                                                                         \
        Y *y = py;                                                                                                     \
        for (int64_t j = 0; j < n; j++) {                                                                              \
            A total = wide[j];                                                                                         \
            for (int64_t p = 1; p < parts; p++) total = FOLD(total, wide[p * step + j]);                               \
            y[j] = (Y)total;                                                                                           \
        }                                                                                                              \
    }

#define REDUCTION(label, T, W, A, Y, FIRST, VALUE, JOIN, FOLD)                                                         \
    PART(label, T, W, A, FIRST, VALUE, JOIN, FOLD) FINISH(label, A, Y, FOLD)

#define AS_IS(x) (x)
#define TRUTH(x) ((x) != 0)
#define PLUS(a, b) ((a) + (b))
#define TIMES(a, b) ((a) * (b))
/* Integers wrap: the wide type of their sums and products is unsigned. */
#define LARGER(a, b) ((a) > (b) ? (a) : (b))
#define SMALLER(a, b) ((a) < (b) ? (a) : (b))
#define LARGER_OR_NAN(a, b) ((((a) > (b)) | ((a) != (a))) ? (a) : (b))
#define SMALLER_OR_NAN(a, b) ((((a) < (b)) | ((a) != (a))) ? (a) : (b))
#define BOTH(a, b) ((a) & (b))
#define EITHER(a, b) ((a) | (b))

#define REALS(T, suffix)                                                                                               \
    REDUCTION(sum_##suffix, T, T, double, T, 0, AS_IS, PLUS, PLUS)                                                     \
    REDUCTION(prod_##suffix, T, T, double, T, 1, AS_IS, TIMES, TIMES)                                                  \
    REDUCTION(max_##suffix, T, T, double, T, -INFINITY, AS_IS, LARGER_OR_NAN, LARGER_OR_NAN)                           \
    REDUCTION(min_##suffix, T, T, double, T, INFINITY, AS_IS, SMALLER_OR_NAN, SMALLER_OR_NAN)                          \
    REDUCTION(all_##suffix, T, uint8_t, int64_t, uint8_t, 1, TRUTH, BOTH, BOTH)                                        \
    REDUCTION(any_##suffix, T, uint8_t, int64_t, uint8_t, 0, TRUTH, EITHER, EITHER)

#define INTEGERS(T, suffix, LEAST, MOST)                                                                               \
    REDUCTION(sum_##suffix, T, uint64_t, uint64_t, int64_t, 0, (uint64_t), PLUS, PLUS)                                 \
    REDUCTION(prod_##suffix, T, uint64_t, uint64_t, int64_t, 1, (uint64_t), TIMES, TIMES)                              \
    REDUCTION(max_##suffix, T, T, int64_t, T, LEAST, AS_IS, LARGER, LARGER)                                            \
    REDUCTION(min_##suffix, T, T, int64_t, T, MOST, AS_IS, SMALLER, SMALLER)                                           \
    REDUCTION(all_##suffix, T, uint8_t, int64_t, uint8_t, 1, TRUTH, BOTH, BOTH)                                        \
    REDUCTION(any_##suffix, T, uint8_t, int64_t, uint8_t, 0, TRUTH, EITHER, EITHER)

REALS(float, f32)
REALS(double, f64)
INTEGERS(uint8_t, u8, 0, UINT8_MAX)
INTEGERS(int32_t, i32, INT32_MIN, INT32_MAX)
INTEGERS(int64_t, i64, INT64_MIN, INT64_MAX)

#define ROW(name, what)                                                                                                \
    {name##_u8_##what, name##_u8_##what, name##_i32_##what, name##_i64_##what, name##_f32_##what, name##_f64_##what}
#define ALL(what) {ROW(sum, what), ROW(prod, what), ROW(max, what), ROW(min, what), ROW(all, what), ROW(any, what)}
static const part_fn parts_of[CNN_REDUCE_COUNT][CNN_DTYPE_COUNT] = ALL(part);
static const join_fn joins_of[CNN_REDUCE_COUNT][CNN_DTYPE_COUNT] = ALL(join);
static const int sizes[CNN_DTYPE_COUNT] = {1, 1, 4, 8, 4, 8};

static int result_size(cnn_reduce_fn fn, cnn_dtype dtype)
{
    if (fn == CNN_FN_all || fn == CNN_FN_any) return 1;
    if (fn == CNN_FN_sum || fn == CNN_FN_prod) return dtype >= CNN_FLOAT32 ? sizes[dtype] : 8;
    return sizes[dtype];
}

typedef struct {
    part_fn part;
    join_fn join;
    int64_t outer, count, inner;
    int64_t columns;            /* column groups of inner, per outer turn */
    int64_t parts;              /* of the count */
    int64_t units, unit_pieces; /* outer * columns */
    int in_size, out_size;
    const char *x;
    char *y, *wide; /* wide[parts, outer * inner], if parts > 1 */
} job;

/* How many parts the count is cut into: only if there are few results to share out. */
static int64_t count_parts(int64_t outer, int64_t count, int64_t inner)
{
    int64_t columns = (inner + COLUMNS - 1) / COLUMNS, width = inner < COLUMNS ? inner : COLUMNS;
    if (outer * columns >= 16 || width == 0) return 1;
    return cnn_pieces(count, GRAIN / width > 0 ? GRAIN / width : 1);
}

int64_t CNN_K(reduce_scratch)(int64_t outer, int64_t count, int64_t inner)
{
    int64_t parts = count_parts(outer, count, inner);
    return parts > 1 ? parts * outer * inner * 8 : 0;
}

/* Units are (outer turn, column group); with several parts, a piece is one part of one unit. */
static void piece_of_parts(void *context, int64_t piece, int thread)
{
    const job *j = context;
    int64_t begin, end, row = 0, last = j->count;
    (void)thread;
    if (j->parts > 1) {
        begin = piece / j->parts;
        end = begin + 1;
        cnn_piece_range(j->count, j->parts, piece % j->parts, &row, &last);
    } else {
        cnn_piece_range(j->units, j->unit_pieces, piece, &begin, &end);
    }
    for (int64_t unit = begin; unit < end; unit++) {
        int64_t o = unit / j->columns, column = unit % j->columns * COLUMNS;
        int64_t n = j->inner - column < COLUMNS ? j->inner - column : COLUMNS;
        const char *x = j->x + ((o * j->count + row) * j->inner + column) * j->in_size;
        int64_t at = o * j->inner + column;
        if (j->parts > 1) {
            j->part(last - row, n, j->inner, x, j->wide + (piece % j->parts * j->outer * j->inner + at) * 8);
        } else {
            union {
                double real;
                int64_t whole;
                uint64_t wrapped;
            } wide[COLUMNS];
            j->part(last - row, n, j->inner, x, wide);
            j->join(1, 0, n, wide, j->y + at * j->out_size);
        }
    }
}

void CNN_K(reduce)(cnn_reduce_fn fn, cnn_dtype dtype, int64_t outer, int64_t count, int64_t inner, const void *x,
                   void *y, void *scratch)
{
    job j = {.part = parts_of[fn][dtype], .join = joins_of[fn][dtype], .outer = outer, .count = count, .inner = inner};
    if (outer * inner == 0) return;
    j.columns = (inner + COLUMNS - 1) / COLUMNS;
    j.parts = count_parts(outer, count, inner);
    j.units = outer * j.columns;
    j.unit_pieces = cnn_pieces(outer * count * inner, GRAIN);
    if (j.unit_pieces > j.units) j.unit_pieces = j.units;
    j.in_size = sizes[dtype];
    j.out_size = result_size(fn, dtype);
    j.x = x;
    j.y = y;
    j.wide = scratch;
    if (j.parts == 1) {
        cnn_parallel(j.unit_pieces, piece_of_parts, &j);
        return;
    }
    cnn_parallel(j.units * j.parts, piece_of_parts, &j);
    j.join(j.parts, outer * inner, outer * inner, j.wide, j.y);
}
