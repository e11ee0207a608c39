/* Max pooling. For the gradient one index a result is noted: the place of the maximum in its window, first of equals,
 * first NaN if there is one. So neither x nor y need be kept.
 *
 * Forward and backward are bound by memory. Backward goes over the rows of dx and gathers what flows into each, so
 * every byte is written by one thread, once, and overlapping windows add in a fixed order. */
#define CNN_TEMPLATE "kernels/max_pool.inc.h"
#include "runtime/parallel.h"

#include <string.h>

#define GRAIN 16384
#define BLOCK 64 /* channels whose maxima are carried along together */

#include "kernels/each_real.h"
