"""Batch normalisation in training and inference."""

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

from cnnpy import _core
from gradients import check_gradients
from reference import normalization as reference

CASES = [
    ((1,), -1),
    ((5, 1), -1),
    ((1, 7), -1),
    ((33, 3), 1),
    ((6, 5), 0),
    ((4, 3, 5, 16), -1),
    ((4, 3, 5, 2), 1),
    ((4, 3, 5, 2), 2),
    ((4, 3, 5, 2), -4),
    ((3, 2, 1, 1), 1),
    ((2, 17, 19, 5), -1),
    ((40, 9, 9, 70), 3),
    ((2, 3, 70, 71), 1),
]


def vectors(shape, axis, seed=0):
    rng, n = np.random.default_rng(seed), shape[axis]
    return (
        rng.normal(size=shape) * 2 + 1,
        rng.normal(size=n),
        rng.uniform(0.5, 2, n),
        rng.normal(size=n),
        rng.normal(size=n),
    )


@pytest.mark.parametrize("shape,axis", CASES)
def test_training(shape, axis):
    x, _, _, gamma, beta = vectors(shape, axis)

    def only_beta(function):
        return lambda x, beta: function(x, None, beta)

    op = partial(_core.batch_norm_training, axis=axis)
    expected = partial(reference.batch_norm_training, axis=axis)
    for f, g, arrays in [
        (op, expected, [x]),
        (op, expected, [x, gamma]),
        (op, expected, [x, gamma, beta]),
        (only_beta(op), only_beta(expected), [x, beta]),
    ]:
        for k in range(3):
            assert_close_at_every_level(
                lambda *v, f=f, k=k: f(*v)[k], lambda *v, g=g, k=k: g(*v)[k], arrays, rtol=1e-4, atol=1e-5
            )
        if x.size < 300:
            check_gradients(f, arrays)
            check_gradients(lambda *v, f=f: f(*v)[0], arrays)


@pytest.mark.parametrize("shape,axis", CASES)
def test_inference(shape, axis):
    x, mean, variance, gamma, beta = vectors(shape, axis)
    for given in [(mean, variance), (mean, variance, gamma), (mean, variance, gamma, beta)]:
        assert_close_at_every_level(
            partial(_core.batch_norm_inference, axis=axis, epsilon=0.01),
            partial(reference.batch_norm_inference, axis=axis, epsilon=0.01),
            [x, *given],
            rtol=1e-4,
            atol=1e-5,
        )
        if x.size < 300:
            check_gradients(partial(_core.batch_norm_inference, axis=axis), [x, *given])
    y = _core.batch_norm_inference(x, mean, variance, None, beta, axis=axis)
    expected = reference.batch_norm_inference(x, mean, variance, None, beta, axis=axis)
    np.testing.assert_allclose(np.asarray(y), expected, rtol=1e-12, atol=1e-12)


def test_gradients_of_some_inputs_only():
    x, mean, variance, gamma, beta = vectors((4, 3, 5), -1)
    arrays = [x, mean, variance, gamma, beta]
    for wrt in ([0], [1], [2], [3], [4], [0, 4], [1, 3]):
        check_gradients(_core.batch_norm_inference, arrays, wrt=wrt)
    for wrt in ([0], [1], [2], [1, 2]):
        check_gradients(lambda *v: _core.batch_norm_training(*v)[0], [x, gamma, beta], wrt=wrt)


@pytest.mark.parametrize("output", [1, 2])
def test_gradients_of_the_moments_alone(output):
    x = vectors((4, 3, 5), -1)[0]
    check_gradients(lambda t: _core.batch_norm_training(t)[output], [x])


@pytest.mark.parametrize("axis", [-1, 1])
def test_a_large_mean_does_not_cost_digits(axis):
    rng = np.random.default_rng(3)
    x = (rng.normal(size=(64, 12, 20, 12)) + 5000).astype("float32")
    for name in LEVELS:
        with level(name):
            y, mean, variance = (np.asarray(t) for t in _core.batch_norm_training(x, axis=axis))
            expected = reference.batch_norm_training(x.astype("float64"), axis=axis)
            np.testing.assert_allclose(mean, expected[1], rtol=1e-6)
            np.testing.assert_allclose(variance, expected[2], rtol=1e-4)
            np.testing.assert_allclose(y, expected[0], atol=2e-3)


