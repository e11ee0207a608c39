/* exp, log, tanh and the logistic function, without branches or calls in float32, so that loops over them become vector
 * code.
 *
 * float32: errors of at most 2 units in the last place over the whole range, NaN and infinities as in C's library;
 * results below 2^-126 lose precision as they must. The polynomials are own minimax fits. float64 calls the library. */
#ifndef CNN_KERNELS_VMATH_H
#define CNN_KERNELS_VMATH_H

#include "kernels/level.h"

#include <math.h>
#include <string.h>

CNN_INLINE float cnn_float_of_bits(int32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

CNN_INLINE int32_t cnn_bits_of_float(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* 2^n for -127 < n < 128. For NaN n is anything, and so is the result, which is then multiplied with NaN. */
CNN_INLINE float cnn_power_of_two(int32_t n)
{
    return cnn_float_of_bits((int32_t)((uint32_t)(n + 127) << 23));
}

/* exp(x) = 2^n exp(r), |r| <= ln(2)/2. Adding 1.5 * 2^23 rounds to an integer, which then is in the low bits. 2^n is
 * applied in two halves because n reaches from -150 to 128. */
CNN_INLINE float cnn_exp_f32(float x)
{
    const float shift = 12582912.0f;
    x = x > 89.0f ? 89.0f : x; /* so written, NaN passes */
    x = x < -104.0f ? -104.0f : x;
    float shifted = x * 1.44269504f + shift;
    float n = shifted - shift;
    int32_t power = cnn_bits_of_float(shifted) - cnn_bits_of_float(shift);
    float r = x - n * 0.693145752f;
    r = r - n * 1.42860677e-6f;
    float q = 0.00138131f;
    q = q * r + 0.00836942f;
    q = q * r + 0.04166846f;
    q = q * r + 0.16666515f;
    q = q * r + 0.49999993f;
    float e = (q * r) * r + r + 1.0f;
    int32_t half = power >> 1;
    return e * cnn_power_of_two(half) * cnn_power_of_two(power - half);
}

/* exp(x) - 1 for x <= 0 without cancellation: 2^n (e^r - 1) + (2^n - 1). */
CNN_INLINE float cnn_expm1_negative_f32(float x)
{
    const float shift = 12582912.0f;
    x = x < -80.0f ? -80.0f : x;
    float shifted = x * 1.44269504f + shift;
    float n = shifted - shift;
    float power = cnn_power_of_two(cnn_bits_of_float(shifted) - cnn_bits_of_float(shift));
    float r = x - n * 0.693145752f;
    r = r - n * 1.42860677e-6f;
    float q = 0.00138131f;
    q = q * r + 0.00836942f;
    q = q * r + 0.04166846f;
    q = q * r + 0.16666515f;
    q = q * r + 0.49999993f;
    return power * ((q * r) * r + r) + (power - 1.0f);
}

CNN_INLINE float cnn_sigmoid_f32(float x)
{
    return 1.0f / (1.0f + cnn_exp_f32(-x));
}

/* Near 0 the odd polynomial, since 1 - 2/(exp(2x) + 1) cancels there. */
CNN_INLINE float cnn_tanh_f32(float x)
{
    float a = fabsf(x), z = x * x;
    float p = -0.0055286336f;
    p = p * z + 0.020483316f;
    p = p * z - 0.053692968f;
    p = p * z + 0.133308998f;
    p = p * z - 0.333332629f;
    float near = x + x * z * p;
    float far = 1.0f - 2.0f / (cnn_exp_f32(a + a) + 1.0f);
    far = x < 0.0f ? -far : far;
    return a < 0.65f ? near : far;
}

/* log(x) = e ln(2) + log(1 + f) with x = 2^e (1 + f), 1 + f in [sqrt(1/2), sqrt(2)). What is not positive and finite is
 * put in afterwards. */
CNN_INLINE float cnn_log_f32(float x)
{
    const float small = x < 1.17549435e-38f ? 8388608.0f : 1.0f; /* subnormal numbers are lifted by 2^23 */
    int32_t bits = (int32_t)((uint32_t)cnn_bits_of_float(x * small) - 0x3f3504f3u); /* wraps around for x < 0 */
    float e = (float)((bits >> 23) - (small == 1.0f ? 0 : 23));
    float f = cnn_float_of_bits((bits & 0x007fffff) + 0x3f3504f3) - 1.0f;
    float p = 0.0674648657f;
    p = p * f - 0.116756141f;
    p = p * f + 0.118882127f;
    p = p * f - 0.124055982f;
    p = p * f + 0.142195463f;
    p = p * f - 0.166679949f;
    p = p * f + 0.200021192f;
    p = p * f - 0.250000089f;
    p = p * f + 0.333333135f;
    float square = f * f;
    float low = e * -2.12194440e-4f + p * f * square - 0.5f * square;
    float y = e * 0.693359375f + (f + low);
    y = x > 3.40282347e38f ? x : y;
    y = x == 0.0f ? -INFINITY : y;
    return x >= 0.0f ? y : NAN; /* NaN, too, is not >= 0 */
}

CNN_INLINE double cnn_log_f64(double x)
{
    return log(x);
}

CNN_INLINE double cnn_exp_f64(double x)
{
    return exp(x);
}

CNN_INLINE double cnn_expm1_negative_f64(double x)
{
    return expm1(x);
}

CNN_INLINE double cnn_sigmoid_f64(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

CNN_INLINE double cnn_tanh_f64(double x)
{
    return tanh(x);
}

#endif
