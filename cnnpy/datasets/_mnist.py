"""What MNIST and Fashion-MNIST share: 28x28 images of bytes with a label each, as one npz or as four IDX files."""

import os

import numpy as np

from cnnpy.datasets import _files, _idx, _npz
from cnnpy.datasets.errors import DamagedFileError

MAX_IMAGES = 250_000  # bounds what a file may make us allocate: 196 MB; MNIST has 60,000
IDX_FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


def check_images(shape, dtype):
    if dtype != np.uint8 or len(shape) != 3 or shape[1:] != (28, 28) or not 0 < shape[0] <= MAX_IMAGES:
        return f"is {dtype} of shape {shape}, expected uint8 (n, 28, 28) with n from 1 to {MAX_IMAGES:,}"
    return None


def check_labels(shape, dtype):
    if dtype.kind not in "iu" or len(shape) != 1 or not 0 < shape[0] <= MAX_IMAGES:
        return f"is {dtype} of shape {shape}, expected whole numbers of shape (n,) with n from 1 to {MAX_IMAGES:,}"
    return None


CHECKS = {name: check_images if name.startswith("x") else check_labels for name in IDX_FILES}


def read_npz(file, path):
    """`(x_train, y_train), (x_test, y_test)` from the open npz FILE."""
    return _finish(_npz.read_arrays(file, path, CHECKS), path)


def find_idx(folders):
    """`{array name: path}` of the four IDX files in the first of FOLDERS of the user's own that has them; or None."""
    for folder in folders:
        paths = {key: _files.find((name, name + ".gz"), (folder,)) for key, name in IDX_FILES.items()}
        present = [path for path in paths.values() if path]
        if len(present) == len(paths):
            return paths
        if present:
            missing = ", ".join(f"{IDX_FILES[key]}[.gz]" for key, path in paths.items() if not path)
            raise FileNotFoundError(f"{os.path.dirname(present[0])} has {present[0].name}, but lacks {missing}")
    return None


def read_idx(opener):
    """The same from four IDX files: OPENER gives (open file, path) for an array's name."""
    arrays = {}
    for key, check in CHECKS.items():
        file, path = opener(key)
        with file:
            arrays[key] = _idx.read_array(file, path, 3 if key.startswith("x") else 1, _plainly(check))
    return _finish(arrays, path.parent)


def _plainly(check):
    """CHECK, with the type left out of what it says: an IDX file has no other."""

    def check_shape(shape, dtype):
        problem = check(shape, dtype)
        return problem and problem.replace(f"is {dtype} of", "has an array of", 1)

    return check_shape


def _finish(arrays, path):
    """Pairs images with labels and makes the labels uint8, after a look at their range."""
    for part in ("train", "test"):
        images, labels = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if len(images) != len(labels):
            raise DamagedFileError(path, f"has {len(images):,} images x_{part} and {len(labels):,} labels y_{part}")
        if labels.min() < 0 or labels.max() > 9:
            raise DamagedFileError(path, f"labels y_{part} go from {labels.min()} to {labels.max()}, not from 0 to 9")
        arrays[f"y_{part}"] = labels.astype(np.uint8, copy=False)
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
