"""Fashion-MNIST: 70,000 images of clothes (H. Xiao, K. Rasul, R. Vollgraf 2017, arXiv:1708.07747; Zalando SE, MIT)."""

from cnnpy.datasets import _files, _mnist
from cnnpy.datasets.mnist import idx_belongs_to_fashion

HOSTS = (
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
)
PUBLISHED = {
    "x_train": (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    "y_train": (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    "x_test": (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    "y_test": (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
}
FOLDERS = ("fashion-mnist", "fashion_mnist", "FashionMNIST/raw", "fashion")


def load_data():
    """Loads Fashion-MNIST: 60,000 training and 10,000 test images of ten kinds of clothes.

    0 T-shirt/top, 1 Trouser, 2 Pullover, 3 Dress, 4 Coat, 5 Sandal, 6 Shirt, 7 Sneaker, 8 Bag, 9 Ankle boot.

    Looked for in the folder `$CNNPY_DATA_DIR` (the four IDX files `train-images-idx3-ubyte[.gz]`, ... in its folder
    `fashion-mnist`, `fashion_mnist`, `FashionMNIST/raw` or `fashion`, or in itself if its name has "fashion" in it:
    elsewhere files of these names are MNIST's), then in the caches `~/.cnnpy/datasets/fashion-mnist` and
    `~/.keras/datasets/fashion-mnist`, then downloaded; files from a cache or the network must have the published
    SHA-256.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images uint8 of shape (60000, 28, 28) and (10000, 28, 28); labels uint8
        of shape (60000,) and (10000,).

    Raises:
        cnnpy.datasets.DatasetNotFoundError: found nowhere, and the download failed. An `OSError`.
        cnnpy.datasets.DamagedFileError: a file of your own is not what it should be. An `OSError`.
    """
    own = find_own()
    if own:
        return _mnist.read_idx(lambda key: (open(own[key], "rb"), own[key]))
    own_names = "a folder fashion-mnist with the four files train-..., t10k-...-ubyte[.gz]"
    remotes = _remotes()
    return _mnist.read_idx(lambda key: _files.open_published(remotes[key], own_names))


def find_own():
    """The four IDX files in the user's own folder as `{array name: path}`, or None."""
    return _mnist.find_idx(("", *FOLDERS) if idx_belongs_to_fashion(_files.data_dir()) else FOLDERS)


def _remotes():
    remotes = {}
    for key, (size, sha256) in PUBLISHED.items():
        name = _mnist.IDX_FILES[key] + ".gz"
        addresses = tuple(host + name for host in HOSTS)
        remotes[key] = _files.RemoteFile(name, sha256, size, addresses, folder="fashion-mnist")
    return remotes
