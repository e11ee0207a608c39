/* The one door to memory: 64-byte-aligned blocks from a cache that keeps what was freed.
 *
 * A training step asks for the same sizes again and again, so a freed block goes to a list of its size class and
 * is handed out again without a call to the system; the cache is bounded by what was lately in use. Blocks of 2 MiB and
 * more are aligned to, and advised for, huge pages. Thread-safe, and usable in a child of fork(). */
#ifndef CNN_RUNTIME_MEMORY_H
#define CNN_RUNTIME_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#define CNN_ALIGNMENT 64

/* BYTES bytes, contents undefined; NULL when there is no memory (cnn_last_message() tells). BYTES may be 0. */
void *cnn_alloc(size_t bytes);
/* The same, filled with zeros. */
void *cnn_alloc_zero(size_t bytes);
/* A larger (or smaller) block with the old contents; on failure NULL, and the old block stands. */
void *cnn_realloc(void *block, size_t bytes);
/* Gives a block back to the cache; NULL is allowed. */
void cnn_free(void *block);

typedef struct {
    size_t in_use;         /* bytes in blocks handed out, with their headers and slack */
    size_t peak;           /* the highest in_use since the start or the last reset */
    size_t cached;         /* bytes kept for reuse */
    size_t limit;          /* highest allowed in_use + cached; 0 is none */
    uint64_t requests;     /* calls of cnn_alloc so far */
    uint64_t system_calls; /* of these, how many had to ask the system */
} cnn_memory_stats;

void cnn_memory_get_stats(cnn_memory_stats *stats);
void cnn_memory_reset_peak(void);
/* Gives all cached blocks back to the system. */
void cnn_memory_trim(void);
/* Requests that would raise in_use above LIMIT bytes fail, and the cache keeps below what is left; 0 takes the limit
 * away. What is in use already stays. */
void cnn_memory_set_limit(size_t limit);
/* How many bytes the system can still give without swapping; SIZE_MAX where it does not tell. A block of 16 MiB or more
 * that is larger than this is refused. */
size_t cnn_memory_available(void);
/* For tests: the N-th request from now fails (1 is the next one), then all go on; 0 disarms. */
void cnn_memory_fail_at(int64_t n);

#endif
