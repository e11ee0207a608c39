/* The third dimension of convolutions: planes gathered from volumes, so that a 2D convolution does the rest, and the
 * way back, which sums; and the channels that a depthwise convolution repeats. Pixels are cut into pieces; each is
 * written by one. */
#define CNN_TEMPLATE "kernels/conv_depth.inc.h"
#include "kernels/level.h"
#include "runtime/parallel.h"

#include <string.h>

#define GRAIN 65536

#include "kernels/each_real.h"
