"""conv2d_pool against plain NumPy versions of its parts, finite differences, itself with other threads, bad input."""

import conditions
import numpy as np
import pytest
from conditions import LEVELS

from cnnpy import _core
from gradients import check_gradients
from reference.convolution import conv, conv_gradients
from reference.pooling import max_pool2d, max_pool2d_gradient

TOLERANCE = {"float32": 2e-5, "float64": 1e-12}

# (x shape, kernel height and width, filters, pool size, attributes)
CASES = [
    ((2, 9, 11, 3), (3, 3), 5, 2, {}),
    ((1, 8, 8, 4), (3, 3), 33, 2, {"padding": "same"}),
    ((3, 13, 10, 16), (4, 4), 32, 3, {}),
    ((2, 12, 12, 8), (5, 5), 16, 2, {"padding": "same", "strides": (2, 2)}),
    ((2, 7, 9, 6), (3, 3), 6, 2, {"padding": "same", "groups": 6}),
    ((2, 7, 9, 6), (3, 3), 12, 3, {"padding": "same", "groups": 6}),
    ((2, 9, 9, 6), (3, 3), 12, 3, {"padding": "same", "groups": 2}),
    ((1, 41, 80, 3), (3, 3), 32, 2, {}),
    ((2, 6, 6, 5), (1, 1), 40, 2, {}),
    ((2, 5, 300, 2), (2, 2), 3, 2, {"padding": "same", "dilation": (1, 2)}),
    ((2, 14, 14, 32), (3, 3), 64, 2, {}),
    ((5, 3, 3, 1), (2, 2), 1, 2, {}),
]


@pytest.fixture(params=LEVELS)
def level(request):
    with conditions.level(request.param):
        yield request.param


def make(shape, size, filters, attributes, dtype):
    """Random (x, kernel, bias) whose products stay near 1."""
    rng = np.random.default_rng(0)
    inputs = shape[3] // attributes.get("groups", 1)
    kernel = rng.normal(size=(*size, inputs, filters)) / np.sqrt(size[0] * size[1] * inputs)
    return [a.astype(dtype) for a in (rng.normal(size=shape), kernel, rng.normal(size=filters))]


def reference(x, kernel, bias, dy, pool, activation, **attributes):
    """(y, dx, dkernel, dbias) in float64."""
    x, kernel, bias, dy = (a.astype("float64") for a in (x, kernel, bias, dy))
    windows = {"pool_size": (pool, pool), "strides": (pool, pool)}
    z = conv(x, kernel, bias, activation=activation, **attributes)
    dz = max_pool2d_gradient(z, dy, **windows) * (1 if activation == "linear" else z > 0)
    return max_pool2d(z, **windows), *conv_gradients(x, kernel, dz, **attributes)


@pytest.mark.parametrize("activation", ["linear", "relu"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_equals_reference(case, dtype, activation, level):
    shape, size, filters, pool, attributes = case
    arrays = make(shape, size, filters, attributes, dtype)

    def op(x, kernel, bias):
        return _core.conv2d_pool(x, kernel, bias, pool_size=pool, activation=activation, **attributes)

    y = np.asarray(op(*arrays))
    dy = np.random.default_rng(0).normal(size=y.shape).astype(dtype)
    got = conditions.results_and_gradients(op, arrays)
    for ours, expected in zip(got, reference(*arrays, dy, pool, activation, **attributes), strict=True):
        assert ours.dtype == dtype
        scale = max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(ours, expected, rtol=0, atol=TOLERANCE[dtype] * scale)
    np.testing.assert_array_equal(y, got[0], "the same with and without a tape")


@pytest.mark.parametrize("case", [CASES[0], CASES[2], CASES[5]], ids=str)
def test_gradients(case):
    shape, size, filters, pool, attributes = case
    arrays = make(shape, size, filters, attributes, "float64")
    check_gradients(
        lambda x, k, b: _core.conv2d_pool(x, k, b, pool_size=pool, activation="relu", **attributes), arrays, step=1e-7,
        rtol=1e-5,
    )  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_same_bits_whatever_the_threads(case):
    shape, size, filters, pool, attributes = case
    conditions.assert_same_bits_for_any_threads(
        lambda x, k, b: _core.conv2d_pool(x, k, b, pool_size=pool, activation="relu", **attributes),
        make(shape, size, filters, attributes, "float32"),
    )


def test_nan_is_the_largest(level):
    x = np.zeros((1, 4, 4, 1), "float32")
    x[0, 1, 2, 0] = np.nan
    y = np.asarray(_core.conv2d_pool(x, np.ones((1, 1, 1, 20), "float32"), activation="relu"))
    assert np.isnan(y[0, 0, 1]).all() and np.isnan(y).sum() == 20


def test_of_equal_values_the_first_gets_the_gradient(level):
    x = np.ones((1, 2, 4, 1), "float32")
    _, dx, _ = conditions.results_and_gradients(
        lambda x, k: _core.conv2d_pool(x, k, activation="relu"), [x, np.ones((1, 1, 1, 1), "float32")]
    )
    assert (dx[0, :, :, 0] != 0).tolist() == [[True, False, True, False], [False] * 4]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"pool_size": 4}, "pool_size must be 2 or 3, got 4"),
        ({"pool_size": 3}, r"pool_size 3 does not fit into what the convolution gives, of shape \(1, 2, 2, 4\)"),
        ({"activation": "tanh"}, "activation"),
        ({"groups": 3}, "groups"),
    ],
)
def test_bad_arguments(arguments, message):
    x, kernel = np.zeros((1, 4, 4, 2), "float32"), np.zeros((3, 3, 2, 4), "float32")
    with pytest.raises(ValueError, match=message):
        _core.conv2d_pool(x, kernel, **arguments)


def test_no_images():
    x, kernel = np.zeros((0, 6, 6, 2), "float32"), np.zeros((3, 3, 2, 4), "float32")
    y, dx, dkernel = conditions.results_and_gradients(lambda x, k: _core.conv2d_pool(x, k), [x, kernel])
    assert y.shape == (0, 2, 2, 4) and dx.shape == x.shape and not dkernel.any()
