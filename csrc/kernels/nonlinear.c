/* Activations that layers do not fuse, and their gradients, over flat arrays. */
#define CNN_TEMPLATE "kernels/nonlinear.inc.h"
#include "kernels/nonlinear.h"
#include "kernels/vmath.h"
#include "runtime/parallel.h"

#define GRAIN 8192

#include "kernels/each_real.h"
