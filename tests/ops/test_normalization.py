"""cnnpy.ops: normalisation by given or own moments, unit length."""

import numpy as np
import pytest

import cnnpy
from cnnpy import ops
from gradients import check_gradients
from reference import normalization as reference

RNG = np.random.default_rng(0)
X, V = RNG.normal(size=(2, 3, 4)), RNG.uniform(0.5, 2, (4, 4))


def test_batch_normalization():
    mean, variance, offset, scale = V
    y = ops.batch_normalization(X, mean, variance, -1, offset, scale, epsilon=0.1)
    expected = reference.batch_norm_inference(X, mean, variance, scale, offset, epsilon=0.1)
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    mean, variance = V[:2, :3]
    expected = reference.batch_norm_inference(X, mean, variance, axis=1)
    np.testing.assert_allclose(ops.batch_normalization(X, mean, variance, axis=1), expected, rtol=1e-12)


@pytest.mark.filterwarnings("ignore:rms_scaling")
@pytest.mark.parametrize("axis", [-1, 1, [1, 2], (0, -1), [0, 1, 2]])
def test_layer_and_rms_normalization(axis):
    places = tuple(a % 3 for a in (axis if isinstance(axis, (list, tuple)) else [axis]))
    sizes = tuple(n for d, n in enumerate(X.shape) if d in places)
    gamma, beta = RNG.normal(size=sizes), RNG.normal(size=sizes)
    wide = [v.reshape([n if d in places else 1 for d, n in enumerate(X.shape)]) for v in (gamma, beta)]
    deviation = np.sqrt(X.var(axis=places, keepdims=True) + 0.1)
    expected = (X - X.mean(axis=places, keepdims=True)) / deviation * wide[0] + wide[1]
    np.testing.assert_allclose(ops.layer_normalization(X, gamma, beta, axis, 0.1), expected, rtol=1e-10)
    scaled = ops.layer_normalization(X, gamma, axis=axis, epsilon=0.1, rms_scaling=True)
    np.testing.assert_allclose(scaled, X / deviation * wide[0], rtol=1e-10)
    root = np.sqrt((X**2).mean(axis=places, keepdims=True) + 0.1)
    np.testing.assert_allclose(ops.rms_normalization(X, gamma, axis, 0.1), X / root * wide[0], rtol=1e-10)
    check_gradients(lambda x, g, b: ops.layer_normalization(x, g, b, axis), [X, gamma, beta])
    check_gradients(lambda x, g: ops.layer_normalization(x, g, axis=axis, rms_scaling=True), [X, gamma])


@pytest.mark.parametrize("axis", [-1, 1, (0, 2), None])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_normalize(axis, order):
    norm = (np.abs(X) ** order).sum(axis=axis, keepdims=True) ** (1 / order)
    np.testing.assert_allclose(ops.normalize(X, axis, order), X / norm, rtol=1e-10)
    np.testing.assert_allclose(ops.normalize(X, axis, order, epsilon=100.0), X / 100, rtol=1e-10)
    check_gradients(lambda x: ops.normalize(x, axis, order), [X])


def test_whole_numbers_numbers_and_defaults():
    whole = np.array([[3, 4], [0, 0]])
    y = ops.normalize(whole)
    assert y.dtype == "float32"
    np.testing.assert_allclose(y, [[0.6, 0.8], [0, 0]], rtol=1e-6)
    np.testing.assert_allclose(ops.normalize(5.0), [1.0], rtol=1e-6)
    assert ops.layer_normalization(whole).dtype == ops.rms_normalization(whole).dtype == "float32"


def test_moments_of_several_devices_are_those_of_one():
    mean, variance = ops.moments(X, axes=[0, 1], keepdims=True, synchronized=True)
    np.testing.assert_allclose(mean, X.mean(axis=(0, 1), keepdims=True))
    np.testing.assert_allclose(variance, X.var(axis=(0, 1), keepdims=True))


def test_steps_of_a_model():
    x = cnnpy.Input((3, 4))
    y = ops.normalize(ops.layer_normalization(x), axis=1)
    model = cnnpy.Model(x, y)
    narrow = X.astype("float32")
    np.testing.assert_allclose(model(narrow), ops.normalize(ops.layer_normalization(narrow), axis=1))


def test_bad_arguments():
    with pytest.raises(ValueError, match="normalize: order must be an integer of at least 1, got 0"):
        ops.normalize(X, order=0)
    with pytest.raises(TypeError, match=r"layer_normalization: unknown arguments \['scaling'\]"):
        ops.layer_normalization(X, scaling=True)
    with pytest.raises(TypeError, match="layer_normalization: axis must be an integer or a list of integers"):
        ops.layer_normalization(X, axis="last")
    with pytest.raises(ValueError, match="rms_normalization: axis 5 does not name different axes"):
        ops.rms_normalization(X, axis=5)
