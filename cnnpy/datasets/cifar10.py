"""CIFAR-10: 60,000 colour images (A. Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images)."""

from cnnpy.datasets import _cifar, _files

LAYOUT = _cifar.Layout(
    folder="cifar-10-batches-py",
    train=tuple(f"data_batch_{i}" for i in range(1, 6)),
    test=("test_batch",),
    rows=10_000,
    label_key=b"labels",
    classes=10,
)
REMOTE = _files.RemoteFile(
    name="cifar-10-python.tar.gz",
    sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    size=170_498_071,
    addresses=("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",),
    other_names=(
        "cifar-10-batches-py.tar.gz",
        "cifar-10-batches-py-target_archive",
        "cifar-10-batches-py-target.tar.gz",
    ),
)
FOLDERS = ("", "cifar10", "cifar-10")


def load_data():
    """Loads CIFAR-10: 50,000 training and 10,000 test images of ten kinds of things.

    0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship, 9 truck.

    Looked for in the folder `$CNNPY_DATA_DIR` (the "python version": `cifar-10-python.tar.gz` or
    `cifar-10-batches-py.tar.gz`, or unpacked as the folder `cifar-10-batches-py`, there or in its folders `cifar10` or
    `cifar-10`; these are your own files and taken as they are), then in the caches `~/.cnnpy/datasets` and
    `~/.keras/datasets`, then downloaded; files from a cache or the network must have the published SHA-256.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images uint8 of shape (50000, 32, 32, 3) and (10000, 32, 32, 3), red,
        green, blue; labels uint8 of shape (50000, 1) and (10000, 1).

    Raises:
        cnnpy.datasets.DatasetNotFoundError: found nowhere, and the download failed. An `OSError`.
        cnnpy.datasets.DamagedFileError: a file of your own is not what it should be. An `OSError`.
    """
    return load(LAYOUT, REMOTE, FOLDERS)


def load(layout, remote, folders):
    """Finds and reads either CIFAR."""
    path = find(layout, remote, folders)
    if path is None:
        archives = dict.fromkeys((remote.name, f"{layout.folder}.tar.gz"))
        file, path = _files.open_published(remote, f"{', '.join(archives)} or a folder {layout.folder}")
    elif path.is_dir():
        return _cifar.load(layout, folder=path)
    else:
        file = open(path, "rb")  # noqa: SIM115 - closed below, like a published one
    with file:
        return _cifar.load(layout, archive=file, path=path)


def find(layout, remote, folders):
    """The archive or the unpacked folder of either CIFAR in the user's own folder, or None."""
    archives = (remote.name, f"{layout.folder}.tar.gz")
    names = archives + tuple(name.removesuffix(".gz") for name in archives)
    return _files.find(names, folders) or _files.find_folder((layout.folder,), folders)


def find_own():
    return find(LAYOUT, REMOTE, FOLDERS)
