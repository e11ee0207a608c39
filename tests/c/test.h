/* What the C tests share: a check that says where it failed, and the list of tests of a file.
 *
 *     TEST(name) { CHECK(1 + 1 == 2); }
 *     int main(void) { RUN(name); return DONE(); }
 */
#ifndef CNN_TESTS_TEST_H
#define CNN_TESTS_TEST_H

#include "runtime/memory.h"
#include "runtime/status.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed_checks;
static const char *running;

#define TEST(name) static void name(void)

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            failed_checks++;                                                                                           \
            fprintf(stderr, "%s:%d: %s: %s\n    last message: %s\n", __FILE__, __LINE__, running, #condition,          \
                    cnn_last_message());                                                                               \
        }                                                                                                              \
    } while (0)

/* Runs a test, and checks that it gave all memory back. */
#define RUN(name)                                                                                                      \
    do {                                                                                                               \
        size_t in_use_before_ = bytes_in_use();                                                                        \
        running = #name;                                                                                               \
        name();                                                                                                        \
        CHECK(bytes_in_use() == in_use_before_);                                                                       \
    } while (0)

#define DONE() (failed_checks ? EXIT_FAILURE : EXIT_SUCCESS)

static inline size_t bytes_in_use(void)
{
    cnn_memory_stats stats;
    cnn_memory_get_stats(&stats);
    return stats.in_use;
}

/* True if STATUS is EXPECTED and the message holds TEXT. */
static inline bool fails_with(cnn_status status, cnn_status expected, const char *text)
{
    return status == expected && strstr(cnn_last_message(), text) != NULL;
}

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifndef UNDER_ASAN
#define UNDER_ASAN 0
#endif
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#else
#define UNDER_TSAN 0
#endif

#endif
