"""PyDataset: batches by number, which `fit` can have read ahead by threads or processes."""

import itertools
import warnings


class PyDataset:
    """The base of data sets that make their batches themselves; `Sequence` is its older name.

    Subclasses define `__len__()`, the number of batches (or the property `num_batches`, None for an endless set), and
    `__getitem__(index)`, which gives a batch `(x, y)` or `(x, y, sample_weight)`; they may define `on_epoch_begin()`
    and `on_epoch_end()`.

    WORKERS: how many batches are made at the same time while the model trains on others; 1 makes them in the training
    thread, when their turn comes. They are used in their order whatever the number. USE_MULTIPROCESSING: the workers
    are processes with a copy of the data set each, else threads, of which only one runs Python code at a time.
    MAX_QUEUE_SIZE: how many batches are at most ready or in the making.
    """

    def __init__(self, workers=1, use_multiprocessing=False, max_queue_size=10):
        self._workers = workers
        self._use_multiprocessing = use_multiprocessing
        self._max_queue_size = max_queue_size

    def _setting(self, name, default):
        if name not in self.__dict__:
            warnings.warn(
                f"{type(self).__name__}.__init__ should call super().__init__(**kwargs), which takes workers, "
                "use_multiprocessing and max_queue_size",
                stacklevel=3,
            )
            self.__dict__[name] = default
        return self.__dict__[name]

    @property
    def workers(self):
        return self._setting("_workers", 1)

    @workers.setter
    def workers(self, value):
        self._workers = value

    @property
    def use_multiprocessing(self):
        return self._setting("_use_multiprocessing", False)

    @use_multiprocessing.setter
    def use_multiprocessing(self, value):
        self._use_multiprocessing = value

    @property
    def max_queue_size(self):
        return self._setting("_max_queue_size", 10)

    @max_queue_size.setter
    def max_queue_size(self, value):
        self._max_queue_size = value

    def __getitem__(self, index):
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(self, index), which gives a batch")

    def __iter__(self):
        count = self.num_batches
        return (self[index] for index in (itertools.count() if count is None else range(count)))

    @property
    def num_batches(self):
        """The number of batches, None for an endless data set."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(
            f"{type(self).__name__} must define __len__(self), the number of batches, or the property num_batches"
        )

    def on_epoch_begin(self):
        """Called before each epoch."""

    def on_epoch_end(self):
        """Called after each epoch."""


Sequence = PyDataset
