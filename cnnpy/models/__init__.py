"""Models: Sequential, functional and subclassed ones, and their training."""

import importlib

_NAMES = {
    "Function": "function",
    "Functional": "functional",
    "Input": "cnnpy.layers",
    "Model": "model",
    "Sequential": "sequential",
    "clone_model": "cloning",
    "load_model": "cnnpy.saving",
    "model_from_json": "model",
    "save_model": "cnnpy.saving",
}

__all__ = sorted(set(_NAMES) - {"Input"})


def __getattr__(name):
    if name not in _NAMES:
        raise AttributeError(f"module 'cnnpy.models' has no attribute {name!r}")
    file = _NAMES[name]
    value = getattr(importlib.import_module(file if "." in file else f"cnnpy.models.{file}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*__all__, *globals()})
