"""Tensors put together, and taken apart along an axis."""

import itertools
import operator

import numpy as np

from cnnpy import _core
from cnnpy.layers.symbolic import symbolic
from cnnpy.ops._convert import ints, one_axis, tensor

__all__ = [
    "append",
    "array_split",
    "concatenate",
    "dsplit",
    "dstack",
    "hsplit",
    "hstack",
    "meshgrid",
    "split",
    "stack",
    "unstack",
    "vsplit",
    "vstack",
]


@symbolic
def concatenate(xs, axis=0):
    """Tensors one after another along an axis; in the other dimensions they agree."""
    return _core.concatenate([tensor(x) for x in xs], axis=axis)


@symbolic
def stack(x, axis=0):
    """Tensors of one shape along a new axis."""
    return _core.stack([tensor(item) for item in x], axis=axis)


@symbolic
def hstack(xs):
    """Tensors side by side: along axis 1, vectors along axis 0."""
    xs = [tensor(x) for x in xs]
    return _core.concatenate(
        [x if x.ndim else _core.reshape(x, shape=(1,)) for x in xs], axis=0 if xs[0].ndim < 2 else 1
    )


@symbolic
def vstack(xs):
    """Tensors below each other: along axis 0, vectors as rows. (Keras on TensorFlow joins vectors end to end.)"""
    xs = [tensor(x) for x in xs]
    return _core.concatenate([x if x.ndim > 1 else _core.reshape(x, shape=(1, -1)) for x in xs], axis=0)


def slice_along(x, axis, begin, end):
    """The slices of x from BEGIN to END along an axis from 0."""
    return _core.slice(x, begin=(*[0] * axis, begin), end=(*x.shape[:axis], end))


def _cut(x, cuts, axis):
    """The parts of x between CUTS along an axis."""
    ends = [0, *cuts, x.shape[axis]]
    return [slice_along(x, axis, begin, max(begin, end)) for begin, end in itertools.pairwise(ends)]


@symbolic
def split(x, indices_or_sections, axis=0):
    """A list of the parts of x along an axis: so many equal ones, or cut at these indices."""
    x = tensor(x)
    axis = one_axis(axis, x.ndim)
    size = x.shape[axis]
    if np.iterable(indices_or_sections):
        return _cut(x, [min(c + size if c < 0 else c, size) for c in ints(indices_or_sections)], axis)
    sections = operator.index(indices_or_sections)
    if sections < 1 or size % sections:
        raise ValueError(f"split: dimension {axis} of shape {x.shape} does not divide into {sections} equal parts")
    return _cut(x, [size // sections * i for i in range(1, sections)], axis)


@symbolic
def array_split(x, indices_or_sections, axis=0):
    """As `split`, but of parts that cannot be equal the first ones are one longer."""
    x = tensor(x)
    axis = one_axis(axis, x.ndim)
    if np.iterable(indices_or_sections):
        return split(x, indices_or_sections, axis)
    sections = operator.index(indices_or_sections)
    if sections < 1:
        raise ValueError(f"array_split: {sections} sections; there must be at least 1")
    short, longer = divmod(x.shape[axis], sections)
    return _cut(x, [short * i + min(i, longer) for i in range(1, sections)], axis)


def _split_at_least(name, x, indices_or_sections, axis, ndim):
    x = tensor(x)
    if x.ndim < ndim:
        raise ValueError(f"{name} takes at least {ndim} dimension{'s' * (ndim > 1)}, got shape {x.shape}")
    return split(x, indices_or_sections, axis)


@symbolic
def hsplit(x, indices_or_sections):
    """`split` along axis 1, of vectors along axis 0."""
    x = tensor(x)
    return _split_at_least("hsplit", x, indices_or_sections, min(1, x.ndim - 1), 1)


@symbolic
def vsplit(x, indices_or_sections):
    """`split` along axis 0."""
    return _split_at_least("vsplit", x, indices_or_sections, 0, 2)


@symbolic
def dsplit(x, indices_or_sections):
    """`split` along axis 2."""
    return _split_at_least("dsplit", x, indices_or_sections, 2, 3)


@symbolic
def unstack(x, num=None, axis=0):
    """A list of the slices of x along an axis, NUM of them (None: as many as there are)."""
    x = tensor(x)
    axis = one_axis(axis, x.ndim)
    if num is not None and num != x.shape[axis]:
        raise ValueError(f"unstack: num is {num}, but dimension {axis} of shape {x.shape} is {x.shape[axis]}")
    return [_core.squeeze(slice_along(x, axis, i, i + 1), axis=axis) for i in range(x.shape[axis])]


@symbolic
def dstack(xs):
    """Tensors behind each other: along axis 2; vectors are (1, n, 1) and matrices (m, n, 1)."""

    def cube(x):
        x = tensor(x)
        return x if x.ndim > 2 else _core.reshape(x, shape=(*x.shape, 1) if x.ndim == 2 else (1, -1, 1))

    return _core.concatenate([cube(x) for x in xs], axis=2)


@symbolic
def append(x1, x2, axis=None):
    """x2 after x1 along an axis; None: both flattened."""
    x1, x2 = tensor(x1), tensor(x2)
    if axis is None:
        return _core.concatenate([_core.reshape(x, shape=(-1,)) for x in (x1, x2)], axis=0)
    return _core.concatenate([x1, x2], axis=axis)


@symbolic
def meshgrid(*x, indexing="xy"):
    """A list of the coordinates of a grid over vectors: y_i has the shape of all sizes and varies along axis i as x_i
    does; with indexing 'xy' the first two axes are exchanged."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing must be 'xy' or 'ij', got {indexing!r}")
    xs = [_core.reshape(tensor(one), shape=(-1,)) for one in x]
    places = list(range(len(xs)))
    if indexing == "xy" and len(xs) > 1:
        places[:2] = 1, 0
    shape = [0] * len(xs)
    for one, place in zip(xs, places):
        shape[place] = one.shape[0]

    def spread(one, place):
        along = [-1 if d == place else 1 for d in range(len(xs))]
        return _core.broadcast_to(_core.reshape(one, shape=along), shape=shape)

    return [spread(one, place) for one, place in zip(xs, places)]
