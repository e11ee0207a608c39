"""The op of layer normalisation: rows by their own moments, or by their root mean square alone."""

from functools import partial

import numpy as np
import pytest
from conditions import LEVELS, assert_same_bits_for_any_threads, level

from cnnpy import _core
from gradients import assert_scaled_op, check_gradients
from reference import normalization as reference

CASES = [
    ((5,), 1),
    ((4, 1), 1),
    ((6, 3), 1),
    ((3, 16), 1),
    ((2, 3, 37), 1),
    ((2, 3, 4, 5), 2),
    ((2, 3, 4, 5), 4),
    ((500, 67), 1),
    ((3, 5000), 1),
    ((9, 40, 130), 2),
]


def arrays(shape, dims, seed=0):
    rng = np.random.default_rng(seed)
    last = shape[len(shape) - dims :]
    return rng.normal(size=shape) * 2 + 1, rng.uniform(0.5, 2, last), rng.normal(size=last)


@pytest.mark.parametrize("rms", [False, True])
@pytest.mark.parametrize("shape,dims", CASES)
def test_values_and_gradients(shape, dims, rms):
    x, gamma, beta = arrays(shape, dims)
    op = partial(_core.layer_norm, dims=dims, epsilon=0.01, rms=rms)
    expected = partial(reference.layer_norm, dims=dims, epsilon=0.01, rms=rms)
    assert_scaled_op(op, expected, x, gamma, beta)


def test_gradients_of_some_inputs_only():
    for wrt in ([0], [1], [2], [1, 2]):
        check_gradients(_core.layer_norm, arrays((7, 5), 1), wrt=wrt)


def test_gradients_of_long_rows():
    x, gamma, beta = arrays((2, 4100), 1)
    check_gradients(lambda t: _core.layer_norm(t, gamma, beta), [x], atol=1e-6)
    few = [0, 1, 4098, 4099]  # the sums over rows are cut by columns: both ends tell as much as all of them
    place = np.zeros((4, 4100))
    place[range(4), few] = 1

    def of_few(g, b):
        return _core.layer_norm(x, *(_core.reshape(_core.matmul(v, place), shape=(-1,)) for v in (g, b)))

    check_gradients(of_few, [gamma[None, few], beta[None, few]])


def test_a_large_mean_does_not_cost_digits():
    x = (np.random.default_rng(3).normal(size=(50, 700)) + 5000).astype("float32")
    expected = reference.layer_norm(x.astype("float64"))
    for name in LEVELS:
        with level(name):
            np.testing.assert_allclose(np.asarray(_core.layer_norm(x)), expected, atol=2e-3)


def test_nan_stays_in_its_row():
    x = np.random.default_rng(4).normal(size=(5, 17)).astype("float32")
    x[3, 4] = np.nan
    y = np.asarray(_core.layer_norm(x))
    assert np.isnan(y[3]).all() and not np.isnan(np.delete(y, 3, axis=0)).any()


@pytest.mark.parametrize("shape,dims", [((700, 70), 1), ((20, 9, 9, 64), 3)])
def test_bits_do_not_depend_on_threads(shape, dims):
    given = [a.astype("float32") for a in arrays(shape, dims)]
    assert_same_bits_for_any_threads(partial(_core.layer_norm, dims=dims), given)


def test_empty():
    for shape in [(0, 3), (2, 0)]:
        gamma = np.ones(shape[1])
        assert _core.layer_norm(np.ones(shape), gamma).shape == shape
        check_gradients(_core.layer_norm, [np.ones(shape), gamma, gamma])


def test_bad_input():
    x = np.ones((4, 2, 3))
    with pytest.raises(ValueError, match=r"gamma must have shape \(2, 3\), that of the last 2 dimensions of x; got"):
        _core.layer_norm(x, np.ones(3), dims=2)
    for dims in (0, 4):
        with pytest.raises(ValueError, match=rf"dims must be from 1 to .* got {dims} for shape \(4, 2, 3\)"):
            _core.layer_norm(x, dims=dims)
    with pytest.raises(ValueError, match=r"epsilon must be 0 or more"):
        _core.layer_norm(x, epsilon=-1.0)
    with pytest.raises(TypeError, match=r"x is float64 but beta is float32"):
        _core.layer_norm(x, None, np.ones(3, "float32"))
    with pytest.raises(TypeError, match=r"x must be float32 or float64, got int64"):
        _core.layer_norm(x.astype("int64"))
