"""Values brought to places that indices name: scatter, sums and extremes of segments, counts."""

import operator

import numpy as np

from cnnpy import _core
from cnnpy._core import Tensor
from cnnpy.layers.symbolic import call_state, symbolic
from cnnpy.ops._convert import common_dtype, ints, is_float, tensor
from cnnpy.ops._gradient import with_gradient
from cnnpy.ops._symbolic import of_values

__all__ = [
    "bincount",
    "scatter",
    "scatter_update",
    "segment_max",
    "segment_min",
    "segment_prod",
    "segment_sum",
]

_REDUCTIONS = {None: None, "add": np.add, "max": np.maximum, "min": np.minimum, "mul": np.multiply}


# ---- rows[places[i]] = reduction(rows[places[i]], updates[i]) of arrays, and its gradients ----


def _update(rows, places, updates, reduction):
    y = rows.copy()
    if reduction is None:
        y[places] = updates
    else:
        _REDUCTIONS[reduction].at(y, places, updates)
    return y


def _gradient_of_assignment(g, places, rows):
    """Of several updates of one row the last one is in the result."""
    last = np.full(rows.shape[0], -1)
    last[places] = np.arange(places.size)
    of_rows, of_updates = g.copy(), g[places]
    of_rows[places] = 0
    of_updates[last[places] != np.arange(places.size)] = 0
    return of_rows, of_updates


def _gradient_of_extreme(g, places, rows, updates, y):
    """All that equal the extreme share its gradient."""
    chosen_rows, chosen = rows == y, updates == y[places]
    count = chosen_rows.astype(g.dtype)
    np.add.at(count, places, chosen)
    share = g / count
    return np.where(chosen_rows, share, 0), np.where(chosen, share[places], 0)


def _gradient_of_product(g, places, rows, updates):
    """Each factor's gradient is the product of the others: of those before it and those after it, so zeros do no
    harm."""
    before, after = np.empty_like(updates), np.empty_like(updates)
    product = rows.copy()
    for i, place in enumerate(places):
        before[i] = product[place]
        product[place] *= updates[i]
    product = np.ones_like(rows)
    for i in range(places.size - 1, -1, -1):
        after[i] = product[places[i]]
        product[places[i]] *= updates[i]
    return g * product, g[places] * before * after


def _scattered(rows, places, updates, reduction):
    """The Tensor ROWS (count, ...) with UPDATES (n, ...) put at PLACES, an array (n,) of row numbers."""
    x, u = np.asarray(rows), np.asarray(updates)
    y = _update(x, places, u, reduction)

    def gradient(g):
        if reduction is None:
            return _gradient_of_assignment(g, places, x)
        if reduction == "add":
            return g, g[places]
        if reduction == "mul":
            return _gradient_of_product(g, places, x, u)
        return _gradient_of_extreme(g, places, x, u, y)

    return with_gradient([rows, updates], y, gradient)


def scatter_rows(count, places, updates):
    """COUNT rows of zeros with the rows of the Tensor UPDATES added at PLACES, an array."""
    return _scattered(Tensor(np.zeros((count, updates.shape[1]), updates.dtype)), places, updates, "add")


# ---- scatter ----


def _rows(name, indices, shape):
    """INDICES (..., depth) into the first dimensions of SHAPE as numbers of rows, and how many rows there are."""
    indices = np.asarray(tensor(indices))
    if indices.dtype.kind not in "iu":
        raise TypeError(f"{name}: indices must be integers, got {indices.dtype}")
    depth = indices.shape[-1] if indices.ndim else 0
    if not 1 <= depth <= len(shape):
        raise ValueError(
            f"{name}: the last dimension of indices {indices.shape} must be from 1 to {len(shape)}, the number of "
            f"dimensions of shape {shape}"
        )
    sizes = np.array(shape[:depth])
    if np.any((indices < 0) | (indices >= sizes)):
        raise IndexError(f"{name}: an index is outside of the first {depth} dimensions of shape {shape}")
    places = np.ravel_multi_index(tuple(np.moveaxis(indices, -1, 0).reshape(depth, -1)), shape[:depth])
    return places, indices.shape[:-1], depth


def _scatter(name, inputs, indices, updates, reduction):
    shape = inputs.shape
    places, head, depth = _rows(name, indices, shape)
    if updates.shape != head + shape[depth:]:
        raise ValueError(
            f"{name}: the values must have shape {head + shape[depth:]} for indices of shape {(*head, depth)} into "
            f"shape {shape}, got {updates.shape}"
        )
    tail = int(np.prod(shape[depth:]))
    rows = _core.reshape(inputs, shape=(int(np.prod(shape[:depth])), tail))
    updates = _core.reshape(updates, shape=(places.size, tail))
    return _core.reshape(_scattered(rows, places, updates, reduction), shape=shape)


@symbolic
def scatter(indices, values, shape):
    """Zeros of SHAPE with VALUES (..., tail) added at INDICES (..., depth), places in its first dimensions."""
    values = tensor(values)
    return _scatter("scatter", Tensor(np.zeros(ints(shape), values.dtype)), indices, values, "add")


