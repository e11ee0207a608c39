"""Real MNIST and CIFAR-10 for tests that need them; a test is skipped where they are not.

Looked for in `$CNNPY_DATA_DIR` and in a folder `shared/data` beside the repository or beside the folder it lies in.
CIFAR-10 is an archive of JPEG files there, which is decoded once into a file in the system's temporary folder.
"""

import io
import os
import tarfile
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest

ABOVE = Path(__file__).resolve().parents[2:4]
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def _folders():
    own = os.environ.get("CNNPY_DATA_DIR")
    return [*([Path(own)] if own else []), *(folder / "shared" / "data" for folder in ABOVE)]


@cache
def _mnist():
    for folder in _folders():
        if (folder / "mnist.npz").is_file():
            with np.load(folder / "mnist.npz", allow_pickle=False) as arrays:
                return tuple(arrays[name] for name in ("x_train", "y_train", "x_test", "y_test"))
    return None


@cache
def _cifar10():
    for folder in _folders():
        archive = folder / "cifar10-jpeg.tar.xz"
        if archive.is_file():
            decoded = Path(tempfile.gettempdir()) / f"cnnpy-tests-{os.getuid()}-cifar10.npz"
            if not decoded.is_file():
                _decode(archive, decoded)
            with np.load(decoded, allow_pickle=False) as arrays:
                return tuple(arrays[name] for name in ("x_train", "y_train", "x_test", "y_test"))
    return None


def _decode(archive, target):
    """Writes the images of the archive's files `split/label/name`, in a fixed random order, as an npz."""
    image = pytest.importorskip("PIL.Image")
    found = {"train": ([], []), "test": ([], [])}
    with tarfile.open(archive) as members:
        for member in members:
            if member.isreg():
                split, label, _ = member.name.split("/")
                content = io.BytesIO(members.extractfile(member).read())
                found[split][0].append(np.asarray(image.open(content).convert("RGB")))
                found[split][1].append(CLASSES.index(label))
    arrays = {}
    for split, (images, labels) in found.items():
        order = np.random.default_rng(len(labels)).permutation(len(labels))
        arrays[f"x_{split}"] = np.stack(images)[order]
        arrays[f"y_{split}"] = np.array(labels, np.uint8)[order, None]
    with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".npz", delete=False) as part:
        np.savez(part, **arrays)
    os.replace(part.name, target)


def mnist():
    """`(x_train, y_train), (x_test, y_test)`: all of MNIST as Keras returns it, or the test is skipped."""
    arrays = _mnist()
    if arrays is None:
        pytest.skip("no mnist.npz in $CNNPY_DATA_DIR or shared/data")
    return (arrays[0].copy(), arrays[1].copy()), (arrays[2].copy(), arrays[3].copy())


def cifar10():
    """`(x_train, y_train), (x_test, y_test)`: all of CIFAR-10 as Keras returns it, or the test is skipped.

    The pixels are those of JPEG copies, close to the original's.
    """
    arrays = _cifar10()
    if arrays is None:
        pytest.skip("no cifar10-jpeg.tar.xz in $CNNPY_DATA_DIR or shared/data")
    return (arrays[0].copy(), arrays[1].copy()), (arrays[2].copy(), arrays[3].copy())
