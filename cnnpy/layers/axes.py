"""Computations over any axes of a tensor, whose ops work on the last dimensions; of layers and of cnnpy.ops."""

import warnings

from cnnpy import _core


def checked_axes(what, axis):
    """AXIS, an integer or several, as an integer or a list. Raises TypeError for anything else; WHAT goes before it."""
    several = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    if not several or any(isinstance(a, bool) or not hasattr(a, "__index__") for a in several):
        raise TypeError(f"{what}: axis must be an integer or a list of integers, got {axis!r}")
    return [int(a) for a in several] if isinstance(axis, (list, tuple)) else int(axis)


def places_of(what, axis, ndim):
    """AXIS, an integer or a list of them, as places in a shape of NDIM dimensions, in order. Raises ValueError."""
    several = axis if isinstance(axis, list) else [axis]
    places = sorted(a + ndim if a < 0 else a for a in several)
    if places[0] < 0 or places[-1] >= ndim or len(set(places)) < len(places):
        raise ValueError(f"{what}: axis {axis} does not name different axes of an input with {ndim} dimensions")
    return places


def sizes_along(what, axis, shape):
    """The sizes of SHAPE along AXIS, which must be known. Raises ValueError."""
    sizes = tuple(shape[a] for a in places_of(what, axis, len(shape)))
    if None in sizes:
        raise ValueError(f"{what}: axis {axis} must have a known size, got input shape {tuple(shape)}")
    return sizes


def over_axes(op, what, axis, x, *weights):
    """OP(x, *weights) with AXIS brought to the end of X, and back afterwards."""
    if axis == -1:
        return op(x, *weights)
    ndim = x.ndim
    places = places_of(what, axis, ndim)
    if places[0] == ndim - len(places):
        return op(x, *weights)
    order = [a for a in range(ndim) if a not in places] + places
    y = op(_core.transpose(x, axes=order), *weights)
    return _core.transpose(y, axes=sorted(range(ndim), key=order.__getitem__))


def warn_of_rms_scaling(instead):
    """For the caller's caller: what Keras has deprecated."""
    warnings.warn(
        f"rms_scaling=True divides by the standard deviation, not by the root mean square; use {instead} for that",
        stacklevel=3,
    )


def scale_by_deviation(x, gamma, dims, epsilon):
    """gamma * x / sqrt(variance + epsilon), with the variance over the last DIMS dimensions; GAMMA may be None."""
    variance = _core.variance(x, axis=range(x.ndim - dims, x.ndim), keepdims=True)
    y = _core.multiply(x, _core.rsqrt(_core.add(variance, epsilon)))
    return y if gamma is None else _core.multiply(y, gamma)


def unit_length(x, axis, epsilon):
    """x / max(sqrt(sum(x^2)), EPSILON) with the sum over AXIS (all for ()). The gradient is finite at 0 too."""
    squares = _core.sum(_core.square(x), axis=axis, keepdims=True)
    return _core.multiply(x, _core.rsqrt(_core.maximum(squares, epsilon * epsilon)))
