"""Order: sorting, ranks, places in a sorted row, and sets. Gradients go back to the elements that were chosen; the
order itself is found by NumPy."""

import numpy as np

from cnnpy import _core
from cnnpy._core import Tensor
from cnnpy.layers.symbolic import symbolic
from cnnpy.ops._convert import one_axis, one_dtype, tensor
from cnnpy.ops._symbolic import of_values

__all__ = [
    "argpartition",
    "argsort",
    "digitize",
    "in_top_k",
    "isin",
    "searchsorted",
    "sort",
    "top_k",
    "unique",
]


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
def argpartition(x, kth, axis=-1):
    """An order along an axis (None: flattened) in which the element at KTH is where sorting would put it, no larger
    one before and no smaller one after it; int32. Among themselves both sides are sorted."""
    x = tensor(x)
    size = x.size if axis is None else x.shape[one_axis(axis, x.ndim)]
    if not -size <= kth < size:
        raise ValueError(f"argpartition: kth is {kth} for {size} elements")
    return argsort(x, axis)


@symbolic
def in_top_k(targets, predictions, k):
    """Whether the class TARGETS[i] is among the K highest of the scores PREDICTIONS[i], bool; ties count for it, scores
    that are not finite against it."""
    targets, predictions = np.asarray(tensor(targets)), np.asarray(tensor(predictions))
    if predictions.ndim != 2 or targets.shape != predictions.shape[:1]:
        raise ValueError(
            "in_top_k: predictions must be (batch, classes) and targets (batch,), got shapes "
            f"{predictions.shape} and {targets.shape}"
        )
    inside = (targets >= 0) & (targets < predictions.shape[1])
    score = np.take_along_axis(predictions, np.where(inside, targets, 0)[:, None], axis=1)
    above = (predictions > score).sum(axis=1)
    return Tensor(inside & (above < k) & np.isfinite(score[:, 0]))


@symbolic
def searchsorted(sorted_sequence, values, side="left"):
    """Where VALUES would have to be put into the sorted vector, before equals (side 'left') or after ('right');
    int32."""
    row, values = one_dtype(sorted_sequence, values)
    if row.ndim != 1:
        raise ValueError(f"searchsorted: sorted_sequence must be a vector, got shape {row.shape}")
    if side not in ("left", "right"):
        raise ValueError(f"searchsorted: side must be 'left' or 'right', got {side!r}")
    return Tensor(np.asarray(np.searchsorted(np.asarray(row), np.asarray(values), side)), "int32")


@symbolic
def digitize(x, bins):
    """For each element how many of the rising BINS are not greater, int32."""
    bins = np.asarray(tensor(bins))
    if bins.ndim != 1 or np.any(bins[1:] < bins[:-1]):
        raise ValueError(f"digitize: bins must be a vector of rising numbers, got {bins}")
    return Tensor(np.asarray(np.digitize(np.asarray(tensor(x)), bins)), "int32")


@symbolic
def isin(x1, x2, assume_unique=False, invert=False):
    """Where elements of x1 are among those of x2, bool; the others if INVERT. ASSUME_UNIQUE only promises that there
    are no equals, for speed."""
    x1, x2 = one_dtype(x1, x2)
    return Tensor(np.asarray(np.isin(np.asarray(x1), np.asarray(x2), assume_unique, invert)))


def _resized(x, size, axis, fill):
    """X cut or filled to SIZE entries along an axis."""
    count = x.shape[axis]
    if count >= size:
        return np.take(x, range(size), axis=axis)
    width = [(0, size - count if d == axis else 0) for d in range(x.ndim)]
    return np.pad(x, width, constant_values=fill)


@of_values
def unique(
    x,
    sorted=True,
    return_index=False,
    return_inverse=False,
    return_counts=False,
    axis=None,
    size=None,
    fill_value=None,
):
    """The different elements of x (of its slices along an axis), rising, or with SORTED false in the order they come.

    Further results, int32, for each return_... that is true, in a tuple: where each comes first; which of them each
    element of x is (in the shape of x, or along the axis); how many there are of each. With SIZE there are so many
    entries: the first ones, or FILL_VALUE (0) after them (of index 1 and count 0).
    """
    x = tensor(x)
    place = 0 if axis is None else one_axis(axis, x.ndim)
    values = np.asarray(x)
    y, index, inverse, counts = np.unique(values, return_index=True, return_inverse=True, return_counts=True, axis=axis)
    inverse = inverse.reshape(values.shape if axis is None else -1)
    if not sorted:
        order = np.argsort(index)
        rank = np.empty_like(order)
        rank[order] = np.arange(order.size)
        y, index, counts, inverse = np.take(y, order, axis=place), index[order], counts[order], rank[inverse]
    if size is not None:
        y = _resized(y, size, place, 0 if fill_value is None else fill_value)
        index, counts = _resized(index, size, 0, 1), _resized(counts, size, 0, 0)
    results = [Tensor(y, x.dtype)]
    for wanted, values in ((return_index, index), (return_inverse, inverse), (return_counts, counts)):
        if wanted:
            results.append(Tensor(values, "int32"))
    return tuple(results) if len(results) > 1 else results[0]