def test_nan_stays_in_its_channel():
    x = np.random.default_rng(4).normal(size=(50, 5, 17)).astype("float32")
    x[7, 3, 4] = np.nan
    y, mean, variance = (np.asarray(t) for t in _core.batch_norm_training(x))
    for values in (y.reshape(-1, 17), mean[None], variance[None]):
        assert np.isnan(values[:, 4]).all() and not np.isnan(np.delete(values, 4, axis=1)).any()


@pytest.mark.parametrize("shape,axis", [((40, 9, 9, 70), 3), ((200, 30, 3), -1), ((20, 7, 30, 30), 1)])
def test_bits_do_not_depend_on_threads(shape, axis):
    x, mean, variance, gamma, beta = (v.astype("float32") for v in vectors(shape, axis))
    assert_same_bits_for_any_threads(partial(_core.batch_norm_training, axis=axis), [x, gamma, beta])
    assert_same_bits_for_any_threads(partial(_core.batch_norm_inference, axis=axis), [x, mean, variance, gamma, beta])


def test_bad_input():
    x, v = np.ones((4, 3)), np.ones(3)
    with pytest.raises(
        ValueError, match=r"gamma must have shape \(3,\), one entry for each position along axis 1 of x; got"
    ):
        _core.batch_norm_training(x, np.ones(4))
    with pytest.raises(ValueError, match=r"axis 2 is not one of the 2 axes of shape \(4, 3\)"):
        _core.batch_norm_training(x, axis=2)
    with pytest.raises(ValueError, match=r"x of shape \(0, 3\) has no values to take a mean of"):
        _core.batch_norm_training(np.ones((0, 3)))
    with pytest.raises(ValueError, match=r"epsilon must be 0 or more"):
        _core.batch_norm_inference(x, v, v, epsilon=-1.0)
    with pytest.raises(TypeError, match=r"x is float64 but variance is float32"):
        _core.batch_norm_inference(x, v, v.astype("float32"))
    with pytest.raises(TypeError, match=r"x must be float32 or float64, got int64"):
        _core.batch_norm_training(x.astype("int64"))
    assert np.asarray(_core.batch_norm_inference(np.ones((0, 3)), v, v)).shape == (0, 3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape,axis", [c for c in CASES if np.prod(c[0]) > 30])
def test_relu_in_the_same_pass(shape, axis, dtype):
    x, mean, variance, gamma, beta = (a.astype(dtype) for a in vectors(shape, axis))
    calls = [
        (lambda op, x, *v, **k: op(x, *v, axis=axis, **k)[0], _core.batch_norm_training, [x, gamma, beta]),
        (lambda op, x, *v, **k: op(x, *v, axis=axis, **k)[0], _core.batch_norm_training, [x]),
        (
            lambda op, x, *v, **k: op(x, *v, axis=axis, **k),
            _core.batch_norm_inference,
            [x, mean, variance, gamma, beta],
        ),
        (lambda op, x, *v, **k: op(x, *v, axis=axis, **k), _core.batch_norm_inference, [x, mean, variance]),
    ]
    for call, op, arrays in calls:
        for name in LEVELS:
            with level(name):
                ours = results_and_gradients(partial(call, op, activation="relu"), arrays)
                expected = results_and_gradients(lambda *v, call=call, op=op: _core.relu(call(op, *v)), arrays)
            for a, b in zip(ours, expected, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * np.abs(b).max(initial=1), err_msg=name)
            assert (ours[0] >= 0).all() and (ours[0] == 0).any()


def test_gradients_through_relu():
    x, mean, variance, gamma, beta = vectors((6, 5), -1)
    check_gradients(partial(_core.batch_norm_training, activation="relu"), [x, gamma, beta], step=1e-7, rtol=1e-4)
    arrays = [x, mean, variance, gamma, beta]
    check_gradients(partial(_core.batch_norm_inference, activation="relu"), arrays, step=1e-7, rtol=1e-4)


def test_nan_passes_relu():
    x = np.ones((4, 3), "float32")
    x[1, 2] = np.nan
    for y in (
        _core.batch_norm_training(x, activation="relu")[0],
        _core.batch_norm_inference(x, np.zeros(3, "float32"), np.ones(3, "float32"), activation="relu"),
    ):
        assert np.isnan(np.asarray(y)[1, 2]) and not np.isnan(np.asarray(y)[:, :2]).any()
