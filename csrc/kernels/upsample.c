/* Enlarging images by whole factors, nearest or bilinear, and the gradients.
 *
 * Bilinear takes pixels as areas: the centre of result o lies at (o + 1/2) / scale - 1/2 of x, between two pixels of
 * which those outside are the edge's. Backward gathers by rows of dx, so sums have a fixed order. */
#define CNN_TEMPLATE "kernels/upsample.inc.h"
#include "runtime/parallel.h"

#include <string.h>

#define GRAIN 16384

/* Result O of an axis of SIZE pixels: SHARE of pixel HI, the rest of pixel LO. */
typedef struct {
    int64_t lo, hi;
    double share;
} between;

static inline between place(int64_t o, int64_t scale, int64_t size)
{
    double off = ((double)(o % scale) + 0.5) / (double)scale - 0.5;
    int64_t lo = o / scale - (off < 0), hi = lo + 1;
    return (between){lo < 0 ? 0 : lo, hi >= size ? size - 1 : hi, off < 0 ? off + 1 : off};
}

#include "kernels/each_real.h"
