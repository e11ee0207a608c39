"""Other shapes and places of the same elements, and choices by index. What has a gradient keeps it, but for the indices
that `argsort`, `nonzero` and their kind find, which are computed by NumPy."""

import builtins
import itertools
import operator

import numpy as np

from cnnpy import _core
from cnnpy._core import Tensor
from cnnpy.layers.symbolic import symbolic
from cnnpy.ops._convert import one_axis, tensor

__all__ = [
    "argsort",
    "broadcast_to",
    "concatenate",
    "expand_dims",
    "flip",
    "hstack",
    "moveaxis",
    "nonzero",
    "pad",
    "ravel",
    "repeat",
    "reshape",
    "roll",
    "slice",
    "sort",
    "split",
    "squeeze",
    "stack",
    "swapaxes",
    "take",
    "take_along_axis",
    "tile",
    "top_k",
    "transpose",
    "tril",
    "triu",
    "unstack",
    "vstack",
]


def _ints(x):
    """X, one integer or several, as a tuple."""
    return tuple(operator.index(i) for i in x) if np.iterable(x) else (operator.index(x),)


@symbolic
def reshape(x, newshape):
    """x in another shape; one dimension may be -1."""
    return _core.reshape(tensor(x), shape=_ints(newshape))


@symbolic
def ravel(x):
    """x in one dimension."""
    return _core.reshape(tensor(x), shape=(-1,))


@symbolic
def transpose(x, axes=None):
    """The dimensions of x in the order AXES; None reverses them."""
    return _core.transpose(tensor(x), axes=() if axes is None else axes)


@symbolic
def swapaxes(x, axis1, axis2):
    """Two dimensions exchanged."""
    x = tensor(x)
    order = list(range(x.ndim))
    first, second = one_axis(axis1, x.ndim), one_axis(axis2, x.ndim)
    order[first], order[second] = second, first
    return _core.transpose(x, axes=order)


@symbolic
def moveaxis(x, source, destination):
    """The dimensions SOURCE moved to the places DESTINATION; the others stay in order."""
    x = tensor(x)
    source = [one_axis(a, x.ndim) for a in _ints(source)]
    destination = [one_axis(a, x.ndim) for a in _ints(destination)]
    if len(source) != len(destination):
        raise ValueError(f"moveaxis: {len(source)} sources for {len(destination)} destinations")
    order = [d for d in range(x.ndim) if d not in source]
    for place, axis in sorted(zip(destination, source)):
        order.insert(place, axis)
    return _core.transpose(x, axes=order)


@symbolic
def expand_dims(x, axis):
    """x with new dimensions of 1, which AXIS (an integer or several) names in the result."""
    x = tensor(x)
    places = _ints(axis)
    ndim = x.ndim + len(places)
    for place in sorted(one_axis(a, ndim) for a in places):
        x = _core.expand_dims(x, axis=place)
    return x


@symbolic
def squeeze(x, axis=None):
    """x without its dimensions of 1, or without those that AXIS names."""
    return _core.squeeze(tensor(x), axis=() if axis is None else axis)


@symbolic
def broadcast_to(x, shape):
    """x repeated along its dimensions of 1, and along new ones before them, to SHAPE."""
    return _core.broadcast_to(tensor(x), shape=_ints(shape))


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
    """Tensors below each other: along axis 0, vectors as rows."""
    xs = [tensor(x) for x in xs]
    return _core.concatenate([x if x.ndim > 1 else _core.reshape(x, shape=(1, -1)) for x in xs], axis=0)


def _slice_along(x, axis, begin, end):
    return _core.slice(x, begin=(*[0] * axis, begin), end=(*x.shape[:axis], end))


