/* Losses over rows, float32 and float64, forward and backward; see cnn_loss_job.
 *
 * The logarithm of float32 is a polynomial written without branches, so that the compiler turns loops over it into the
 * level's vectors, as is vmath.h's exponential. It is good to about 2 units in the last place on the range the losses
 * need, where it does with less than vmath.h's; NaN passes through. float64 uses the C library. */
#include "kernels/level.h"

#include "kernels/vmath.h"
#include <math.h>
#include <string.h>

/* ln(x) for normal x > 0 or NaN, by ln m = 2 artanh((m - 1) / (m + 1)) for the mantissa m in [0.7, 1.4]. */
CNN_INLINE float log_normal_f32(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    int32_t shifted = (int32_t)(bits - 0x3F3504F3u); /* so that the mantissa starts at sqrt(1/2) */
    int32_t exponent = shifted >> 23;
    int32_t mantissa = (shifted & 0x007FFFFF) + 0x3F3504F3;
    float m;
    memcpy(&m, &mantissa, sizeof m);
    float f = m - 1.0f; /* exact */
    float s = f / (m + 1.0f);
    float z = s * s;
    float p = 2.0f / 11.0f;
    p = p * z + 2.0f / 9.0f;
    p = p * z + 2.0f / 7.0f;
    p = p * z + 2.0f / 5.0f;
    p = p * z + 2.0f / 3.0f;
    float k = (float)exponent;
    float y = k * 0.693359375f + (2.0f * s + (s * z * p - k * 2.12194440e-4f));
    return x != x ? x : y;
}

/* ln(1 + e) for e in [0, 1] or NaN: the rounding error of 1 + e is put back. */
CNN_INLINE float log1p_unit_f32(float e)
{
    float u = 1.0f + e;
    return log_normal_f32(u) + (e - (u - 1.0f)) / u;
}

#define REAL float
#define NAME(name) CNN_K(name##_f32)
#define EXP cnn_exp_f32
#define LOG_NORMAL log_normal_f32
#define LOG1P_UNIT log1p_unit_f32
#define LOCAL(name) name##_local_f32
#include "kernels/losses.inc.h"

#define REAL double
#define NAME(name) CNN_K(name##_f64)
#define EXP exp
#define LOG_NORMAL log
#define LOG1P_UNIT log1p
#define LOCAL(name) name##_local_f64
#include "kernels/losses.inc.h"
