"""Choices by index, and the diagonals and triangles of matrices."""

import numpy as np

from cnnpy import _core
from cnnpy._core import Tensor
from cnnpy.layers.symbolic import KerasTensor, symbolic
from cnnpy.ops._convert import ints, is_float, one_axis, tensor
from cnnpy.ops._gradient import with_gradient
from cnnpy.ops._symbolic import of_values

__all__ = [
    "diag",
    "diagflat",
    "diagonal",
    "get_item",
    "nonzero",
    "slice",
    "slice_update",
    "take",
    "take_along_axis",
    "tril",
    "triu",
    "unravel_index",
]


def get_item(x, key):
    """x[key]."""
    return (x if isinstance(x, KerasTensor) else tensor(x))[key]


@symbolic
def slice(inputs, start_indices, shape):
    """The part of SHAPE that begins at START_INDICES; -1 in shape takes all that is left."""
    x, begin, shape = tensor(inputs), ints(start_indices), ints(shape)
    if len(begin) != x.ndim or len(shape) != x.ndim:
        raise ValueError(
            f"slice: start_indices and shape must have {x.ndim} entries for shape {x.shape}, got {begin} and {shape}"
        )
    end = [n if s == -1 else b + s for n, b, s in zip(x.shape, begin, shape)]
    if any(b < 0 or e < b or e > n for n, b, e in zip(x.shape, begin, end)):
        raise ValueError(f"slice: {shape} from {begin} does not lie inside shape {x.shape}")
    return _core.slice(x, begin=begin, end=end)


@symbolic
def slice_update(inputs, start_indices, updates):
    """INPUTS with UPDATES in the place of what begins at START_INDICES."""
    x, begin = tensor(inputs), ints(np.asarray(start_indices).tolist())
    updates = tensor(updates, x.dtype)
    if len(begin) != x.ndim or updates.ndim != x.ndim:
        raise ValueError(
            f"slice_update: start_indices and updates must have {x.ndim} dimensions for shape {x.shape}, got {begin} "
            f"and shape {updates.shape}"
        )
    if any(b < 0 or b + n > size for b, n, size in zip(begin, updates.shape, x.shape)):
        raise ValueError(f"slice_update: shape {updates.shape} at {begin} does not lie inside shape {x.shape}")
    place = tuple(np.s_[b : b + n] for b, n in zip(begin, updates.shape))

    def gradient(g):
        rest = g.copy()
        rest[place] = 0
        return rest, g[place]

    y = np.array(x)
    y[place] = updates
    return with_gradient([x, updates], y, gradient)


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


@of_values
def nonzero(x):
    """The indices of the elements that are not 0: for each dimension a vector, int32."""
    return tuple(Tensor(i, "int32") for i in np.nonzero(np.atleast_1d(np.asarray(tensor(x)))))


@symbolic
def unravel_index(indices, shape):
    """The coordinates of places in a flattened tensor of SHAPE: for each dimension a tensor of the shape of INDICES."""
    indices = tensor(indices)
    if is_float(indices):
        raise TypeError(f"unravel_index: indices must be integers, got {indices.dtype}")
    shape = ints(shape)
    size = int(np.prod(shape))
    places = np.asarray(indices)
    if np.any((places < -size) | (places >= size)):
        raise ValueError(f"unravel_index: an index is outside of the {size} elements of shape {shape}")
    return tuple(Tensor(i, indices.dtype) for i in np.unravel_index(places % max(size, 1), shape))


def take_diagonal(x, offset):
    """The diagonals of the last two dimensions of the Tensor x, as the last."""
    *heads, rows, columns = x.shape
    count = max(0, min(rows + min(offset, 0), columns - max(offset, 0)))
    first = offset if offset >= 0 else -offset * columns
    flat = _core.reshape(x, shape=(*heads, rows * columns))
    step = columns + 1
    end = first + (count - 1) * step + 1 if count else first
    n = len(heads)
    return _core.slice(flat, begin=(*[0] * n, first), end=(*heads, end), stride=(*[1] * n, step))


@symbolic
def diagonal(x, offset=0, axis1=0, axis2=1):
    """The diagonals of the planes of two axes, OFFSET places to the right of the main one, as a new last dimension."""
    x = tensor(x)
    if x.ndim < 2:
        raise ValueError(f"diagonal takes at least 2 dimensions, got shape {x.shape}")
    first, second = one_axis(axis1, x.ndim), one_axis(axis2, x.ndim)
    if first == second:
        raise ValueError(f"diagonal: axis1 and axis2 are both {first}")
    heads = [d for d in range(x.ndim) if d not in (first, second)]
    return take_diagonal(_core.transpose(x, axes=(*heads, first, second)), offset)


@symbolic
def diag(x, k=0):
    """Of a vector: a matrix with it on the K-th diagonal and zeros elsewhere. Of a matrix: its K-th diagonal."""
    x = tensor(x)
    if x.ndim == 2:
        return take_diagonal(x, k)
    if x.ndim != 1:
        raise ValueError(f"diag takes a vector or a matrix, got shape {x.shape}")
    n = x.shape[0] + abs(k)
    row = _core.pad(x, padding=(k, 0) if k >= 0 else (0, -k))
    return _core.where(np.eye(n, k=k, dtype=bool), row, np.zeros((), x.dtype))


@symbolic
def diagflat(x, k=0):
    """`diag` of the flattened x."""
    return diag(_core.reshape(tensor(x), shape=(-1,)), k)


def _triangle(x, k, upper):
    x = tensor(x)
    if x.ndim < 2:
        raise ValueError(f"x must have at least 2 dimensions, got shape {x.shape}")
    mask = np.tri(*x.shape[-2:], k - 1 if upper else k, dtype=bool)
    return _core.where(~mask if upper else mask, x, np.zeros((), x.dtype))


@symbolic
def tril(x, k=0):
    """The matrices x with zeros above the K-th diagonal."""
    return _triangle(x, k, False)


@symbolic
def triu(x, k=0):
    """The matrices x with zeros below the K-th diagonal."""
    return _triangle(x, k, True)
