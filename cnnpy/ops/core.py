"""Tensors and what they are: conversion, dtype, shape, and the end of a gradient."""

import numpy as np

from cnnpy import _core
from cnnpy._core import Tensor
from cnnpy.dtype_policies import standardize_dtype
from cnnpy.layers.symbolic import KerasTensor, symbolic
from cnnpy.ops._convert import tensor

__all__ = [
    "cast",
    "convert_to_numpy",
    "convert_to_tensor",
    "copy",
    "dtype",
    "is_tensor",
    "ndim",
    "saturate_cast",
    "shape",
    "size",
    "stop_gradient",
]


def convert_to_tensor(x, dtype=None, sparse=None, ragged=None):
    """X (a number, nested list, array, Tensor) as a Tensor, of DTYPE if given. A Tensor of that dtype is returned as it
    is; Python floats become `config.floatx()`, Python integers int32. There are no SPARSE or RAGGED tensors."""
    if sparse or ragged:
        raise NotImplementedError("convert_to_tensor: there are no sparse or ragged tensors here; leave both False")
    return cast(x, dtype) if dtype is not None else tensor(x)


def convert_to_numpy(x):
    """The values of X as a new NumPy array."""
    return np.array(x)


def is_tensor(x):
    """True for a Tensor or Variable."""
    return isinstance(x, Tensor)


@symbolic
def cast(x, dtype):
    """x as DTYPE; reals lose their fraction as integers."""
    x = tensor(x)
    dtype = standardize_dtype(dtype)
    return x if x.dtype == dtype else _core.cast(x, dtype=dtype)


@symbolic
def saturate_cast(x, dtype):
    """x as DTYPE, what does not fit moved to the nearest number that does."""
    x = tensor(x)
    dtype = standardize_dtype(dtype)
    if dtype == "bool" or "float" in dtype:
        return cast(x, dtype)
    limits = np.iinfo(dtype)
    if x.dtype == "bool":
        return cast(x, dtype)
    if x.dtype.startswith("float"):
        # The largest number of the dtype may not be a float: what reaches the next one above is put in afterwards.
        top = float(limits.max) + 1
        clipped = _core.cast(_core.clip(x, min=limits.min, max=np.nextafter(np.asarray(top, x.dtype), 0)), dtype=dtype)
        return _core.where(_core.greater_equal(x, top), np.asarray(limits.max, dtype), clipped)
    return _core.cast(_core.clip(x, min=limits.min, max=limits.max), dtype=dtype)


def shape(x):
    """The dimensions of X, a tuple; open ones of a symbolic tensor are None."""
    return x.shape if isinstance(x, (Tensor, KerasTensor)) else np.shape(x)


def ndim(x):
    """The number of dimensions of X."""
    return len(shape(x))


def size(x):
    """The number of elements of X."""
    return x.size if isinstance(x, Tensor) else int(np.size(x))


def dtype(x):
    """The name of the dtype of X."""
    return x.dtype if isinstance(x, (Tensor, KerasTensor)) else tensor(x).dtype


@symbolic
def copy(x):
    """x in memory of its own; gradients flow through."""
    x = tensor(x)
    return _core.slice(x, begin=(), end=())


@symbolic
def stop_gradient(variable):
    """The same values, through which no gradient flows."""
    return _core.stop_gradient(tensor(variable))
