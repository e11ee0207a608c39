"""conv2d_batch_norm against the two ops that it stands for."""

from functools import partial

import conditions
import numpy as np
import pytest
from conditions import LEVELS

import cnnpy
from cnnpy import _core

# (x shape, kernel shape, attributes)
CASES = [
    ((2, 9, 9, 3), (3, 3, 3, 5), {}),
    ((2, 9, 9, 32), (3, 3, 32, 33), {"padding": "same"}),
    ((2, 9, 9, 32), (1, 1, 32, 40), {}),
    ((2, 9, 9, 6), (3, 3, 1, 6), {"groups": 6, "padding": "same"}),
    ((2, 9, 9, 6), (3, 3, 1, 12), {"groups": 6}),
    ((2, 9, 9, 6), (5, 5, 3, 8), {"groups": 2, "strides": 2}),
]


def make(shape, kernel, dtype):
    rng, filters = np.random.default_rng(0), kernel[3]
    arrays = [rng.normal(size=shape), rng.normal(size=kernel) / np.sqrt(np.prod(kernel[:3]))]
    arrays += [rng.normal(size=filters), rng.uniform(0.5, 2, filters), *rng.normal(size=(3, filters))]
    return [a.astype(dtype) for a in arrays]


@pytest.mark.parametrize("algorithm", ["direct", "winograd"])
@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-4), ("float64", 1e-12)])
@pytest.mark.parametrize("activation", ["linear", "relu", "tanh", "softmax"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_equals_its_parts(case, activation, dtype, tolerance, algorithm):
    shape, kernel_shape, attributes = case
    x, kernel, mean, variance, bias, gamma, beta = make(shape, kernel_shape, dtype)
    cnnpy.config.set_conv_algorithm(algorithm)
    try:
        for name in LEVELS:
            with conditions.level(name):
                for b, g, s in ((bias, gamma, beta), (None, gamma, None), (bias, None, None)):
                    y = _core.conv2d_batch_norm(
                        x, kernel, mean, variance, b, g, s, activation=activation, epsilon=0.01, **attributes
                    )
                    z = _core.conv2d(x, kernel, b, **attributes)
                    z = _core.batch_norm_inference(z, mean, variance, g, s, epsilon=0.01)
                    z = np.asarray(_core.activation(z, activation=activation))
                    assert str(y.dtype) == dtype
                    np.testing.assert_allclose(np.asarray(y), z, rtol=0, atol=tolerance * max(1, np.abs(z).max()))
    finally:
        cnnpy.config.set_conv_algorithm("auto")


def test_same_bits_whatever_the_threads():
    arrays = make((3, 20, 20, 32), (3, 3, 32, 33), "float32")
    results = []
    for count in (1, 2, 5):
        with conditions.threads(count):
            results.append(np.asarray(_core.conv2d_batch_norm(*arrays, activation="relu")))
    assert all(np.array_equal(results[0], other) for other in results[1:])


@pytest.mark.parametrize(
    "change, message",
    [
        ({3: np.ones(4, "float32")}, r"variance must have shape \(5,\)"),
        ({5: np.ones((5, 1), "float32")}, r"gamma must have shape \(5,\)"),
        ({0: np.ones((2, 9, 9, 4), "float32")}, "4 channels, its kernel expects 3"),
    ],
)
def test_bad_arguments(change, message):
    arrays = make((2, 9, 9, 3), (3, 3, 3, 5), "float32")
    for place, value in change.items():
        arrays[place] = value
    with pytest.raises(ValueError, match=message):
        _core.conv2d_batch_norm(*arrays)
    with pytest.raises(ValueError, match="epsilon must be 0 or more"):
        partial(_core.conv2d_batch_norm, epsilon=-1.0)(*make((2, 9, 9, 3), (3, 3, 3, 5), "float32"))
