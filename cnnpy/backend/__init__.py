"""`keras.backend`: the settings, names and session that Keras keeps there."""

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
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_dtype",
]


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
