/* The products of a dense layer for a few rows (a small batch): y = x W, dx = dy W', dW = x' dy.
 *
 * With few rows the large matrix is all the work: it should pass through the caches once, from where it lies, on all
 * cores. A general matrix product first packs it, which here costs more than the product. So each piece takes a part of
 * W that stays in the second-level cache and runs all rows over it, four rows by four (or two) vectors in registers.
 * Needs at least a vector (16 floats on the widest processors) of units. */
#define CNN_TEMPLATE "kernels/few_rows.inc.h"
#include "kernels/few_rows.h"
#include "kernels/level.h"
#include "runtime/parallel.h"

#include <string.h>

#define CHUNK CNN_FEW_ROWS_CHUNK
#if CNN_VECTOR_BYTES == 64
#define VECTORS 4 /* of a block: 16 accumulators of 32 registers */
#else
#define VECTORS 2 /* 8 of 16 */
#endif

#include "kernels/each_real.h"
