/* Normalisation of rows by their own mean and variance, and the gradient of it. A row is read from memory once: what
 * follows finds it in the cache. */
#define CNN_TEMPLATE "kernels/layer_norm.inc.h"
#include "kernels/layer_norm.h"
#include "kernels/vmath.h"

#include <math.h>
#include <string.h>

#include "kernels/each_real.h"
