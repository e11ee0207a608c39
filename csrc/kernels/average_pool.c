/* Average pooling over the pixels of a window that lie inside the image, and the sums over whole images of global
 * pooling.
 *
 * Backward gathers by rows of dx, as max pooling does. */
#define CNN_TEMPLATE "kernels/average_pool.inc.h"
#include "runtime/parallel.h"

#include <string.h>

#define GRAIN 16384
#define BLOCK 64 /* channels summed together */

#include "kernels/each_real.h"
