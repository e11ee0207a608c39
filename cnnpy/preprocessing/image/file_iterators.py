"""Iterators over image files, from folders and from data frames."""

import os
import warnings

import numpy as np

from cnnpy import config
from cnnpy.preprocessing.image import files
from cnnpy.preprocessing.image.iterators import Iterator

CACHE_BYTES = 256 * 2**20


class FileIterator(Iterator):
    """The base: batches of decoded, transformed files. Decoded images are kept while they fit into `cache_bytes`
    (those that came first stay, since a pass meets each once).

    Subclasses set `filepaths`, `class_mode`, `classes` or `labels`, and `sample_weight`.
    """

    sample_weight = None

    def set_processing_attrs(
        self, image_data_generator, target_size, color_mode, data_format, save_to_dir, save_prefix, save_format, subset,
        interpolation, keep_aspect_ratio, on_error="raise", cache_bytes=CACHE_BYTES,
    ):  # fmt: skip
        """Sets how files become batches; raises ValueError for what cannot be."""
        self.image_data_generator = image_data_generator
        self.target_size = files.check_target_size(target_size)
        self.color_mode = files.check_color_mode(color_mode)
        self.interpolation = files.check_interpolation(interpolation)
        self.keep_aspect_ratio = keep_aspect_ratio
        self.data_format = config.standardize_data_format(data_format)
        channels = {"rgba": 4, "rgb": 3, "grayscale": 1}[color_mode]
        last = self.data_format == "channels_last"
        self.image_shape = (*self.target_size, channels) if last else (channels, *self.target_size)
        self.save_to_dir, self.save_prefix, self.save_format = save_to_dir, save_prefix, save_format
        if subset not in (None, "training", "validation"):
            raise ValueError(f"subset must be 'training' or 'validation', got {subset!r}")
        if on_error not in ("raise", "skip"):
            raise ValueError(f"on_error must be 'raise' or 'skip', got {on_error!r}")
        at = image_data_generator._validation_split
        self.split = {None: None, "validation": (0, at), "training": (at, 1)}[subset]
        self.subset = subset
        self.on_error = on_error
        self.unreadable = set()
        self._cache, self._room = {}, cache_bytes

    def _part(self, count):
        """The slice of COUNT files that the subset is."""
        return slice(None) if self.split is None else slice(*(int(share * count) for share in self.split))

    def _parameters(self, indices):
        return self.image_data_generator._draw_columns(self.image_shape, self._random, len(indices))

    def _read(self, index):
        """The decoded image; None for one that cannot be read and is to be skipped."""
        pixels = self._cache.get(index)
        if pixels is not None:
            return pixels
        path = self.filepaths[index]
        try:
            image = files.load_img(path, self.color_mode, self.target_size, self.interpolation, self.keep_aspect_ratio)
        except (ValueError, OSError) as error:
            if self.on_error == "raise":
                raise
            with self.lock:
                fresh = path not in self.unreadable
                self.unreadable.add(path)
            if fresh:
                warnings.warn(f"left out, {len(self.unreadable)} of {self.n} so far: {error}", stacklevel=2)
            return None
        pixels = files.img_to_array(image, self.data_format, "uint8" if image.mode in files.MODES.values() else None)
        with self.lock:
            if pixels.nbytes <= self._room and index not in self._cache:
                self._room -= pixels.nbytes
                self._cache[index] = pixels
        return pixels

    def _make(self, indices, parameters):
        read = [self._read(index) for index in indices]
        kept = np.array([pixels is not None for pixels in read])
        if not kept.any():
            raise ValueError(f"no image of a batch of {len(indices)} could be read, e.g. {self.filepaths[indices[0]]}")
        if not kept.all():
            indices, read = indices[kept], [pixels for pixels in read if pixels is not None]
            parameters = {name: v[kept] if np.ndim(v) else v for name, v in parameters.items()}
        batch = self.image_data_generator._batch(np.stack(read), parameters)
        if self.save_to_dir:
            self._save(batch, indices)
        if self.class_mode is None:
            return batch
        y = self._targets_of(batch, indices)
        return (batch, y) if self.sample_weight is None else (batch, y, self.sample_weight[indices])

    def _targets_of(self, batch, indices):
        if self.class_mode == "input":
            return batch.copy()
        if self.class_mode == "multi_output":
            return [output[indices] for output in self.labels]
        if self.class_mode == "raw":
            return self.labels[indices]
        numbers = [self.classes[i] for i in indices]
        if self.class_mode in ("binary", "sparse"):
            return np.array(numbers, self.dtype)
        y = np.zeros((len(numbers), len(self.class_indices)), self.dtype)
        for row, number in zip(y, numbers):
            row[number] = 1
        return y


