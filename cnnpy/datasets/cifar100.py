"""CIFAR-100: 60,000 colour images (A. Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images)."""

from cnnpy.datasets import _cifar, _files
from cnnpy.datasets.cifar10 import find, load

CLASSES = {"fine": 100, "coarse": 20}
REMOTE = _files.RemoteFile(
    name="cifar-100-python.tar.gz",
    sha256="85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    size=169_001_437,
    addresses=("https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",),
    other_names=("cifar-100-python-target_archive", "cifar-100-python-target.tar.gz"),
)
FOLDERS = ("", "cifar100", "cifar-100")


def load_data(label_mode="fine"):
    """Loads CIFAR-100: 50,000 training and 10,000 test images of a hundred kinds of things in twenty groups.

    Looked for as `cnnpy.datasets.cifar10.load_data` does, under the names `cifar-100-python.tar.gz` and
    `cifar-100-python`.

    Args:
        label_mode: "fine" for the 100 kinds, "coarse" for the 20 groups.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images uint8 of shape (50000, 32, 32, 3) and (10000, 32, 32, 3), red,
        green, blue; labels uint8 of shape (50000, 1) and (10000, 1). (Keras's documentation says uint8 as well; its
        code returns int64.)

    Raises:
        ValueError: another `label_mode`.
        cnnpy.datasets.DatasetNotFoundError: found nowhere, and the download failed. An `OSError`.
        cnnpy.datasets.DamagedFileError: a file of your own is not what it should be. An `OSError`.
    """
    if label_mode not in CLASSES:
        raise ValueError(f"cifar100.load_data: label_mode must be 'fine' or 'coarse', got {label_mode!r}")
    return load(_layout(label_mode), REMOTE, FOLDERS)


def find_own():
    """The archive or the unpacked folder in the user's own folder, or None."""
    return find(_layout("fine"), REMOTE, FOLDERS)


def _layout(label_mode):
    return _cifar.Layout(
        folder="cifar-100-python",
        train=("train",),
        test=("test",),
        rows=50_000,
        label_key=f"{label_mode}_labels".encode(),
        classes=CLASSES[label_mode],
    )
