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
    "applications",
    "backend",
    "callbacks",
    "cli",
    "compat",
    "config",
    "constraints",
    "data",
    "datasets",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "tree",
    "utils",
    "visualize",
}
# Names that live in a room and are offered here too, as Keras does.
_NAMES = {
    "Callback": "callbacks",
    "DTypePolicy": "dtype_policies",
    "FloatDTypePolicy": "dtype_policies",
    "Function": "models",
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
    "device": "utils.scopes",
    "name_scope": "utils.scopes",
}
# What Keras has and this version has not, and why.
_ABSENT = {
    **dict.fromkeys(("Function", "Operation"), "write a Layer or a Model(inputs, outputs)"),
    **dict.fromkeys(("StatelessScope", "SymbolicScope"), "variables always have their state with them"),
    **dict.fromkeys(("Quantizer", "quantizers"), "there are no quantised dtypes"),
    **dict.fromkeys(("RematScope", "remat"), "activations are always kept for the way back"),
    "distribution": "there is one device, the CPU",
    "distillation": "write a Model with a train_step",
}

__all__ = ["GradientTape", "Tensor", "Variable", "array", "from_dlpack", *sorted(_NAMES)]


def version():
    """The version of cnnpy."""
    return __version__


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
    if name.startswith("__"):
        raise AttributeError(f"module 'cnnpy' has no attribute '{name}'")
    from cnnpy.utils.suggest import no_attribute, suggestion

    if name in _ABSENT:
        raise no_attribute("cnnpy", name, f"cnnpy.{name} is not offered: {_ABSENT[name]}")
    raise no_attribute("cnnpy", name, f"cnnpy has no {name!r}.{suggestion(name, (*_MODULES, *_NAMES))}")


def __dir__():
    return sorted({*globals(), *_MODULES, *_NAMES})


importlib.import_module("cnnpy.utils.old_paths").install("cnnpy.engine")
