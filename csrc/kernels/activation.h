/* How the kernels of activation.c cut their work: rows of [rows, channels] into pieces, by the shape alone.
 *
 * The gradient of a bias is a sum over rows. Each piece sums into its own part of SCRATCH, and the parts are added in
 * order. With few channels a part holds the sums of 16 rows side by side, so that vectors are full. */
#ifndef CNN_KERNELS_ACTIVATION_H
#define CNN_KERNELS_ACTIVATION_H

#include "runtime/parallel.h"

#define CNN_ROWS_GRAIN 16384 /* elements a piece, at least */

static inline int64_t cnn_activation_pieces(int64_t rows, int64_t channels)
{
    int64_t pieces = cnn_pieces(rows * channels, CNN_ROWS_GRAIN);
    return pieces < rows ? pieces : rows < 1 ? 1 : rows;
}

/* How many rows are summed side by side. */
static inline int64_t cnn_activation_fold(int64_t channels)
{
    return channels >= 256 || channels % 16 == 0 ? 1 : 16;
}

/* Elements of SCRATCH that activation_backward wants when it also sums the bias gradient. */
static inline int64_t cnn_activation_backward_scratch(int64_t rows, int64_t channels)
{
    return cnn_activation_pieces(rows, channels) * cnn_activation_fold(channels) * channels;
}

#endif
