"""A finder for imports of `keras` and `tensorflow` that answers with modules of cnnpy.

A name is translated (`keras.layers.core` to `cnnpy.layers.core`), that module is imported, and `sys.modules` gets the
same module object under the other name too: there is one Conv2D, whichever way it came.
"""

import importlib
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

from cnnpy.compat import _record

# Foreign package: what stands in for it. The longest name that fits counts.
_PLACES = {
    "keras": "cnnpy",
    "tensorflow": "cnnpy.compat.tensorflow",
    "tensorflow.keras": "cnnpy",
    "tf_keras": "cnnpy",
}
_ROOTS = ("keras", "tensorflow", "tf_keras")
_INSIDE_KERAS = "it is Keras's inside; import from keras itself"
# What programs import that has no place here, and why.
_REFUSED = {
    "keras.api": _INSIDE_KERAS,
    "keras.src": _INSIDE_KERAS,
    "keras.wrappers": "models are not wrapped for scikit-learn; call fit and predict themselves",
    "tensorflow.compat": "there are no sessions and graphs of TensorFlow 1 here",
    "tensorflow.python": "it is TensorFlow's inside; import from tensorflow.keras",
    "keras.preprocessing.text": "cnnpy is for images and signals; turn words into numbers before",
}
# TensorBoard asks for TensorFlow unless it finds this module, its own switch to go without.
_TENSORBOARD_ALONE = "tensorboard.compat.notf"


def _translate(name):
    """The module of cnnpy in the place of NAME; None if NAME is nobody's business."""
    parts = name.split(".")
    for k in range(len(parts), 0, -1):
        home = _PLACES.get(".".join(parts[:k]))
        if home is not None:
            return ".".join([home, *parts[k:]])
    return None


def _keras_name(name):
    """NAME by way of `keras`, whichever package it came through."""
    for place, home in _PLACES.items():
        if home == "cnnpy" and (name == place or name.startswith(f"{place}.")):
            return f"keras{name[len(place) :]}"
    return name


def _refusal(name):
    told = _REFUSED.get(name) or _REFUSED.get(_keras_name(name))
    return None if told is None else f"{name} is not offered by cnnpy.compat: {told}"


class _Alias(Loader):
    """Loads a module that exists already, or gives the reason why there is none."""

    def __init__(self, target=None, refusal=None):
        self._target, self._refusal = target, refusal

    def create_module(self, spec):
        if self._refusal is not None:
            raise ImportError(self._refusal, name=spec.name)
        return None  # an empty module, which `exec_module` replaces

    def exec_module(self, module):
        name = module.__name__
        _record.note(name)
        sys.modules[name] = facade() if self._target == "cnnpy" else importlib.import_module(self._target)


class _Finder(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        refusal = _refusal(name)
        if refusal is not None:
            return ModuleSpec(name, _Alias(refusal=refusal), is_package=True)
        home = _translate(name)
        if home is None or not _exists(home):
            return None
        return ModuleSpec(name, _Alias(home), origin=f"{home} (cnnpy.compat)", is_package=True)


def _exists(module):
    """Whether MODULE, of a package that can be imported, is there; it may be one that only `sys.modules` knows."""
    parent = module.rpartition(".")[0]
    if parent:
        importlib.import_module(parent)
    return module in sys.modules or find_spec(module) is not None


_finder = _Finder()
_made = {}


def facade():
    """The one module that is `keras`, `tf_keras` and `tensorflow.keras`."""
    if "keras" not in _made:
        from cnnpy.compat._facade import Facade

        _made["keras"] = Facade("keras")
        _made["keras"].__spec__ = ModuleSpec("keras", None, origin="cnnpy (cnnpy.compat)", is_package=True)
    return _made["keras"]


def _is_foreign(name):
    return name.partition(".")[0] in _ROOTS


def installed():
    """True if imports of `keras` and `tensorflow` lead to cnnpy."""
    return _finder in sys.meta_path


def install():
    """Makes `import keras`, `import tensorflow` and imports from inside them lead to cnnpy, in this process.

    Does nothing if that is so already. `uninstall` takes it back.

    Raises:
        RuntimeError: Keras or TensorFlow has been imported; its modules would mix with cnnpy's.
    """
    if installed():
        return
    for name in _ROOTS:
        if name in sys.modules:
            found = getattr(sys.modules[name], "__file__", None) or "an unknown place"
            raise RuntimeError(
                f"cnnpy.compat.install: {name} was imported before, from {found}. Start a new process (restart the "
                f"notebook's kernel) and call install before the first import of {name}"
            )
    sys.meta_path.insert(0, _finder)
    sys.modules.setdefault(_TENSORBOARD_ALONE, ModuleType(_TENSORBOARD_ALONE, "Entered by cnnpy.compat."))


def uninstall():
    """Undoes `install`: from now on `import keras` finds Keras, if there is one. Names imported before stay cnnpy's."""
    if not installed():
        return
    sys.meta_path.remove(_finder)
    for name in [name for name in sys.modules if _is_foreign(name)]:
        del sys.modules[name]
    if getattr(sys.modules.get(_TENSORBOARD_ALONE), "__doc__", None) == "Entered by cnnpy.compat.":
        del sys.modules[_TENSORBOARD_ALONE]
