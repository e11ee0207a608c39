"""Medians and quantiles, correlation, histograms, and windows of signal processing."""

import math

import numpy as np

from cnnpy import _core, config
from cnnpy._core import Tensor
from cnnpy.layers.symbolic import symbolic
from cnnpy.ops._convert import floats, is_float, one_dtype, several_axes, tensor
from cnnpy.ops.sorting import sort

__all__ = [
    "bartlett",
    "blackman",
    "corrcoef",
    "correlate",
    "hamming",
    "hanning",
    "histogram",
    "kaiser",
    "median",
    "nanmedian",
    "nanpercentile",
    "nanquantile",
    "percentile",
    "quantile",
]

# ---- quantiles: elements of the sorted rows, with their gradients ----

# The two places to look at, and how far the quantile is from the first to the second, from the exact place.
_METHODS = {
    "linear": lambda at: (np.floor(at), np.ceil(at), at - np.floor(at)),
    "lower": lambda at: (np.floor(at), np.floor(at), 0 * at),
    "higher": lambda at: (np.ceil(at), np.ceil(at), 0 * at),
    "midpoint": lambda at: (np.floor(at), np.ceil(at), 0.5 * (at != np.floor(at))),
    "nearest": lambda at: (np.rint(at), np.rint(at), 0 * at),
}


def _quantile(name, x, q, axis, method, keepdims, skip_nan):
    x, q = floats(x), np.asarray(q, "float64")
    if method not in _METHODS:
        raise ValueError(f"{name}: method must be one of {', '.join(_METHODS)}, got {method!r}")
    if q.ndim > 1 or np.any((q < 0) | (q > 1)):
        raise ValueError(f"{name}: q must be one number or a vector of numbers, all inside their range, got {q}")
    places = several_axes(axis, x.ndim)
    others = [d for d in range(x.ndim) if d not in places]
    rows = _core.transpose(x, axes=(*others, *places)) if x.ndim else x
    n = math.prod(x.shape[a] for a in places)
    if n == 0:
        raise ValueError(f"{name}: no elements to take it of: x has shape {x.shape}")
    rows = sort(_core.reshape(rows, shape=(math.prod(x.shape[d] for d in others), n)), axis=1)
    missing = np.isnan(np.asarray(rows)).sum(axis=1)[:, None]
    count = n - missing if skip_nan else np.full_like(missing, n)
    low, high, part = _METHODS[method](np.maximum(count - 1, 0) * q.reshape(1, -1))
    low, high = (_core.take_along_axis(rows, place.astype("int64"), axis=1) for place in (low, high))
    y = _core.add(_core.multiply(low, Tensor(1 - part, x.dtype)), _core.multiply(high, Tensor(part, x.dtype)))
    y = _core.where(part == 0, low, y)  # an infinity times 0 is none
    if not skip_nan:
        y = _core.where(missing > 0, float("nan"), y)
    shape = [1 if d in places else size for d, size in enumerate(x.shape) if keepdims or d not in places]
    return _core.reshape(_core.transpose(y), shape=(*q.shape, *shape))


@symbolic
def quantile(x, q, axis=None, method="linear", keepdims=False):
    """What a fraction Q (a number or vector, 0 to 1) of the elements is below; a vector's results come along a new
    first dimension. METHOD says what is taken between two elements: 'linear', 'lower', 'higher', 'midpoint' or
    'nearest'. NaN of rows with a NaN."""
    return _quantile("quantile", x, q, axis, method, keepdims, False)


@symbolic
def percentile(x, q, axis=None, method="linear", keepdims=False):
    """`quantile` with Q from 0 to 100."""
    return _quantile("percentile", x, np.asarray(q, "float64") / 100, axis, method, keepdims, False)


@symbolic
def median(x, axis=None, keepdims=False):
    """The element in the middle, or the mean of the two there; NaN of rows with a NaN."""
    return _quantile("median", x, 0.5, axis, "linear", keepdims, False)


@symbolic
def nanquantile(x, q, axis=None, method="linear", keepdims=False):
    """`quantile` of what is not NaN."""
    return _quantile("nanquantile", x, q, axis, method, keepdims, True)


@symbolic
def nanpercentile(x, q, axis=None, method="linear", keepdims=False):
    """`percentile` of what is not NaN."""
    return _quantile("nanpercentile", x, np.asarray(q, "float64") / 100, axis, method, keepdims, True)


