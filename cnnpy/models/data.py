"""Batches of tensors from whatever is handed to fit, evaluate and predict.

Three kinds of source: arrays (NumPy of any number dtype, memory-mapped or not, cnnpy, PyTorch and other tensors, and
lists, tuples and dicts of them), sequences of batches (`len(s)`, `s[i]`) and iterables of batches (generators, data
loaders). An array is never copied as a whole: each batch's rows are gathered, and converted, when their turn comes.
"""

import contextlib
import itertools
import math
import operator
import random
import warnings
from numbers import Number

import numpy as np

from cnnpy import _core, config
from cnnpy._core import Tensor
from cnnpy.tree import flatten, map_structure, pack_sequence_as

# NumPy's names of the dtypes that tensors have; the rest is converted batch by batch.
NATIVE = {"float32", "float64", "uint8", "int32", "int64", "bool"}
_take_rows = _core.take.bind("data", axis=0)
_casts = {name: _core.cast.bind("data", dtype=name) for name in sorted(NATIVE)}


# ---- structures ----


def unpack_x_y_sample_weight(data):
    """(x, y, sample_weight) of a batch `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`; None for what is missing.

    Raises:
        ValueError: a tuple or list of another length.
    """
    if not isinstance(data, (tuple, list)):
        return data, None, None
    count = len(data)
    if count == 3:
        return data[0], data[1], data[2]
    if count == 2:
        return data[0], data[1], None
    if count == 1:
        return data[0], None, None
    raise ValueError(f"a batch must be x, (x,), (x, y) or (x, y, sample_weight); got {count} parts")


