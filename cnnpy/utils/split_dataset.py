"""A data set cut in two, as for training and testing."""

import random

import numpy as np

from cnnpy.models.data import as_array, check_count, count_samples
from cnnpy.utils.py_dataset import PyDataset


class Samples:
    """Samples in a row: `len(s)`, `s[i]`, iteration; `s.batch(32)` makes batches of them for `fit`.

    A sample is an array, or a tuple of as many arrays as COLUMNS, of which it has the rows INDICES.
    """

    def __init__(self, columns, indices, single):
        self._columns, self._indices, self._single = columns, indices, single

    def __len__(self):
        return len(self._indices)

    def __getitem__(self, index):
        return self._rows(self._indices[index])

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def _rows(self, at):
        rows = tuple(column[at] for column in self._columns)
        return rows[0] if self._single else rows

    def cardinality(self):
        """The number of samples."""
        return len(self)

    def batch(self, batch_size, drop_remainder=False):
        """The samples in batches of BATCH_SIZE, a PyDataset; the last one has what is left, or is dropped."""
        return _Batches(self, check_count(batch_size, "batch_size", 1), drop_remainder)


class _Batches(PyDataset):
    def __init__(self, samples, size, drop_remainder):
        super().__init__()
        self._samples, self._size = samples, size
        self._count = len(samples) // size if drop_remainder else -(-len(samples) // size)

    def __len__(self):
        return self._count

    def __getitem__(self, index):
        if not -self._count <= index < self._count:
            raise IndexError(f"batch {index} of {self._count}")
        start = index % self._count * self._size
        return self._samples._rows(self._samples._indices[start : start + self._size])


def _columns(dataset):
    """(list of arrays with a row per sample, true if a sample is no tuple)."""
    if isinstance(dataset, np.ndarray):
        return [dataset], True
    if isinstance(dataset, (list, tuple)):
        if not dataset:
            raise ValueError("split_dataset: the data set is empty")
        columns = [as_array(column, f"dataset[{i}]") for i, column in enumerate(dataset)]
        if any(column.ndim == 0 for column in columns):
            raise TypeError("split_dataset: takes arrays with a row per sample; make one of a list with np.array()")
        count_samples([(f"dataset[{i}]", column) for i, column in enumerate(columns)])
        return columns, False
    if not hasattr(dataset, "__iter__") and not (hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")):
        raise TypeError(f"split_dataset: takes an array, a list of arrays or samples one by one, got {dataset!r}")
    samples = list(dataset) if hasattr(dataset, "__iter__") else [dataset[i] for i in range(len(dataset))]
    if not samples:
        raise ValueError("split_dataset: the data set is empty")
    single = not isinstance(samples[0], (list, tuple))
    rows = [(sample,) for sample in samples] if single else samples
    shapes = [[np.shape(part) for part in row] for row in rows]
    for i, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise ValueError(
                f"split_dataset: sample {i} has the shapes {shape}, the first one {shapes[0]}; take the batches of a "
                "batched data set apart first (tf.data: dataset.unbatch())"
            )
    return [np.stack([np.asarray(part) for part in column]) for column in zip(*rows)], single


def _size(size, name, total):
    """How many samples a size, a count or a fraction, means; None stays."""
    if size is None:
        return None
    if isinstance(size, bool) or not isinstance(size, (int, float)):
        raise TypeError(f"split_dataset: {name} must be an int, a float or None, got {size!r}")
    limit = 1 if isinstance(size, float) else total
    if not 0 < size < limit:
        raise ValueError(
            f"split_dataset: {name} must be a count from 1 to {total - 1}, or a fraction between 0 and 1, got {size!r}"
        )
    return round(size * total) if isinstance(size, float) else size


def split_dataset(dataset, left_size=None, right_size=None, shuffle=False, seed=None, preferred_backend=None):
    """(left, right): the first LEFT_SIZE samples and the last RIGHT_SIZE ones, as `Samples`.

    DATASET: an array, a list or tuple of arrays with a row per sample, or anything that gives samples one by one. The
    sizes are counts or fractions; one that is None takes what the other leaves. SHUFFLE changes the order before, by
    SEED. (Keras returns data sets of TensorFlow or PyTorch, between which PREFERRED_BACKEND chooses.)
    """
    if preferred_backend not in (None, "cnnpy"):
        raise NotImplementedError(
            f"split_dataset: preferred_backend={preferred_backend!r} is not offered; the halves are rows of samples"
        )
    if left_size is None and right_size is None:
        raise ValueError("split_dataset: pass left_size or right_size")
    columns, single = _columns(dataset)
    total = len(columns[0])
    left, right = _size(left_size, "left_size", total), _size(right_size, "right_size", total)
    left = total - right if left is None else left
    right = total - left if right is None else right
    if left + right > total:
        raise ValueError(f"split_dataset: left_size and right_size are {left} and {right} of only {total} samples")
    order = list(range(total))
    if shuffle:
        random.Random(random.randint(0, 10**6) if seed is None else seed).shuffle(order)
    order = np.array(order)
    return Samples(columns, order[:left], single), Samples(columns, order[total - right :], single)
