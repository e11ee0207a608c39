"""Data made ready for models, under Keras's names: `image` and `sequence`."""

import importlib

_MODULES = ("image", "sequence")
_NAMES = {"image_dataset_from_directory": "cnnpy.data.image_folder"}
# What Keras has there and this version has not.
_ABSENT = ("text", "text_dataset_from_directory", "timeseries", "timeseries_dataset_from_array")

__all__ = sorted(_NAMES)


def __getattr__(name):
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"cnnpy.preprocessing.{name}")
    if name.startswith("__"):
        raise AttributeError(f"module 'cnnpy.preprocessing' has no attribute '{name}'")
    from cnnpy.utils.suggest import no_attribute, suggestion

    if name in _ABSENT:
        raise no_attribute(
            "cnnpy.preprocessing", name, f"cnnpy.preprocessing.{name} is not offered: it is not in this version"
        )
    raise no_attribute(
        "cnnpy.preprocessing",
        name,
        f"cnnpy.preprocessing has no {name!r}.{suggestion(name, (*_NAMES, *_MODULES))}",
    )


def __dir__():
    return sorted({*_NAMES, *_MODULES})
