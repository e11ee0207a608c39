/* See memory.h. A block is [64-byte header | data]; the header holds its size class.
 * Classes grow in sixteen steps per power of two, so that at most a seventeenth of a block is slack.
 *
 * The cache may not grow without bound when sizes vary: before the system is asked for more, and now and then, what is
 * cached above a quarter (and 64 MiB) over the most that was lately in use goes back, the sizes not used for longest
 * first. A training loop, whose memory breathes between the weights alone and the peak of a step, stays below that.
 *
 * Under AddressSanitizer nothing is cached, so that a use after free shows. */
#include "runtime/memory.h"

#include "runtime/status.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#define SMALLEST_SHIFT 7 /* 128 bytes, header included */
#define STEPS 16
#define CLASSES ((48 - SMALLEST_SHIFT) * STEPS)
#define HUGE_PAGE ((size_t)2 << 20)
#define SPARE ((size_t)64 << 20)   /* may always be cached */
#define WINDOW 8192                /* requests; "lately" is one or two windows */
#define CHECKED ((size_t)16 << 20) /* from here on the system is asked first how much it has */
#define MAGIC 0x636e6e70u

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CACHING false
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define CACHING false
#endif
#ifndef CACHING
#define CACHING true
#endif

typedef struct header {
    struct header *next; /* in the free list */
    size_t bytes;        /* of the whole block */
    uint32_t class_index;
    uint32_t magic;
} header;

_Static_assert(sizeof(header) <= CNN_ALIGNMENT, "the header must not push the data out of alignment");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    header *blocks;
    uint64_t used; /* stats.requests when a block last went in or out */
} free_lists[CLASSES];
static cnn_memory_stats stats;
static size_t window_peak, last_window_peak;
static int64_t fail_countdown;

/* A child of fork() must not inherit a lock that some other thread of its parent held. */
static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork, after_fork);
}

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

/* Gives cached blocks back until at most KEEP bytes are left, the sizes not used for longest first. */
static void evict_locked(size_t keep)
{
    while (stats.cached > keep) {
        int oldest = -1;
        for (int i = 0; i < CLASSES; i++)
            if (free_lists[i].blocks && (oldest < 0 || free_lists[i].used < free_lists[oldest].used)) oldest = i;
        while (free_lists[oldest].blocks && stats.cached > keep) {
            header *block = free_lists[oldest].blocks;
            free_lists[oldest].blocks = block->next;
            stats.cached -= block->bytes;
            free(block);
        }
    }
}

/* Keeps the cache in bounds when EXTRA bytes are about to come from the system. */
static void bound_cache_locked(size_t extra)
{
    size_t busiest = stats.in_use + extra;
    if (window_peak > busiest) busiest = window_peak;
    if (last_window_peak > busiest) busiest = last_window_peak;
    size_t room = busiest + busiest / 4 + SPARE;
    if (stats.limit && room > stats.limit) room = stats.limit;
    size_t needed = stats.in_use + extra;
    evict_locked(room > needed ? room - needed : 0);
}

/* The number after NAME in the file PATH of Linux, times UNIT; SIZE_MAX if there is none. */
static size_t number_in(const char *path, const char *name, size_t unit)
{
    char line[128];
    unsigned long long number = 0;
    size_t found = SIZE_MAX, length = strlen(name);
    FILE *file = fopen(path, "re");
    if (!file) return SIZE_MAX;
    while (found == SIZE_MAX && fgets(line, sizeof line, file))
        if (strncmp(line, name, length) == 0 && sscanf(line + length, "%llu", &number) == 1 && number < SIZE_MAX / unit)
            found = (size_t)number * unit;
    fclose(file);
    return found;
}

/* Linux promises more memory than there is and ends the process that takes it: so the system's own figures are asked,
 * that of the machine and the bound of a container. */
static size_t available_locked(void)
{
    size_t free_bytes = number_in("/proc/meminfo", "MemAvailable:", 1024);
    size_t bound = number_in("/sys/fs/cgroup/memory.max", "", 1), taken = stats.in_use + stats.cached;
    if (bound == SIZE_MAX) return free_bytes;
    size_t left = bound > taken ? bound - taken : 0;
    return left < free_bytes ? left : free_bytes;
}

