"""Activations: gradients of the composed ones, symbolic use, names, errors."""

import numpy as np
import pytest

import cnnpy
from cnnpy import activations
from gradients import check_gradients

NAMES = [n for n in activations.__all__ if n not in ("get", "serialize", "deserialize")]


def call(name):
    function = getattr(activations, name)
    return (lambda x: function(x, 0.3, 0.7)) if name == "threshold" else function


@pytest.mark.parametrize("name", NAMES)
def test_gradient_and_dtypes(name):
    x = np.random.default_rng(1).uniform(-3, 3, (4, 6))
    check_gradients(call(name), [x], rtol=1e-5)
    assert call(name)(cnnpy.Tensor(x.astype("float32"))).dtype == "float32"
    assert call(name)(cnnpy.Tensor(x)).dtype == "float64"
    if name != "linear":
        assert call(name)(np.arange(4).reshape(2, 2)).dtype == "float32"


@pytest.mark.parametrize("name", NAMES)
def test_extreme_values_stay_finite(name):
    x = np.array([[-1e4, -50.0, 0.0, 50.0, 80.0, 1e4]], "float32")
    y = np.asarray(call(name)(cnnpy.Tensor(x[:, :5] if name == "exponential" else x)))
    assert np.isfinite(y).all()


@pytest.mark.parametrize("name", NAMES)
def test_symbolic(name):
    inputs = cnnpy.Input((6,))
    y = call(name)(inputs)
    model = cnnpy.Model(inputs, y)
    x = np.random.default_rng(1).normal(size=(4, 6)).astype("float32")
    np.testing.assert_array_equal(model(x), call(name)(cnnpy.Tensor(x)))
    assert y.shape == ((None, 3) if name == "glu" else (None, 6))


def test_names():
    for name in NAMES:
        assert activations.get(name) is getattr(activations, name)
        assert activations.get(activations.serialize(getattr(activations, name))) is getattr(activations, name)
    assert activations.get(None) is activations.linear
    assert activations.get("swish") is activations.silu
    own = lambda x: x  # noqa: E731
    assert activations.get(own) is own
    with pytest.raises(ValueError, match=r"unknown activation 'sigmod'. Did you mean 'sigmoid'"):
        activations.get("sigmod")
    with pytest.raises(ValueError, match="an activation is a name"):
        activations.get(3)


def test_registered_activation():
    @cnnpy.saving.register_keras_serializable("tests")
    def halved(x):
        return x * 0.5

    layer = cnnpy.layers.Dense(2, activation=halved)
    again = cnnpy.layers.deserialize(cnnpy.layers.serialize(layer))
    assert again.activation is halved
    with cnnpy.saving.custom_object_scope({"tripled": lambda x: x * 3}):
        tripled = cnnpy.layers.Dense(1, use_bias=False, kernel_initializer="ones", activation="tripled")
    np.testing.assert_array_equal(tripled(np.ones((1, 2))), [[6.0]])


def test_sparsemax_is_a_distribution():
    x = np.random.default_rng(0).normal(size=(5, 7, 4)).astype("float32")
    for axis in (-1, 0, 1):
        y = np.asarray(activations.sparsemax(x, axis=axis))
        np.testing.assert_allclose(y.sum(axis), np.ones(y.sum(axis).shape), rtol=1e-5)
        assert (y == 0).any() and y.min() >= 0


def test_softmax_over_several_axes():
    x = np.random.default_rng(0).normal(size=(5, 7, 4))
    np.testing.assert_allclose(np.asarray(activations.softmax(x, (0, 2))).sum((0, 2)), np.ones(7))
    check_gradients(lambda t: activations.softmax(t, (0, 2)), [x])
    with pytest.raises(ValueError, match="glu: axis 1 must have an even size"):
        activations.glu(x)
        activations.glu(x, axis=1)
