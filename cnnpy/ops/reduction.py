"""Reductions over axes, running sums, places of extremes, and matrix products. `axis` is None for all axes, an integer
or a tuple; NaN goes through."""

import builtins

import numpy as np

from cnnpy import _core
from cnnpy._core import Tensor
from cnnpy.layers.symbolic import symbolic
from cnnpy.ops._convert import axes, floats, one_axis, tensor, tensors

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "average",
    "count_nonzero",
    "cumsum",
    "dot",
    "logsumexp",
    "matmul",
    "max",
    "mean",
    "min",
    "moments",
    "outer",
    "prod",
    "std",
    "sum",
    "var",
]


@symbolic
def sum(x, axis=None, keepdims=False):
    """The sum, accurate to the last places whatever its length. Integers and bools give int64."""
    return _core.sum(tensor(x), axis=axes(axis), keepdims=keepdims)


@symbolic
def mean(x, axis=None, keepdims=False):
    """The arithmetic mean; integers and bools give float32."""
    return _core.mean(tensor(x), axis=axes(axis), keepdims=keepdims)


@symbolic
def var(x, axis=None, keepdims=False):
    """The mean square distance from the mean; integers and bools give float32."""
    return _core.variance(tensor(x), axis=axes(axis), keepdims=keepdims)


@symbolic
def std(x, axis=None, keepdims=False):
    """The square root of the variance. Its gradient is infinite where the variance is 0."""
    return _core.sqrt(_core.variance(tensor(x), axis=axes(axis), keepdims=keepdims))


@symbolic
def moments(x, axes, keepdims=False, synchronized=False):
    """(mean, variance) over AXES. SYNCHRONIZED concerns several devices, of which there is one here."""
    x = tensor(x)
    return _core.mean(x, axis=axes, keepdims=keepdims), _core.variance(x, axis=axes, keepdims=keepdims)


@symbolic
def max(x, axis=None, keepdims=False, initial=None):
    """The largest element, not less than INITIAL. The gradient goes in equal shares to all that are the largest."""
    return _extreme(_core.max, _core.maximum, x, axis, keepdims, initial)


@symbolic
def min(x, axis=None, keepdims=False, initial=None):
    """The smallest element, not greater than INITIAL. The gradient goes in equal shares to all such."""
    return _extreme(_core.min, _core.minimum, x, axis, keepdims, initial)


def _extreme(op, of_two, x, axis, keepdims, initial):
    x = tensor(x)
    if initial is None:
        return op(x, axis=axes(axis), keepdims=keepdims)
    named = range(x.ndim) if axis is None else [one_axis(a, x.ndim) for a in np.atleast_1d(axis)]
    if x.size == 0 and builtins.any(x.shape[a] == 0 for a in named):
        shape = [1 if d in named else n for d, n in enumerate(x.shape) if keepdims or d not in named]
        return Tensor(np.full(shape, np.asarray(initial)), x.dtype)
    return of_two(op(x, axis=axes(axis), keepdims=keepdims), *([initial] if np.isscalar(initial) else tensors(initial)))


@symbolic
def amax(x, axis=None, keepdims=False):
    """The largest element."""
    return _core.max(tensor(x), axis=axes(axis), keepdims=keepdims)


@symbolic
def amin(x, axis=None, keepdims=False):
    """The smallest element."""
    return _core.min(tensor(x), axis=axes(axis), keepdims=keepdims)


@symbolic
def prod(x, axis=None, keepdims=False, dtype=None):
    """The product, computed in DTYPE if given; integers and bools give int64."""
    x = tensor(x)
    return _core.prod(x if dtype is None else _core.cast(x, dtype=dtype), axis=axes(axis), keepdims=keepdims)


@symbolic
def all(x, axis=None, keepdims=False):
    """Whether all elements are true, bool."""
    return _core.all(tensor(x), axis=axes(axis), keepdims=keepdims)


@symbolic
def any(x, axis=None, keepdims=False):
    """Whether any element is true, bool."""
    return _core.any(tensor(x), axis=axes(axis), keepdims=keepdims)


@symbolic
def count_nonzero(x, axis=None):
    """How many elements are not 0, int64."""
    return _core.sum(_core.not_equal(tensor(x), 0), axis=axes(axis))


@symbolic
def average(x, axis=None, weights=None):
    """The mean with WEIGHTS, of the shape of x or of its one axis."""
    x = tensor(x)
    if weights is None:
        return _core.mean(x, axis=axes(axis))
    weights = tensor(weights)
    if weights.shape != x.shape:
        if axis is None or weights.ndim != 1 or weights.shape[0] != x.shape[one_axis(axis, x.ndim)]:
            raise ValueError(
                f"average: weights of shape {weights.shape} do not fit x of shape {x.shape} and axis {axis}"
            )
        place = one_axis(axis, x.ndim)
        weights = _core.reshape(weights, shape=[-1 if d == place else 1 for d in range(x.ndim)])
        weights = _core.broadcast_to(weights, shape=x.shape)
    total = _core.sum(_core.multiply(x, weights), axis=axes(axis))
    return _core.divide(total, _core.sum(weights, axis=axes(axis)))


@symbolic
def logsumexp(x, axis=None, keepdims=False):
    """log(sum(exp(x))) without overflow."""
    x = floats(x)
    top = np.asarray(_core.max(x, axis=axes(axis), keepdims=True))
    top = Tensor(np.where(np.isfinite(top), top, 0))
    y = _core.log(_core.sum(_core.exp(_core.subtract(x, top)), axis=axes(axis), keepdims=keepdims))
    return _core.add(y, _core.reshape(top, shape=y.shape))


@symbolic
def argmax(x, axis=None, keepdims=False):
    """Where the first of the largest elements is along an axis, or in the flattened x, int32."""
    return _core.cast(_core.argmax(tensor(x), axis=() if axis is None else axis, keepdims=keepdims), dtype="int32")


@symbolic
def argmin(x, axis=None, keepdims=False):
    """Where the first of the smallest elements is along an axis, or in the flattened x, int32."""
    return _core.cast(_core.argmin(tensor(x), axis=() if axis is None else axis, keepdims=keepdims), dtype="int32")


@symbolic
def cumsum(x, axis=None, dtype=None):
    """Running sums along an axis, or of the flattened x, computed in DTYPE if given; integers and bools give int64."""
    x = tensor(x)
    x = x if dtype is None else _core.cast(x, dtype=dtype)
    return _core.cumsum(_core.reshape(x, shape=-1) if axis is None else x, axis=0 if axis is None else axis)


@symbolic
def matmul(x1, x2):
    """The matrix product x1[..., M, K] x2[..., K, N] as NumPy's; integers give float32."""
    return _core.matmul(tensor(x1), tensor(x2))


@symbolic
def dot(x1, x2):
    """The product of two vectors, matrices, or numbers, of at most 2 dimensions; for more, use matmul."""
    x1, x2 = tensor(x1), tensor(x2)
    if x1.ndim > 2 or x2.ndim > 2:
        raise ValueError(f"dot takes at most 2 dimensions, got shapes {x1.shape} and {x2.shape}; use matmul")
    return _core.multiply(x1, x2) if x1.ndim == 0 or x2.ndim == 0 else _core.matmul(x1, x2)


@symbolic
def outer(x1, x2):
    """All products of an element of x1 with one of x2: y[i, j] = x1[i] * x2[j], both flattened."""
    return _core.multiply(_core.reshape(tensor(x1), shape=(-1, 1)), _core.reshape(tensor(x2), shape=(1, -1)))
