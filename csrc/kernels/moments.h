/* Mean and sum of squared deviations of values that come in parts: exact to rounding whatever the mean. */
#ifndef CNN_KERNELS_MOMENTS_H
#define CNN_KERNELS_MOMENTS_H

/* Joins a set of COUNT values with MEAN and sum of squared deviations M2 to a set of HAD, which has ALL_MEAN and
 * ALL_M2: the formula of Chan, Golub and LeVeque (1979). */
static inline void cnn_join_moments(double had, double count, double mean, double m2, double *all_mean, double *all_m2)
{
    double delta = mean - *all_mean, share = count / (had + count);
    *all_mean += delta * share;
    *all_m2 += m2 + delta * delta * had * share;
}

#endif