@symbolic
def scatter_update(inputs, indices, updates, reduction=None):
    """INPUTS with UPDATES (..., tail) at INDICES (..., depth), which name places in its first dimensions; of several
    for one place the last. With REDUCTION 'add', 'max', 'min' or 'mul' they are combined with what is there."""
    if reduction not in _REDUCTIONS:
        raise ValueError(f"scatter_update: reduction must be None, 'add', 'max', 'min' or 'mul', got {reduction!r}")
    inputs = tensor(inputs)
    return _scatter("scatter_update", inputs, indices, tensor(updates, inputs.dtype), reduction)


# ---- segments ----


def _segments(name, data, segment_ids, num_segments, is_sorted, reduction, start):
    data, ids = tensor(data), np.asarray(tensor(segment_ids))
    if ids.ndim != 1 or data.ndim < 1 or ids.shape[0] != data.shape[0]:
        raise ValueError(
            f"{name}: segment_ids must be a vector as long as the first dimension of data, got shapes {ids.shape} and "
            f"{data.shape}"
        )
    if ids.dtype.kind not in "iu":
        raise TypeError(f"{name}: segment_ids must be integers, got {ids.dtype}")
    if is_sorted and np.any(ids[1:] < ids[:-1]):
        raise ValueError(f"{name}: sorted is True, but the segment_ids fall somewhere")
    if num_segments is None:
        count = ids.size if call_state.probing else int(ids.max(initial=-1)) + 1  # a shape that is open
    else:
        count = operator.index(num_segments)
    if np.any(ids >= count):
        raise ValueError(f"{name}: a segment id is {ids.max()}, but num_segments is {count}")
    if np.any(ids < 0):  # these take no part
        keep = np.nonzero(ids >= 0)[0]
        data, ids = _core.take(data, keep, axis=0), ids[keep]
    tail = data.shape[1:]
    rows = Tensor(np.full((count, int(np.prod(tail))), start(data.dtype), data.dtype))
    y = _scattered(rows, ids, _core.reshape(data, shape=(ids.size, rows.shape[1])), reduction)
    return _core.reshape(y, shape=(count, *tail))


def _limit(which):
    def start(dtype):
        if dtype == "bool":
            return which == "max"
        return getattr(np.finfo(dtype) if dtype.startswith("float") else np.iinfo(dtype), which)

    return start


@symbolic
def segment_sum(data, segment_ids, num_segments=None, sorted=False):
    """y[s] is the sum of the slices data[i] with segment_ids[i] == s, for s below NUM_SEGMENTS (None: the highest plus
    1). Negative ids take no part; SORTED promises that the ids rise, and is checked."""
    return _segments("segment_sum", data, segment_ids, num_segments, sorted, "add", lambda dtype: 0)


@symbolic
def segment_prod(data, segment_ids, num_segments=None, sorted=False):
    """As `segment_sum`, the product; 1 for segments without entries."""
    return _segments("segment_prod", data, segment_ids, num_segments, sorted, "mul", lambda dtype: 1)


@symbolic
def segment_max(data, segment_ids, num_segments=None, sorted=False):
    """As `segment_sum`, the maximum; the least number of the dtype for segments without entries."""
    return _segments("segment_max", data, segment_ids, num_segments, sorted, "max", _limit("min"))


@symbolic
def segment_min(data, segment_ids, num_segments=None, sorted=False):
    """As `segment_sum`, the minimum; the largest number of the dtype for segments without entries."""
    return _segments("segment_min", data, segment_ids, num_segments, sorted, "min", _limit("max"))


# ---- counts ----


@of_values
def bincount(x, weights=None, minlength=0, sparse=False):
    """How often 0, 1, 2, ... occur in the vector x, or in each row of a matrix, int32; with WEIGHTS, of the shape of x,
    the sums of them. At least MINLENGTH entries."""
    if sparse:
        raise NotImplementedError("bincount: there are no sparse tensors here; leave sparse=False")
    x = tensor(x)
    places = np.asarray(x).astype("int64")
    if is_float(x) or x.ndim not in (1, 2) or np.any(places < 0):
        raise ValueError(f"bincount takes a vector or matrix of whole numbers from 0, got {x.dtype} of shape {x.shape}")
    dtype = "int32"
    if weights is not None:
        weights = tensor(weights)
        dtype = common_dtype(x, weights)
        if weights.shape != x.shape:
            raise ValueError(f"bincount: weights of shape {weights.shape} for x of shape {x.shape}")
    else:
        weights = Tensor(np.ones(x.shape, dtype))
    size = max(int(places.max(initial=-1)) + 1, int(minlength))
    heads = places.shape[:-1]
    if heads:
        places = places + size * np.arange(heads[0])[:, None]
    updates = _core.reshape(tensor(weights, dtype), shape=(-1, 1))
    counts = scatter_rows(int(np.prod(heads)) * size, places.reshape(-1), updates)
    return _core.reshape(counts, shape=(*heads, size))
