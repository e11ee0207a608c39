"""cnnpy.random: distributions, seeds, arguments."""

import numpy as np
import pytest

import cnnpy
from cnnpy import random

N = 40000
# name: (call, mean, variance)
DISTRIBUTIONS = {
    "normal": (lambda **k: random.normal((N,), 2.0, 3.0, **k), 2, 9),
    "uniform": (lambda **k: random.uniform((N,), -1.0, 3.0, **k), 1, 16 / 12),
    "truncated_normal": (lambda **k: random.truncated_normal((N,), **k), 0, 0.774),
    "gamma": (lambda **k: random.gamma((N,), 2.5, **k), 2.5, 2.5),
    "beta": (lambda **k: random.beta((N,), 2.0, 3.0, **k), 0.4, 0.04),
    "binomial": (lambda **k: random.binomial((N,), 10.0, 0.3, **k), 3, 2.1),
    "randint": (lambda **k: random.randint((N,), 0, 10, **k), 4.5, 8.25),
    "categorical": (lambda **k: random.categorical(np.log([[0.1, 0.2, 0.7]]), N, **k), 1.6, 0.44),
}


@pytest.mark.parametrize("call, mean, variance", DISTRIBUTIONS.values(), ids=DISTRIBUTIONS)
def test_moments_and_seeds(call, mean, variance):
    x = np.asarray(call(seed=1)).astype("float64")
    assert x.mean() == pytest.approx(mean, abs=5 * (variance / N) ** 0.5)
    assert x.var() == pytest.approx(variance, rel=0.05)
    np.testing.assert_array_equal(call(seed=1), x)
    assert not np.array_equal(call(seed=2), x)
    generator = random.SeedGenerator(1)
    assert not np.array_equal(call(seed=generator), call(seed=generator))
    cnnpy.utils.set_random_seed(3)
    first = call()
    cnnpy.utils.set_random_seed(3)
    np.testing.assert_array_equal(call(), first)


def test_dtypes_and_shapes():
    assert random.gamma((2, 3), 1.0).dtype == random.beta((2,), 1.0, 1.0).dtype == "float32"
    assert random.gamma((2, 3), 1.0, dtype="float64").dtype == "float64"
    assert random.binomial((2,), 3, 0.5).dtype == "float32" and random.binomial((2,), 3, 0.5, "int64").dtype == "int64"
    assert random.categorical(np.zeros((4, 3)), 5).shape == (4, 5)
    assert random.categorical(np.zeros((4, 3)), 5).dtype == "int32"
    assert random.gamma((2, 3), [1.0, 2.0, 3.0]).shape == (2, 3)
    assert random.beta((), 1.0, 2.0).shape == () and random.binomial((0,), 1, 0.5).shape == (0,)


def test_parameters_of_each_element():
    counts = random.binomial((2, 3), [[4.0], [9.0]], [0.0, 1.0, 0.0])
    np.testing.assert_array_equal(counts, [[0, 4, 0], [0, 9, 0]])
    classes = random.categorical([[-np.inf, 0.0, -np.inf], [900.0, 0.0, 0.0]], 50)
    assert np.unique(np.asarray(classes)[0]).tolist() == [1] and np.unique(np.asarray(classes)[1]).tolist() == [0]


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: random.gamma((2,), 0.0), "alpha must be positive"),
        (lambda: random.gamma((2,), [1.0, 1.0, 1.0]), r"alpha of shape \(3,\) does not broadcast to shape \(2,\)"),
        (lambda: random.beta((2,), 1.0, -1.0), "beta must be positive"),
        (lambda: random.beta((2,), 1.0, 1.0, dtype="int32"), "dtype must be float32 or float64"),
        (lambda: random.binomial((2,), 1.5, 0.5), "counts must be whole numbers"),
        (lambda: random.binomial((2,), 1, 1.5), "probabilities must be from 0 to 1"),
        (lambda: random.categorical([1.0, 2.0], 3), r"logits must be \(batch, classes\)"),
        (lambda: random.categorical([[np.nan, 1.0]], 3), "NaN"),
        (lambda: random.categorical([[-np.inf, -np.inf]], 3), "no class that is possible"),
        (lambda: random.gamma((2,), 1.0, seed="a"), "seed must be"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
