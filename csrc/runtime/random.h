/* Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
 *
 * The value of element i depends on (seed, stream, i) alone, not on who computes it or in which order. */
#ifndef CNN_RUNTIME_RANDOM_H
#define CNN_RUNTIME_RANDOM_H

#include <stdint.h>

typedef struct {
    uint32_t v[4];
} cnn_philox4;

/* Four random words for COUNTER of the sequence (SEED, STREAM). */
static inline cnn_philox4 cnn_philox(uint64_t seed, uint64_t stream, uint64_t counter)
{
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    uint32_t x0 = (uint32_t)counter, x1 = (uint32_t)(counter >> 32);
    uint32_t x2 = (uint32_t)stream, x3 = (uint32_t)(stream >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * x0, p1 = (uint64_t)0xCD9E8D57u * x2;
        uint32_t y0 = (uint32_t)(p1 >> 32) ^ x1 ^ k0, y2 = (uint32_t)(p0 >> 32) ^ x3 ^ k1;
        x1 = (uint32_t)p1;
        x3 = (uint32_t)p0;
        x0 = y0;
        x2 = y2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return (cnn_philox4){{x0, x1, x2, x3}};
}

/* [0, 1) with 24 bits, and with 53. */
static inline float cnn_unit_f32(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24f;
}

static inline double cnn_unit_f64(uint32_t high, uint32_t low)
{
    return (double)(((uint64_t)high << 21) ^ (low >> 11)) * 0x1p-53;
}

/* Fill OUT[0..n); parallel. Normal numbers by Box-Muller; the truncated ones lie within two deviations. */
void cnn_random_uniform(uint64_t seed, uint64_t stream, int64_t n, double low, double high, double *out);
void cnn_random_normal(uint64_t seed, uint64_t stream, int64_t n, double mean, double deviation, double *out);
void cnn_random_truncated_normal(uint64_t seed, uint64_t stream, int64_t n, double mean, double deviation, double *out);

#endif
