"""`keras.backend`: the settings, names and session that Keras 3 keeps there, and the functions that Keras 2 had.

The old functions (`K.mean`, `K.function`, ...) work and say once that `cnnpy.ops` has them now.
"""

import builtins
import importlib

from cnnpy.config import (
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from cnnpy.dtype_policies import standardize_dtype
from cnnpy.utils.naming import get_uid, reset_names
from cnnpy.utils.random import reset_global_generator

__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "get_uid",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "result_type",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_dtype",
]

# Keras 2's functions on graphs, and what says the same today.
_GRAPH = {
    "function": "cnnpy.Model(inputs, outputs)",
    "gradients": "cnnpy.GradientTape",
    "learning_phase": "the argument training=...",
    "set_learning_phase": "the argument training=...",
}
_SESSIONS = ("get_graph", "get_session", "learning_phase_scope", "set_session", "tf")


def __getattr__(name):
    """Keras 2's functions, which are loaded when one is first used."""
    if name.startswith("__"):
        raise AttributeError(f"module 'cnnpy.backend' has no attribute {name!r}")
    if name in _SESSIONS:
        raise AttributeError(
            f"cnnpy.backend.{name} is not offered: there are no sessions and graphs, everything is computed at once"
        )
    home = _home(name)
    if home is None:
        from cnnpy.utils.suggest import suggestion

        raise AttributeError(f"cnnpy.backend has no {name!r}.{suggestion(name, __dir__())}")
    from cnnpy.utils.deprecation import warn_once

    value = getattr(home, name)
    warn_once(f"backend.{name}", f"cnnpy.backend.{name} is Keras 2's; use {_GRAPH.get(name, 'cnnpy.ops')}")
    globals()[name] = value
    return value


def _home(name):
    """The module that has the old function NAME; None if there was none."""
    if name in _GRAPH:
        return importlib.import_module("cnnpy.backend.graph")
    functions = importlib.import_module("cnnpy.backend.functions")
    if name in functions.NAMES:
        return functions
    return importlib.import_module("cnnpy.ops") if name in functions.SAME else None


def __dir__():
    functions = importlib.import_module("cnnpy.backend.functions")
    return sorted({*__all__, *_GRAPH, *functions.SAME, *functions.NAMES})


def backend():
    """The name of what computes."""
    return "cnnpy"


def clear_session(free_memory=True):
    """Makes automatic names and the global random generator start anew; gives cached memory back if FREE_MEMORY."""
    reset_names()
    reset_global_generator()
    if free_memory:
        import gc

        from cnnpy import _core

        gc.collect()
        _core.memory_trim()


def is_float_dtype(dtype):
    """True for float32 and float64."""
    return standardize_dtype(dtype).startswith("float")


def is_int_dtype(dtype):
    """True for uint8, int32 and int64."""
    return "int" in standardize_dtype(dtype)


def is_keras_tensor(x):
    """True for a symbolic tensor."""
    from cnnpy.layers.symbolic import is_keras_tensor as check

    return check(x)


def result_type(*dtypes):
    """The dtype of arithmetic between DTYPES: names, NumPy dtypes, or Python's int, float and bool, which give way to
    the others; floatx of none."""
    if not dtypes:
        return floatx()
    weak = [dtype for dtype in dtypes if dtype in (int, float, bool)]
    order = ("bool", "uint8", "int32", "int64", "float32", "float64")
    # Names of builtins may be Keras 2's functions here by now.
    names = [standardize_dtype(dtype) for dtype in dtypes if dtype not in (int, float, bool)]
    result = builtins.max(names, key=order.index, default=None)
    if float in weak and (result is None or not result.startswith("float")):
        return floatx()
    if int in weak and result in (None, "bool"):
        return "int32"
    return result or "bool"


importlib.import_module("cnnpy.utils.old_paths").install("cnnpy.backend")
