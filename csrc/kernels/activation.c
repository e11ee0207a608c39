/* Bias and activation over rows of channels, and the gradient of both in one pass.
 *
 * These passes are bound by memory, so each touches every element once: the backward of a layer y = act(x W + b) reads
 * y and dy, writes dz = dy * act'(.) and sums db over the rows on the way. act' is taken from y. */
#define CNN_TEMPLATE "kernels/activation.inc.h"
#include "kernels/activation.h"
#include "kernels/vmath.h"

#include "kernels/each_real.h"
