/* Functions that C's library does not have: the inverse of erf, sin(pi x) / (pi x), and Bessel functions. Computed in
 * double, so that float32 is right to the last place; they are rare, and call the library.
 *
 * erfinv: the start is Winitzki's formula, good to 2e-3, and three steps of Halley's method on erf(y) - x (on erfc(y) -
 * (1 - x) near 1, where erf is flat) bring it to double's precision. */
#ifndef CNN_KERNELS_SPECIAL_H
#define CNN_KERNELS_SPECIAL_H

#include "kernels/level.h"

#include <math.h>

#define CNN_PI 3.14159265358979323846

CNN_INLINE double cnn_erfinv(double x)
{
    const double a = fabs(x), k = 0.147;
    if (!(a < 1)) return a == 1 ? x * INFINITY : NAN;
    const double l = log1p(-a) + log1p(a), m = 2 / (CNN_PI * k) + l / 2;
    double y = sqrt(sqrt(m * m - l / k) - m);
    if (a < 1e-6) y = a * 0.88622692545275801365; /* where the roots cancel: sqrt(pi) / 2 */
    for (int i = 0; i < 3; i++) {
        const double error = a > 0.5 ? (1 - a) - erfc(y) : erf(y) - a;
        const double step = error / (1.12837916709551257390 * exp(-y * y));
        y -= step / (1 + y * step);
    }
    return copysign(y, x);
}

CNN_INLINE double cnn_sinc(double x)
{
    return x == 0 ? 1 : sin(CNN_PI * x) / (CNN_PI * x);
}

/* Its derivative; near 0, where the two terms cancel, by the series. */
CNN_INLINE double cnn_sinc_slope(double x)
{
    const double z = CNN_PI * x;
    if (fabs(z) < 0.1) return -CNN_PI * z * (1.0 / 3 - z * z * (1.0 / 30 - z * z * (1.0 / 840 - z * z / 45360)));
    return (cos(z) - sin(z) / z) / x;
}

/* The modified Bessel function of the first kind and ORDER 0 or 1: the sum of (x/2)^(2k + order) / (k! (k + order)!),
 * whose terms are all of one sign. Infinite above 713, as in double. */
CNN_INLINE double cnn_bessel_i(int order, double x)
{
    if (!(fabs(x) < 714)) return x != x ? x : order && x < 0 ? -INFINITY : INFINITY;
    const double q = x * x / 4;
    double term = order ? x / 2 : 1, sum = term;
    for (int k = 1; fabs(term) > 1e-17 * fabs(sum); k++) {
        term *= q / ((double)k * (k + order));
        sum += term;
    }
    return sum;
}

#endif
