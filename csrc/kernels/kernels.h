/* The table of kernels, one per processor level, chosen once at import.
 *
 * A kernel loops over raw pointers and knows no tensor; it may use all threads (runtime/parallel.h), cannot fail, and
 * gets its scratch memory from the caller. Every file of this folder, but dispatch.c and gemm.c, is compiled once per
 * level with that level's flags (see setup.py) and -DCNN_LEVEL=<level>; kernels.def lists what they define. */
#ifndef CNN_KERNELS_KERNELS_H
#define CNN_KERNELS_KERNELS_H

#include "kernels/types.h"
#include "runtime/status.h"

typedef struct cnn_kernels {
    const char *level;
#define CNN_KERNEL(result, name, arguments) result(*name) arguments;
#include "kernels/kernels.def"
#undef CNN_KERNEL
} cnn_kernels;

extern const cnn_kernels *cnn_active_kernels;

static inline const cnn_kernels *cnn_k(void)
{
    return cnn_active_kernels;
}

/* Chooses the level by NAME ("generic", "avx2", "avx512"), or the processor's best for NULL. Fails if this processor or
 * this build does not have it. */
cnn_status cnn_kernels_select(const char *name);

/* The algorithm of convolutions that begin from now on, by NAME: "auto", "direct" or "winograd". */
cnn_status cnn_conv_algorithm_select(const char *name);
cnn_conv_algorithm cnn_conv_algorithm_now(void);
extern const char *const cnn_conv_algorithm_names[]; /* ended by NULL */

/* The levels this build holds and this processor can run, best last; *COUNT of them. */
const char *const *cnn_kernels_levels(int *count);

#endif
