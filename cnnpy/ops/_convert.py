"""What the functions of cnnpy.ops do with their arguments before they call the core."""

import operator

import numpy as np

from cnnpy import config
from cnnpy._core import Tensor, cast, stack

_NUMBERS = (bool, int, float)


def tensor(x, dtype=None):
    """X as a Tensor. Arrays keep their dtype unless DTYPE is given; of Python's numbers, floats become
    `config.floatx()` and integers int32 (int64 if they need it). Lists of Tensors are stacked, with their gradients."""
    if isinstance(x, Tensor):
        return x if dtype is None or x.dtype == dtype else cast(x, dtype=dtype)
    if type(x) in (list, tuple) and any(isinstance(item, Tensor) for item in x):
        return tensor(stack([tensor(item) for item in x]), dtype)
    array = np.asarray(x)
    if dtype is None and type(x) in (*_NUMBERS, list, tuple):
        if array.dtype.kind == "f":
            dtype = config.floatx()
        elif array.dtype.kind == "i" and (array.size == 0 or (array.min() >= -(2**31) and array.max() < 2**31)):
            dtype = "int32"
    return Tensor(array, dtype)


def tensors(*values):
    """VALUES as Tensors, of which Python's numbers are left for the core to give them their neighbours' dtype."""
    if all(type(x) in _NUMBERS for x in values):
        return [tensor(x) for x in values]
    return [x if type(x) in _NUMBERS else tensor(x) for x in values]


def floats(x):
    """X as a float Tensor; integers become `config.floatx()`."""
    x = tensor(x)
    return x if x.dtype.startswith("float") else cast(x, dtype=config.floatx())


def axes(axis):
    """An `axis` argument as the core takes it: () for all."""
    if axis is None:
        return ()
    if isinstance(axis, (tuple, list)) and not axis:
        raise ValueError("axis is empty; pass None for all axes")
    return axis


def one_axis(axis, ndim):
    """AXIS, an integer from -NDIM to NDIM - 1, as one from 0."""
    axis = operator.index(axis)
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis {axis} for a tensor of {ndim} dimensions; it must be from {-ndim} to {ndim - 1}")
    return axis % ndim


def several_axes(axis, ndim):
    """AXIS (None for all, an integer, or several) as a tuple of integers from 0, each once."""
    if axis is None:
        return tuple(range(ndim))
    places = tuple(one_axis(a, ndim) for a in (axes(axis) if isinstance(axis, (tuple, list)) else (axis,)))
    if len(set(places)) < len(places):
        raise ValueError(f"axis {axis} names a dimension twice")
    return places


def ints(x):
    """X, one integer or several, as a tuple."""
    return tuple(operator.index(i) for i in x) if np.iterable(x) else (operator.index(x),)


def one_dtype(*values):
    """VALUES as Tensors of one dtype, which holds them all."""
    values = [tensor(x) for x in tensors(*values)]
    dtype = common_dtype(*values)
    return [tensor(x, dtype) for x in values]


def common_dtype(*values):
    """The dtype of arithmetic with the Tensors VALUES."""
    return _ORDER[max(_ORDER.index(x.dtype) for x in values)]


_ORDER = ("bool", "uint8", "int32", "int64", "float32", "float64")


def is_float(x):
    """True for a Tensor of reals."""
    return x.dtype.startswith("float")


def is_number(x):
    """True for a number of Python's or NumPy's, not an array."""
    return type(x) in _NUMBERS or isinstance(x, (np.number, np.bool_))
