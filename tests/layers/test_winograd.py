"""Winograd's convolutions against plain NumPy, finite differences and themselves with other threads; and the choice."""

import os
import subprocess
import sys

import conditions
import numpy as np
import pytest
from conditions import LEVELS, results_and_gradients

import cnnpy
from cnnpy import _core
from gradients import check_gradients
from reference.convolution import conv, conv_gradients, conv_transpose
from reference.pooling import max_pool2d, max_pool2d_gradient

TOLERANCE = {"float32": 1e-4, "float64": 1e-12}

# (x shape, kernel size, filters, padding)
CASES = [
    ((1, 3, 3, 1), 3, 1, "valid"),
    ((2, 4, 4, 3), 3, 5, "valid"),
    ((1, 1, 1, 4), 3, 3, "same"),
    ((1, 2, 9, 2), 3, 3, "same"),
    ((2, 6, 6, 16), 3, 16, "valid"),
    ((3, 7, 7, 17), 3, 33, "same"),
    ((5, 5, 8, 40), 3, 9, "valid"),
    ((2, 9, 14, 8), 3, 48, "same"),
    ((1, 28, 28, 32), 3, 64, "valid"),
    ((4, 13, 13, 64), 3, 65, "same"),
    ((40, 4, 4, 5), 3, 6, "same"),
    ((2, 12, 11, 16), 4, 18, "valid"),
    ((3, 7, 8, 5), 4, 3, "same"),
    ((2, 9, 10, 6), 5, 16, "valid"),
    ((3, 8, 13, 17), 5, 33, "same"),
]


@pytest.fixture(params=LEVELS)
def level(request):
    with conditions.level(request.param):
        yield request.param


@pytest.fixture(autouse=True)
def winograd():
    cnnpy.config.set_conv_algorithm("winograd")
    yield
    cnnpy.config.set_conv_algorithm("auto")


def make(shape, size, filters, dtype):
    """Random (x, kernel, bias) whose products stay near 1."""
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(size, size, shape[3], filters)) / (size * np.sqrt(shape[3]))
    return [a.astype(dtype) for a in (rng.normal(size=shape), kernel, rng.normal(size=filters))]


def slope(activation, y):
    match activation:
        case "relu":
            return y > 0
        case "sigmoid":
            return y * (1 - y)
        case "tanh":
            return 1 - y * y
    return 1.0


def assert_near(got, expected, dtype):
    for ours, wanted in zip(got, expected, strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, wanted, rtol=0, atol=TOLERANCE[dtype] * max(1.0, np.abs(wanted).max()))


