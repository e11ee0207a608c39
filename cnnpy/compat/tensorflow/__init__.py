"""`tensorflow` for programs that want `tf.keras` and GradientTape: all else fails at once, by its name."""

import importlib

from cnnpy import _core
from cnnpy.compat import _record
from cnnpy.utils.suggest import no_attribute

# The version whose names are emulated; what stands after + says who answers.
__version__ = "2.16.0+cnnpy"

# Names of the core. They are not in this module's own, so that `__getattr__` sees who asks for them.
_OFFERED = ("GradientTape", "Tensor")
# TensorFlow's rooms that are Keras's under another name.
_KERAS_ROOMS = ("initializers", "losses", "metrics", "optimizers")
__all__ = ["__version__", "keras", *_OFFERED, *_KERAS_ROOMS]


def __getattr__(name):
    if name == "keras":
        return importlib.import_module("cnnpy.compat._finder").facade()
    if name in _OFFERED or name in _KERAS_ROOMS:
        _record.note("tensorflow", name)
        return getattr(_core, name) if name in _OFFERED else importlib.import_module(f"cnnpy.{name}")
    if name.startswith("__"):
        raise AttributeError(f"module 'tensorflow' has no attribute {name!r}")
    raise no_attribute(__name__, name, f"tensorflow.{name} is not emulated by cnnpy.compat.{_way(name)}")


def _way(name):
    """Where cnnpy has something called NAME."""
    if name in ("config", "data", "random"):
        return f" Use cnnpy.{name}"
    ops = importlib.import_module("cnnpy.ops")
    for other in (name, name.removeprefix("reduce_")):
        if other in ops.__all__:
            return f" Use keras.ops.{other} (cnnpy.ops.{other})"
    return ""


def __dir__():
    return sorted(__all__)
