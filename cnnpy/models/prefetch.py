"""Batches of a data set made ahead of their turn by threads or processes, in a bounded queue that keeps their order."""

import contextlib
import os
import random
import signal
from collections import deque
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np

from cnnpy.data import ahead
from cnnpy.models.data import check_count


@contextlib.contextmanager
def naming_batch(source, index):
    """Errors inside tell of which batch of SOURCE they are."""
    try:
        yield
    except Exception as error:
        error.add_note(f"(while making batch {index} of {type(source).__name__})")
        raise


# ---- what a worker process does ----

_source = None
_seed = 0


def _begin_process(source, seed):
    global _source, _seed
    _source, _seed = source, seed
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interruption is the training process's affair


def _fetch_in_process(index):
    seed = (_seed + index) % 2**32  # else all processes would draw the same numbers
    np.random.seed(seed)
    random.seed(seed)
    return _source[index]


# ---- what the training process does ----


def _executor(source, workers, processes):
    """(executor, function of a number that gives the batch there)."""
    if processes:
        seed = int(np.random.randint(2**31))
        pool = ProcessPoolExecutor(workers, initializer=_begin_process, initargs=(source, seed))
        return pool, _fetch_in_process
    return ThreadPoolExecutor(workers, thread_name_prefix="cnnpy-batches"), source.__getitem__


def batches(source, order):
    """Yields (i, SOURCE[i]) for the numbers of ORDER, as the workers of a PyDataset make them, else one by one.

    When it is closed or an error ends it, the workers end too.
    """
    workers = check_count(getattr(source, "workers", None), "workers", 0) or 0
    processes = bool(getattr(source, "use_multiprocessing", False))
    if hasattr(source, "_batch_task"):
        yield from _tasks(source, order, workers)
        return
    if workers > 1 or (workers and processes):
        limit = check_count(source.max_queue_size, "max_queue_size", 1)
        yield from _ahead(source, iter(order), workers, processes, limit)
        return
    for index in order:
        with naming_batch(source, index):
            batch = source[index]
        yield index, batch


def _tasks(source, order, workers):
    """For a source that settles in this thread what is random about a batch, and makes it in any other."""
    workers = max(workers, min(os.cpu_count() or 1, 4))
    limit = min(check_count(source.max_queue_size, "max_queue_size", 1), workers + 2)
    items = ((index, source._batch_task(index)) for index in order)

    def make(item):
        index, task = item
        with naming_batch(source, index):
            return index, task()

    with contextlib.closing(ahead.in_order(ahead.pool(workers), make, items, limit)) as made:
        yield from made


def _ahead(source, order, workers, processes, limit):
    pool, fetch = _executor(source, workers, processes)
    queue = deque()
    try:
        while True:
            for index in order:
                queue.append((index, pool.submit(fetch, index)))
                if len(queue) >= limit:
                    break
            if not queue:
                return
            index, future = queue.popleft()
            with naming_batch(source, index):
                batch = future.result()
            yield index, batch
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
