/* softmax and log_softmax along the middle axis of x[outer, n, inner], and their gradients.
 *
 * Rows (inner = 1) go one by one; otherwise a block of neighbouring columns goes side by side, so that memory is read
 * along its grain and vectors are full. */
#define CNN_TEMPLATE "kernels/softmax.inc.h"
#include "kernels/vmath.h"
#include "runtime/parallel.h"

#define GRAIN 8192
#define COLUMNS 32

#include "kernels/each_real.h"
