"""Modules that Keras 2 had and Keras 3 has not, so that imports in old notebooks go on working.

`from cnnpy.layers.convolutional import Conv2D` finds a module that only knows where the name lives now. Such modules
are entered in `sys.modules` when the package they belong to is imported; the first use of each gives one warning.
"""

import importlib
import sys
from types import ModuleType

from cnnpy.utils.deprecation import warn_once
from cnnpy.utils.suggest import no_attribute

# Old module: where its names live now.
OLD_PATHS = {
    "cnnpy.backend.tensorflow_backend": "cnnpy.backend",
    "cnnpy.layers.advanced_activations": "cnnpy.layers",
    "cnnpy.layers.convolutional": "cnnpy.layers",
    "cnnpy.layers.embeddings": "cnnpy.layers",
    "cnnpy.layers.experimental": "cnnpy.layers",
    "cnnpy.layers.experimental.preprocessing": "cnnpy.layers",
    "cnnpy.layers.merge": "cnnpy.layers",
    "cnnpy.layers.noise": "cnnpy.layers",
    "cnnpy.layers.recurrent": "cnnpy.layers",
    "cnnpy.utils.data_utils": "cnnpy.utils",
    "cnnpy.utils.generic_utils": "cnnpy.utils",
    "cnnpy.utils.layer_utils": "cnnpy.utils",
    "cnnpy.utils.np_utils": "cnnpy.utils",
    "cnnpy.utils.vis_utils": "cnnpy.utils",
    "cnnpy.engine": "cnnpy.layers",
    "cnnpy.engine.base_layer": "cnnpy.layers",
    "cnnpy.engine.input_layer": "cnnpy.layers",
    "cnnpy.engine.sequential": "cnnpy.models",
    "cnnpy.engine.topology": "cnnpy.layers",
    "cnnpy.engine.training": "cnnpy.models",
}


class OldModule(ModuleType):
    """A module whose names live in another one by now."""

    def __init__(self, name, home):
        super().__init__(name, f"Keras 2's module; its names are in {home}.")
        self.__path__ = []  # a package, so that modules inside it can be imported
        self._home = home

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            value = getattr(importlib.import_module(self._home), name)
        except AttributeError as error:
            raise no_attribute(self._home, name, str(error)) from None
        warn_once(self.__name__, f"{self.__name__} is Keras 2's; import {name} from {self._home}")
        return value


def moved(old, home):
    """A module's `__getattr__` for names that Keras 2 had in OLD, a module that exists, and that live in HOME now."""

    def __getattr__(name):
        if name.startswith("_"):
            raise AttributeError(f"module {old!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(home), name)
        warn_once(old, f"{old} held {name} in Keras 2; import it from {home}")
        return value

    return __getattr__


def install(package):
    """Enters the old modules of PACKAGE, a name like 'cnnpy.layers'."""
    for name, home in OLD_PATHS.items():
        if name == package or name.startswith(f"{package}."):
            module = sys.modules.setdefault(name, OldModule(name, home))
            parent, _, leaf = name.rpartition(".")
            setattr(sys.modules[parent], leaf, module)
