"""MNIST: 70,000 handwritten digits (Y. LeCun, C. Cortes, C. J. C. Burges; http://yann.lecun.com/exdb/mnist/)."""

import os
from pathlib import Path

from cnnpy.datasets import _files, _mnist

SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
SIZE = 11_490_434
ADDRESSES = ("https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",)
FOLDERS = ("", "mnist", "MNIST", "MNIST/raw")


def load_data(path="mnist.npz"):
    """Loads MNIST: 60,000 training and 10,000 test images of the digits 0 to 9.

    Looked for in the folder `$CNNPY_DATA_DIR` (`mnist.npz`, or the four IDX files `train-images-idx3-ubyte[.gz]`, ...,
    there or in its folders `mnist`, `MNIST` or `MNIST/raw`; these are your own files and taken as they are, of any
    number of images), then in the caches `~/.cnnpy/datasets` and `~/.keras/datasets`, then downloaded; files from a
    cache or the network must have the published SHA-256.

    Args:
        path: the file's name in these folders. With a folder part, it is a file of your own and read as it is.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images uint8 of shape (60000, 28, 28) and (10000, 28, 28), 0 (paper) to
        255 (ink); labels uint8 of shape (60000,) and (10000,).

    Raises:
        cnnpy.datasets.DatasetNotFoundError: found nowhere, and the download failed. An `OSError`.
        cnnpy.datasets.DamagedFileError: a file of your own is not what it should be. An `OSError`.
        ValueError: `path` names no file.

    MNIST is derived from NIST's databases; Y. LeCun and C. Cortes hold the copyright, under CC BY-SA 3.0.
    """
    return load(path, None)


def load(path="mnist.npz", limits=None):
    """`load_data` with `limits` (`cnnpy.datasets._download.Limits`) on the download."""
    path = os.fspath(path)
    if os.path.basename(path) in ("", ".", "..") or "\0" in path:
        raise ValueError(f"mnist.load_data: path={path!r} names no file; pass a name such as 'mnist.npz'")
    own = Path(path).expanduser() if os.path.dirname(path) else find_own(path)
    if isinstance(own, dict):
        return _mnist.read_idx(lambda key: (open(own[key], "rb"), own[key]))
    if own:
        with open(own, "rb") as file:
            return _mnist.read_npz(file, own)
    remote = _files.RemoteFile(path, SHA256, SIZE, ADDRESSES, other_names=("mnist.npz",))
    file, place = _files.open_published(remote, f"{path} or the four files train-..., t10k-...-ubyte[.gz]", limits)
    with file:
        return _mnist.read_npz(file, place)


def find_own(name="mnist.npz"):
    """The npz in the user's own folder as a path, the four IDX files there as `{array name: path}`, or None."""
    folders = FOLDERS[1:] if idx_belongs_to_fashion(_files.data_dir()) else FOLDERS
    return _files.find((name,), FOLDERS) or _mnist.find_idx(folders)


def idx_belongs_to_fashion(folder):
    """True if IDX files in the user's folder itself are Fashion-MNIST's, which have the same names as MNIST's."""
    return folder is not None and "fashion" in folder.name.lower()
