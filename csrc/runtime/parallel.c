/* See parallel.h. OpenMP where the compiler has it, else serial. In a forked child the pool of the parent is gone
 * and libgomp would wait for it for ever, so the child runs serially. */
#include "runtime/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#ifdef _OPENMP
#include <omp.h>
#endif

static atomic_int requested_threads;
/* What this thread was last told, until its next op: scratch memory was measured by it. */
static _Thread_local int threads_here;
static _Thread_local int most_here; /* that this thread may use; 0: as many as there are */

#ifdef _OPENMP
static atomic_bool pool_started, forked;

static void after_fork_in_child(void)
{
    if (atomic_load(&pool_started)) atomic_store(&forked, true);
    threads_here = 0;
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, after_fork_in_child);
}
#endif

static int threads_now(void)
{
#ifdef _OPENMP
    if (atomic_load_explicit(&forked, memory_order_relaxed)) return 1;
    int requested = atomic_load_explicit(&requested_threads, memory_order_relaxed);
    int threads = requested > 0 ? requested : omp_get_max_threads();
    return most_here > 0 && threads > most_here ? most_here : threads;
#else
    return 1;
#endif
}

void cnn_refresh_threads(void)
{
    threads_here = threads_now();
}

int cnn_get_threads(void)
{
    if (threads_here == 0) cnn_refresh_threads();
    return threads_here;
}

void cnn_set_threads(int threads)
{
    atomic_store(&requested_threads, threads > 0 ? threads : 0);
    cnn_refresh_threads();
}

void cnn_limit_threads(int most)
{
    most_here = most > 0 ? most : 0;
    cnn_refresh_threads();
}

void cnn_parallel(int64_t pieces, cnn_piece_fn fn, void *context)
{
#ifdef _OPENMP
    int threads = pieces > 1 ? cnn_get_threads() : 1;
    if (threads > pieces) threads = (int)pieces;
    if (threads > 1 && !omp_in_parallel()) {
        atomic_store_explicit(&pool_started, true, memory_order_relaxed);
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
        for (int64_t i = 0; i < pieces; i++) fn(context, i, omp_get_thread_num());
        return;
    }
#endif
    for (int64_t i = 0; i < pieces; i++) fn(context, i, 0);
}
