"""New tensors: constants and sequences. Without a dtype they are `config.floatx()`, ranges of integers int32."""

import numpy as np

from cnnpy import config
from cnnpy._core import Tensor
from cnnpy.dtype_policies import standardize_dtype
from cnnpy.layers.symbolic import symbolic
from cnnpy.ops._convert import common_dtype, tensor

__all__ = [
    "arange",
    "array",
    "empty",
    "empty_like",
    "eye",
    "full",
    "full_like",
    "geomspace",
    "identity",
    "linspace",
    "logspace",
    "ones",
    "ones_like",
    "tri",
    "zeros",
    "zeros_like",
]


def zeros(shape, dtype=None):
    """Zeros."""
    return Tensor(np.zeros(shape, dtype or config.floatx()))


def empty(shape, dtype=None):
    """Zeros: a tensor with values left open would not give the same result twice."""
    return zeros(shape, dtype)


@symbolic
def empty_like(x, dtype=None):
    """Zeros of the shape of x, and its dtype unless DTYPE is given."""
    x = tensor(x)
    return zeros(x.shape, dtype or x.dtype)


def array(x, dtype=None):
    """X (a number, nested list, array, Tensor) as a Tensor, of DTYPE if given."""
    return tensor(x, None if dtype is None else standardize_dtype(dtype))


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


def _between(function, start, stop, *args, dtype, **kwargs):
    """FUNCTION of NumPy's for numbers from START to STOP, and its dtype: DTYPE, else that of real ends, else floatx."""
    ends = [np.asarray(end) for end in (start, stop)]
    if dtype is None:
        dtype = common_dtype(*[tensor(end) for end in (start, stop)])
        dtype = dtype if dtype.startswith("float") else config.floatx()
    return function(*ends, *args, **kwargs), dtype


def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    """NUM numbers at even distances from START to STOP (without ENDPOINT, less it); also the distance if RETSTEP."""
    (values, step), dtype = _between(np.linspace, start, stop, num, endpoint, retstep=True, axis=axis, dtype=dtype)
    return (Tensor(values, dtype), Tensor(step, dtype)) if retstep else Tensor(values, dtype)


def logspace(start, stop, num=50, endpoint=True, base=10, dtype=None, axis=0):
    """BASE to the powers that `linspace` gives."""
    return Tensor(*_between(np.logspace, start, stop, num, endpoint, base, axis=axis, dtype=dtype))


def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    """NUM numbers from START to STOP (without ENDPOINT, less it), each the same multiple of the one before."""
    return Tensor(*_between(np.geomspace, start, stop, num, endpoint, axis=axis, dtype=dtype))


def eye(N, M=None, k=0, dtype=None):
    """N x M zeros (M: N) with ones on the K-th diagonal."""
    return Tensor(np.eye(N, M, k, dtype or config.floatx()))


def identity(n, dtype=None):
    """The N x N identity matrix."""
    return eye(n, dtype=dtype)


def tri(N, M=None, k=0, dtype=None):
    """N x M zeros (M: N) with ones on the K-th diagonal and below."""
    return Tensor(np.tri(N, M, k, dtype or config.floatx()))
