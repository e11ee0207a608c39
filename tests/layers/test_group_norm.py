"""The op of group normalisation."""

from functools import partial

import numpy as np
import pytest
from conditions import LEVELS, assert_same_bits_for_any_threads, level

from cnnpy import _core
from gradients import assert_scaled_op, check_gradients
from reference import normalization as reference

CASES = [
    ((3, 4), 2, -1),
    ((3, 4), 4, 1),
    ((1, 5, 6), 3, -1),
    ((2, 3, 2, 6), 1, -1),
    ((2, 3, 2, 6), 6, 3),
    ((2, 6, 3, 2), 3, 1),
    ((2, 3, 4, 3), 2, 2),
    ((9, 3, 4, 2), 2, -2),
    ((40, 9, 9, 32), 8, -1),
    ((3, 25, 25, 70), 35, -1),
    ((2, 8, 70, 71), 4, 1),
]


def arrays(shape, axis, seed=0):
    rng, n = np.random.default_rng(seed), shape[axis]
    return rng.normal(size=shape) * 2 + 1, rng.uniform(0.5, 2, n), rng.normal(size=n)


@pytest.mark.parametrize("shape,groups,axis", CASES)
def test_values_and_gradients(shape, groups, axis):
    x, gamma, beta = arrays(shape, axis)
    op = partial(_core.group_norm, groups=groups, axis=axis, epsilon=0.01)
    expected = partial(reference.group_norm, groups=groups, axis=axis, epsilon=0.01)
    assert_scaled_op(op, expected, x, gamma, beta)


def test_gradients_of_some_inputs_only():
    for wrt in ([0], [1], [2], [1, 2]):
        check_gradients(partial(_core.group_norm, groups=2), arrays((4, 3, 6), -1), wrt=wrt)


@pytest.mark.parametrize("axis", [-1, 1])
def test_a_large_mean_does_not_cost_digits(axis):
    x = (np.random.default_rng(3).normal(size=(6, 12, 20, 12)) + 5000).astype("float32")
    expected = reference.group_norm(x.astype("float64"), groups=3, axis=axis)
    for name in LEVELS:
        with level(name):
            np.testing.assert_allclose(np.asarray(_core.group_norm(x, groups=3, axis=axis)), expected, atol=2e-3)


def test_nan_stays_in_its_group():
    x = np.random.default_rng(4).normal(size=(3, 50, 6)).astype("float32")
    x[1, 7, 2] = np.nan
    y = np.asarray(_core.group_norm(x, groups=3))
    assert np.isnan(y[1, :, 2:4]).all() and np.isnan(y).sum() == 100


@pytest.mark.parametrize("shape,axis", [((2, 70, 70, 12), -1), ((50, 9, 9, 64), -1), ((20, 12, 30, 30), 1)])
def test_bits_do_not_depend_on_threads(shape, axis):
    given = [a.astype("float32") for a in arrays(shape, axis)]
    assert_same_bits_for_any_threads(partial(_core.group_norm, groups=4, axis=axis), given)


def test_empty():
    for shape in [(0, 3, 4), (2, 0, 4)]:
        gamma = np.ones(4)
        assert _core.group_norm(np.ones(shape), gamma, groups=2).shape == shape
        check_gradients(partial(_core.group_norm, groups=2), [np.ones(shape), gamma, gamma])


def test_bad_input():
    x = np.ones((4, 5, 6))
    for groups in (0, 4, 12, -1):
        with pytest.raises(ValueError, match=rf"groups must divide the 6 channels of x, got {groups} groups"):
            _core.group_norm(x, groups=groups)
    for axis in (0, 3, -3, -4):
        with pytest.raises(ValueError, match=rf"axis {axis} is not one of the axes of shape \(4, 5, 6\) after the"):
            _core.group_norm(x, axis=axis)
    with pytest.raises(ValueError, match=r"gamma must have shape \(6,\), one entry for each channel of x; got"):
        _core.group_norm(x, np.ones(5))
    with pytest.raises(ValueError, match=r"epsilon must be 0 or more"):
        _core.group_norm(x, epsilon=-1.0)
    with pytest.raises(TypeError, match=r"x is float64 but beta is float32"):
        _core.group_norm(x, None, np.ones(6, "float32"))
