"""cnnpy: convolutional neural networks on the CPU, with Keras's API over a C core.

`import cnnpy as keras` reads naturally: the submodules bear Keras's names. They are loaded when first used, so that
importing cnnpy costs little more than importing NumPy.
"""

import importlib

from cnnpy import _libraries

with _libraries.loading():
    from cnnpy._core import GradientTape, Tensor, Variable, array, from_dlpack

__version__ = "0.1.0"

# Rooms of the house; whoever adds one adds its name here.
_MODULES = {
    "activations",
    "backend",
    "callbacks",
    "cli",
    "config",
    "constraints",
    "datasets",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "random",
    "regularizers",
    "saving",
    "tree",
    "utils",
}
# Names that live in a room and are offered here too, as Keras does.
_NAMES = {
    "Callback": "callbacks",
    "DTypePolicy": "dtype_policies",
    "Functional": "models",
    "Initializer": "initializers",
    "Input": "layers",
    "InputSpec": "layers",
    "KerasTensor": "layers",
    "Layer": "layers",
    "Loss": "losses",
    "Metric": "metrics",
    "Model": "models",
    "Optimizer": "optimizers",
    "Regularizer": "regularizers",
    "Sequential": "models",
}

__all__ = ["GradientTape", "Tensor", "Variable", "array", "from_dlpack", *sorted(_NAMES)]


def __getattr__(name):
    if name in _MODULES:
        try:
            return importlib.import_module(f"cnnpy.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"cnnpy.{name}":
                raise
            raise AttributeError(f"cnnpy has no module '{name}'") from None
    if name in _NAMES:
        value = getattr(importlib.import_module(f"cnnpy.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'cnnpy' has no attribute '{name}'")


def __dir__():
    return sorted({*globals(), *_MODULES, *_NAMES})
