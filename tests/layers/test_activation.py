"""Activations: relu and its kin, softmax and log_softmax."""

import numpy as np
import pytest
from conditions import assert_close_at_every_level, assert_same_bits_for_any_threads

from cnnpy import _core
from gradients import check_gradients
from reference import activation as reference

PLAIN = ["sigmoid", "tanh", "elu", "selu", "gelu", "softplus", "softsign", "silu", "hard_sigmoid", "relu", "leaky_relu"]
WITH_ARGUMENTS = [
    *[(name, {}) for name in PLAIN],
    ("relu", {"negative_slope": 0.1}),
    ("relu", {"max_value": 1.5}),
    ("relu", {"threshold": 0.7}),
    ("relu", {"negative_slope": 0.3, "max_value": 2.0, "threshold": 0.4}),
    ("leaky_relu", {"negative_slope": 0.01}),
    ("elu", {"alpha": 0.3}),
    ("gelu", {"approximate": False}),
]
SHAPES = [(), (1,), (7,), (0,), (3, 0, 2), (5, 33), (2, 3, 4, 5), (65, 129)]


@pytest.mark.parametrize("name,arguments", WITH_ARGUMENTS)
def test_equals_the_formula(name, arguments):
    op, rng = getattr(_core, name), np.random.default_rng(1)
    for shape in SHAPES:
        x = rng.normal(size=shape) * 3
        assert_close_at_every_level(
            lambda t: op(t, **arguments), lambda a: getattr(reference, name)(a, **arguments), [x]
        )


@pytest.mark.parametrize("name,arguments", WITH_ARGUMENTS)
def test_gradients(name, arguments):
    op, rng = getattr(_core, name), np.random.default_rng(2)
    for shape in [(), (1,), (0, 3), (4, 9), (2, 3, 5)]:
        x = rng.normal(size=shape) * 3
        for kink in (-3, 0, 0.4, 0.7, 1.5, 2, 3):
            x = np.where(np.abs(x - kink) < 1e-3, kink + 0.01, x)
        check_gradients(lambda t: op(t, **arguments), [x])


@pytest.mark.parametrize("name", [*PLAIN, "softmax", "log_softmax"])
def test_float32_over_the_whole_range(name):
    x = np.concatenate([np.linspace(-120, 120, 4001), np.linspace(-1, 1, 4001), 10.0 ** -np.arange(1, 30)])
    x = x.astype("float32")
    with np.errstate(all="ignore"):
        expected = getattr(reference, name)(x.astype("float64"))
    got = np.asarray(getattr(_core, name)(x))
    loose = name in ("gelu", "softmax", "log_softmax")  # sums that cancel, in the argument or in the formula itself
    np.testing.assert_allclose(got, expected, rtol=1e-5 if loose else 2e-6, atol=1e-12 if loose else 1e-36)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_and_infinities_as_the_formula_has_them(name, dtype):
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0], dtype)
    with np.errstate(all="ignore"):
        expected = getattr(reference, name)(x)
    got = np.asarray(getattr(_core, name)(x))
    assert np.isnan(got[0])
    if name not in ("gelu", "silu"):  # there infinity times 0 stands in one form of the formula but not in the other
        np.testing.assert_allclose(got, expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_along_every_axis(name):
    op, rng = getattr(_core, name), np.random.default_rng(3)
    for shape in [(1,), (10,), (128, 10), (3, 1), (2, 5, 7), (4, 3, 2, 70), (2, 1000), (0, 4), (4, 0)]:
        for axis in range(-len(shape), len(shape)):
            x = rng.normal(size=shape) * 4
            assert_close_at_every_level(
                lambda t, axis=axis: op(t, axis=axis), lambda a, axis=axis: getattr(reference, name)(a, axis), [x]
            )
            if x.size < 200:
                check_gradients(lambda t, axis=axis: op(t, axis=axis), [x])


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_of_large_and_impossible_values(name):
    op = getattr(_core, name)
    rows = np.array(
        [[1e30, 1e30, -1e30], [-1000, 0, 1000], [np.inf, 0, 1], [-np.inf] * 3, [np.nan, 1, 2], [-np.inf, 0, 0]]
    )
    with np.errstate(all="ignore"):
        expected = getattr(reference, name)(rows)
    for x in (rows, rows.astype("float32")):
        np.testing.assert_allclose(np.asarray(op(x)), expected, rtol=1e-6)
        np.testing.assert_allclose(np.asarray(op(x.T.copy(), axis=0)), expected.T, rtol=1e-6)


@pytest.mark.parametrize("act", ["linear", "relu", "sigmoid", "tanh", "softmax"])
def test_the_enum(act):
    rng = np.random.default_rng(4)
    for shape in [(3,), (0, 4), (4, 0), (6, 5), (2, 3, 4, 17)]:
        x = rng.normal(size=shape)
        assert_close_at_every_level(
            lambda t: _core.activation(t, activation=act), lambda a: getattr(reference, act)(a), [x]
        )
        check_gradients(lambda t: _core.activation(t, activation=act), [x])


@pytest.mark.parametrize("name", [*PLAIN, "softmax", "log_softmax"])
def test_bits_do_not_depend_on_threads(name):
    x = np.random.default_rng(5).normal(size=(130, 1031)).astype("float32")
    assert_same_bits_for_any_threads(getattr(_core, name), [x])


def test_bad_input():
    x = np.ones((2, 3))
    with pytest.raises(TypeError, match=r"relu: x must be float32 or float64, got int64; convert it with"):
        _core.relu(x.astype("int64"))
    for name in ("negative_slope", "max_value", "threshold"):
        with pytest.raises(ValueError, match=rf"relu: {name} must be 0 or more, got -1"):
            _core.relu(x, **{name: -1.0})
    with pytest.raises(ValueError, match=r"softmax: axis 2 is not one of the 2 axes of shape \(2, 3\)"):
        _core.softmax(x, axis=2)
    with pytest.raises(ValueError, match=r"softmax needs at least 1 dimension"):
        _core.activation(np.float64(1), activation="softmax")
    with pytest.raises(ValueError, match=r"activation must be one of 'linear', 'relu'"):
        _core.activation(x, activation="swoosh")
    with pytest.raises(ValueError, match=r"alpha must be 0 or more"):
        _core.elu(x, alpha=float("nan"))
