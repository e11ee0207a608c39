"""`image_dataset_from_directory`: images in folders, one a class, as a Dataset."""

import os
import warnings

import numpy as np

from cnnpy import _core, config, ops
from cnnpy._core import Tensor
from cnnpy.data import ahead
from cnnpy.data.dataset import AUTOTUNE, UNKNOWN_CARDINALITY, Dataset
from cnnpy.models.data import check_count
from cnnpy.ops.image import INTERPOLATIONS, choose
from cnnpy.preprocessing.image.files import MODES, open_image

FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_NAMED = 5  # files that a warning lists


def image_dataset_from_directory(
    directory,
    labels="inferred",
    label_mode="int",
    class_names=None,
    color_mode="rgb",
    batch_size=32,
    image_size=(256, 256),
    shuffle=True,
    seed=None,
    validation_split=None,
    subset=None,
    interpolation="bilinear",
    follow_links=False,
    crop_to_aspect_ratio=False,
    pad_to_aspect_ratio=False,
    data_format=None,
    format=None,
    verbose=True,
    on_error="raise",
):
    """The images under DIRECTORY in batches, a `data.Dataset` of (images, labels); images alone without labels.

    Images are float32 from 0 to 255, (batch, *IMAGE_SIZE, channels): .bmp, .gif (its first frame), .jpeg, .jpg and .png
    files, resized by INTERPOLATION as `ops.image.resize` does. They are decoded by a thread per processor and batched
    ahead of their turn, in an order that SEED fixes; each pass has its own with SHUFFLE, which mixes all files.

    Arguments:
        labels: 'inferred' (a class for each sub-folder), None, or whole numbers for the files in sorted order.
        label_mode: 'int' (int32), 'binary' (float32 (batch, 1)), 'categorical' (one-hot float32) or None.
        class_names: the sub-folders to take, in the order of their labels; by default all, sorted.
        color_mode: 'rgb', 'rgba' or 'grayscale'.
        batch_size: None for single images.
        validation_split, subset: the fraction kept for validation, and which part to give: 'training', 'validation', or
            'both' for a list of two data sets. With SHUFFLE a SEED is needed, so that the parts do not overlap.
        on_error: of files that cannot be read: 'raise', or 'skip' with a warning that counts them.

    The data set has the attributes `class_names` and `file_paths`. Raises ValueError, FileNotFoundError or
    NotADirectoryError before anything is read.
    """
    if format not in (None, "tf"):
        raise NotImplementedError(f"format={format!r}: leave it out; the result is a cnnpy.data.Dataset")
    if label_mode not in ("int", "categorical", "binary", None):
        raise ValueError(f"label_mode must be 'int', 'categorical', 'binary' or None, got {label_mode!r}")
    choose("image_dataset_from_directory", "color_mode", color_mode, tuple(MODES))
    choose("image_dataset_from_directory", "on_error", on_error, ("raise", "skip"))
    interpolation = interpolation.lower()
    if interpolation in ("gaussian", "mitchellcubic"):
        raise NotImplementedError(f"interpolation={interpolation!r} is not offered; use 'bicubic' or 'area'")
    choose("image_dataset_from_directory", "interpolation", interpolation, INTERPOLATIONS)
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("crop_to_aspect_ratio and pad_to_aspect_ratio cannot both be True")
    size = _image_size(image_size)
    batch_size = check_count(batch_size, "batch_size", 1)
    data_format = config.standardize_data_format(data_format)
    _check_split(validation_split, subset, shuffle, seed)
    seed = int(np.random.randint(10**6)) if seed is None else seed
    if labels is None or label_mode is None:
        labels = label_mode = None
    paths, numbers, class_names = _index(directory, labels, class_names, follow_links)
    if label_mode == "binary" and len(class_names) != 2:
        raise ValueError(f"label_mode='binary' is for two classes, {directory} has {len(class_names)}: {class_names}")
    if verbose:
        of_classes = "" if numbers is None else f" belonging to {len(class_names)} classes"
        print(f"Found {len(paths)} files{of_classes}.")
    if shuffle:
        order = np.random.RandomState(seed).permutation(len(paths))
        paths, numbers = [paths[i] for i in order], None if numbers is None else numbers[order]

    def load(path):
        return read_image(path, color_mode, size, interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio, data_format)

    def dataset(part):
        chosen = paths[_span(part, validation_split, len(paths))]
        if not chosen:
            raise ValueError(
                f"No {part + ' ' if part else ''}images found in directory {directory}. Allowed formats: {FORMATS}"
            )
        if verbose and part:
            print(f"Using {len(chosen)} files for {part}.")
        encoded = None
        if numbers is not None:
            encoded = _encode(numbers[_span(part, validation_split, len(paths))], label_mode, len(class_names))
        mixes = shuffle and not (subset == "both" and part == "validation")
        result = _dataset(chosen, encoded, load, seed if mixes else None, on_error)
        result = (result if batch_size is None else result.batch(batch_size)).prefetch(AUTOTUNE)
        result.class_names = class_names
        result.file_paths = chosen
        return result

    return [dataset("training"), dataset("validation")] if subset == "both" else dataset(subset)


def read_image(path, color_mode, size, interpolation="bilinear", crop=False, pad=False, data_format="channels_last"):
    """The image in the file PATH, float32, in SIZE (height, width). Raises ValueError naming the file."""
    pixels = np.asarray(open_image(path, color_mode))
    pixels = Tensor(pixels if pixels.ndim == 3 else pixels[..., None], "float32")
    options = {"interpolation": interpolation, "data_format": "channels_last"}
    if pad:
        image = _resize_with_padding(pixels, size, **options)
    else:
        image = ops.image.resize(pixels, size, crop_to_aspect_ratio=crop, **options)
    return image if data_format == "channels_last" else _core.transpose(image, axes=(2, 0, 1))