@symbolic
def split(x, indices_or_sections, axis=0):
    """A list of the parts of x along an axis: so many equal ones, or cut at these indices."""
    x = tensor(x)
    axis = one_axis(axis, x.ndim)
    size = x.shape[axis]
    if np.iterable(indices_or_sections):
        cuts = [builtins.min(c + size if c < 0 else c, size) for c in _ints(indices_or_sections)]
    else:
        sections = operator.index(indices_or_sections)
        if sections < 1 or size % sections:
            raise ValueError(f"split: dimension {axis} of shape {x.shape} does not divide into {sections} equal parts")
        cuts = [size // sections * i for i in range(1, sections)]
    ends = [0, *cuts, size]
    return [_slice_along(x, axis, begin, builtins.max(begin, end)) for begin, end in itertools.pairwise(ends)]


@symbolic
def unstack(x, num=None, axis=0):
    """A list of the slices of x along an axis, NUM of them (None: as many as there are)."""
    x = tensor(x)
    axis = one_axis(axis, x.ndim)
    if num is not None and num != x.shape[axis]:
        raise ValueError(f"unstack: num is {num}, but dimension {axis} of shape {x.shape} is {x.shape[axis]}")
    return [_core.squeeze(_slice_along(x, axis, i, i + 1), axis=axis) for i in range(x.shape[axis])]


@symbolic
def slice(inputs, start_indices, shape):
    """The part of SHAPE that begins at START_INDICES; -1 in shape takes all that is left."""
    x, begin, shape = tensor(inputs), _ints(start_indices), _ints(shape)
    if len(begin) != x.ndim or len(shape) != x.ndim:
        raise ValueError(
            f"slice: start_indices and shape must have {x.ndim} entries for shape {x.shape}, got {begin} and {shape}"
        )
    end = [n if s == -1 else b + s for n, b, s in zip(x.shape, begin, shape)]
    if builtins.any(b < 0 or e < b or e > n for n, b, e in zip(x.shape, begin, end)):
        raise ValueError(f"slice: {shape} from {begin} does not lie inside shape {x.shape}")
    return _core.slice(x, begin=begin, end=end)


@symbolic
def flip(x, axis=None):
    """x with the order along an axis, or along all, reversed."""
    return _core.flip(tensor(x), axis=() if axis is None else axis)


@symbolic
def roll(x, shift, axis=None):
    """x moved on by SHIFT places along an axis, or flattened; what falls out comes in at the other end."""
    x = tensor(x)
    if axis is None:
        return _core.reshape(roll(_core.reshape(x, shape=(-1,)), shift, 0), shape=x.shape)
    shifts, places = _ints(shift), _ints(axis)
    if len(shifts) == 1:
        shifts = shifts * len(places)
    if len(shifts) != len(places):
        raise ValueError(f"roll: {len(shifts)} shifts for {len(places)} axes")
    for by, place in zip(shifts, places):
        place = one_axis(place, x.ndim)
        size = x.shape[place]
        cut = (size - by) % size if size else 0
        if cut:
            x = _core.concatenate([_slice_along(x, place, cut, size), _slice_along(x, place, 0, cut)], axis=place)
    return x


@symbolic
def repeat(x, repeats, axis=None):
    """Each element along an axis (None: of the flattened x) REPEATS times; one number for all, or one for each."""
    x = tensor(x)
    if axis is None:
        x, axis = _core.reshape(x, shape=(-1,)), 0
    if np.ndim(repeats) == 0:
        return _core.repeat(x, repeats=operator.index(np.asarray(repeats).item()), axis=axis)
    size = x.shape[one_axis(axis, x.ndim)]
    times = _ints(repeats)
    if len(times) == 1:
        return _core.repeat(x, repeats=times[0], axis=axis)
    if len(times) != size:
        raise ValueError(f"repeat: {len(times)} repeats for a dimension of {size}")
    return _core.take(x, np.repeat(np.arange(size), times), axis=axis)


@symbolic
def tile(x, repeats):
    """x side by side REPEATS times in each dimension."""
    return _core.tile(tensor(x), repeats=_ints(repeats))


@symbolic
def pad(x, pad_width, mode="constant", constant_values=None):
    """x inside a border. PAD_WIDTH: one number, (before, after), or a pair for each dimension. MODE: 'constant' (0, or
    CONSTANT_VALUES), 'reflect' (mirrored without the edge) or 'symmetric' (mirrored with it)."""
    x = tensor(x)
    widths = np.broadcast_to(np.asarray(pad_width), (x.ndim, 2)).tolist()
    if mode == "constant":
        value = 0 if constant_values is None else constant_values
        return _core.pad(x, padding=[n for pair in widths for n in pair], value=value)
    if mode not in ("reflect", "symmetric"):
        raise ValueError(f"pad: mode must be 'constant', 'reflect' or 'symmetric', got {mode!r}")
    if constant_values is not None:
        raise ValueError(f"pad: constant_values goes with mode 'constant', not {mode!r}")
    for axis, (before, after) in enumerate(widths):
        if before < 0 or after < 0:
            raise ValueError(f"pad: pad_width must not be negative, got {pad_width}")
        if before or after:
            x = _core.take(x, np.pad(np.arange(x.shape[axis]), (before, after), mode=mode), axis=axis)
    return x


@symbolic
def take(x, indices, axis=None):
    """The slices of x at INDICES along an axis, or elements of the flattened x; negative indices count from the end."""
    x = tensor(x)
    if axis is None:
        return _core.take(_core.reshape(x, shape=(-1,)), tensor(indices), axis=0)
    return _core.take(x, tensor(indices), axis=axis)


@symbolic
def take_along_axis(x, indices, axis=None):
    """y[.., i, ..] = x[.., indices[.., i, ..], ..] along an axis, or of the flattened x."""
    x = tensor(x)
    if axis is None:
        return _core.take(_core.reshape(x, shape=(-1,)), _core.reshape(tensor(indices), shape=(-1,)), axis=0)
    return _core.take_along_axis(x, tensor(indices), axis=axis)


@symbolic
def argsort(x, axis=-1):
    """The order that sorts x along an axis (None: flattened), equals in the order they come, int32."""
    return Tensor(np.argsort(np.asarray(tensor(x)), axis=axis, kind="stable"), "int32")


@symbolic
def sort(x, axis=-1):
    """x in rising order along an axis (None: flattened)."""
    x = tensor(x)
    x, axis = (_core.reshape(x, shape=(-1,)), 0) if axis is None else (x, axis)
    return _core.take_along_axis(x, np.argsort(np.asarray(x), axis=axis, kind="stable"), axis=axis)


@symbolic
def top_k(x, k, sorted=True):
    """(values, int32 indices) of the K largest along the last axis, of equals the first; in falling order if SORTED,
    else in the order they have in x."""
    x = tensor(x)
    if x.ndim == 0 or not 0 <= k <= x.shape[-1]:
        raise ValueError(f"top_k: k is {k}, shape {x.shape}; k must be from 0 to the size of the last dimension")
    values = np.asarray(x)
    backwards = np.argsort(values[..., ::-1], axis=-1, kind="stable")[..., ::-1]
    order = (values.shape[-1] - 1 - backwards)[..., :k]
    order = Tensor(order if sorted else np.sort(order, axis=-1), "int32")
    return _core.take_along_axis(x, order, axis=-1), order


@symbolic
def nonzero(x):
    """The indices of the elements that are not 0: for each dimension a vector, int32."""
    return tuple(Tensor(i, "int32") for i in np.nonzero(np.atleast_1d(np.asarray(tensor(x)))))


def _triangle(x, k, upper):
    x = tensor(x)
    if x.ndim < 2:
        raise ValueError(f"x must have at least 2 dimensions, got shape {x.shape}")
    mask = np.tri(*x.shape[-2:], k - 1 if upper else k, dtype=bool)
    return _core.where(~mask if upper else mask, x, 0)


@symbolic
def tril(x, k=0):
    """The matrices x with zeros above the K-th diagonal."""
    return _triangle(x, k, False)


@symbolic
def triu(x, k=0):
    """The matrices x with zeros below the K-th diagonal."""
    return _triangle(x, k, True)
