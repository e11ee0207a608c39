/* See memory.h. A block is [64-byte header | data]; the header holds its size class.
 * Classes grow in four steps per power of two, so that at most a fifth of a block is slack. */
#include "runtime/memory.h"

#include "runtime/status.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#define SMALLEST_SHIFT 7 /* 128 bytes, header included */
#define STEPS 4
#define CLASSES ((48 - SMALLEST_SHIFT) * STEPS)
#define HUGE_PAGE ((size_t)2 << 20)
#define MAGIC 0x636e6e70u

typedef struct header {
    struct header *next; /* in the free list */
    size_t bytes;        /* of the whole block */
    uint32_t class_index;
    uint32_t magic;
} header;

_Static_assert(sizeof(header) <= CNN_ALIGNMENT, "the header must not push the data out of alignment");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static header *free_lists[CLASSES];
static cnn_memory_stats stats;
static int64_t fail_countdown;

/* The smallest class that holds BYTES, and its size; false when BYTES is beyond the largest. */
static bool find_class(size_t bytes, uint32_t *index, size_t *class_bytes)
{
    size_t base = (size_t)1 << SMALLEST_SHIFT;
    uint32_t shift = 0;
    if (bytes > (size_t)1 << 46) return false;
    while (base * 2 < bytes) {
        base *= 2;
        shift++;
    }
    size_t step = base / STEPS, over = bytes > base ? (bytes - base + step - 1) / step : 0;
    *index = shift * STEPS + (uint32_t)over;
    *class_bytes = base + over * step;
    return *index < CLASSES;
}

static void release_all_locked(void)
{
    for (int i = 0; i < CLASSES; i++) {
        while (free_lists[i]) {
            header *block = free_lists[i];
            free_lists[i] = block->next;
            stats.cached -= block->bytes;
            free(block);
        }
    }
}

static header *from_system(size_t bytes)
{
    size_t alignment = bytes >= HUGE_PAGE ? HUGE_PAGE : CNN_ALIGNMENT;
    void *block = NULL;
    stats.system_calls++;
    if (posix_memalign(&block, alignment, bytes) != 0) return NULL;
#if defined(__linux__)
    if (alignment == HUGE_PAGE) (void)madvise(block, bytes, MADV_HUGEPAGE); /* advice: no harm if refused */
#endif
    return block;
}

void *cnn_alloc(size_t bytes)
{
    uint32_t index = 0;
    size_t total = 0;
    header *block = NULL;
    bool fits = bytes <= SIZE_MAX - CNN_ALIGNMENT && find_class(bytes + CNN_ALIGNMENT, &index, &total);

    pthread_mutex_lock(&lock);
    stats.requests++;
    bool injected = fail_countdown > 0 && --fail_countdown == 0;
    bool over_limit = fits && stats.limit && (total > stats.limit || stats.in_use > stats.limit - total);
    if (fits && !injected && !over_limit) {
        block = free_lists[index];
        if (block) {
            free_lists[index] = block->next;
            stats.cached -= total;
        } else {
            if (stats.limit && stats.in_use + stats.cached + total > stats.limit) release_all_locked();
            block = from_system(total);
            if (!block && stats.cached) {
                release_all_locked();
                block = from_system(total);
            }
        }
        if (block) {
            *block = (header){NULL, total, index, MAGIC};
            stats.in_use += total;
            if (stats.in_use > stats.peak) stats.peak = stats.in_use;
        }
    }
    size_t in_use = stats.in_use, limit = stats.limit;
    pthread_mutex_unlock(&lock);

    if (block) return (char *)block + CNN_ALIGNMENT;
    if (over_limit)
        cnn_fail(CNN_ERR_MEMORY,
                 "%zu bytes would go over the memory limit of %zu bytes (%zu in use); use a smaller batch or raise the limit",
                 bytes, limit, in_use);
    else
        cnn_fail(CNN_ERR_MEMORY, "no memory for %zu bytes (%zu bytes in use by cnnpy); use a smaller batch or a smaller model",
                 bytes, in_use);
    return NULL;
}

void *cnn_alloc_zero(size_t bytes)
{
    void *block = cnn_alloc(bytes);
    if (block) memset(block, 0, bytes);
    return block;
}

void *cnn_realloc(void *block, size_t bytes)
{
    if (!block) return cnn_alloc(bytes);
    header *old = (header *)((char *)block - CNN_ALIGNMENT);
    size_t room = old->bytes - CNN_ALIGNMENT;
    if (bytes <= room) return block;
    void *bigger = cnn_alloc(bytes);
    if (!bigger) return NULL;
    memcpy(bigger, block, room);
    cnn_free(block);
    return bigger;
}

void cnn_free(void *data)
{
    if (!data) return;
    header *block = (header *)((char *)data - CNN_ALIGNMENT);
    if (block->magic != MAGIC) return; /* not ours, or freed before: leaking it is the least harm */
    pthread_mutex_lock(&lock);
    block->magic = 0;
    block->next = free_lists[block->class_index];
    free_lists[block->class_index] = block;
    stats.in_use -= block->bytes;
    stats.cached += block->bytes;
    pthread_mutex_unlock(&lock);
}

void cnn_memory_get_stats(cnn_memory_stats *out)
{
    pthread_mutex_lock(&lock);
    *out = stats;
    pthread_mutex_unlock(&lock);
}

void cnn_memory_reset_peak(void)
{
    pthread_mutex_lock(&lock);
    stats.peak = stats.in_use;
    pthread_mutex_unlock(&lock);
}

void cnn_memory_trim(void)
{
    pthread_mutex_lock(&lock);
    release_all_locked();
    pthread_mutex_unlock(&lock);
}

void cnn_memory_set_limit(size_t limit)
{
    pthread_mutex_lock(&lock);
    stats.limit = limit;
    if (limit && stats.in_use + stats.cached > limit) release_all_locked();
    pthread_mutex_unlock(&lock);
}

void cnn_memory_fail_at(int64_t n)
{
    pthread_mutex_lock(&lock);
    fail_countdown = n > 0 ? n : 0;
    pthread_mutex_unlock(&lock);
}
