"""Data sets to learn and to test with, by Keras's names: `cnnpy.datasets.mnist.load_data()` and so on.

`mnist`, `fashion_mnist`, `cifar10` and `cifar100` are looked for in the folder `$CNNPY_DATA_DIR`, then in the caches
`~/.cnnpy/datasets` (`$CNNPY_HOME/datasets`) and `~/.keras/datasets`, then downloaded. `digits` ships with cnnpy.
"""

from cnnpy.datasets import cifar10, cifar100, digits, fashion_mnist, mnist
from cnnpy.datasets.errors import DamagedFileError, DatasetNotFoundError

__all__ = ["DamagedFileError", "DatasetNotFoundError", "cifar10", "cifar100", "digits", "fashion_mnist", "mnist"]
