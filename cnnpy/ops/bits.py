"""Whole numbers: bits and common divisors. No gradients; computed by NumPy."""

import numpy as np

from cnnpy._core import Tensor
from cnnpy.layers.symbolic import symbolic
from cnnpy.ops._convert import is_float, one_dtype

__all__ = [
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "gcd",
    "lcm",
    "left_shift",
    "right_shift",
]


def _whole(name, x):
    """Raises TypeError for reals."""
    if is_float(x):
        raise TypeError(f"{name} takes integers and bools, got {x.dtype}; convert with .astype('int32')")


def _apply(function, *values):
    """FUNCTION of NumPy's on VALUES in the dtype that holds them all."""
    values = one_dtype(*values)
    _whole(function.__name__, values[0])
    return Tensor(np.asarray(function(*map(np.asarray, values))), values[0].dtype)


def _one(function, name, doc):
    def call(x):
        return _apply(function, x)

    return _named(call, name, doc)


def _two(function, name, doc):
    def call(x, y):
        return _apply(function, x, y)

    return _named(call, name, doc)


def _named(call, name, doc):
    call.__name__ = call.__qualname__ = name
    call.__doc__ = doc
    return symbolic(call)


bitwise_and = _two(np.bitwise_and, "bitwise_and", "The bits that are set in both.")
bitwise_or = _two(np.bitwise_or, "bitwise_or", "The bits that are set in either.")
bitwise_xor = _two(np.bitwise_xor, "bitwise_xor", "The bits that are set in just one.")
bitwise_invert = _one(np.invert, "bitwise_invert", "All bits turned over; of bools, not x.")
bitwise_not = _one(np.invert, "bitwise_not", "All bits turned over; of bools, not x.")
bitwise_left_shift = _two(np.left_shift, "bitwise_left_shift", "x * 2^y, modulo the width of the dtype.")
left_shift = _two(np.left_shift, "left_shift", "x * 2^y, modulo the width of the dtype.")
bitwise_right_shift = _two(np.right_shift, "bitwise_right_shift", "floor(x / 2^y).")
right_shift = _two(np.right_shift, "right_shift", "floor(x / 2^y).")


@symbolic
def gcd(x1, x2):
    """The greatest common divisor."""
    return _apply(np.gcd, x1, x2)


@symbolic
def lcm(x1, x2):
    """The least common multiple."""
    return _apply(np.lcm, x1, x2)
