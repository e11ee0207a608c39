/* Sizes of the microkernel (conv_tile.inc.h) at this level: as many sums as its registers hold beside two vectors of b
 * and one of a. */
#ifndef CNN_KERNELS_CONV_TILE_H
#define CNN_KERNELS_CONV_TILE_H

#include "kernels/level.h"
#include "kernels/vmath.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__) || defined(__aarch64__) /* 32 registers */
#define CNN_TILE_ROWS 14
#define CNN_TILE_EACH(DO) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14)
#else /* 16 */
#define CNN_TILE_ROWS 6
#define CNN_TILE_EACH(DO) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6)
#endif

/* Pixels or taps of a depthwise tile: enough sums to keep the multipliers busy. */
#define CNN_DEPTHWISE_ROWS 9
#define CNN_DEPTHWISE_EACH(DO) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9)

/* Makes streaming stores visible to other threads; each piece that made some ends with it. */
CNN_INLINE void cnn_stream_fence(void)
{
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

#if defined(__clang__)
#define CNN_UNROLL _Pragma("clang loop unroll(full)")
#else
#define CNN_UNROLL _Pragma("GCC unroll 16")
#endif

#endif
