"""Endless iterators over batches of an ImageDataGenerator.

All random numbers of a batch are drawn in the thread that asks for batches, in order; only then the batch is made,
in `fit` by threads that work ahead. So it is the same whatever the number of threads.
"""

import os
import threading

import numpy as np

from cnnpy import config
from cnnpy.models.data import check_count
from cnnpy.preprocessing.image.files import array_to_img
from cnnpy.utils.py_dataset import PyDataset


class Iterator(PyDataset):
    """The base: the order of samples. Subclasses define `_shape(indices)` and `_make(indices, parameters)`.

    Arguments:
        n: number of samples. batch_size: the last batch of a pass has what is left.
        shuffle: another order in each pass. seed: of the order and the transforms; by default NumPy's global generator.

    `fit` and its kin have batches made ahead by threads, with `use_multiprocessing` too.
    """

    white_list_formats = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")

    def __init__(self, n, batch_size, shuffle, seed, **kwargs):
        super().__init__(**kwargs)
        self.n = n
        self.batch_size = check_count(batch_size, "batch_size", 1)
        self.seed = check_count(seed, "seed", 0)
        self.shuffle = shuffle
        self.batch_index = 0
        self.total_batches_seen = 0
        self.index_array = None
        self.lock = threading.RLock()
        self._own = None if self.seed is None else np.random.RandomState(0)
        self._random = np.random if self._own is None else self._own

    def __len__(self):
        return -(-self.n // self.batch_size)

    def _set_index_array(self):
        self.index_array = self._random.permutation(self.n) if self.shuffle else np.arange(self.n)

    def _seeded(self):
        if self.seed is not None:
            self._own.seed((self.seed + self.total_batches_seen) % 2**32)
        self.total_batches_seen += 1

    def _batch_task(self, index):
        """A function that makes batch INDEX of the pass; what is random about it is settled now."""
        if not 0 <= index < len(self):
            raise IndexError(f"{type(self).__name__} has {len(self)} batches, there is no batch {index}")
        with self.lock:
            self._seeded()
            if self.index_array is None:
                self._set_index_array()
            return self._task(self.index_array[self.batch_size * index : self.batch_size * (index + 1)])

    def _task(self, indices):
        parameters = self._parameters(indices)
        return lambda: self._make(indices, parameters)

    def __getitem__(self, index):
        return self._batch_task(index + len(self) if index < 0 else index)()

    def __iter__(self):
        return self

    def __next__(self):
        with self.lock:
            self._seeded()
            if self.batch_index == 0 or self.index_array is None:
                self._set_index_array()
            start = self.batch_index * self.batch_size
            self.batch_index = self.batch_index + 1 if start + self.batch_size < self.n else 0
            task = self._task(self.index_array[start : start + self.batch_size])
        return task()

    def next(self):
        """The next batch."""
        return self.__next__()

    def reset(self):
        """The next batch is the first of a new pass."""
        self.batch_index = 0

    def on_epoch_end(self):
        """A new order."""
        with self.lock:
            self._set_index_array()

    def _save(self, batch, indices):
        """Writes the images of a batch into `save_to_dir`, to look at."""
        for image, index in zip(batch, indices):
            name = f"{self.save_prefix}_{index}_{np.random.default_rng().integers(10**7)}.{self.save_format}"
            array_to_img(image, self.data_format, scale=True).save(os.path.join(self.save_to_dir, name))


class NumpyArrayIterator(Iterator):
    """Batches of arrays, from `ImageDataGenerator.flow`: `x`, `(x, y)` or `(x, y, sample_weight)`.

    Arguments:
        x: images with 4 dimensions, of any number dtype, memory-mapped or not; only the rows of a batch are ever
            copied. Or a tuple `(images, array or list of arrays)`: x of the batch is then a list of both.
        y, sample_weight: arrays with a row for each image (Keras gives the training subset the weights of other rows).
        subset: 'training' or 'validation', the parts that the generator's `validation_split` makes. Unless
            IGNORE_CLASS_SPLIT, both must have the same labels.
        save_to_dir: a folder for copies of the images, named `SAVE_PREFIX_index_random.SAVE_FORMAT`.
    """

    def __init__(
        self, x, y, image_data_generator, batch_size=32, shuffle=False, sample_weight=None, seed=None,
        data_format=None, save_to_dir=None, save_prefix="", save_format="png", subset=None, ignore_class_split=False,
        dtype=None, **kwargs,
    ):  # fmt: skip
        more = []
        if isinstance(x, (tuple, list)):
            if len(x) != 2:
                raise ValueError(f"flow: x as a tuple must be (images, other arrays), got {len(x)} parts")
            x, rest = x
            more = [np.asarray(a) for a in (rest if isinstance(rest, list) else [rest])]
        x = x if isinstance(x, np.ndarray) else np.asarray(x)
        if x.ndim != 4 or x.dtype.kind not in "fiub":
            raise ValueError(f"flow: x must be images, numbers with 4 dimensions; got {x.dtype} of shape {x.shape}")
        y = None if y is None else np.asarray(y)
        sample_weight = None if sample_weight is None else np.asarray(sample_weight)
        parts = [("x[1]", a) for a in more] + [("y", y), ("sample_weight", sample_weight)]
        for name, part in parts:
            if part is not None and len(part) != len(x):
                raise ValueError(f"flow: there are {len(x)} images, but {name} has {len(part)} rows")
        image_data_generator._check_channels(x.shape, "flow")
        span = self._span(subset, image_data_generator, len(x), None if ignore_class_split else y)
        self.x, self.x_misc = x[span], [a[span] for a in more]
        self.y = None if y is None else y[span]
        self.sample_weight = None if sample_weight is None else sample_weight[span]
        self.dtype = dtype or config.floatx()
        self.image_data_generator = image_data_generator
        self.data_format = config.standardize_data_format(data_format)
        self.save_to_dir, self.save_prefix, self.save_format = save_to_dir, save_prefix, save_format
        super().__init__(len(self.x), batch_size, shuffle, seed, **kwargs)

    @staticmethod
    def _span(subset, generator, count, labels):
        if subset is None:
            return slice(None)
        if subset not in ("training", "validation"):
            raise ValueError(f"flow: subset must be 'training' or 'validation', got {subset!r}")
        at = int(count * generator._validation_split)
        if labels is not None and not np.array_equal(np.unique(labels[:at]), np.unique(labels[at:])):
            raise ValueError(
                "flow: training and validation subsets have different labels; shuffle the arrays before (they may be "
                "sorted by label), or pass ignore_class_split=True"
            )
        return slice(0, at) if subset == "validation" else slice(at, None)

    def _parameters(self, indices):
        shape = self.x.shape[1:]
        return self.image_data_generator._draw_columns(shape, self._random, len(indices))

    def _make(self, indices, parameters):
        batch = self.image_data_generator._batch(self.x[indices], parameters)
        if self.save_to_dir:
            self._save(batch, indices)
        result = [batch, *(a[indices] for a in self.x_misc)] if self.x_misc else batch
        if self.y is None:
            return result
        if self.sample_weight is None:
            return result, self.y[indices]
        return result, self.y[indices], self.sample_weight[indices]
