#include "test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

static cnn_memory_stats stats(void)
{
    cnn_memory_stats s;
    cnn_memory_get_stats(&s);
    return s;
}

TEST(blocks_of_all_sizes_are_aligned_and_usable)
{
    for (size_t bytes = 0; bytes < 5000000; bytes = bytes * 5 / 4 + 1) {
        size_t before = bytes_in_use();
        unsigned char *block = cnn_alloc(bytes);
        CHECK(block != NULL && (uintptr_t)block % CNN_ALIGNMENT == 0);
        if (!block) return;
        memset(block, 0xAB, bytes);
        CHECK(bytes_in_use() - before >= bytes);
        CHECK(bytes_in_use() - before <= (bytes + CNN_ALIGNMENT) * 5 / 4 + 128);
        cnn_free(block);
        CHECK(bytes_in_use() == before);
    }
}

TEST(zeroed_blocks_are_zero_also_when_used_before)
{
    unsigned char *block = cnn_alloc(3000);
    memset(block, 1, 3000);
    cnn_free(block);
    block = cnn_alloc_zero(3000);
    for (int i = 0; i < 3000; i++) CHECK(block[i] == 0);
    cnn_free(block);
}

TEST(a_freed_block_is_used_again)
{
    if (UNDER_ASAN) return;
    cnn_free(cnn_alloc(100000));
    uint64_t before = stats().system_calls;
    for (int i = 0; i < 100; i++) cnn_free(cnn_alloc(100000 - (size_t)i));
    CHECK(stats().system_calls == before);
}

TEST(realloc_keeps_the_contents)
{
    char *block = cnn_realloc(NULL, 10);
    memcpy(block, "123456789", 10);
    for (size_t bytes = 20; bytes < 1000000; bytes *= 3) block = cnn_realloc(block, bytes);
    CHECK(strcmp(block, "123456789") == 0);
    cnn_memory_fail_at(1);
    CHECK(cnn_realloc(block, 100000000) == NULL);
    CHECK(strcmp(block, "123456789") == 0);
    cnn_free(block);
}

TEST(sizes_beyond_any_memory)
{
    CHECK(cnn_alloc(SIZE_MAX) == NULL);
    CHECK(cnn_alloc(SIZE_MAX - CNN_ALIGNMENT) == NULL);
    CHECK(cnn_alloc((size_t)1 << 47) == NULL);
    CHECK(strstr(cnn_last_message(), "no memory for 140737488355328 bytes") != NULL);
    CHECK(stats().in_use < (size_t)1 << 40);
}

TEST(the_limit)
{
    size_t before = bytes_in_use();
    cnn_memory_set_limit(before + 1000000);
    void *half = cnn_alloc(500000);
    CHECK(half != NULL);
    CHECK(cnn_alloc(600000) == NULL);
    CHECK(strstr(cnn_last_message(), "memory limit") != NULL);
    cnn_free(half);
    void *block = cnn_alloc(600000);
    CHECK(block != NULL);
    CHECK(stats().in_use + stats().cached <= before + 1000000);
    cnn_memory_set_limit(1);
    CHECK(cnn_alloc(0) == NULL);
    CHECK(stats().cached == 0);
    cnn_memory_set_limit(0);
    cnn_free(block);
}

TEST(the_nth_request_fails)
{
    cnn_memory_fail_at(3);
    void *a = cnn_alloc(10), *b = cnn_alloc(10), *c = cnn_alloc(10), *d = cnn_alloc(10);
    CHECK(a && b && !c && d);
    cnn_memory_fail_at(1);
    cnn_memory_fail_at(0);
    void *e = cnn_alloc(10);
    CHECK(e != NULL);
    cnn_free(a), cnn_free(b), cnn_free(d), cnn_free(e);
}

TEST(peak_and_trim)
{
    cnn_memory_reset_peak();
    size_t before = stats().in_use;
    cnn_free(cnn_alloc(3000000));
    CHECK(stats().peak >= before + 3000000);
    cnn_memory_reset_peak();
    CHECK(stats().peak == before);
    cnn_memory_trim();
    CHECK(stats().cached == 0);
}

/* Whatever sizes come, what is held stays near what was in use at most. */
TEST(the_cache_is_bounded_when_sizes_vary)
{
    size_t highest = 0, largest = 30000000;
    unsigned random = 1;
    for (int i = 0; i < 3000; i++) {
        random = random * 1664525u + 1013904223u;
        size_t bytes = (random >> 8) % largest;
        void *block = cnn_alloc(bytes);
        CHECK(block != NULL);
        cnn_free(block);
        cnn_memory_stats s = stats();
        if (s.in_use + s.cached > highest) highest = s.in_use + s.cached;
    }
    CHECK(highest < largest * 5 / 4 * 5 / 4 + ((size_t)64 << 20) + stats().in_use * 2);
    cnn_memory_trim();
}