def pack_x_y_sample_weight(x, y=None, sample_weight=None):
    """The shortest form of a batch that `unpack_x_y_sample_weight` understands."""
    if y is None and sample_weight is None:
        return (x,) if isinstance(x, (tuple, list)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


# ---- arrays ----


def is_array(value):
    """True for what has a shape and can become a NumPy array."""
    return isinstance(value, (np.ndarray, Tensor)) or (hasattr(value, "__array__") and hasattr(value, "shape"))


def _is_numbers(value):
    """True for Python numbers and nested lists of nothing else (judged by the first)."""
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    return isinstance(value, (Number, str, bytes))


def as_array(value, name):
    """VALUE as a NumPy array over the same memory where that is possible; NAME is for errors.

    Raises:
        TypeError: strings, objects, dates or complex numbers.
        ValueError: nested lists of unequal lengths.
    """
    if not isinstance(value, np.ndarray):
        try:
            value = np.asarray(value)
        except (ValueError, TypeError, RuntimeError) as error:
            raise ValueError(f"{name}: cannot become an array: {error}") from None
    kind = value.dtype.kind
    if kind in "fiub":
        return value
    remedy = {
        "O": "its elements are Python objects (rows of unequal length, None, or mixed types); make it a rectangular "
        "array of numbers, e.g. np.stack(rows).astype('float32')",
        "U": "strings are not numbers; convert them first, e.g. labels by np.unique(labels, return_inverse=True)[1]",
        "S": "bytes are not numbers; decode them first",
        "c": "complex numbers are not supported; take .real, .imag or np.abs()",
    }.get(kind, "convert it to float32 first")
    raise TypeError(f"{name}: has dtype {value.dtype}, shape {value.shape}: {remedy}")


def is_mapped(array):
    """True for an array, or a part of one, that lies in a file (`np.load(..., mmap_mode='r')`, `np.memmap`)."""
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return True
        array = array.base
    return False


def arrays_in(structure, name):
    """STRUCTURE with its leaves as NumPy arrays, checked: numbers, at least one dimension, not empty.

    None stays None. Lists of plain numbers become arrays.
    """
    if structure is None:
        return None
    if _is_numbers(structure):
        structure = as_array(structure, name)
    several = isinstance(structure, (list, tuple, dict))

    def checked(path, leaf):
        if leaf is None:
            return None
        array = as_array(leaf, path)
        if array.ndim == 0:
            raise ValueError(f"{path}: is a single number; its first dimension must be the samples")
        if 0 in array.shape:
            raise ValueError(f"{path}: is empty, its shape is {array.shape}; there is nothing to compute with")
        return array

    if isinstance(structure, dict):
        return {key: arrays_in(value, f"{name}[{key!r}]") for key, value in structure.items()}
    if several:
        if not structure:
            raise ValueError(f"{name}: is an empty {type(structure).__name__}; pass an array")
        items = [arrays_in(value, f"{name}[{i}]") for i, value in enumerate(structure)]
        return tuple(items) if isinstance(structure, tuple) else items
    return checked(name, structure)


def is_array_structure(value):
    """True for arrays, nested lists of numbers, and lists, tuples and dicts of these."""
    if is_array(value) or _is_numbers(value):
        return True
    if isinstance(value, dict):
        return all(is_array_structure(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return all(item is None or is_array_structure(item) for item in value)
    return False


def count_samples(parts):
    """The common first dimension of (name, structure) pairs.

    Raises:
        ValueError: they differ; the message has the counts.
    """
    counts = [(name, [a.shape[0] for a in flatten(part) if a is not None]) for name, part in parts]
    every = {n for _, ns in counts for n in ns}
    if len(every) > 1:
        told = "; ".join(f"{name} has {', '.join(map(str, ns))}" for name, ns in counts if ns)
        raise ValueError(f"the numbers of samples differ: {told}. All arrays must have the same first dimension")
    return every.pop()


def check_batch_size(value, name="batch_size"):
    """VALUE as an int, None as it is.

    Raises:
        TypeError: no integer. ValueError: less than 1.
    """
    return check_count(value, name, 1)


def check_count(value, name, least):
    """VALUE as an int of at least LEAST; None passes."""
    if value is None:
        return None
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    try:
        count = operator.index(value)
    except TypeError:
        whole = isinstance(value, (float, np.floating)) and math.isfinite(value)
        hint = f"; use int({value})" if whole else ""
        raise TypeError(f"{name} must be an integer, got {value!r} of type {type(value).__name__}{hint}") from None
    if count < least:
        raise ValueError(f"{name} must be at least {least}, got {count}")
    return count


# ---- dtypes ----


def label_dtype(dtype):
    """The tensor dtype of labels: floats become the default float type, integers stay integers."""
    name, kind = dtype.name, dtype.kind
    if kind == "f":
        return config.floatx()
    if name in NATIVE:
        return name
    return "int64" if dtype.itemsize >= 4 else "int32"


def input_dtype(dtype, declared=None, keep_integers=False):
    """The tensor dtype of model inputs: the one the model DECLARED, else the default float type.

    KEEP_INTEGERS leaves wide integers as they are, for models written as classes that may look things up by them.
    """
    if declared is not None:
        return declared
    if keep_integers and dtype.kind in "iu" and dtype.itemsize >= 4:
        return "int32" if dtype.name == "int32" else "int64"
    return config.floatx()


class Column:
    """One array of the data set, whose rows come as tensors of one dtype."""

    __slots__ = ("_cast", "_gathered", "array", "dtype")

    def __init__(self, array, dtype):
        self.array = array
        self.dtype = dtype
        own = array.dtype.name
        self._gathered = own in NATIVE and array.dtype.isnative and array.flags.c_contiguous and array.flags.aligned
        self._cast = None if own == dtype else _casts[dtype]

    def rows(self, indices):
        """A tensor of the rows INDICES, an int64 array."""
        if self._gathered:
            tensor = _take_rows(self.array, indices)
            return tensor if self._cast is None else self._cast(tensor)
        return Tensor(self.array[indices], self.dtype)

    def span(self, start, stop):
        """A tensor of the rows from START up to STOP."""
        return Tensor(self.array[start:stop], self.dtype)


def class_weights_to_sample_weights(y, class_weight):
    """One weight per sample, float: that of its class; classes that CLASS_WEIGHT does not have weigh 1.

    Arguments:
        y: labels, integers of shape (n,) or (n, 1), or one-hot (n, classes).
        class_weight: dict of class to weight.

    Raises:
        TypeError: no dict. ValueError: labels of other shapes; negative labels.
    """
    if not isinstance(class_weight, dict):
        raise TypeError(
            f"class_weight must be a dict of class to weight, got {type(class_weight).__name__}; "
            "e.g. {0: 1.0, 1: 3.0}"
        )
    y = np.asarray(y)
    if y.ndim > 2:
        raise ValueError(
            f"class_weight works with one label per sample, y has shape {y.shape}; "
            "pass sample_weight with a weight per element instead"
        )
    classes = y.argmax(-1) if y.ndim == 2 and y.shape[1] != 1 else np.rint(y.reshape(-1)).astype(np.int64)
    if classes.size == 0:
        return np.zeros(0, config.floatx())
    low, high = int(classes.min()), int(classes.max())
    if low < 0:
        raise ValueError(f"class_weight needs labels of 0 and more, y has {low}")
    table = np.ones(high + 1, config.floatx())
    for label, weight in class_weight.items():
        if 0 <= label <= high:
            table[int(label)] = weight
    return table[classes]


# ---- the three kinds of source ----


class ArrayData:
    """Batches of the rows of arrays; where one lies in a file, a thread reads the next batch while another is used.

    Arguments:
        x, y, sample_weight: structures as `arrays_in` returns them; y and sample_weight may be None.
        batch_size: rows per batch; the last batch has what is left.
        shuffle: False, True (all rows, by NumPy's global generator) or 'batch' (rows within each batch).
        x_dtypes: the tensor dtype of each leaf of x.
    """

    restartable = True

    def __init__(self, x, y, sample_weight, batch_size, shuffle, x_dtypes):
        parts = [("x", x), ("y", y), ("sample_weight", sample_weight)]
        self.samples = count_samples(parts)
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.num_batches = -(-self.samples // batch_size)
        self.x, self.y = x, y
        self._columns = [
            pack_sequence_as(x, [None if a is None else Column(a, d) for a, d in zip(flatten(x), x_dtypes)]),
            map_structure(lambda a: None if a is None else Column(a, label_dtype(a.dtype)), y),
            map_structure(lambda a: None if a is None else Column(a, config.floatx()), sample_weight),
        ]
        self._ahead = any(is_mapped(a) for part in (x, y, sample_weight) for a in flatten(part))
        self._plain = not any(isinstance(part, (list, tuple, dict)) for part in (x, y, sample_weight))

    def epoch(self):
        """Yields (x, y, sample_weight) for each batch of one pass."""
        if not self._ahead:
            for place in self._places():
                yield self._fetch(*place)
            return
        from cnnpy.data import ahead

        made = ahead.in_order(ahead.pool(1), lambda place: self._fetch(*place), self._places(), 2)
        with contextlib.closing(made):
            yield from made

    def _places(self):
        """How and where the rows of each batch are found, for `_fetch`."""
        size, samples = self.batch_size, self.samples
        order = np.random.permutation(samples) if self.shuffle and self.shuffle != "batch" else None
        for start in range(0, samples, size):
            stop = min(start + size, samples)
            if order is not None:
                yield Column.rows, order[start:stop]
            elif self.shuffle:
                yield Column.rows, np.random.permutation(stop - start) + start
            elif self._ahead:  # a span would be a view that is read from the disk by the step
                yield Column.rows, np.arange(start, stop)
            else:
                yield Column.span, start, stop

    def _fetch(self, how, *where):
        x, y, weight = self._columns
        if self._plain:
            return (
                how(x, *where),
                None if y is None else how(y, *where),
                None if weight is None else how(weight, *where),
            )

        def fetch(column):
            return None if column is None else how(column, *where)

        return map_structure(fetch, x), map_structure(fetch, y), map_structure(fetch, weight)

    def first_row(self):
        """x of the first sample alone, as a batch of one."""
        return map_structure(lambda column: column and column.span(0, 1), self._columns[0])

    def on_epoch_begin(self):
        """Nothing to do."""

    def on_epoch_end(self):
        """Nothing to do."""


class BatchData:
    """Batches that somebody else makes; converts them.

    Arguments:
        class_weight: dict of class to weight, or None.
        convert_x: function of a batch's x (as arrays) that gives the model's input tensors.
        check_labels: function of a batch's y (as arrays) that raises on wrong ones, or None.
    """

    samples = None
    batch_size = None

    def __init__(self, class_weight, convert_x, check_labels=None):
        self.class_weight = class_weight
        self._convert_x = convert_x
        self._check_labels = check_labels
        self.y = None

    def convert(self, batch):
        """(x, y, sample_weight) as tensors, from what the source gave."""
        x, y, weight = unpack_x_y_sample_weight(batch)
        if x is None:
            raise ValueError("data: a batch has no x")
        return self.tensors(arrays_in(x, "x"), arrays_in(y, "y"), arrays_in(weight, "sample_weight"))

    def tensors(self, x, y, weight):
        """The same for arrays that `arrays_in` has checked."""
        if self.class_weight is not None and y is not None:
            if weight is not None:
                raise ValueError("class_weight cannot be combined with batches that have sample weights")
            weight = class_weights_to_sample_weights(y, self.class_weight)
        count_samples([("x", x), ("y", y), ("sample_weight", weight)])
        if self._check_labels is not None:
            self._check_labels(y)
        return (
            self._convert_x(x),
            map_structure(lambda a: None if a is None else Tensor(a, label_dtype(a.dtype)), y),
            map_structure(lambda a: None if a is None else Tensor(a, config.floatx()), weight),
        )

    def on_epoch_begin(self):
        """Nothing to do."""

    def on_epoch_end(self):
        """Nothing to do."""


class SequenceData(BatchData):
    """Batches of an object with `len(s)` (or `s.num_batches`) and `s[i]`; told when epochs begin and end.

    With SHUFFLE the order of the batches changes every epoch (by Python's `random`).
    """

    restartable = True

    def __init__(self, sequence, shuffle, **options):
        super().__init__(**options)
        self.sequence = sequence
        self.shuffle = shuffle
        self.num_batches = self._count()
        if self.num_batches == 0:
            raise ValueError(f"x: {type(sequence).__name__} has no batches, its length is 0")

    def _count(self):
        count = getattr(self.sequence, "num_batches", None)
        return len(self.sequence) if count is None and hasattr(self.sequence, "__len__") else count

    def epoch(self):
        from cnnpy.models.prefetch import batches, naming_batch

        self.num_batches = self._count()  # it may change between epochs
        order = itertools.count() if self.num_batches is None else list(range(self.num_batches))
        if self.shuffle and self.num_batches is not None:
            random.shuffle(order)
        with contextlib.closing(batches(self.sequence, order)) as source:
            for index, batch in source:
                with naming_batch(self.sequence, index):
                    batch = self.convert(batch)
                yield batch

    def first_row(self):
        x, _, _ = self.convert(self.sequence[0])
        return map_structure(lambda t: t[:1], x)

    def on_epoch_begin(self):
        hook = getattr(self.sequence, "on_epoch_begin", None)
        if hook is not None:
            hook()

    def on_epoch_end(self):
        hook = getattr(self.sequence, "on_epoch_end", None)
        if hook is not None:
            hook()


class IterableData(BatchData):
    """Batches of a generator (which goes on where the last epoch stopped) or of anything that can be iterated anew."""

    def __init__(self, iterable, **options):
        super().__init__(**options)
        self.iterable = iterable
        self.restartable = iter(iterable) is not iterable
        self._waiting = []  # a batch that was looked at before its turn
        try:
            self.num_batches = len(iterable) if self.restartable else None
        except TypeError:
            self.num_batches = None

    def epoch(self):
        from cnnpy.models.prefetch import naming_batch

        while self._waiting:
            yield self._waiting.pop()
        source, end = iter(self.iterable), object()
        for index in itertools.count():
            with naming_batch(self.iterable, index):
                batch = next(source, end)
                if batch is end:
                    return
                batch = self.convert(batch)
            yield batch

    def first_row(self):
        source = iter(self.iterable)
        try:
            batch = self.convert(next(source))
        except StopIteration:
            raise ValueError(f"x: the {type(self.iterable).__name__} gives no batches") from None
        if not self.restartable:
            self._waiting.append(batch)
        return map_structure(lambda t: t[:1], batch[0])


class Epochs:
    """Walks a source epoch by epoch.

    With STEPS an epoch has so many batches and the next one goes on from there; a source that ends too early ends the
    epoch with a warning. `exhausted` tells that there will be no more batches.
    """

    def __init__(self, data, steps=None):
        limit = config.max_steps_per_epoch()
        if limit and (steps or data.num_batches or math.inf) > limit:
            warnings.warn(f"config.set_max_steps_per_epoch: taking only {limit} steps per epoch", stacklevel=4)
            steps = limit
        self.data = data
        self.steps = steps
        self.exhausted = False
        self._source = None

    @property
    def num_batches(self):
        """Batches of an epoch, None if unknown."""
        return self.steps or self.data.num_batches

    def restart(self):
        """Makes the next epoch begin with the first batch, if the source can give it again."""
        if self.data.restartable:
            self._source = None

    def close(self):
        """Ends what still makes batches."""
        source, self._source = self._source, None
        if source is not None:
            source.close()

    def __iter__(self):
        self.data.on_epoch_begin()
        if self.steps is None:
            yield from self.data.epoch()
            self.exhausted = not self.data.restartable
        else:
            yield from self._some()
        self.data.on_epoch_end()

    def _some(self):
        step = 0
        while step < self.steps:
            fresh = self._source is None
            if fresh:
                self._source = self.data.epoch()
            batch = next(self._source, None)
            if batch is not None:
                step += 1
                yield batch
                continue
            self._source = None
            self.exhausted = not self.data.restartable
            if step == 0 and not fresh and self.data.restartable:
                continue  # the last epoch took exactly what there was
            self._warn(step)
            return

    def _warn(self, step):
        warnings.warn(
            f"the data ended after {step} of {self.steps} steps of this epoch; make the source give at least "
            "steps_per_epoch * epochs batches, or leave steps_per_epoch out",
            stacklevel=4,
        )


def split_for_validation(x, y, sample_weight, fraction):
    """((x, y, sample_weight), (x, y, sample_weight)): the first rows, and the last FRACTION of them, without copying.

    Raises:
        ValueError: one of the parts would be empty; FRACTION not in [0, 1).
        TypeError: the data are no arrays.
    """
    if not is_array_structure(x):
        raise TypeError(
            f"validation_split works with arrays, x is a {type(x).__name__}; pass validation_data=... instead"
        )
    parts = [
        ("x", arrays_in(x, "x")),
        ("y", arrays_in(y, "y")),
        ("sample_weight", arrays_in(sample_weight, "sample_weight")),
    ]
    count = count_samples(parts)
    at = math.floor(count * (1.0 - fraction))
    if at in (0, count):
        raise ValueError(f"validation_split={fraction} of {count} samples leaves one part empty; use more data")

    def cut(span):
        return tuple(map_structure(lambda a: None if a is None else a[span], part) for _, part in parts)

    return cut(slice(0, at)), cut(slice(at, count))
