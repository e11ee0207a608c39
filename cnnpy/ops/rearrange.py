"""Other shapes and places of the same elements."""

import operator

import numpy as np

from cnnpy import _core
from cnnpy._core import Tensor
from cnnpy.dtype_policies import standardize_dtype
from cnnpy.layers.symbolic import symbolic
from cnnpy.ops._convert import ints, one_axis, tensor
from cnnpy.ops.joining import slice_along

__all__ = [
    "broadcast_to",
    "expand_dims",
    "flip",
    "fliplr",
    "flipud",
    "moveaxis",
    "pad",
    "ravel",
    "repeat",
    "reshape",
    "roll",
    "rot90",
    "squeeze",
    "swapaxes",
    "tile",
    "transpose",
    "view",
]


@symbolic
def reshape(x, newshape):
    """x in another shape; one dimension may be -1."""
    return _core.reshape(tensor(x), shape=ints(newshape))


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
    source = [one_axis(a, x.ndim) for a in ints(source)]
    destination = [one_axis(a, x.ndim) for a in ints(destination)]
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
    places = ints(axis)
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
    return _core.broadcast_to(tensor(x), shape=ints(shape))


@symbolic
def flip(x, axis=None):
    """x with the order along an axis, or along all, reversed."""
    return _core.flip(tensor(x), axis=() if axis is None else axis)


@symbolic
def fliplr(x):
    """x with the order along axis 1 reversed."""
    x = tensor(x)
    one_axis(1, x.ndim)
    return _core.flip(x, axis=1)


@symbolic
def flipud(x):
    """x with the order along axis 0 reversed."""
    x = tensor(x)
    one_axis(0, x.ndim)
    return _core.flip(x, axis=0)


@symbolic
def rot90(array, k=1, axes=(0, 1)):
    """The plane of two AXES turned by K quarters, from the first axis towards the second. (Keras on TensorFlow errs for
    K = 2 where the two are not equally long.)"""
    x = tensor(array)
    if x.ndim < 2 or len(axes) != 2:
        raise ValueError(f"rot90 takes 2 axes of at least 2 dimensions, got axes {axes} of shape {x.shape}")
    first, second = one_axis(axes[0], x.ndim), one_axis(axes[1], x.ndim)
    if first == second:
        raise ValueError(f"rot90: axes {axes} are one and the same")
    k = operator.index(k) % 4
    if k == 2:
        return _core.flip(x, axis=(first, second))
    if k == 0:
        return x
    x = _core.flip(x, axis=second if k == 1 else first)
    return swapaxes(x, first, second)


@symbolic
def roll(x, shift, axis=None):
    """x moved on by SHIFT places along an axis, or flattened; what falls out comes in at the other end."""
    x = tensor(x)
    if axis is None:
        return _core.reshape(roll(_core.reshape(x, shape=(-1,)), shift, 0), shape=x.shape)
    shifts, places = ints(shift), ints(axis)
    if len(shifts) == 1:
        shifts = shifts * len(places)
    if len(shifts) != len(places):
        raise ValueError(f"roll: {len(shifts)} shifts for {len(places)} axes")
    for by, place in zip(shifts, places):
        place = one_axis(place, x.ndim)
        size = x.shape[place]
        cut = (size - by) % size if size else 0
        if cut:
            x = _core.concatenate([slice_along(x, place, cut, size), slice_along(x, place, 0, cut)], axis=place)
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
    times = ints(repeats)
    if len(times) == 1:
        return _core.repeat(x, repeats=times[0], axis=axis)
    if len(times) != size:
        raise ValueError(f"repeat: {len(times)} repeats for a dimension of {size}")
    return _core.take(x, np.repeat(np.arange(size), times), axis=axis)


@symbolic
def tile(x, repeats):
    """x side by side REPEATS times in each dimension."""
    return _core.tile(tensor(x), repeats=ints(repeats))


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
def view(x, dtype=None):
    """The bytes of x read as another dtype; the last dimension grows or shrinks with the size of its elements. No
    gradient, unless the dtype is that of x."""
    x = tensor(x)
    dtype = x.dtype if dtype is None else standardize_dtype(dtype)
    if dtype == x.dtype:
        return x
    old, new = x.itemsize, np.dtype(dtype).itemsize
    if old != new and (x.ndim == 0 or x.shape[-1] * old % new):
        raise ValueError(
            f"view: rows of {x.shape[-1] * old if x.ndim else old} bytes (shape {x.shape}, {x.dtype}) are no multiple "
            f"of the {new} of {dtype}"
        )
    return Tensor(np.asarray(x).view(dtype))
