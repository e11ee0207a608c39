"""Frozen and fine-tuned models within models, step by step against Keras."""

import numpy as np
import pytest

import cnnpy

keras = pytest.importorskip("keras")

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(16, 8, 8, 3)).astype("float32"), RNG.integers(0, 3, 16)


def nested(library):
    """(model, its base), of LIBRARY."""
    layers = library.layers
    inputs = x = library.Input((8, 8, 3))
    for _ in range(2):
        x = layers.Conv2D(4, 3, padding="same")(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.8)(x))
    base = library.Model(inputs, layers.GlobalAveragePooling2D()(x))
    return library.Sequential([library.Input((8, 8, 3)), base, layers.Dense(3, activation="softmax")]), base


@pytest.mark.parametrize("frozen", [slice(0, 0), slice(None), slice(0, -4)], ids=["free", "frozen", "partly"])
def test_three_steps(frozen):
    (ours, our_base), (theirs, their_base) = nested(cnnpy), nested(keras)
    ours.set_weights(theirs.get_weights())
    losses = []
    for model, base in ((ours, our_base), (theirs, their_base)):
        for layer in base.layers[frozen]:
            layer.trainable = False
        model.compile("sgd", "sparse_categorical_crossentropy")
        losses.append([float(np.ravel(model.train_on_batch(X, Y))[0]) for _ in range(3)])
    assert len(ours.trainable_weights) == len(theirs.trainable_weights)
    np.testing.assert_allclose(*losses, rtol=1e-4)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
