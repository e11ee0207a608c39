/* One image under an affine transform, serial: see cnn_image_affine in image/affine.h for what the nine numbers say.
 *
 * A run of RUN results of a row takes three loops. The first finds their places in float64, the second brings those
 * outside back (only where the ends of the run, which is a straight line, are outside) and makes of each place the
 * number of a pixel and four shares; both are vectors over places. The third adds up pixels, and is a vector over
 * channels: those of an RGB pixel are read and written as four, of which the last belongs to the next pixel and is
 * written by that again. Where there is no next pixel they are read and written one by one. */
#include "kernels/image_affine.h"

#include "kernels/level.h"

#include <math.h>
#include <string.h>

#define RUN 32

/* Where the axis with last pixel LAST is read for place X, in [0, LAST]; -1: nowhere, the result is the filling. */
static inline double mapped(cnn_edge edge, double x, double last)
{
    if (x >= 0 && x <= last) return x;
    if (edge == CNN_EDGE_CONSTANT || !(fabs(x) < 1e15)) return -1;
    if (edge == CNN_EDGE_NEAREST || last == 0) return x < 0 ? 0 : last;
    if (edge == CNN_EDGE_REFLECT) {
        double period = 2.0 * (last + 1);
        x -= period * floor(x / period);
        if (x > last) x = period - x - 1;
    } else {
        if (x < 0) x += last * ((double)(int64_t)(-x / last) + 1);
        else x -= last * (double)(int64_t)(x / last);
    }
    return x < 0 ? 0 : x > last ? last : x;
}

static inline bool inside(const double *x, int64_t n, double last)
{
    return x[0] >= 0 && x[0] <= last && x[n - 1] >= 0 && x[n - 1] <= last;
}

/* True if mapped() has a pixel for all of them. */
static inline bool near(const double *x, int64_t n)
{
    return fabs(x[0]) < 1e15 && fabs(x[n - 1]) < 1e15;
}

/* Brings the places of N pixels into the image. True if some have none: they are 0 and OUTSIDE says which. */
static bool bring_in(cnn_edge edge, int64_t n, double *row, double last_row, double *column, double last_column,
                     bool *outside)
{
    if (inside(row, n, last_row) && inside(column, n, last_column)) return false;
    if (edge == CNN_EDGE_NEAREST && near(row, n) && near(column, n)) {
        for (int64_t k = 0; k < n; k++) {
            double r = row[k] > 0 ? row[k] : 0, q = column[k] > 0 ? column[k] : 0;
            row[k] = r < last_row ? r : last_row;
            column[k] = q < last_column ? q : last_column;
        }
        return false;
    }
    bool some = false;
    for (int64_t k = 0; k < n; k++) {
        double r = mapped(edge, row[k], last_row), q = mapped(edge, column[k], last_column);
        outside[k] = r < 0 || q < 0;
        some |= outside[k];
        row[k] = outside[k] ? 0 : r;
        column[k] = outside[k] ? 0 : q;
    }
    return some;
}

/* Four channels side by side, as floats. */
typedef float four __attribute__((vector_size(16), aligned(4), may_alias));

CNN_INLINE four four_of_u8(const uint8_t *x)
{
#if defined(__AVX2__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    /* one load and a shift by another number in each lane, where there is one; else compilers take byte by byte anyway
     */
    typedef uint32_t words __attribute__((vector_size(16)));
    typedef int32_t integers __attribute__((vector_size(16)));
    uint32_t all;
    memcpy(&all, x, sizeof all);
    words bytes = ((words){all, all, all, all} >> (words){0, 8, 16, 24}) & 255;
    return __builtin_convertvector((integers)bytes, four);
#else
    return (four){(float)x[0], (float)x[1], (float)x[2], (float)x[3]};
#endif
}

CNN_INLINE four four_of_f32(const float *x)
{
    return *(const four *)x;
}

#define FROM uint8_t
#define TO float
#define A(name) name##_u8
#define HAS_FOUR 1
#include "kernels/image_affine.inc.h"
#undef FROM
#undef A

#define FROM float
#define A(name) name##_f32
#include "kernels/image_affine.inc.h"
#undef FROM
#undef TO
#undef A
#undef HAS_FOUR

#define FROM double
#define TO double
#define A(name) name##_f64
#define HAS_FOUR 0
#include "kernels/image_affine.inc.h"
