"""Random tensors whose values depend on the seed alone.

Each function takes `seed`: an integer gives the same values each time, a `SeedGenerator` new ones at each call, None
draws from a generator that `cnnpy.utils.set_random_seed` fixes. The bits are NumPy's Philox.
"""

import numpy as np

from cnnpy import config
from cnnpy._core import Tensor
from cnnpy.utils.random import SeedGenerator, numpy_generator

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]


def _shape(shape):
    return (int(shape),) if hasattr(shape, "__index__") else tuple(int(d) for d in shape)


def _dtype(dtype):
    from cnnpy.dtype_policies import standardize_dtype

    name = standardize_dtype(dtype)
    if name not in ("float32", "float64"):
        raise ValueError(f"dtype must be float32 or float64, got {dtype!r}")
    return name


def normal_values(shape, mean, stddev, dtype, seed):
    """Normal values as a NumPy array."""
    values = numpy_generator(seed).standard_normal(_shape(shape), dtype=dtype)
    values *= stddev
    values += mean
    return values


def uniform_values(shape, low, high, dtype, seed):
    """Uniform values in [low, high) as a NumPy array."""
    values = numpy_generator(seed).random(_shape(shape), dtype=dtype)
    values *= high - low
    values += low
    return values


def truncated_normal_values(shape, mean, stddev, dtype, seed):
    """Normal values within two standard deviations as a NumPy array; what falls outside is drawn again."""
    generator = numpy_generator(seed)
    values = generator.standard_normal(_shape(shape), dtype=dtype)
    outside = np.abs(values) > 2
    while outside.any():
        values[outside] = generator.standard_normal(int(outside.sum()), dtype=dtype)
        outside = np.abs(values) > 2
    values *= stddev
    values += mean
    return values


def normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """A Tensor of normally distributed values."""
    return Tensor(normal_values(shape, mean, stddev, _dtype(dtype), seed))


def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """A Tensor of values distributed evenly in [minval, maxval)."""
    if dtype is not None and str(np.dtype(dtype).kind) in "iu":
        return randint(shape, int(minval), int(maxval), dtype, seed)
    return Tensor(uniform_values(shape, minval, maxval, _dtype(dtype), seed))


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """A Tensor of normally distributed values no further than two standard deviations from the mean."""
    return Tensor(truncated_normal_values(shape, mean, stddev, _dtype(dtype), seed))


def randint(shape, minval, maxval, dtype="int32", seed=None):
    """A Tensor of whole numbers in [minval, maxval)."""
    values = numpy_generator(seed).integers(minval, maxval, _shape(shape))
    return Tensor(values, dtype)


def _parameter(name, value, shape, allowed, rule):
    """VALUE, a parameter NAME of a distribution, as an array that broadcasts to SHAPE and is ALLOWED everywhere."""
    array = np.asarray(value, "float64")
    try:
        np.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(f"{name} of shape {array.shape} does not broadcast to shape {shape}") from None
    if not np.all(allowed(array)):
        raise ValueError(f"{name} must be {rule}, got {value}")
    return array


def gamma(shape, alpha, dtype=None, seed=None):
    """A Tensor of values of the gamma distribution of shape ALPHA (a number or tensor that broadcasts) and scale 1."""
    shape, dtype = _shape(shape), _dtype(dtype)
    alpha = _parameter("alpha", alpha, shape, lambda a: a > 0, "positive")
    return Tensor(np.asarray(numpy_generator(seed).standard_gamma(alpha, shape, dtype=dtype)))


def beta(shape, alpha, beta, dtype=None, seed=None):
    """A Tensor of values of the beta distribution, in (0, 1), of ALPHA and BETA (numbers or tensors that broadcast)."""
    shape, dtype = _shape(shape), _dtype(dtype)
    alpha, beta = (
        _parameter(name, value, shape, lambda a: a > 0, "positive")
        for name, value in (("alpha", alpha), ("beta", beta))
    )
    return Tensor(np.asarray(numpy_generator(seed).beta(alpha, beta, shape)), dtype)


def binomial(shape, counts, probabilities, dtype=None, seed=None):
    """A Tensor of how many of COUNTS trials succeed, of which each does with PROBABILITIES (numbers or tensors that
    broadcast); floats unless DTYPE says otherwise."""
    shape = _shape(shape)
    counts = _parameter("counts", counts, shape, lambda a: (a >= 0) & (a == np.floor(a)), "whole numbers from 0")
    chances = _parameter("probabilities", probabilities, shape, lambda a: (a >= 0) & (a <= 1), "from 0 to 1")
    values = numpy_generator(seed).binomial(counts.astype("int64"), chances, shape)
    return Tensor(np.asarray(values), dtype or config.floatx())


def categorical(logits, num_samples, dtype="int32", seed=None):
    """A Tensor (batch, NUM_SAMPLES) of class numbers, drawn with the probabilities softmax(LOGITS), which are (batch,
    classes)."""
    scores = np.asarray(logits, "float64")
    if scores.ndim != 2 or scores.shape[1] == 0:
        raise ValueError(f"categorical: logits must be (batch, classes), got shape {scores.shape}")
    if np.isnan(scores).any() or np.any(np.max(scores, axis=1) == -np.inf):
        raise ValueError("categorical: a row of logits holds NaN, or no class that is possible")
    steps = np.exp(scores - scores.max(axis=1, keepdims=True)).cumsum(axis=1)
    points = numpy_generator(seed).random((scores.shape[0], num_samples)) * steps[:, -1:]
    rows = [np.searchsorted(row, at, side="right") for row, at in zip(steps, points)]
    return Tensor(np.array(rows).reshape(points.shape), dtype)


def shuffle(x, axis=0, seed=None):
    """X with its entries along AXIS in random order; a Tensor."""
    return Tensor(
        numpy_generator(seed).permuted(np.asarray(x), axis=axis) if np.ndim(x) == 1 else _permute(x, axis, seed)
    )


def _permute(x, axis, seed):
    x = np.asarray(x)
    return np.take(x, numpy_generator(seed).permutation(x.shape[axis]), axis=axis)


def dropout(inputs, rate, noise_shape=None, seed=None):
    """INPUTS with a fraction RATE of the elements set to 0 and the others divided by 1 - rate."""
    from cnnpy import _core
    from cnnpy.utils.random import draw_seed

    seed, offset = draw_seed(seed)
    x = inputs if isinstance(inputs, Tensor) else Tensor(inputs, config.floatx())
    return _core.dropout(x, rate=rate, seed=seed, offset=offset, noise_shape=noise_shape or ())
