/* Images under projective transforms, nearest or bilinear, with what lies outside filled in five ways; and the gradient
 * with respect to the images. Places are found in the type of the images. Backward scatters image by image, so sums
 * have a fixed order. */
#define CNN_TEMPLATE "kernels/affine2d.inc.h"
#include "runtime/parallel.h"

#include <math.h>
#include <string.h>

#define GRAIN 4096

#include "kernels/each_real.h"
