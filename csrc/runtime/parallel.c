/* See parallel.h. OpenMP where the compiler has it, else serial. In a forked child the pool of the parent is gone
 * and libgomp would wait for it for ever, so the child runs serially. */
#include "runtime/parallel.h"

#include <pthread.h>
#include <stdbool.h>
#ifdef _OPENMP
#include <omp.h>
#endif

static int requested_threads;
static bool pool_started, forked;

#ifdef _OPENMP
static void after_fork_in_child(void)
{
    if (pool_started) forked = true;
}

static void register_fork_handler(void)
{
    pthread_atfork(NULL, NULL, after_fork_in_child);
}
#endif

int cnn_get_threads(void)
{
#ifdef _OPENMP
    if (forked) return 1;
    return requested_threads > 0 ? requested_threads : omp_get_max_threads();
#else
    return 1;
#endif
}

void cnn_set_threads(int threads)
{
    requested_threads = threads > 0 ? threads : 0;
}

void cnn_parallel(int64_t pieces, cnn_piece_fn fn, void *context)
{
#ifdef _OPENMP
    int threads = cnn_get_threads();
    if (threads > pieces) threads = (int)pieces;
    if (threads > 1 && !omp_in_parallel()) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, register_fork_handler);
        pool_started = true;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
        for (int64_t i = 0; i < pieces; i++) fn(context, i, omp_get_thread_num());
        return;
    }
#endif
    for (int64_t i = 0; i < pieces; i++) fn(context, i, 0);
}