/* After a big piece of work its memory goes back by itself. */
TEST(the_cache_shrinks_after_a_peak)
{
    if (UNDER_ASAN) return;
    void *blocks[40];
    for (int i = 0; i < 40; i++) blocks[i] = cnn_alloc(10000000);
    for (int i = 0; i < 40; i++) cnn_free(blocks[i]);
    CHECK(stats().cached >= 400000000);
    for (int i = 0; i < 20000; i++) cnn_free(cnn_alloc(1000));
    CHECK(stats().cached < 120000000);
    cnn_memory_trim();
}

/* A loop that breathes between nothing and its peak asks the system for nothing. */
TEST(a_training_loop_stays_in_the_cache)
{
    if (UNDER_ASAN) return;
    uint64_t calls = 0;
    for (int step = 0; step < 50; step++) {
        void *blocks[40];
        for (int i = 0; i < 40; i++) blocks[i] = cnn_alloc((size_t)(i + 1) * 300000);
        for (int i = 0; i < 40; i++) cnn_free(blocks[i]);
        if (step == 0) calls = stats().system_calls;
    }
    CHECK(stats().system_calls == calls);
    cnn_memory_trim();
}

TEST(freeing_twice_does_no_harm)
{
    if (UNDER_ASAN) return; /* there it is the sanitizer's to tell */
    void *block = cnn_alloc(500);
    cnn_free(block);
    size_t before = bytes_in_use();
    cnn_free(block);
    CHECK(bytes_in_use() == before);
    void *a = cnn_alloc(500), *b = cnn_alloc(500);
    CHECK(a != b);
    cnn_free(a), cnn_free(b), cnn_free(NULL);
}

static void *churn(void *argument)
{
    unsigned random = (unsigned)(uintptr_t)argument;
    unsigned char *blocks[16] = {NULL};
    size_t sizes[16] = {0};
    for (int i = 0; i < 20000; i++) {
        random = random * 1664525u + 1013904223u;
        int at = (random >> 10) & 15;
        unsigned char mark = (unsigned char)(uintptr_t)argument;
        for (size_t k = 0; k < sizes[at]; k += 97)
            if (blocks[at][k] != mark) return "a block was given to two owners";
        cnn_free(blocks[at]);
        sizes[at] = (random >> 14) % 5000;
        blocks[at] = cnn_alloc(sizes[at]);
        if (!blocks[at]) return "no memory";
        memset(blocks[at], mark, sizes[at]);
    }
    for (int i = 0; i < 16; i++) cnn_free(blocks[i]);
    return NULL;
}

TEST(threads_do_not_share_blocks)
{
    pthread_t threads[8];
    for (uintptr_t i = 0; i < 8; i++) pthread_create(&threads[i], NULL, churn, (void *)(i + 1));
    for (int i = 0; i < 8; i++) {
        void *complaint;
        pthread_join(threads[i], &complaint);
        CHECK(complaint == NULL);
    }
}

static atomic_int stop;

static void *allocate_until_stopped(void *unused)
{
    (void)unused;
    while (!atomic_load(&stop)) cnn_free(cnn_alloc(1000));
    return NULL;
}

/* The child of a fork can allocate, whatever other threads of its parent were doing. */
TEST(fork_while_others_allocate)
{
    pthread_t threads[3];
    int bad = 0;
    atomic_store(&stop, 0);
    for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, allocate_until_stopped, NULL);
    for (int i = 0; i < (UNDER_ASAN || UNDER_TSAN ? 5 : 200); i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(20); /* a deadlock ends here */
            void *block = cnn_alloc(1000);
            cnn_free(block);
            _exit(block ? 0 : 1);
        }
        int state = 1;
        waitpid(child, &state, 0);
        bad += state != 0;
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    CHECK(bad == 0);
}

int main(void)
{
    RUN(blocks_of_all_sizes_are_aligned_and_usable);
    RUN(zeroed_blocks_are_zero_also_when_used_before);
    RUN(a_freed_block_is_used_again);
    RUN(realloc_keeps_the_contents);
    RUN(sizes_beyond_any_memory);
    RUN(the_limit);
    RUN(the_nth_request_fails);
    RUN(peak_and_trim);
    RUN(the_cache_is_bounded_when_sizes_vary);
    RUN(the_cache_shrinks_after_a_peak);
    RUN(a_training_loop_stays_in_the_cache);
    RUN(freeing_twice_does_no_harm);
    RUN(threads_do_not_share_blocks);
    RUN(fork_while_others_allocate);
    return DONE();
}
