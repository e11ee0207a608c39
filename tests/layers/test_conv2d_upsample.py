"""conv2d and conv2d_pool of repeated pixels against upsample2d and the same op after it."""

import conditions
import numpy as np
import pytest
from conditions import LEVELS, results_and_gradients

import cnnpy
from cnnpy import _core
from gradients import check_gradients

# (x shape, kernel size, filters, upsample, attributes)
CASES = [
    ((2, 3, 4, 5), 3, 7, 2, {"padding": "same", "activation": "relu"}),
    ((2, 4, 3, 17), 3, 33, 2, {}),
    ((1, 3, 3, 4), 3, 3, 3, {"padding": "same", "activation": "tanh"}),
    ((2, 5, 4, 3), 1, 4, 2, {}),
    ((2, 5, 4, 16), 4, 16, 2, {"padding": "same"}),
    ((2, 5, 4, 3), 2, 20, 2, {"strides": 2}),
    ((2, 4, 4, 3), 3, 4, 2, {"dilation": 2, "padding": "same"}),
    ((3, 7, 7, 32), 3, 32, 2, {"padding": "same", "activation": "relu"}),
    ((2, 3, 40, 2), 5, 3, 4, {"padding": "same"}),
]


@pytest.fixture(params=LEVELS)
def level(request):
    with conditions.level(request.param):
        yield request.param


@pytest.fixture(params=["direct", "winograd"])
def algorithm(request):
    cnnpy.config.set_conv_algorithm(request.param)
    yield request.param
    cnnpy.config.set_conv_algorithm("auto")


def make(shape, size, filters, dtype):
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(size, size, shape[3], filters)) / (size * np.sqrt(shape[3]))
    return [a.astype(dtype) for a in (rng.normal(size=shape), kernel, rng.normal(size=filters))]


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-4), ("float64", 1e-12)])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_equals_repeating_first(case, dtype, tolerance, algorithm, level):
    shape, size, filters, times, attributes = case
    arrays = make(shape, size, filters, dtype)
    ops = [_core.conv2d]
    if attributes.get("activation") != "tanh":
        ops.append(_core.conv2d_pool)
    for op in ops:
        ours = results_and_gradients(lambda x, k, b, op=op: op(x, k, b, upsample=times, **attributes), arrays)
        expected = results_and_gradients(
            lambda x, k, b, op=op: op(_core.upsample2d(x, size=(times, times)), k, b, **attributes), arrays
        )
        for a, b in zip(ours, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(1, np.abs(b).max()))


@pytest.mark.parametrize("case", [CASES[0], CASES[5]], ids=str)
def test_gradients(case, algorithm):
    shape, size, filters, times, attributes = case
    attributes = {**attributes, "activation": "tanh"}
    arrays = make(shape, size, filters, "float64")
    check_gradients(lambda x, k, b: _core.conv2d(x, k, b, upsample=times, **attributes), arrays)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_same_bits_whatever_the_threads(case):
    shape, size, filters, times, attributes = case
    conditions.assert_same_bits_for_any_threads(
        lambda x, k, b: _core.conv2d(x, k, b, upsample=times, **attributes), make(shape, size, filters, "float32")
    )


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"upsample": 0}, "upsample must be from 1 to 64, got 0"),
        ({"upsample": 65}, "upsample must be from 1 to 64, got 65"),
        ({"upsample": 2, "groups": 2}, "upsample needs groups 1"),
    ],
)
def test_bad_arguments(arguments, message):
    kernel = np.zeros((3, 3, 4 // arguments.get("groups", 1), 4), "float32")
    with pytest.raises(ValueError, match=message):
        _core.conv2d(np.zeros((1, 4, 4, 4), "float32"), kernel, **arguments)
