/* Resampling one axis of images by tables of weights: what resizing comes down to, and its gradient, by the transposed
 * table. Each result is summed in the order of its taps. */
#define CNN_TEMPLATE "kernels/resample.inc.h"
#include "runtime/parallel.h"

#include <string.h>

#define GRAIN 16384

#include "kernels/each_real.h"
