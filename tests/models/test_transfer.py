"""Transfer learning: frozen parts infer, keep nothing for the way back, run as in prediction, and stay bit for bit."""

import warnings

import numpy as np
import pytest

import cnnpy
from cnnpy import _core, layers

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(16, 16, 16, 3)).astype("float32"), RNG.integers(0, 3, 16)


def base_model(filters=8):
    """A small residual network with batch normalisation, pooled."""
    inputs = x = cnnpy.Input((16, 16, 3))
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    for _ in range(2):
        y = layers.ReLU()(layers.BatchNormalization(momentum=0.8)(x))
        y = layers.Conv2D(filters, 3, padding="same")(y)
        y = layers.ReLU()(layers.BatchNormalization(momentum=0.8)(y))
        x = layers.Add()([x, layers.Conv2D(filters, 3, padding="same")(y)])
    return cnnpy.Model(inputs, layers.GlobalAveragePooling2D()(x), name="base")


def whole_model(base):
    model = cnnpy.Sequential([base, layers.Dense(5, activation="relu"), layers.Dense(3, activation="softmax")])
    compiled(model)
    return model


def compiled(model, **more):
    model.compile("adam", "sparse_categorical_crossentropy", **more)


def changed(model, before):
    return any((a != b).any() for a, b in zip(before, model.get_weights()))


def peak_of_a_step(model, x, y):
    model.train_on_batch(x, y)
    before = _core.memory_stats()["in_use"]
    _core.memory_reset_peak()
    model.train_on_batch(x, y)
    return _core.memory_stats()["peak"] - before


def test_a_frozen_base_stays_bit_for_bit_and_the_head_learns():
    base = base_model()
    base.trainable = False
    model = whole_model(base)
    before, head = base.get_weights(), model.layers[1].get_weights()
    model.fit(X, Y, epochs=2, batch_size=8, verbose=0)
    assert not changed(base, before) and changed(model.layers[1], head)


def test_features_computed_once_train_the_same_head():
    cnnpy.utils.set_random_seed(3)
    base = base_model()
    base.trainable = False
    model = whole_model(base)
    head = cnnpy.Sequential([cnnpy.Input((8,)), *[type(one).from_config(one.get_config()) for one in model.layers[1:]]])
    head.set_weights([w for one in model.layers[1:] for w in one.get_weights()])
    compiled(head)
    whole = model.fit(X, Y, epochs=3, batch_size=8, shuffle=False, verbose=0).history["loss"]
    features = base.predict(X, verbose=0)
    alone = head.fit(features, Y, epochs=3, batch_size=8, shuffle=False, verbose=0).history["loss"]
    np.testing.assert_allclose(whole, alone, rtol=1e-5)
    for a, b in zip(model.get_weights()[len(base.weights) :], head.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_a_frozen_base_keeps_no_activations():
    base = base_model(16)
    model = whole_model(base)
    x, y = np.tile(X, (4, 1, 1, 1)), np.tile(Y, 4)
    free = peak_of_a_step(model, x, y)
    base.trainable = False
    compiled(model)
    assert peak_of_a_step(model, x, y) < 0.5 * free


def test_convolution_and_normalisation_are_one_where_they_are_frozen(monkeypatch):
    model = cnnpy.Sequential(
        [cnnpy.Input((16, 16, 3)), layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU()]
    )
    base, x = model.layers[:2], cnnpy.Tensor(X)
    for layer in base:
        layer.trainable = False
    expected = np.asarray(model(x, training=False))
    monkeypatch.setattr(layers.BatchNormalization, "_normalize", None)  # a layer by itself would call it
    with cnnpy.GradientTape():
        np.testing.assert_array_equal(np.asarray(model(x, training=True)), expected)


def test_changes_of_trainable_wait_for_compile():
    base = base_model()
    model = whole_model(base)
    model.fit(X, Y, verbose=0)
    base.trainable = False
    before = base.get_weights()
    with pytest.warns(UserWarning, match=r"Call compile\(\) again"):
        model.fit(X, Y, verbose=0)
    assert changed(base, before) and not base.trainable and not base.trainable_weights
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, Y, verbose=0)  # it says so once
        compiled(model)
        before = base.get_weights()
        model.fit(X, Y, verbose=0)
        assert not changed(base, before)
    base.trainable = True
    with pytest.warns(UserWarning, match=r"Call compile\(\) again"):
        model.train_on_batch(X, Y)
    assert not changed(base, before) and len(base.trainable_weights) > 0
    compiled(model)
    model.train_on_batch(X, Y)
    assert changed(base, before)


def test_changes_before_the_first_step_count():
    base = base_model()
    model = whole_model(base)
    base.trainable = False
    before = base.get_weights()
    model.fit(X, Y, verbose=0)
    assert not changed(base, before)


def test_partly_frozen():
    base = base_model()
    for layer in base.layers[:-4]:
        layer.trainable = False
    model = whole_model(base)
    before = [layer.get_weights() for layer in base.layers]
    model.fit(X, Y, batch_size=8, verbose=0)
    moved = [changed(layer, w) for layer, w in zip(base.layers, before)]
    assert not any(moved[:-4]) and any(moved[-4:])
