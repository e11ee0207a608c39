/* Included by every kernel source that is compiled per processor level. Gives a kernel its level's name,
 * CNN_K(relu_f32) -> relu_f32_avx2, declares all of them, and defines the level's vectors. */
#ifndef CNN_KERNELS_LEVEL_H
#define CNN_KERNELS_LEVEL_H

#include "kernels/types.h"

#ifndef CNN_LEVEL
#error "kernel sources are compiled once per level with -DCNN_LEVEL=generic, avx2 or avx512"
#endif

#define CNN_PASTE_(a, b) a##_##b
#define CNN_PASTE(a, b) CNN_PASTE_(a, b)
#define CNN_K(name) CNN_PASTE(name, CNN_LEVEL)

#define CNN_KERNEL(result, name, arguments) result CNN_K(name) arguments;
#include "kernels/kernels.def"
#undef CNN_KERNEL

/* Vectors as GCC and Clang spell them on every processor; the compiler turns them into what the level has. The types
 * may be loaded from any address of their element's alignment. */
#if defined(__AVX512F__)
#define CNN_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define CNN_VECTOR_BYTES 32
#else
#define CNN_VECTOR_BYTES 16
#endif
#define CNN_LANES_F32 (CNN_VECTOR_BYTES / 4)
#define CNN_LANES_F64 (CNN_VECTOR_BYTES / 8)
typedef float cnn_vec_f32 __attribute__((vector_size(CNN_VECTOR_BYTES), aligned(4), may_alias));
typedef double cnn_vec_f64 __attribute__((vector_size(CNN_VECTOR_BYTES), aligned(8), may_alias));

/* Before a loop whose turns touch nothing of each other's, though an output may be an input in the same place. */
#if defined(__clang__)
#define CNN_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define CNN_INDEPENDENT _Pragma("GCC ivdep")
#endif

#define CNN_INLINE static inline __attribute__((always_inline))

#endif