class DirectoryIterator(FileIterator):
    """Batches of the images in a folder's sub-folders, one a class; from `ImageDataGenerator.flow_from_directory`."""

    def __init__(
        self, directory, image_data_generator, target_size=(256, 256), color_mode="rgb", classes=None,
        class_mode="categorical", batch_size=32, shuffle=True, seed=None, data_format=None, save_to_dir=None,
        save_prefix="", save_format="png", follow_links=False, subset=None, interpolation="nearest",
        keep_aspect_ratio=False, dtype=None, on_error="raise", cache_bytes=CACHE_BYTES,
    ):  # fmt: skip
        self.set_processing_attrs(
            image_data_generator, target_size, color_mode, data_format, save_to_dir, save_prefix, save_format, subset,
            interpolation, keep_aspect_ratio, on_error, cache_bytes,
        )  # fmt: skip
        modes = ("categorical", "binary", "sparse", "input", None)
        if class_mode not in modes:
            raise ValueError(f"flow_from_directory: class_mode must be one of {modes}, got {class_mode!r}")
        self.directory, self.class_mode, self.dtype = os.fspath(directory), class_mode, dtype or config.floatx()
        if not os.path.isdir(self.directory):
            raise FileNotFoundError(f"flow_from_directory: there is no folder {self.directory}")
        names = list(classes or sorted(e.name for e in os.scandir(self.directory) if e.is_dir()))
        if not names:
            raise ValueError(
                f"flow_from_directory: {self.directory} has no sub-folders, which would be the classes; put the images "
                "into sub-folders"
            )
        if len(set(names)) < len(names):
            raise ValueError(f"flow_from_directory: classes has a name twice: {names}")
        self.class_indices = {name: i for i, name in enumerate(names)}
        self.num_classes = len(names)
        self.filenames, numbers = [], []
        for name in names:
            found = self._files(name, follow_links)
            found = found[self._part(len(found))]
            self.filenames += found
            numbers += [self.class_indices[name]] * len(found)
        self.classes = np.array(numbers, "int32")
        self.samples = len(self.filenames)
        self.filepaths = [os.path.join(self.directory, name) for name in self.filenames]
        print(f"Found {self.samples} images belonging to {self.num_classes} classes.")
        if not self.samples:
            raise ValueError(f"flow_from_directory: no images ({', '.join(self.white_list_formats)}) in {names}")
        super().__init__(self.samples, batch_size, shuffle, seed)

    @property
    def labels(self):
        """The class of each file."""
        return self.classes

    def _files(self, name, follow_links):
        folder = os.path.join(self.directory, name)
        if not os.path.isdir(folder):
            raise FileNotFoundError(f"flow_from_directory: there is no folder {folder} for the class {name!r}")
        return [
            os.path.join(name, os.path.relpath(os.path.join(root, file), folder))
            for root, _, found in sorted(os.walk(folder, followlinks=follow_links))
            for file in sorted(found)
            if file.lower().endswith(self.white_list_formats)
        ]