@symbolic
def nanmedian(x, axis=None, keepdims=False):
    """`median` of what is not NaN."""
    return _quantile("nanmedian", x, 0.5, axis, "linear", keepdims, True)


# ---- correlation ----


@symbolic
def corrcoef(x):
    """Pearson's correlation of the rows of a matrix with each other, from -1 to 1; of one row, 1."""
    x = floats(x)
    if x.ndim not in (1, 2):
        raise ValueError(f"corrcoef takes a vector or a matrix, got shape {x.shape}")
    rows = _core.reshape(x, shape=(-1, x.shape[-1]))
    rows = _core.subtract(rows, _core.mean(rows, axis=1, keepdims=True))
    rows = _core.divide(rows, _core.sqrt(_core.sum(_core.square(rows), axis=1, keepdims=True)))
    y = _core.clip(_core.matmul(rows, _core.transpose(rows)), min=-1, max=1)
    return _core.reshape(y, shape=()) if x.ndim == 1 else y


@symbolic
def correlate(x1, x2, mode="valid"):
    """y[k] is the sum of x1[k + i] * x2[i], of vectors: where they overlap ('valid'), of the longer one's length
    ('same'), or where any of them do ('full')."""
    x1, x2 = one_dtype(floats(x1), floats(x2))
    if x1.ndim != 1 or x2.ndim != 1 or 0 in (x1.size, x2.size):
        raise ValueError(f"correlate takes two vectors with elements, got shapes {x1.shape} and {x2.shape}")
    if mode not in ("valid", "same", "full"):
        raise ValueError(f"correlate: mode must be 'valid', 'same' or 'full', got {mode!r}")
    n, m = x1.size, x2.size
    if mode == "valid" and m > n:
        return _core.flip(correlate(x2, x1), axis=0)
    pad = 0 if mode == "valid" else m - 1
    windows = _core.take(
        _core.pad(x1, padding=(pad, pad)), np.arange(n + 2 * pad - m + 1)[:, None] + np.arange(m), axis=0
    )
    y = _core.matmul(windows, x2)
    if mode == "same":
        length = max(n, m)
        begin = (n + m - 1 - length) // 2
        return _core.slice(y, begin=(begin,), end=(begin + length,))
    return y


# ---- histograms ----


@symbolic
def histogram(x, bins=10, range=None):
    """(counts, edges) of BINS equal parts of RANGE (low, high; None: of the values); the counts have the dtype of x,
    the edges too or are floats. An element on an edge belongs to the part above it, on the last one to the last part.
    No gradient. (Keras rounds the edges of integers down, and counts between these.)"""
    x = tensor(x)
    if not isinstance(bins, int) or bins < 1:
        raise ValueError(f"histogram: bins must be a positive integer, got {bins!r}")
    if range is not None and not (len(range) == 2 and range[0] <= range[1]):
        raise ValueError(f"histogram: range must be (low, high), got {range}")
    counts, edges = np.histogram(np.asarray(x), bins=bins, range=range)
    return Tensor(counts, x.dtype), Tensor(edges, x.dtype if is_float(x) else config.floatx())


# ---- windows ----


def _window(function, x, *parameters):
    """FUNCTION of NumPy's for windows of the length that X, a whole number, gives."""
    return Tensor(function(int(np.asarray(tensor(x)).item()), *parameters), config.floatx())


def bartlett(x):
    """A triangle of length X, 0 at both ends."""
    return _window(np.bartlett, x)


def blackman(x):
    """Blackman's window of length X: 0.42 - 0.5 cos(t) + 0.08 cos(2t), t from 0 to 2 pi."""
    return _window(np.blackman, x)


def hamming(x):
    """Hamming's window of length X: 0.54 - 0.46 cos(t), t from 0 to 2 pi."""
    return _window(np.hamming, x)


def hanning(x):
    """Hann's window of length X: 0.5 - 0.5 cos(t), t from 0 to 2 pi."""
    return _window(np.hanning, x)


def kaiser(x, beta):
    """Kaiser's window of length X: i0(BETA sqrt(1 - t^2)) / i0(BETA), t from -1 to 1."""
    return _window(np.kaiser, x, float(np.asarray(beta)))
