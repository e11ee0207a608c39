/* Includes the file CNN_TEMPLATE twice: for float32 and for float64. Inside it
 *   REAL is the type (REAL_IS_F32 is 1 or 0), REAL_INT the signed integer of its size, REAL_LANES how many fit a
 * vector, R(name) names a helper of this file, name_f32, and RK(name) a kernel of the table, name_f32_avx2. */
#include "kernels/level.h"

#define REAL float
#define REAL_INT int32_t
#define REAL_IS_F32 1
#define REAL_LANES CNN_LANES_F32
#define R(name) name##_f32
#define RK(name) CNN_K(name##_f32)
#include CNN_TEMPLATE
#undef REAL
#undef REAL_INT
#undef REAL_IS_F32
#undef REAL_LANES
#undef R
#undef RK

#define REAL double
#define REAL_INT int64_t
#define REAL_IS_F32 0
#define REAL_LANES CNN_LANES_F64
#define R(name) name##_f64
#define RK(name) CNN_K(name##_f64)
#include CNN_TEMPLATE
#undef REAL
#undef REAL_INT
#undef REAL_IS_F32
#undef REAL_LANES
#undef R
#undef RK
#undef CNN_TEMPLATE
