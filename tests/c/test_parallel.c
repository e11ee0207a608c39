#include "runtime/parallel.h"
#include "test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 1000 };

typedef struct {
    atomic_int count[MOST];
    atomic_int bad_threads;
    int threads;
} tally;

static void count_piece(void *context, int64_t piece, int thread)
{
    tally *t = context;
    atomic_fetch_add(&t->count[piece], 1);
    if (thread < 0 || thread >= t->threads) atomic_fetch_add(&t->bad_threads, 1);
}

TEST(every_piece_is_done_once)
{
    for (int threads = 1; threads <= 5; threads++) {
        cnn_set_threads(threads);
        for (int pieces = 0; pieces <= MOST; pieces = pieces * 3 + 1) {
            static tally t;
            memset(&t, 0, sizeof t);
            t.threads = cnn_get_threads();
            cnn_parallel(pieces, count_piece, &t);
            for (int i = 0; i < MOST; i++) CHECK(atomic_load(&t.count[i]) == (i < pieces));
            CHECK(atomic_load(&t.bad_threads) == 0);
        }
    }
    cnn_set_threads(0);
    CHECK(cnn_get_threads() >= 1);
}

TEST(ranges_cover_the_whole)
{
    for (int64_t total = 0; total < 300; total += 7)
        for (int64_t pieces = 1; pieces < 70; pieces++) {
            int64_t expected = 0, begin, end;
            for (int64_t i = 0; i < pieces; i++) {
                cnn_piece_range(total, pieces, i, &begin, &end);
                CHECK(begin == expected && end >= begin && end - begin <= total / pieces + 1);
                expected = end;
            }
            CHECK(expected == total);
        }
    CHECK(cnn_pieces(0, 100) == 1 && cnn_pieces(250, 100) == 2 && cnn_pieces(INT64_MAX, 1) == 64);
}

static void inner(void *context, int64_t piece, int thread)
{
    (void)piece;
    (void)thread;
    atomic_fetch_add((atomic_int *)context, 1);
}

static void outer(void *context, int64_t piece, int thread)
{
    (void)piece;
    (void)thread;
    cnn_parallel(10, inner, context);
}

TEST(nested_calls)
{
    atomic_int count = 0;
    cnn_set_threads(4);
    cnn_parallel(10, outer, &count);
    CHECK(atomic_load(&count) == 100);
    cnn_set_threads(0);
}

static void *change_threads(void *stop)
{
    for (int i = 1; !atomic_load((atomic_int *)stop); i = i % 7 + 1) cnn_set_threads(i);
    return NULL;
}

/* Scratch memory is measured by cnn_get_threads(): a change from elsewhere must not run past it. */
TEST(the_thread_count_stays_within_an_op)
{
    atomic_int stop = 0;
    pthread_t other;
    static tally t;
    pthread_create(&other, NULL, change_threads, &stop);
    for (int i = 0; i < 300; i++) {
        memset(&t, 0, sizeof t);
        cnn_refresh_threads();
        t.threads = cnn_get_threads();
        cnn_parallel(64, count_piece, &t);
        CHECK(atomic_load(&t.bad_threads) == 0);
    }
    atomic_store(&stop, 1);
    pthread_join(other, NULL);
    cnn_set_threads(0);
}

/* libgomp's threads do not survive a fork: the child works alone instead of waiting for them for ever. */
TEST(a_child_computes)
{
    atomic_int count = 0;
    cnn_set_threads(4);
    cnn_parallel(100, inner, &count);
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        static tally t;
        t.threads = cnn_get_threads();
        cnn_parallel(MOST, count_piece, &t);
        int bad = t.bad_threads;
        for (int i = 0; i < MOST; i++) bad += t.count[i] != 1;
        _exit(bad ? 1 : 0);
    }
    int state = 1;
    waitpid(child, &state, 0);
    CHECK(state == 0);
    cnn_set_threads(0);
}

int main(void)
{
    RUN(every_piece_is_done_once);
    RUN(ranges_cover_the_whole);
    RUN(nested_calls);
    RUN(the_thread_count_stays_within_an_op);
    RUN(a_child_computes);
    return DONE();
}
