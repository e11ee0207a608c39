/* How batch normalisation cuts its work over x[outer, channels, inner], and how much scratch memory it wants.
 *
 * inner == 1 is the usual layout: rows of channels, cut by rows. Otherwise every channel is a set of runs, cut by
 * channels. With few channels 16 rows are handled side by side, so that vectors are full. */
#ifndef CNN_KERNELS_BATCH_NORM_H
#define CNN_KERNELS_BATCH_NORM_H

#include "runtime/parallel.h"

typedef struct {
    int64_t outer, channels, inner;
} cnn_channels;

#define CNN_BATCH_NORM_FOLD_BELOW 64

static inline int64_t cnn_batch_norm_fold(const cnn_channels *s)
{
    return s->channels < CNN_BATCH_NORM_FOLD_BELOW && s->channels % 16 ? 16 : 1;
}

static inline int64_t cnn_batch_norm_pieces(const cnn_channels *s)
{
    int64_t pieces = cnn_pieces(s->outer * s->channels * s->inner, 16384);
    int64_t most = s->inner > 1 ? s->channels : s->outer / 16;
    return pieces < most ? pieces : most < 1 ? 1 : most;
}

/* Doubles of scratch a piece has: two results per channel, two sums per channel of each row of a fold. */
static inline int64_t cnn_batch_norm_scratch_per_piece(const cnn_channels *s)
{
    return s->channels * (2 + 2 * cnn_batch_norm_fold(s));
}

static inline int64_t cnn_batch_norm_scratch(const cnn_channels *s)
{
    return s->inner > 1 ? 0 : cnn_batch_norm_pieces(s) * cnn_batch_norm_scratch_per_piece(s);
}

#endif