def _resize_with_padding(image, size, **options):
    """IMAGE as large as SIZE has room for, and black around it."""
    ratio = max(have / want for have, want in zip(image.shape, size))
    inner = [max(int(n / ratio), 1) for n in image.shape[:2]]
    before = [max(int((want - have / ratio) / 2), 0) for have, want in zip(image.shape, size)]
    after = [want - first - n for want, first, n in zip(size, before, inner)]
    return _core.pad(
        ops.image.resize(image, inner, **options), padding=(before[0], after[0], before[1], after[1], 0, 0)
    )


def _dataset(paths, labels, load, seed, on_error):
    """Single images, with their LABELS if there are any; in an order of its own each pass if there is a SEED."""
    numbers = Dataset(lambda: iter(range(len(paths))), len(paths))
    if seed is not None:
        numbers = numbers.shuffle(len(paths), seed)

    def element(number):
        try:
            image = load(paths[number])
        except (ValueError, OSError) as error:
            if on_error == "raise":
                raise
            return error
        return image if labels is None else (image, labels[number])

    def iterate():
        workers, unread = os.cpu_count() or 1, []
        for item in ahead.in_order(ahead.pool(workers), element, numbers, 4 * workers):
            if isinstance(item, Exception):
                unread.append(str(item))
            else:
                yield item
        if unread:
            told = "; ".join(unread[:_NAMED]) + ("; ..." if len(unread) > _NAMED else "")
            warnings.warn(f"{len(unread)} of {len(paths)} images were left out: {told}", stacklevel=2)

    return Dataset(iterate, len(paths) if on_error == "raise" else UNKNOWN_CARDINALITY)


def _encode(numbers, label_mode, classes):
    """The labels as tensors, one by one."""
    if label_mode == "int":
        rows = np.asarray(numbers, "int32")
    elif label_mode == "binary":
        rows = np.asarray(numbers, "float32")[:, None]
    else:
        if min(numbers) < 0 or max(numbers) >= classes:
            raise ValueError(
                f"label_mode='categorical' needs labels from 0 to {classes - 1}, got {sorted(set(numbers))}"
            )
        rows = np.eye(classes, dtype="float32")[numbers]
    return [Tensor(row) for row in rows]


def _span(part, fraction, count):
    """The slice of COUNT files that PART is; the last ones are for validation."""
    if not fraction:
        return slice(None)
    at = count - int(fraction * count)
    return slice(0, at) if part == "training" else slice(at, count)


def _image_size(value):
    size = (value, value) if isinstance(value, int) else value
    if not isinstance(size, (list, tuple)) or len(size) != 2:
        raise ValueError(f"image_size must be a whole number or two, (height, width), got {value!r}")
    return tuple(check_count(n, "image_size", 1) for n in size)


def _check_split(fraction, subset, shuffle, seed):
    if fraction and not 0 < fraction < 1:
        raise ValueError(f"validation_split must be between 0 and 1, got {fraction}")
    if subset not in ("training", "validation", "both", None):
        raise ValueError(f"subset must be 'training', 'validation' or 'both', got {subset!r}")
    if bool(fraction) != bool(subset):
        raise ValueError("validation_split and subset belong together: pass both or neither")
    if fraction and shuffle and seed is None:
        raise ValueError(
            "with validation_split and shuffle a seed is needed, the same for both subsets, so that they do not overlap"
        )


def _index(directory, labels, class_names, follow_links):
    """(paths, labels as numbers or None, names of the classes or None), sorted."""
    directory = os.fspath(directory)
    if not os.path.exists(directory):
        raise FileNotFoundError(f"there is no folder {directory}")
    if not os.path.isdir(directory):
        raise NotADirectoryError(f"{directory} is no folder")
    if labels != "inferred":
        return _index_flat(directory, labels, class_names, follow_links)
    found = sorted(e.name for e in os.scandir(directory) if e.is_dir() and not e.name.startswith("."))
    if not found:
        raise ValueError(
            f"{directory} has no sub-folders, which would be the classes; put the images of each class into one of its "
            "own, or pass labels=None"
        )
    if class_names is not None and not set(class_names) <= set(found):
        raise ValueError(f"class_names {list(class_names)} are not all among the sub-folders of {directory}: {found}")
    names = found if class_names is None else list(class_names)
    per_class = [_files(os.path.join(directory, name), follow_links) for name in names]
    numbers = np.repeat(np.arange(len(names), dtype="int32"), [len(files) for files in per_class])
    return [path for files in per_class for path in files], numbers, names


def _index_flat(directory, labels, class_names, follow_links):
    if class_names is not None:
        raise ValueError("class_names is for labels='inferred'; given labels name the classes themselves")
    if labels is not None and not isinstance(labels, (list, tuple)):
        raise ValueError(f"labels must be 'inferred', None, or a list of whole numbers, got {labels!r}")
    paths = _files(directory, follow_links)
    if labels is None:
        return paths, None, None
    if len(labels) != len(paths):
        raise ValueError(f"there are {len(labels)} labels, but {len(paths)} image files in {directory}")
    return paths, np.asarray(labels), [str(label) for label in sorted(set(labels))]


def _files(folder, follow_links):
    walk = sorted(os.walk(folder, followlinks=follow_links), key=lambda entry: entry[0])
    return [
        os.path.join(root, name) for root, _, names in walk for name in sorted(names) if name.lower().endswith(FORMATS)
    ]
