"""New tensors: constants and sequences. Without a dtype they are `config.floatx()`, ranges of integers int32."""

import numpy as np

from cnnpy import config
from cnnpy._core import Tensor
from cnnpy.layers.symbolic import symbolic
from cnnpy.ops._convert import tensor

__all__ = [
    "arange",
    "eye",
    "full",
    "full_like",
    "identity",
    "linspace",
    "ones",
    "ones_like",
    "tri",
    "zeros",
    "zeros_like",
]


def zeros(shape, dtype=None):
    """Zeros."""
    return Tensor(np.zeros(shape, dtype or config.floatx()))


def ones(shape, dtype=None):
    """Ones."""
    return Tensor(np.ones(shape, dtype or config.floatx()))


def full(shape, fill_value, dtype=None):
    """SHAPE full of FILL_VALUE."""
    return Tensor(np.full(shape, np.asarray(fill_value), dtype or config.floatx()))


@symbolic
def zeros_like(x, dtype=None):
    """Zeros of the shape of x, and its dtype unless DTYPE is given."""
    x = tensor(x)
    return zeros(x.shape, dtype or x.dtype)


@symbolic
def ones_like(x, dtype=None):
    """Ones of the shape of x, and its dtype unless DTYPE is given."""
    x = tensor(x)
    return ones(x.shape, dtype or x.dtype)


@symbolic
def full_like(x, fill_value, dtype=None):
    """FILL_VALUE in the shape of x, and its dtype unless DTYPE is given."""
    x = tensor(x)
    return full(x.shape, fill_value, dtype or x.dtype)


def arange(start, stop=None, step=None, dtype=None):
    """START, START + STEP, ... below STOP; with one argument from 0 below it. Integers give int32, floats floatx()."""
    if stop is None:
        start, stop = 0, start
    step = 1 if step is None else step
    if dtype is None:
        whole = all(np.asarray(v).dtype.kind in "iu" for v in (start, stop, step))
        dtype = "int32" if whole else config.floatx()
    return Tensor(np.arange(start, stop, step), dtype)


def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    """NUM numbers at even distances from START to STOP (without ENDPOINT, less it); also the distance if RETSTEP."""
    values, step = np.linspace(np.asarray(start), np.asarray(stop), num, endpoint, retstep=True, axis=axis)
    values = Tensor(values, dtype or config.floatx())
    return (values, Tensor(step, dtype or config.floatx())) if retstep else values


def eye(N, M=None, k=0, dtype=None):
    """N x M zeros (M: N) with ones on the K-th diagonal."""
    return Tensor(np.eye(N, M, k, dtype or config.floatx()))


def identity(n, dtype=None):
    """The N x N identity matrix."""
    return eye(n, dtype=dtype)


def tri(N, M=None, k=0, dtype=None):
    """N x M zeros (M: N) with ones on the K-th diagonal and below."""
    return Tensor(np.tri(N, M, k, dtype or config.floatx()))
