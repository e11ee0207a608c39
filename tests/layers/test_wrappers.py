"""TimeDistributed: steps by themselves, whole models inside, masks."""

import numpy as np
import pytest

import cnnpy
from cnnpy import layers

FRAMES = np.random.default_rng(0).normal(size=(2, 3, 8, 8, 1)).astype("float32")


def test_each_step_is_computed_by_itself():
    inner = layers.Conv2D(4, 3)
    y = layers.TimeDistributed(inner)(FRAMES)
    for step in range(3):
        np.testing.assert_allclose(y[:, step], inner(FRAMES[:, step]), rtol=1e-6, atol=1e-6)


def test_a_whole_model_inside():
    encoder = cnnpy.Sequential(
        [layers.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.Dropout(0.5), layers.Flatten(), layers.Dense(5)]
    )
    inputs = cnnpy.Input((None, 8, 8, 1))
    outputs = layers.GlobalAveragePooling1D()(layers.TimeDistributed(encoder, name="steps")(inputs))
    model = cnnpy.Model(inputs, outputs)
    assert model.get_layer("steps").output.shape == (None, None, 5)
    expected = np.mean([encoder(FRAMES[:, i]) for i in range(3)], 0)
    np.testing.assert_allclose(model.predict(FRAMES, verbose=0), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model(FRAMES[:, :2]), np.mean([encoder(FRAMES[:, i]) for i in range(2)], 0), rtol=1e-5)
    assert [w.shape for w in model.trainable_weights] == [w.shape for w in encoder.trainable_weights]
    model.compile("sgd", "mse")
    before = encoder.get_weights()
    model.fit(FRAMES, np.zeros((2, 5)), verbose=0)
    assert not np.array_equal(before[0], encoder.get_weights()[0])
    copy = cnnpy.models.model_from_json(model.to_json())
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(copy(FRAMES), model(FRAMES))


def test_dropout_draws_anew_for_each_step():
    y = np.asarray(layers.TimeDistributed(layers.Dropout(0.5, seed=0))(np.ones((4, 3, 50), "float32"), training=True))
    assert not np.array_equal(y[:, 0], y[:, 1])


def test_batch_normalization_takes_the_statistics_of_each_step():
    x = np.random.default_rng(1).normal(size=(6, 3, 4)).astype("float32") * [[[1], [2], [5]]]
    y = np.asarray(layers.TimeDistributed(layers.BatchNormalization(epsilon=1e-6))(x, training=True))
    np.testing.assert_allclose(y.std(0), 1, rtol=1e-3)


def test_masks_reach_layers_that_take_them():
    class Masked(layers.Layer):
        def call(self, inputs, mask=None):
            return inputs if mask is None else inputs * cnnpy.ops.cast(mask, "float32")[:, None]

    x = np.ones((2, 3, 4), "float32")
    mask = np.array([[1, 1, 0], [0, 1, 1]], bool)
    y = np.asarray(layers.TimeDistributed(Masked())(x, mask=mask))
    np.testing.assert_array_equal(y, x * mask[..., None])
    with pytest.raises(ValueError, match=r"the mask's shape \(2, 2\) must begin with .* \(2, 3\)"):
        layers.TimeDistributed(Masked())(x, mask=mask[:, :2])


def test_what_is_no_layer_is_refused():
    with pytest.raises(ValueError, match=r"TimeDistributed: layer must be a Layer, .*; write Dense\(...\)"):
        layers.TimeDistributed(layers.Dense)
    with pytest.raises(ValueError, match="at least 3 dimensions"):
        layers.TimeDistributed(layers.Dense(2))(np.zeros((2, 3), "float32"))