class DataFrameIterator(FileIterator):
    """Batches of the images that a data frame names; from `ImageDataGenerator.flow_from_dataframe`."""

    def __init__(
        self, dataframe, directory=None, image_data_generator=None, x_col="filename", y_col="class", weight_col=None,
        target_size=(256, 256), color_mode="rgb", classes=None, class_mode="categorical", batch_size=32, shuffle=True,
        seed=None, data_format=None, save_to_dir=None, save_prefix="", save_format="png", subset=None,
        interpolation="nearest", keep_aspect_ratio=False, dtype=None, validate_filenames=True, on_error="raise",
        cache_bytes=CACHE_BYTES,
    ):  # fmt: skip
        self.set_processing_attrs(
            image_data_generator, target_size, color_mode, data_format, save_to_dir, save_prefix, save_format, subset,
            interpolation, keep_aspect_ratio, on_error, cache_bytes,
        )  # fmt: skip
        modes = ("binary", "categorical", "input", "multi_output", "raw", "sparse", None)
        if class_mode not in modes:
            raise ValueError(f"flow_from_dataframe: class_mode must be one of {modes}, got {class_mode!r}")
        self.directory, self.class_mode, self.dtype = directory or "", class_mode, dtype or config.floatx()
        labelled = class_mode in ("binary", "categorical", "sparse")
        if class_mode == "multi_output" and not isinstance(y_col, list):
            raise TypeError(f"flow_from_dataframe: class_mode='multi_output' needs a list of columns, got {y_col!r}")
        columns = [x_col, *([weight_col] if weight_col else [])]
        columns += [] if class_mode in ("input", None) else y_col if isinstance(y_col, list) else [y_col]
        missing = [name for name in columns if name not in dataframe.columns]
        if missing:
            raise ValueError(
                f"flow_from_dataframe: there are no columns {missing}; there are {list(dataframe.columns)}"
            )
        twice = sorted({str(name) for name in columns if list(dataframe.columns).count(name) > 1})
        if twice:
            raise ValueError(f"flow_from_dataframe: the data frame has several columns {', '.join(twice)}; rename them")
        if weight_col and dataframe[weight_col].dtype.kind not in "fiub":
            raise TypeError(f"flow_from_dataframe: the column {weight_col!r} of weights must hold numbers")
        if weight_col and dataframe[weight_col].isna().any():
            raise ValueError(
                f"flow_from_dataframe: the column {weight_col!r} of weights has NaN; fill or drop its rows"
            )
        names = list(dataframe[x_col])
        bad = [i for i, name in enumerate(names) if not isinstance(name, str)]
        if bad:
            raise TypeError(f"flow_from_dataframe: {x_col!r} must hold strings, row {bad[0]} has {names[bad[0]]!r}")
        rows = np.arange(len(names))
        if validate_filenames:
            rows = self._valid(names, rows, x_col)
        if labelled:
            rows, numbers = self._label(dataframe[y_col].tolist(), rows, y_col, classes)
        elif classes:
            warnings.warn(f"flow_from_dataframe: classes are not used with class_mode={class_mode!r}", stacklevel=3)
        part = self._part(len(rows))
        rows = rows[part]
        if labelled:
            self.classes = numbers[part]
        self.filenames = [names[i] for i in rows]
        self.samples = len(rows)
        self.filepaths = [os.path.join(self.directory, name) for name in self.filenames]
        if weight_col:
            self.sample_weight = np.asarray(dataframe[weight_col])[rows]
        self.labels = self.classes if labelled else None
        if class_mode == "multi_output":
            self.labels = [np.array(dataframe[name].tolist())[rows] for name in y_col]
        elif class_mode == "raw":
            self.labels = np.asarray(dataframe[y_col])[rows]
        told = f" belonging to {len(self.class_indices)} classes" if labelled else ""
        print(f"Found {self.samples} {'' if validate_filenames else 'non-'}validated image filenames{told}.")
        if not self.samples:
            raise ValueError("flow_from_dataframe: no rows are left; do the file names fit to the directory?")
        super().__init__(self.samples, batch_size, shuffle, seed)

    def _valid(self, names, rows, x_col):
        def valid(name):
            return name.lower().endswith(self.white_list_formats) and os.path.isfile(os.path.join(self.directory, name))

        kept = np.array([valid(name) for name in names], bool)
        if not kept.all():
            first = names[int(np.argmin(kept))]
            warnings.warn(
                f"flow_from_dataframe: {int((~kept).sum())} of {len(names)} files of {x_col!r} are no images or not "
                f"there, e.g. {first}; they are left out",
                stacklevel=4,
            )
        return rows[kept]

    def _label(self, labels, rows, y_col, classes):
        """(the rows that have a class, their numbers): one number, or a list of them for a row of several labels."""
        kinds = (str, list, tuple) if self.class_mode == "categorical" else str
        for i in rows:
            if not isinstance(labels[i], kinds):
                raise TypeError(
                    f"flow_from_dataframe: {y_col!r} must hold strings for class_mode={self.class_mode!r}, row {i} has "
                    f"{labels[i]!r}; drop rows without a label, and turn numbers into strings by .astype(str)"
                )
        several = {i: labels[i] if isinstance(labels[i], (list, tuple)) else [labels[i]] for i in rows}
        names = list(dict.fromkeys(classes)) if classes else sorted({name for own in several.values() for name in own})
        if self.class_mode == "binary" and len(names) != 2:
            raise ValueError(f"flow_from_dataframe: class_mode='binary' needs 2 classes, there are {len(names)}")
        self.class_indices = {name: i for i, name in enumerate(names)}
        numbers = {i: [self.class_indices[n] for n in own if n in self.class_indices] for i, own in several.items()}
        kept = [i for i in rows if numbers[i]]
        return np.array(kept, int), [
            numbers[i] if isinstance(labels[i], (list, tuple)) else numbers[i][0] for i in kept
        ]
