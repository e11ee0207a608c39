"""Dataset: samples in a row, and what is done to them on their way to a model."""

import itertools
import operator
import os

import numpy as np

from cnnpy import _core, tree
from cnnpy._core import Tensor
from cnnpy.data import ahead
from cnnpy.models.data import NATIVE, check_count, count_samples
from cnnpy.ops._convert import tensor

AUTOTUNE = -1
INFINITE_CARDINALITY = -1
UNKNOWN_CARDINALITY = -2
_AHEAD = 2  # elements that `prefetch(AUTOTUNE)` holds ready

_take_rows = _core.take.bind("Dataset", axis=0)


class Dataset:
    """Samples in a row, read anew by every iteration: `for image, label in dataset`, `model.fit(dataset)`.

    Made by `from_tensor_slices` and the like and by `utils.image_dataset_from_directory`; the methods give a new
    Dataset each: `Dataset.from_tensor_slices((x, y)).shuffle(1000).map(f).batch(32).prefetch(AUTOTUNE)`. An element is
    a Tensor, or a tuple or dict of them (strings stay strings). Nothing is computed before it is asked for; arrays are
    never copied as a whole, and batches of their rows are gathered in one go. Functions are called for elements in
    their order, one after the other, so that the same seeds give the same elements whatever runs ahead.
    """

    def __init__(self, iterate, cardinality, rows=None):
        """ITERATE() gives the items of one pass: elements, or numbers of ROWS. CARDINALITY: how many, or a function
        that tells. Not for users."""
        self._iterate = iterate
        self._cardinality = cardinality
        self._rows = rows

    # ---- sources ----

    @staticmethod
    def from_tensors(tensors):
        """One element, TENSORS as a whole."""
        element = tree.map_structure(_leaf, _structure(tensors))
        return Dataset(lambda: iter([element]), 1)

    @staticmethod
    def from_tensor_slices(tensors):
        """An element for each row of the arrays in TENSORS, an array or a tuple or dict of arrays of equal lengths."""
        rows = _Rows(tensors)
        return Dataset(lambda: iter(range(rows.count)), rows.count, rows)

    @staticmethod
    def from_generator(generator, output_types=None, output_shapes=None, args=None, output_signature=None):
        """The elements that GENERATOR(*args) yields, a function that returns an iterator.

        Of OUTPUT_SIGNATURE (or OUTPUT_TYPES) only the dtypes are used.
        """
        if not callable(generator):
            raise TypeError(f"from_generator: takes a function that returns an iterator, got {generator!r}")
        signature = output_signature if output_signature is not None else output_types
        dtypes = None if signature is None else tree.map_structure(_dtype_name, _structure(signature))

        def iterate():
            for element in generator(*(args or ())):
                yield _element(element) if dtypes is None else _element_as(element, dtypes)

        return Dataset(iterate, UNKNOWN_CARDINALITY)

    @staticmethod
    def range(*args, output_type="int64"):
        """The whole numbers of Python's range(*args)."""
        numbers = range(*(operator.index(value) for value in args))
        dtype = _dtype_name(output_type)
        return Dataset(lambda: (Tensor(i, dtype) for i in numbers), len(numbers))

    @staticmethod
    def zip(*args, datasets=None):
        """Elements of several data sets side by side, as many as the shortest has."""
        parts = args[0] if len(args) == 1 and datasets is None else args if datasets is None else datasets
        members = tree.flatten(parts)
        for member in members:
            _check_dataset("zip", member)
        counts = [_count(member) for member in members]
        known = [n for n in counts if n >= 0]
        unknown = UNKNOWN_CARDINALITY in counts
        count = UNKNOWN_CARDINALITY if unknown else min(known) if known else INFINITE_CARDINALITY

        def iterate():
            for elements in zip(*members):
                yield tree.pack_sequence_as(parts, elements) if tree.is_nested(parts) else elements

        return Dataset(iterate, count)

    # ---- which elements, and in what order ----

    def shuffle(self, buffer_size, seed=None, reshuffle_each_iteration=True):
        """The elements in another order, drawn one by one from BUFFER_SIZE that wait (of arrays only row numbers do).

        SEED, by default drawn from NumPy, fixes the orders, of which each iteration has its own unless
        RESHUFFLE_EACH_ITERATION is False.
        """
        size = check_count(buffer_size, "shuffle: buffer_size", 1)
        seed = int(np.random.randint(2**31)) if seed is None else operator.index(seed) & 0xFFFFFFFF
        passes = itertools.count()

        def iterate():
            rng = np.random.default_rng([seed, next(passes) if reshuffle_each_iteration else 0])
            items, waiting = self._iterate(), []
            for item in items:
                if len(waiting) < size:
                    waiting.append(item)
                    continue
                k = int(rng.integers(size))
                waiting[k], item = item, waiting[k]
                yield item
            for k in rng.permutation(len(waiting)):
                yield waiting[k]

        return self._reordered(iterate, self._cardinality)

    def repeat(self, count=None):
        """The elements COUNT times over; for ever if it is None or -1."""
        count = None if count in (None, -1) else check_count(count, "repeat: count", 0)

        def iterate():
            for _ in itertools.count() if count is None else range(count):
                empty = True
                for item in self._iterate():
                    empty = False
                    yield item
                if empty:
                    return

        def cardinality():
            own = _count(self)
            if count == 0 or own == 0:
                return 0
            return own if own < 0 else INFINITE_CARDINALITY if count is None else own * count

        return self._reordered(iterate, cardinality)

    def take(self, count):
        """The first COUNT elements; all if it is -1."""
        count = operator.index(count)
        stop = None if count < 0 else count
        return self._reordered(lambda: itertools.islice(self._iterate(), stop), lambda: _limited(_count(self), stop))

    def skip(self, count):
        """All but the first COUNT elements; none if it is -1."""
        count = operator.index(count)
        if count < 0:
            return self.take(0)

        def cardinality():
            own = _count(self)
            return own if own < 0 else max(own - count, 0)

        return self._reordered(lambda: itertools.islice(self._iterate(), count, None), cardinality)

    def shard(self, num_shards, index):
        """Every NUM_SHARDS-th element, from INDEX on."""
        step = check_count(num_shards, "shard: num_shards", 1)
        first = check_count(index, "shard: index", 0)
        if first >= step:
            raise ValueError(f"shard: index must be below num_shards, got {first} of {step}")

        def cardinality():
            own = _count(self)
            return own if own < 0 else max(-(-(own - first) // step), 0)

        return self._reordered(lambda: itertools.islice(self._iterate(), first, None, step), cardinality)

    def filter(self, predicate):
        """The elements for which PREDICATE is true; it takes them as the function of `map` does."""
        return Dataset(lambda: (e for e in self if bool(_apply(predicate, e))), UNKNOWN_CARDINALITY)

    def concatenate(self, dataset):
        """These elements, then those of DATASET."""
        _check_dataset("concatenate", dataset)

        def cardinality():
            counts = [_count(self), _count(dataset)]
            return min(counts) if min(counts) < 0 else sum(counts)

        return Dataset(lambda: itertools.chain(self, dataset), cardinality)

    # ---- what the elements are ----

    def map(self, map_func, num_parallel_calls=None, deterministic=None):
        """MAP_FUNC of each element; a tuple is passed as its parts.

        With NUM_PARALLEL_CALLS the function runs ahead of its turn in another thread; with DETERMINISTIC=False besides,
        in as many threads as that says (one per processor for AUTOTUNE): elements keep their order, but what the
        function draws from generators of random numbers then depends on timing.
        """
        if not callable(map_func):
            raise TypeError(f"map: map_func must be a function, got {map_func!r}")
        if num_parallel_calls is None:
            return Dataset(lambda: (_element(_apply(map_func, e)) for e in self), self._cardinality)
        workers = _parallel_calls(num_parallel_calls)
        if deterministic is not False:
            return self.map(map_func).prefetch(AUTOTUNE)

        def iterate():
            return ahead.in_order(
                ahead.pool(workers), lambda element: _element(_apply(map_func, element)), self, 2 * workers
            )

        return Dataset(iterate, self._cardinality)

    def flat_map(self, map_func):
        """The elements of the data sets that MAP_FUNC makes of each element, one after the other."""

        def iterate():
            for element in self:
                inner = _apply(map_func, element)
                _check_dataset("flat_map", inner)
                yield from inner

        return Dataset(iterate, UNKNOWN_CARDINALITY)

    def enumerate(self, start=0):
        """Pairs (number of the element, element)."""
        return Dataset(lambda: ((Tensor(i, "int64"), e) for i, e in enumerate(self, start)), self._cardinality)

    def batch(self, batch_size, drop_remainder=False, num_parallel_calls=None, deterministic=None):
        """BATCH_SIZE elements each, stacked along a new first axis; the last batch has what is left unless
        DROP_REMAINDER. With NUM_PARALLEL_CALLS batches are made ahead of their turn in another thread."""
        size = check_count(batch_size, "batch: batch_size", 1)
        rows = self._rows
        join = _stack if rows is None else rows.gather

        def iterate():
            items = self._iterate()
            while group := list(itertools.islice(items, size)):
                if len(group) == size or not drop_remainder:
                    yield join(group)

        def cardinality():
            own = _count(self)
            return own if own < 0 else own // size if drop_remainder else -(-own // size)

        made = Dataset(iterate, cardinality)
        return made if num_parallel_calls is None else made.prefetch(AUTOTUNE)

    def unbatch(self):
        """The rows of each element, one by one."""

        def iterate():
            for element in self:
                rows = _Rows(element)
                for i in range(rows.count):
                    yield rows.element(i)

        return Dataset(iterate, UNKNOWN_CARDINALITY)

    # ---- when they are made ----

    def cache(self, filename=""):
        """The elements kept in memory from the first iteration that comes to the end; later ones read them there."""
        if filename:
            raise NotImplementedError("cache: elements are kept in memory alone; leave filename out, or np.save them")
        if self._rows is not None:
            return self  # its arrays are in memory, or mapped from a file, already
        kept = []

        def iterate():
            if kept:
                yield from kept[0]
                return
            seen = []
            for element in self:
                seen.append(element)
                yield element
            kept[:] = [seen]

        return Dataset(iterate, lambda: len(kept[0]) if kept else _count(self))

    def prefetch(self, buffer_size):
        """The same elements, of which up to BUFFER_SIZE (two for AUTOTUNE) are made ahead of their turn in another
        thread, while the model trains."""
        size = operator.index(buffer_size)
        if size < -1:
            raise ValueError(f"prefetch: buffer_size must be positive, 0 for none, or AUTOTUNE, got {buffer_size}")
        if size == 0:
            return self
        return Dataset(lambda: ahead.in_background(self.__iter__, _AHEAD if size < 0 else size), self._cardinality)

    def apply(self, transformation_func):
        """TRANSFORMATION_FUNC of this data set."""
        return transformation_func(self)

    # ---- to use them ----

    def __iter__(self):
        return self._iterate() if self._rows is None else map(self._rows.element, self._iterate())

    def __len__(self):
        count = _count(self)
        if count < 0:
            what = "infinite" if count == INFINITE_CARDINALITY else "unknown until it has been read"
            raise TypeError(f"the length of this Dataset is {what}; cardinality() tells without an error")
        return count

    def __bool__(self):
        return True

    def cardinality(self):
        """The number of elements; INFINITE_CARDINALITY (-1) or UNKNOWN_CARDINALITY (-2)."""
        return _count(self)

    def as_numpy_iterator(self):
        """The elements of one pass as NumPy arrays."""
        return (tree.map_structure(lambda leaf: np.array(leaf)[()], element) for element in self)

    def reduce(self, initial_state, reduce_func):
        """REDUCE_FUNC(state, element) over all elements, from INITIAL_STATE."""
        state = tree.map_structure(_leaf, _structure(initial_state))
        for element in self:
            state = _element(reduce_func(state, element))
        return state

    def __repr__(self):
        count = _count(self)
        told = {INFINITE_CARDINALITY: "endless", UNKNOWN_CARDINALITY: "of unknown length"}.get(count, f"of {count}")
        return f"<Dataset {told}>"

    def _reordered(self, iterate, cardinality):
        return Dataset(iterate, cardinality, self._rows)


class _Rows:
    """Arrays whose rows are the samples."""

    def __init__(self, arrays):
        self._arrays = tree.map_structure(_array, _structure(arrays))
        leaves = tree.flatten(self._arrays)
        if not leaves:
            raise ValueError("from_tensor_slices: there are no arrays")
        for array in leaves:
            if array.ndim == 0:
                raise ValueError("from_tensor_slices: a single number has no rows; from_tensors makes it one element")
        self.count = count_samples([("the arrays", self._arrays)])

    def element(self, i):
        return tree.map_structure(lambda array: _leaf(array[i]), self._arrays)

    def gather(self, numbers):
        """A batch of the rows NUMBERS, a list."""
        at = np.array(numbers, np.int64)

        def rows(array):
            if array.dtype.name in NATIVE and array.dtype.isnative and array.flags.c_contiguous and array.flags.aligned:
                return _take_rows(array, at)
            return _leaf(array[at])

        return tree.map_structure(rows, self._arrays)


def _structure(value):
    """VALUE with its lists, which are arrays in the making, as leaves."""
    if isinstance(value, list):
        return _array(value)
    if isinstance(value, dict):
        return type(value)((key, _structure(item)) for key, item in value.items())
    if isinstance(value, tuple):
        items = [_structure(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return value


def _array(value):
    """VALUE as an array, without a copy if it is one; of Python's numbers int32 and the default float type."""
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, list) and _is_text(np.asarray(value, dtype=object).ravel()):
        return np.asarray(value)
    if isinstance(value, list):
        return np.asarray(tensor([np.asarray(v) if hasattr(v, "__array__") else v for v in value]))
    return np.asarray(value)


def _is_text(values):
    return len(values) > 0 and isinstance(values[0], (str, bytes, os.PathLike))


def _leaf(value):
    """VALUE as a Tensor; text as it is."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, (str, bytes)) or (isinstance(value, np.ndarray) and value.dtype.kind in "USO"):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return tensor(value)


def _element(value):
    if value is None:
        raise TypeError("Dataset: an element is None; the function that makes it must return it")
    return tree.map_structure(_leaf, _structure(value))


def _element_as(value, dtypes):
    """VALUE as an element of DTYPES, a structure of names; None keeps the dtype."""

    def leaf(dtype, part):
        part = _leaf(part)
        return part if dtype is None or not isinstance(part, Tensor) else tensor(part, dtype)

    return tree.map_structure(leaf, dtypes, _structure(value))


def _dtype_name(spec):
    """The name of a dtype, given as such or by something that has one; None for text."""
    name = getattr(spec, "dtype", spec)
    name = name if isinstance(name, str) else getattr(name, "name", None) or np.dtype(name).name
    if name in ("string", "str"):
        return None
    if name not in NATIVE:
        raise ValueError(f"Dataset: dtype must be one of {', '.join(sorted(NATIVE))}, got {name!r}")
    return name


def _apply(function, element):
    return function(*element) if isinstance(element, tuple) else function(element)


def _stack(elements):
    """One element of many; they must be alike."""

    def join(*leaves):
        if not isinstance(leaves[0], Tensor):
            return np.stack([np.asarray(leaf) for leaf in leaves])
        shapes = {leaf.shape for leaf in leaves}
        if len(shapes) > 1:
            first, other = sorted(shapes)[:2]
            raise ValueError(
                f"batch: elements of the shapes {first} and {other} cannot be stacked; make them alike first, e.g. "
                "images by .map(lambda x: ops.image.resize(x, size))"
            )
        return _core.stack(list(leaves))

    return tree.map_structure(join, *elements)


def _parallel_calls(value):
    count = operator.index(value)
    if count == AUTOTUNE:
        return os.cpu_count() or 1
    if count < 1:
        raise ValueError(f"num_parallel_calls must be positive, None or AUTOTUNE, got {value}")
    return count


def _count(dataset):
    """The cardinality of a Dataset, of other iterables their length if they have one."""
    if not isinstance(dataset, Dataset):
        return len(dataset) if hasattr(dataset, "__len__") else UNKNOWN_CARDINALITY
    count = dataset._cardinality
    return count() if callable(count) else count


def _limited(own, stop):
    """The cardinality of the first STOP (None: all) of OWN elements."""
    if stop == 0:
        return 0
    if stop is None or own == UNKNOWN_CARDINALITY:
        return own
    return stop if own == INFINITE_CARDINALITY else min(own, stop)


def _check_dataset(method, value):
    if not hasattr(value, "__iter__"):
        raise TypeError(f"{method}: takes a Dataset, got {value!r}")