size_t cnn_memory_available(void)
{
    pthread_mutex_lock(&lock);
    size_t available = available_locked();
    pthread_mutex_unlock(&lock);
    return available;
}

static header *from_system(size_t bytes)
{
    if (bytes >= CHECKED && bytes > available_locked()) return NULL;
    size_t alignment = bytes >= HUGE_PAGE ? HUGE_PAGE : CNN_ALIGNMENT;
    void *block = NULL;
    stats.system_calls++;
    if (posix_memalign(&block, alignment, bytes) != 0) return NULL;
#if defined(__linux__)
    if (alignment == HUGE_PAGE) (void)madvise(block, bytes, MADV_HUGEPAGE); /* advice: no harm if refused */
#endif
    return block;
}

/* A block of class INDEX and BYTES, from the cache or the system; NULL without memory. */
static header *take_block_locked(uint32_t index, size_t bytes)
{
    header *block = free_lists[index].blocks;
    free_lists[index].used = stats.requests;
    if (block) {
        free_lists[index].blocks = block->next;
        stats.cached -= bytes;
    } else {
        bound_cache_locked(bytes);
        block = from_system(bytes);
        if (!block && stats.cached) {
            evict_locked(0);
            block = from_system(bytes);
        }
    }
    if (!block) return NULL;
    *block = (header){NULL, bytes, index, MAGIC};
    stats.in_use += bytes;
    if (stats.in_use > stats.peak) stats.peak = stats.in_use;
    if (stats.in_use > window_peak) window_peak = stats.in_use;
    return block;
}

static void count_request_locked(void)
{
    if (++stats.requests % WINDOW != 0) return;
    last_window_peak = window_peak;
    window_peak = stats.in_use;
    bound_cache_locked(0);
}

void *cnn_alloc(size_t bytes)
{
    uint32_t index = 0;
    size_t total = 0;
    header *block = NULL;
    bool fits = bytes <= SIZE_MAX - CNN_ALIGNMENT && find_class(bytes + CNN_ALIGNMENT, &index, &total);

    pthread_mutex_lock(&lock);
    count_request_locked();
    bool injected = fail_countdown > 0 && --fail_countdown == 0;
    bool over_limit = fits && stats.limit && (total > stats.limit || stats.in_use > stats.limit - total);
    if (fits && !injected && !over_limit) block = take_block_locked(index, total);
    size_t in_use = stats.in_use, limit = stats.limit;
    pthread_mutex_unlock(&lock);

    if (block) return (char *)block + CNN_ALIGNMENT;
    if (over_limit)
        cnn_fail(CNN_ERR_MEMORY,
                 "%zu bytes would go over the memory limit of %zu bytes (%zu in use); use a smaller batch or raise the "
                 "limit",
                 bytes, limit, in_use);
    else
        cnn_fail(CNN_ERR_MEMORY,
                 "no memory for %zu bytes (%zu bytes in use by cnnpy); use a smaller batch or a smaller model", bytes,
                 in_use);
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
    stats.in_use -= block->bytes;
    if (CACHING) {
        block->next = free_lists[block->class_index].blocks;
        free_lists[block->class_index].blocks = block;
        free_lists[block->class_index].used = stats.requests;
        stats.cached += block->bytes;
        block = NULL;
    }
    pthread_mutex_unlock(&lock);
    free(block);
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
    evict_locked(0);
    pthread_mutex_unlock(&lock);
}

void cnn_memory_set_limit(size_t limit)
{
    pthread_mutex_lock(&lock);
    stats.limit = limit;
    if (limit && stats.in_use + stats.cached > limit) evict_locked(limit > stats.in_use ? limit - stats.in_use : 0);
    pthread_mutex_unlock(&lock);
}

void cnn_memory_fail_at(int64_t n)
{
    pthread_mutex_lock(&lock);
    fail_countdown = n > 0 ? n : 0;
    pthread_mutex_unlock(&lock);
}
