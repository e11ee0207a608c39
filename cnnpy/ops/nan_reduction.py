"""Reductions that leave out NaN. `axis` is None for all axes, an integer or a tuple."""

from cnnpy import _core
from cnnpy.layers.symbolic import symbolic
from cnnpy.ops import reduction
from cnnpy.ops._convert import axes, is_float, tensor

__all__ = [
    "nanargmax",
    "nanargmin",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmin",
    "nanprod",
    "nanstd",
    "nansum",
    "nanvar",
]


def _filled(x, value):
    """X with VALUE in the place of NaN; its gradient is 0 there."""
    x = tensor(x)
    return _core.where(_core.isnan(x), value, x) if is_float(x) else x


@symbolic
def nansum(x, axis=None, keepdims=False):
    """The sum, 0 of nothing."""
    return reduction.sum(_filled(x, 0), axis, keepdims)


@symbolic
def nanprod(x, axis=None, keepdims=False):
    """The product, 1 of nothing."""
    return reduction.prod(_filled(x, 1), axis, keepdims)


@symbolic
def nancumsum(x, axis=None, dtype=None):
    """Running sums along an axis, or of the flattened x, computed in DTYPE if given."""
    return reduction.cumsum(_filled(x, 0), axis, dtype)


@symbolic
def nancumprod(x, axis=None, dtype=None):
    """Running products along an axis, or of the flattened x, computed in DTYPE if given."""
    return reduction.cumprod(_filled(x, 1), axis, dtype)


def _count(x, axis, keepdims):
    return _core.cast(_core.sum(_core.logical_not(_core.isnan(x)), axis=axes(axis), keepdims=keepdims), dtype=x.dtype)


@symbolic
def nanmean(x, axis=None, keepdims=False):
    """The arithmetic mean, NaN of nothing; integers and bools give float32."""
    x = tensor(x)
    if not is_float(x):
        return reduction.mean(x, axis, keepdims)
    return _core.divide(nansum(x, axis, keepdims), _count(x, axis, keepdims))


@symbolic
def nanvar(x, axis=None, keepdims=False):
    """The mean square distance from the mean, NaN of nothing; integers and bools give float32."""
    x = tensor(x)
    if not is_float(x):
        return reduction.var(x, axis, keepdims)
    distance = _core.subtract(_filled(x, 0), nanmean(x, axis, True))
    squares = _core.where(_core.isnan(x), 0, _core.square(distance))
    return _core.divide(_core.sum(squares, axis=axes(axis), keepdims=keepdims), _count(x, axis, keepdims))


@symbolic
def nanstd(x, axis=None, keepdims=False):
    """The square root of `nanvar`."""
    return _core.sqrt(nanvar(x, axis, keepdims))


def _extreme(op, x, axis, keepdims, worst):
    x = tensor(x)
    if not is_float(x):
        return op(x, axis=axes(axis), keepdims=keepdims)
    nothing = _core.all(_core.isnan(x), axis=axes(axis), keepdims=keepdims)
    return _core.where(nothing, float("nan"), op(_filled(x, worst), axis=axes(axis), keepdims=keepdims))


@symbolic
def nanmax(x, axis=None, keepdims=False):
    """The largest element, NaN of nothing."""
    return _extreme(_core.max, x, axis, keepdims, float("-inf"))


@symbolic
def nanmin(x, axis=None, keepdims=False):
    """The smallest element, NaN of nothing."""
    return _extreme(_core.min, x, axis, keepdims, float("inf"))


def _place(function, x, axis, keepdims, worst):
    x = tensor(x)
    place = function(_filled(x, worst), axis, keepdims)
    if not is_float(x):
        return place
    nothing = _core.all(_core.isnan(x), axis=() if axis is None else axis, keepdims=keepdims)
    return _core.where(nothing, tensor(-1), place)


@symbolic
def nanargmax(x, axis=None, keepdims=False):
    """Where the first of the largest elements is along an axis, or in the flattened x, int32; -1 of nothing."""
    return _place(reduction.argmax, x, axis, keepdims, float("-inf"))


@symbolic
def nanargmin(x, axis=None, keepdims=False):
    """Where the first of the smallest elements is along an axis, or in the flattened x, int32; -1 of nothing."""
    return _place(reduction.argmin, x, axis, keepdims, float("inf"))
