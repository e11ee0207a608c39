/* Parallel loops over a fixed partition.
 *
 * The work is cut into pieces whose number depends on the work alone, never on the number of threads, and each
 * piece writes what no other writes; partial sums are added afterwards in the order of the pieces. So results are
 * bit-identical whatever the thread count. */
#ifndef CNN_RUNTIME_PARALLEL_H
#define CNN_RUNTIME_PARALLEL_H

#include <stdint.h>

/* Does piece PIECE; THREAD is in [0, cnn_get_threads()) and only serves to choose scratch memory. */
typedef void (*cnn_piece_fn)(void *context, int64_t piece, int thread);

/* Calls FN for each piece in [0, PIECES), on all threads. Nested calls run serially. */
void cnn_parallel(int64_t pieces, cnn_piece_fn fn, void *context);

/* How many threads compute. The answer stays the same within an op, whoever else calls cnn_set_threads meanwhile. */
int cnn_get_threads(void);
/* For those who start an op: look again. */
void cnn_refresh_threads(void);
/* THREADS <= 0 means the default: OMP_NUM_THREADS, or one per processor. */
void cnn_set_threads(int threads);
/* No more than MOST for the ops of the calling thread, whatever cnn_set_threads says; MOST <= 0 lifts it. */
void cnn_limit_threads(int most);

/* How many pieces TOTAL items make, at least GRAIN items each and at most 64 pieces. */
static inline int64_t cnn_pieces(int64_t total, int64_t grain)
{
    int64_t pieces = grain > 0 ? total / grain : total;
    return pieces < 1 ? 1 : pieces > 64 ? 64 : pieces;
}

/* The items [*begin, *end) of piece PIECE of PIECES, of TOTAL items. */
static inline void cnn_piece_range(int64_t total, int64_t pieces, int64_t piece, int64_t *begin, int64_t *end)
{
    int64_t share = total / pieces, rest = total % pieces;
    *begin = piece * share + (piece < rest ? piece : rest);
    *end = *begin + share + (piece < rest ? 1 : 0);
}

#endif
