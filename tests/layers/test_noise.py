"""Noise and dropouts of other kinds than Dropout: their statistics, seeds and errors."""

import numpy as np
import pytest

import cnnpy
from cnnpy import layers

X = np.random.default_rng(0).normal(size=(200, 400)).astype("float32")


def test_gaussian_noise():
    noise = np.asarray(layers.GaussianNoise(0.3, seed=0)(X, training=True)) - X
    assert abs(noise.mean()) < 0.005 and abs(noise.std() - 0.3) < 0.005


def test_gaussian_dropout():
    factor = np.asarray(layers.GaussianDropout(0.2, seed=0)(np.ones_like(X), training=True))
    assert abs(factor.mean() - 1) < 0.005 and abs(factor.std() - 0.5) < 0.005


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_alpha_dropout_keeps_mean_and_variance(rate):
    y = np.asarray(layers.AlphaDropout(rate, seed=0)(X, training=True))
    assert abs(y.mean()) < 0.01 and abs(y.std() - 1) < 0.01
    values, counts = np.unique(y, return_counts=True)
    assert abs(counts.max() / y.size - rate) < 0.01  # what is dropped has one value
    assert values[counts.argmax()] < 0


def test_alpha_dropout_shares_decisions_along_axes_of_one():
    y = np.asarray(layers.AlphaDropout(0.5, noise_shape=(None, 1), seed=0)(np.ones_like(X), training=True))
    assert (y == y[:, :1]).all() and len(np.unique(y)) == 2


@pytest.mark.parametrize("name, shape", [("SpatialDropout1D", (3, 5, 40)), ("SpatialDropout3D", (3, 2, 3, 4, 40))])
def test_spatial_dropout_drops_whole_channels(name, shape):
    y = np.asarray(getattr(layers, name)(0.5, seed=1)(np.ones(shape, "float32"), training=True))
    flat = y.reshape(shape[0], -1, shape[-1])
    assert (flat == flat[:, :1]).all() and set(np.unique(y)) == {0, 2}


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.GaussianNoise(0.5, seed=7),
        lambda: layers.GaussianDropout(0.5, seed=7),
        lambda: layers.AlphaDropout(0.5, seed=7),
        lambda: layers.SpatialDropout1D(0.5, seed=7),
    ],
)
def test_a_seed_makes_the_sequence_of_calls_repeat(make):
    x = X[:6].reshape(6, 20, 20)
    one, two = make(), make()
    first = [np.asarray(one(x, training=True)) for _ in range(2)]
    again = [np.asarray(two(x, training=True)) for _ in range(2)]
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[0], first[1])


def test_gradients_pass_through_the_noise_drawn():
    x = cnnpy.Tensor(X[:3])
    with cnnpy.GradientTape() as tape:
        tape.watch(x)
        y = layers.GaussianDropout(0.3, seed=2)(x, training=True)
    np.testing.assert_allclose(np.asarray(tape.gradient(y, x)) * X[:3], y, rtol=1e-5)


def test_rates_are_checked():
    for bad in (-0.1, 1.0, "a", True):
        with pytest.raises(ValueError, match="GaussianDropout: rate must be a number from 0 to under 1"):
            layers.GaussianDropout(bad)
    for bad in (-0.1, 1.1, None):
        with pytest.raises(ValueError, match="AlphaDropout: rate must be a number from 0 to 1"):
            layers.AlphaDropout(bad)
    with pytest.raises(ValueError, match="GaussianNoise: stddev must be a number of at least 0"):
        layers.GaussianNoise(-1)
    with pytest.raises(ValueError, match=r'AlphaDropout "a": noise_shape \(1,\) does not have the rank'):
        layers.AlphaDropout(0.5, noise_shape=(1,), name="a")(X, training=True)


def test_activity_regularization_adds_to_the_loss_per_sample():
    x = np.array([[1.0, -2.0], [3.0, 0.5]], "float32")
    layer = layers.ActivityRegularization(l1=0.1, l2=0.01)
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_allclose(layer.losses[0], (0.1 * np.abs(x).sum() + 0.01 * (x**2).sum()) / 2, rtol=1e-6)
    assert layer.get_config()["l1"] == 0.1 and "activity_regularizer" not in layer.get_config()
