"""The dense layer."""

from functools import partial

import numpy as np
import pytest
from conditions import (
    LEVELS,
    assert_close_at_every_level,
    assert_same_bits_for_any_threads,
    level,
    results_and_gradients,
)

import cnnpy
from cnnpy import _core
from gradients import check_gradients
from reference.dense import dense

ACTIVATIONS = ["linear", "relu", "sigmoid", "tanh", "softmax"]
# x's shape, units
CASES = [
    ((1, 1), 1),
    ((3,), 2),
    ((5, 3), 7),
    ((2, 3, 4), 5),
    ((2, 1, 3, 2, 4), 3),
    ((0, 3), 4),
    ((4, 0), 3),
    ((4, 3), 0),
    ((17, 33), 16),
    ((70, 5), 67),
    ((1, 300), 20),
    ((9, 2), 300),
]


def inputs(shape, units, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape), rng.normal(size=(shape[-1], units)), rng.normal(size=units)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("shape,units", CASES)
def test_equals_the_reference(shape, units, activation):
    arrays = inputs(shape, units)
    op, expected = partial(_core.dense, activation=activation), partial(dense, activation=activation)
    for given in (arrays, arrays[:2]):
        assert_close_at_every_level(op, expected, given, rtol=1e-4, atol=2e-5)
        if given[0].size * units < 300 and given[1].size < 200:
            check_gradients(op, given)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_of_some_inputs_only(activation):
    arrays = inputs((4, 3), 5)
    for wrt in ([0], [1], [2], [0, 1], [1, 2], [0, 2]):
        check_gradients(partial(_core.dense, activation=activation), arrays, wrt=wrt)


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 7, 8, 9, 31, 32, 33, 100])
@pytest.mark.parametrize("name", LEVELS)
def test_every_way_to_multiply(name, rows):
    """Few rows and many take different ways through memory; all give the same numbers, forward and backward."""
    rng = np.random.default_rng(rows)
    for features, units in [(9, 1), (1030, 16), (131, 527), (515, 67), (1, 45)]:
        x, kernel, bias = rng.normal(size=(rows, features)), rng.normal(size=(features, units)), rng.normal(size=units)
        dy = np.random.default_rng(0).normal(size=(rows, units))
        expected = [x @ kernel + bias, dy @ kernel.T, x.T @ dy, dy.sum(0)]
        for dtype, tolerance in (("float64", 1e-11), ("float32", 2e-4)):
            with level(name):
                got = results_and_gradients(_core.dense, [a.astype(dtype) for a in (x, kernel, bias)])
            for a, b in zip(got, expected):
                np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * 10)


@pytest.mark.parametrize("shape,units", [((1, 3000), 130), ((8, 3000), 130), ((128, 700), 300), ((300, 40), 10)])
def test_bits_do_not_depend_on_threads(shape, units):
    arrays = [a.astype("float32") for a in inputs(shape, units)]
    for activation in ACTIVATIONS:
        assert_same_bits_for_any_threads(partial(_core.dense, activation=activation), arrays)


@pytest.mark.parametrize("rows", [1, 4, 40])
def test_nan_and_infinity_go_where_they_must(rows):
    x, kernel, bias = (a.astype("float32") for a in inputs((rows, 50), 20))
    x[0, 3] = np.nan
    y = np.asarray(_core.dense(x, kernel, bias, activation="relu"))
    assert np.isnan(y[0]).all() and not np.isnan(y[1:]).any()
    x[0, 3] = 0
    kernel[3, 4] = np.inf
    y = np.asarray(_core.dense(x, kernel))
    assert np.isnan(y[0, 4]) and np.isinf(y[1:, 4]).all() and np.isfinite(np.delete(y, 4, 1)).all()


def test_the_incoming_gradient_stays_whole_for_others():
    """dy feeds two consumers: neither may write into what the other still reads."""
    x, kernel, bias = (cnnpy.Tensor(a) for a in inputs((3, 4), 5))
    dy = cnnpy.Tensor(np.random.default_rng(1).normal(size=(3, 5)))
    before = np.array(dy)
    with cnnpy.GradientTape() as tape:
        tape.watch([x, kernel, bias])
        y = _core.dense(x, kernel, bias, activation="tanh")
    tape.gradient([y], [x, kernel, bias], output_gradients=[dy])
    np.testing.assert_array_equal(np.asarray(dy), before)


def test_bad_input():
    x, kernel = np.ones((2, 3)), np.ones((4, 5))
    with pytest.raises(
        ValueError, match=r"x has 3 features on its last axis, the kernel expects 4; got x of shape \(2, 3\)"
    ):
        _core.dense(x, kernel)
    with pytest.raises(ValueError, match=r'Dense "dense_1": x has 3 features'):
        _core.dense.bind('Dense "dense_1"')(x, kernel)
    with pytest.raises(
        ValueError, match=r"bias must have shape \(5,\), one entry per unit of the kernel; got shape \(4,\)"
    ):
        _core.dense(x, kernel[:3], np.ones(4))
    with pytest.raises(ValueError, match=r"kernel must have 2 dimensions \(inputs, units\), got shape \(3,\)"):
        _core.dense(x, np.ones(3))
    with pytest.raises(ValueError, match=r"x must have at least 1 dimension, got a scalar"):
        _core.dense(np.array(1.0), kernel)
    with pytest.raises(TypeError, match=r"x is float64 but kernel is float32; convert one of them"):
        _core.dense(x, kernel[:3].astype("float32"))
    with pytest.raises(TypeError, match=r"x must be float32 or float64, got int64"):
        _core.dense(x.astype("int64"), kernel[:3])
    with pytest.raises(
        ValueError, match=r"activation must be one of 'linear', 'relu', 'sigmoid', 'tanh', 'softmax', got 'elu'"
    ):
        _core.dense(x, kernel[:3], activation="elu")
