/* Products of a few rows with a large matrix, and how they cut it: into chunks of inputs by panels of units. */
#ifndef CNN_KERNELS_FEW_ROWS_H
#define CNN_KERNELS_FEW_ROWS_H

#include <stdint.h>

#define CNN_FEW_ROWS_CHUNK 512

/* Elements of scratch that few_rows_product wants. */
static inline int64_t cnn_few_rows_scratch(int64_t rows, int64_t inputs, int64_t units)
{
    return (inputs + CNN_FEW_ROWS_CHUNK - 1) / CNN_FEW_ROWS_CHUNK * rows * units;
}

#endif
