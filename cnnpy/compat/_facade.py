"""`keras` itself: cnnpy, under a version that programs written for Keras understand."""

import importlib
from types import ModuleType

import cnnpy
from cnnpy.utils.suggest import no_attribute

# The version of Keras whose API cnnpy has; what stands after + says who answers.
VERSION = f"3.15.0+cnnpy.{cnnpy.__version__}"


class Facade(ModuleType):
    """A module with the names of `cnnpy`; its rooms are the same objects."""

    def __init__(self, name, home="cnnpy"):
        super().__init__(name, f"cnnpy in the place of {name}.\n\n{cnnpy.__doc__}")
        self.__path__ = []  # a package whose modules the finder knows
        self.__version__ = VERSION
        self.__all__ = sorted({*cnnpy.__all__, *cnnpy._MODULES})
        self._home = home

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        try:
            value = getattr(importlib.import_module(self._home), name)
        except AttributeError as error:
            raise no_attribute(self.__name__, name, str(error)) from None
        return value

    def __dir__(self):
        return sorted({*super().__dir__(), *self.__all__})

    def version(self):
        """The version of Keras that is emulated."""
        return VERSION
