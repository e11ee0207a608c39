/* Moments and normalisation of channels, and the gradient of it.
 *
 * Moments are exact to rounding whatever the mean: a block of rows that fits the cache is summed, then the squares of
 * what is left after its mean, and blocks are joined in double. So memory is read once, and no large squares cancel.
 * Blocks and pieces are cut by the shape alone and joined in order.
 */
#define CNN_TEMPLATE "kernels/batch_norm.inc.h"
#include "kernels/batch_norm.h"
#include "kernels/moments.h"
#include "kernels/vmath.h"

#include <math.h>
#include <string.h>

#define FOLDED (16 * CNN_BATCH_NORM_FOLD_BELOW)

/* Rows of a block: about 32 KB, but enough that joining costs little. */
static int64_t block_rows(const cnn_channels *s, int64_t fold)
{
    int64_t rows = 8192 / (s->channels > 0 ? s->channels : 1);
    return rows < 16 * fold ? 16 * fold : rows > 1024 ? 1024 : rows;
}

/* What a pass over all elements does: normalise, with ReLU after it, or go back, through ReLU. */
typedef enum { AFFINE, AFFINE_RELU, AFFINE_BACKWARD, AFFINE_GATED } affine_kind;

#include "kernels/each_real.h"
