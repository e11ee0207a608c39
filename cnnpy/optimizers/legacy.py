"""keras.optimizers.legacy: the classes of Keras 2 by their names, which are today's optimizers here.

Keras 3 refuses them. Their arguments `lr` and `decay` are understood by today's, whose updates are the same.
"""

import importlib
import warnings

_NAMES = ["SGD", "Adagrad", "Adam", "Ftrl", "Optimizer", "RMSprop"]


def __getattr__(name):
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        f"optimizers.legacy.{name} is optimizers.{name}; the legacy optimizers of Keras 2 are gone in Keras 3",
        DeprecationWarning,
        stacklevel=2,
    )
    return getattr(importlib.import_module("cnnpy.optimizers"), name)


def __dir__():
    return _NAMES
