/* Update rules over one piece of one variable, float32 and float64, serial: csrc/optimizers cuts the pieces.
 *
 * The loops hold no branches, so that the compiler makes vectors of them; NaN and inf go through as arithmetic takes
 * them. What is in cnn_update.number is said with each rule. */
#include "kernels/level.h"

#include <math.h>

#define REAL float
#define NAME(name) CNN_K(name##_f32)
#define SQRT sqrtf
#define FABS fabsf
#define POW powf
#include "kernels/optimizers.inc.h"

#define REAL double
#define NAME(name) CNN_K(name##_f64)
#define SQRT sqrt
#define FABS fabs
#define POW pow
#include "kernels/optimizers.inc.h"