@pytest.mark.parametrize("activation", ["linear", "relu", "sigmoid", "tanh"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_equals_reference(case, dtype, activation, level):
    shape, size, filters, padding = case
    arrays = make(shape, size, filters, dtype)
    got = results_and_gradients(lambda x, k, b: _core.conv2d(x, k, b, padding=padding, activation=activation), arrays)
    x, kernel, bias = (a.astype("float64") for a in arrays)
    y = conv(x, kernel, bias, padding=padding, activation=activation)
    dy = np.random.default_rng(0).normal(size=y.shape).astype(dtype)
    assert_near(got, (y, *conv_gradients(x, kernel, dy * slope(activation, y), padding=padding)), dtype)


@pytest.mark.parametrize("activation", ["linear", "relu"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("pool", [2, 3])
@pytest.mark.parametrize("case", [c for c in CASES if min(c[0][1:3]) >= c[1] + 2], ids=str)
def test_pooled(case, pool, dtype, activation, level):
    shape, size, filters, padding = case
    windows = {"pool_size": (pool, pool), "strides": (pool, pool)}
    arrays = make(shape, size, filters, dtype)
    got = results_and_gradients(
        lambda x, k, b: _core.conv2d_pool(x, k, b, padding=padding, activation=activation, pool_size=pool), arrays
    )
    x, kernel, bias = (a.astype("float64") for a in arrays)
    z = conv(x, kernel, bias, padding=padding, activation=activation)
    dy = np.random.default_rng(0).normal(size=got[0].shape).astype(dtype)
    dz = max_pool2d_gradient(z, dy, **windows) * slope(activation, z)
    assert_near(got, (max_pool2d(z, **windows), *conv_gradients(x, kernel, dz, padding=padding)), dtype)


@pytest.mark.parametrize("activation", ["linear", "relu", "tanh", "softmax"])
@pytest.mark.parametrize("case", [*CASES[1:8], *CASES[11:]], ids=str)
def test_transposed(case, activation, level):
    shape, size, filters, padding = case
    x, kernel, bias = make(shape, size, filters, "float64")
    kernel = np.ascontiguousarray(kernel.swapaxes(2, 3))
    y = np.asarray(_core.conv2d_transpose(x, kernel, bias, padding=padding, activation=activation))
    expected = conv_transpose(x, kernel, bias, padding=padding, activation=activation)
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("case", [CASES[1], CASES[3], CASES[12], CASES[13]], ids=str)
def test_gradients(case, level):
    shape, size, filters, padding = case
    check_gradients(
        lambda x, k, b: _core.conv2d(x, k, b, padding=padding, activation="tanh"), make(shape, size, filters, "float64")
    )


@pytest.mark.parametrize("op", [_core.conv2d, _core.conv2d_pool])
@pytest.mark.parametrize("case", CASES[5:], ids=str)
def test_same_bits_whatever_the_threads(case, op):
    shape, size, filters, padding = case
    conditions.assert_same_bits_for_any_threads(
        lambda x, k, b: op(x, k, b, padding=padding, activation="relu"), make(shape, size, filters, "float32")
    )


def test_nan_stays_in_its_tiles(level):
    x, kernel, _ = make((1, 16, 16, 3), 3, 4, "float32")
    x[0, 0, 0, 0] = np.nan
    bad = np.isnan(np.asarray(_core.conv2d(x, kernel, padding="same", activation="relu"))).any(axis=(0, 3))
    assert bad[:2, :2].all() and not bad[4:].any() and not bad[:, 4:].any()


def test_other_convolutions_stay_direct():
    x, _, _ = make((2, 9, 9, 4), 3, 4, "float32")
    for size, arguments in ((2, {}), (6, {}), (3, {"strides": 2}), (3, {"dilation": 2}), (3, {"groups": 2})):
        kernel = (
            np.random.default_rng(1).normal(size=(size, size, 4 // arguments.get("groups", 1), 4)).astype("float32")
        )
        y = np.asarray(_core.conv2d(x, kernel, **arguments))
        cnnpy.config.set_conv_algorithm("direct")
        np.testing.assert_array_equal(y, np.asarray(_core.conv2d(x, kernel, **arguments)))
        cnnpy.config.set_conv_algorithm("winograd")


def test_the_choice():
    config = cnnpy.config
    assert config.conv_algorithm() == "winograd" and not config.is_exact_enabled()
    config.enable_exact()
    assert config.conv_algorithm() == "direct" and config.is_exact_enabled()
    config.disable_exact()
    assert config.conv_algorithm() == "auto" and not config.is_exact_enabled()
    with pytest.raises(ValueError, match="must be 'auto', 'direct' or 'winograd', got 'fft'"):
        config.set_conv_algorithm("fft")
    with pytest.raises(TypeError, match="string"):
        config.set_conv_algorithm(3)
    assert config.conv_algorithm() == "auto"


def test_exact_is_closer_than_the_fastest():
    x, kernel, _ = make((2, 28, 28, 64), 3, 64, "float32")
    exact = conv(x.astype("float64"), kernel.astype("float64"), padding="same")
    errors = {}
    for name in ("auto", "direct"):
        cnnpy.config.set_conv_algorithm(name)
        errors[name] = np.sqrt(np.mean((np.asarray(_core.conv2d(x, kernel, padding="same")) - exact) ** 2))
    scale = np.sqrt(np.mean(exact**2))
    assert errors["direct"] < 6e-7 * scale and errors["direct"] < errors["auto"] < 4e-6 * scale


@pytest.mark.parametrize("value, result", [("direct", "direct"), ("", "auto"), ("fft", "got 'fft'")])
def test_environment_variable(value, result):
    run = subprocess.run(
        [sys.executable, "-c", "import cnnpy; print(cnnpy.config.conv_algorithm())"],
        env={**os.environ, "CNNPY_CONV_ALGORITHM": value},
        capture_output=True,
        text=True,
    )
    assert result in (run.stdout if run.returncode == 0 else run.stderr)
