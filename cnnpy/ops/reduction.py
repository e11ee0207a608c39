"""Reductions over axes, running sums, and places of extremes. `axis` is None for all axes, an integer or a tuple; NaN
goes through. Sums and products of bools are int32 and those of uint8 int64, for want of uint32."""

import builtins

import numpy as np

from cnnpy import _core
from cnnpy._core import Tensor
from cnnpy.dtype_policies import standardize_dtype
from cnnpy.layers.symbolic import symbolic
from cnnpy.ops._convert import axes, floats, one_axis, tensor, tensors
from cnnpy.ops._gradient import with_gradient
from cnnpy.ops.joining import slice_along

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "average",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "diff",
    "logsumexp",
    "max",
    "mean",
    "min",
    "moments",
    "prod",
    "ptp",
    "std",
    "sum",
    "trapezoid",
    "var",
]


def _as_summed(y, dtype):
    """The sum or product y of elements of DTYPE, which the core makes int64 of integers, in Keras's dtype."""
    return _core.cast(y, dtype="int32") if dtype in ("bool", "int32") else y


@symbolic
def sum(x, axis=None, keepdims=False):
    """The sum, accurate to the last places whatever its length."""
    x = tensor(x)
    return _as_summed(_core.sum(x, axis=axes(axis), keepdims=keepdims), x.dtype)


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
    """The product, computed in DTYPE if given."""
    x = tensor(x)
    if dtype is None:
        return _as_summed(_core.prod(x, axis=axes(axis), keepdims=keepdims), x.dtype)
    y = _core.prod(_core.cast(x, dtype=dtype), axis=axes(axis), keepdims=keepdims)
    return _core.cast(y, dtype=dtype)


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
    """How many elements are not 0, int32."""
    return sum(_core.not_equal(tensor(x), 0), axis)


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


def _running(x, axis, dtype):
    """(x flattened without an axis, the axis, the dtype of its running sums or products)."""
    x = tensor(x)
    if axis is None:
        x, axis = _core.reshape(x, shape=-1), 0
    dtype = standardize_dtype(dtype) if dtype is not None else "int32" if x.dtype == "bool" else x.dtype
    return x, one_axis(axis, x.ndim), dtype


@symbolic
def cumsum(x, axis=None, dtype=None):
    """Running sums along an axis, or of the flattened x, in the dtype of x (bools: int32) or DTYPE."""
    x, axis, dtype = _running(x, axis, dtype)
    return tensor(_core.cumsum(tensor(x, dtype), axis=axis), dtype)


@symbolic
def cumprod(x, axis=None, dtype=None):
    """Running products along an axis, or of the flattened x, in the dtype of x (bools: int32) or DTYPE."""
    x, axis, dtype = _running(x, axis, dtype)
    x = tensor(x, dtype)
    values = np.moveaxis(np.asarray(x), axis, 0)

    def gradient(g):
        """x[j] is in all products from j on: what stands before it times g[j] + x[j+1] (g[j+1] + x[j+2] (...))."""
        g = np.moveaxis(g, axis, 0)
        before, after = np.ones_like(values), np.zeros_like(values)
        np.cumprod(values[:-1], axis=0, out=before[1:])
        total = np.zeros(g.shape[1:], g.dtype)
        for j in range(len(values) - 1, -1, -1):
            total = g[j] + (values[j + 1] * total if j + 1 < len(values) else 0)
            after[j] = total
        return [np.moveaxis(before * after, 0, axis)]

    return with_gradient([x], np.moveaxis(np.cumprod(values, axis=0, dtype=values.dtype), 0, axis), gradient)


@symbolic
def ptp(x, axis=None, keepdims=False):
    """The largest element less the smallest."""
    x = tensor(x)
    return _core.subtract(*[op(x, axis=axes(axis), keepdims=keepdims) for op in (_core.max, _core.min)])


@symbolic
def diff(a, n=1, axis=-1):
    """Each element along an axis less the one before it, N times over; of bools, whether they differ."""
    x = tensor(a)
    axis = one_axis(axis, x.ndim)
    if n < 0:
        raise ValueError(f"diff: n must not be negative, got {n}")
    op = _core.not_equal if x.dtype == "bool" else _core.subtract
    for _ in range(n):
        size = x.shape[axis]
        x = op(slice_along(x, axis, builtins.min(1, size), size), slice_along(x, axis, 0, builtins.max(size - 1, 0)))
    return x


@symbolic
def trapezoid(y, x=None, dx=1.0, axis=-1):
    """The integral along an axis of the lines between the points y, which are DX apart or at x (a vector along the
    axis, or the shape of y)."""
    y = floats(y)
    axis = one_axis(axis, y.ndim)
    size = y.shape[axis]
    if x is None:
        step = dx
    else:
        x = floats(x)
        if x.ndim == 1:
            x = _core.reshape(x, shape=[-1 if d == axis else 1 for d in range(y.ndim)])
        step = diff(x, axis=axis)
    middle = _core.add(slice_along(y, axis, builtins.min(1, size), size), slice_along(y, axis, 0, size - 1))
    return _core.multiply(_core.sum(_core.multiply(middle, step), axis=axis), 0.5)
