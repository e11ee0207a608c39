"""Work done ahead of its turn by other threads, in bounded memory and in order.

Whoever iterates sees the same items in the same order as without; an error comes out where its item would have come.
When the iteration is closed, by an error, an interruption or the end of a loop, its threads end before it returns.
"""

import contextlib
import queue
import threading
import weakref
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from cnnpy import _core

_END = object()


class _Reader:
    """Lives as long as somebody iterates."""


def _begin_thread():
    """The cores belong to the model that trains meanwhile: what such a thread calls runs in this thread alone."""
    _core.limit_threads(1)


def in_background(make_iterator, size):
    """Yields the items of MAKE_ITERATOR(), which is called and advanced in a thread; at most SIZE of them wait."""
    waiting, stopped, reader = queue.Queue(size), threading.Event(), _Reader()
    alive = weakref.ref(reader)  # an interruption may come before `stopped` can be set

    def offer(entry):
        while not stopped.is_set() and alive() is not None:
            with contextlib.suppress(queue.Full):
                waiting.put(entry, timeout=0.1)
                return True
        return False

    def work():
        _begin_thread()
        iterator = make_iterator()
        try:
            for item in iterator:
                if not offer((item, None)):
                    return
            offer((_END, None))
        except BaseException as error:  # it is raised where the items are used
            offer((_END, error))
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                close()

    thread = threading.Thread(target=work, name="cnnpy-data", daemon=True)
    thread.start()
    try:
        while True:
            item, error = waiting.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
    finally:
        stopped.set()
        with contextlib.suppress(queue.Empty):  # whoever waits for room finds it, and next that it is over
            while True:
                waiting.get_nowait()
        thread.join()


def pool(workers):
    """Threads for `in_order`."""
    return ThreadPoolExecutor(workers, thread_name_prefix="cnnpy-data", initializer=_begin_thread)


def in_order(executor, function, items, size):
    """Yields FUNCTION(item) for each of ITEMS, computed by EXECUTOR, at most SIZE of them at a time; ends EXECUTOR."""
    futures, items = deque(), iter(items)
    try:
        while True:
            for item in items:
                futures.append(executor.submit(function, item))
                if len(futures) >= size:
                    break
            if not futures:
                return
            yield futures.popleft().result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
