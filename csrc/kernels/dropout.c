/* Dropout: y = x * scale where a random word is at least THRESHOLD, else 0.
 *
 * Element i of the noise is word i mod 4 of Philox(seed, stream, i / 4), so the noise is the same whoever computes it,
 * and backward makes it again instead of keeping a mask. Philox runs for 16 counters side by side, which makes vectors.
 */
#define CNN_TEMPLATE "kernels/dropout.inc.h"
#include "kernels/dropout.h"
#include "kernels/level.h"
#include "runtime/parallel.h"

#define GRAIN 8192
#define COUNTERS 16
#define WORDS (4 * COUNTERS)

/* Unrolled, the loop over counters would no longer become vectors in GCC. */
#if defined(__clang__)
#define KEEP_LOOP
#else
#define KEEP_LOOP _Pragma("GCC unroll 1")
#endif

/* The words of counters FIRST .. FIRST + 15. */
static void philox_words(uint64_t seed, uint64_t stream, uint64_t first, uint32_t words[WORDS])
{
    uint32_t x0[COUNTERS], x1[COUNTERS], x2[COUNTERS], x3[COUNTERS];
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int i = 0; i < COUNTERS; i++) {
        x0[i] = (uint32_t)(first + (uint64_t)i);
        x1[i] = (uint32_t)((first + (uint64_t)i) >> 32);
        x2[i] = (uint32_t)stream;
        x3[i] = (uint32_t)(stream >> 32);
    }
    for (int round = 0; round < 10; round++) {
        KEEP_LOOP
        for (int i = 0; i < COUNTERS; i++) {
            uint64_t p0 = (uint64_t)0xD2511F53u * x0[i], p1 = (uint64_t)0xCD9E8D57u * x2[i];
            uint32_t y0 = (uint32_t)(p1 >> 32) ^ x1[i] ^ k0, y2 = (uint32_t)(p0 >> 32) ^ x3[i] ^ k1;
            x1[i] = (uint32_t)p1;
            x3[i] = (uint32_t)p0;
            x0[i] = y0;
            x2[i] = y2;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (int i = 0; i < COUNTERS; i++) {
        words[4 * i] = x0[i];
        words[4 * i + 1] = x1[i];
        words[4 * i + 2] = x2[i];
        words[4 * i + 3] = x3[i];
    }
}

#include "kernels/each_real.h"
