"""Layers that a model runs in one pass give what they give one by one, in training and prediction, and can be seen."""

import numpy as np
import pytest

import cnnpy
from cnnpy import layers
from cnnpy.models.plan import Plan


def images(shape=(12, 13, 3)):
    return np.random.default_rng(0).normal(size=(4, *shape)).astype("float32")


# name: (layers, how many steps their plan has)
CASES = {
    "convolution and pooling": (lambda: [layers.Conv2D(5, 3, activation="relu"), layers.MaxPooling2D()], 1),
    "linear convolution and pooling by 3": (lambda: [layers.Conv2D(5, 3), layers.MaxPooling2D(3)], 1),
    "convolution, ReLU and pooling": (lambda: [layers.Conv2D(20, 3), layers.ReLU(), layers.MaxPooling2D()], 1),
    "without a bias": (lambda: [layers.Conv2D(4, 3, use_bias=False), layers.Activation("relu")], 1),
    "convolution and tanh": (lambda: [layers.Conv2D(5, 2, strides=2), layers.Activation("tanh")], 1),
    "transposed convolution": (lambda: [layers.Conv2DTranspose(5, 3), layers.ReLU()], 1),
    "dense and ReLU": (lambda: [layers.Flatten(), layers.Dense(7), layers.ReLU(), layers.Dense(3)], 3),
    "groups": (lambda: [layers.Conv2D(6, 3, groups=3, padding="same"), layers.ReLU(), layers.MaxPooling2D()], 1),
    "normalisation and ReLU": (lambda: [layers.BatchNormalization(), layers.ReLU(), layers.Conv2D(3, 3)], 2),
    "normalisation without scale": (
        lambda: [layers.BatchNormalization(scale=False, center=False), layers.Activation("relu")],
        1,
    ),
    "up-sampling and convolution": (
        lambda: [layers.UpSampling2D(2), layers.Conv2D(4, 3, padding="same", activation="relu")],
        1,
    ),
    "up-sampling, convolution, tanh": (
        lambda: [layers.UpSampling2D(3), layers.Conv2D(4, 3, strides=2), layers.Activation("tanh")],
        1,
    ),
    "bilinear up-sampling": (lambda: [layers.UpSampling2D(2, interpolation="bilinear"), layers.Conv2D(4, 3)], 2),
    "uneven up-sampling": (lambda: [layers.UpSampling2D((1, 2)), layers.Conv2D(4, 3)], 2),
    "up-sampling and groups": (lambda: [layers.UpSampling2D(2), layers.Conv2D(6, 3, groups=3)], 2),
    "convolution and normalisation": (lambda: [layers.Conv2D(5, 3), layers.BatchNormalization()], 1),
    "convolution, normalisation, ReLU": (
        lambda: [layers.Conv2D(20, 3, use_bias=False), layers.BatchNormalization(scale=False), layers.ReLU()],
        1,
    ),
    "grouped convolution and normalisation": (
        lambda: [layers.Conv2D(6, 2, strides=2, groups=3), layers.BatchNormalization(epsilon=0.1), layers.ReLU()],
        1,
    ),
    "convolution and normalisation of rows": (lambda: [layers.Conv2D(5, 3), layers.BatchNormalization(axis=1)], 2),
    "frozen normalisation": (lambda: [layers.BatchNormalization(trainable=False), layers.ReLU()], 1),
    # what the core has no pass for
    "overlapping windows": (lambda: [layers.Conv2D(5, 3), layers.MaxPooling2D(3, strides=2)], 2),
    "padded windows": (lambda: [layers.Conv2D(5, 3), layers.MaxPooling2D(2, padding="same")], 2),
    "average pooling": (lambda: [layers.Conv2D(5, 3, activation="relu"), layers.AveragePooling2D(2)], 2),
    "ReLU with a limit": (lambda: [layers.Conv2D(5, 3), layers.ReLU(6.0), layers.MaxPooling2D()], 3),
    "tanh and pooling": (lambda: [layers.Conv2D(5, 3, activation="tanh"), layers.MaxPooling2D()], 2),
    "two activations": (lambda: [layers.Conv2D(5, 3, activation="relu"), layers.Activation("tanh")], 2),
    "a penalty on the activity": (
        lambda: [layers.Conv2D(5, 3, activity_regularizer="l2"), layers.ReLU(), layers.MaxPooling2D()],
        3,
    ),
    "channels first": (
        lambda: [
            layers.Permute((3, 1, 2)),
            layers.Conv2D(5, 3, data_format="channels_first"),
            layers.MaxPooling2D(data_format="channels_first"),
        ],
        3,
    ),
}


@pytest.mark.parametrize("functional", [False, True], ids=["sequential", "functional"])
@pytest.mark.parametrize("case", CASES)
def test_fused_layers_give_what_single_ones_give(case, functional):
    make, steps = CASES[case]
    model = cnnpy.Sequential([cnnpy.Input((12, 13, 3)), *make()])
    if functional:
        model = cnnpy.Model(model.inputs, model.outputs)
    assert len(Plan(model._graph).steps) == steps
    x, rng = cnnpy.Tensor(images()), np.random.default_rng(1)
    model.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in model.get_weights()])
    variables = [x, *model.trainable_variables]
    results = []
    for run in (lambda: model(x, training=True), lambda: one_by_one(model, x, True)):
        with cnnpy.GradientTape() as tape:
            tape.watch(x)
            y = run()
            loss = cnnpy.ops.sum(y * cnnpy.ops.cos(cnnpy.ops.reshape(cnnpy.ops.arange(float(y.size)), y.shape)))
        results.append([y, *tape.gradient(loss, variables)])
    for ours, expected in zip(*results, strict=True):
        np.testing.assert_allclose(np.asarray(ours), np.asarray(expected), rtol=1e-5, atol=1e-5)
    expected = np.asarray(one_by_one(model, x, False))
    np.testing.assert_allclose(model.predict(images(), verbose=0), expected, rtol=1e-5, atol=1e-5)


def one_by_one(model, x, training=False):
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            x = layer(x, training=training)
        elif not isinstance(layer, layers.InputLayer):
            x = layer(x)
    return x


def test_outputs_that_somebody_asks_for_are_there():
    inputs = cnnpy.Input((12, 13, 3))
    features = layers.Conv2D(5, 3)(inputs)
    active = layers.ReLU()(features)
    pooled = layers.MaxPooling2D()(active)
    whole = cnnpy.Model(inputs, pooled)
    looking = cnnpy.Model(inputs, [features, active, pooled])
    assert len(Plan(whole._graph).steps) == 1 and len(Plan(looking._graph).steps) == 3
    a, b, c = looking.predict(images(), verbose=0)
    np.testing.assert_allclose(np.maximum(a, 0), b)
    np.testing.assert_allclose(whole.predict(images(), verbose=0), c, rtol=1e-6, atol=1e-6)
    assert len(Plan(cnnpy.Model(inputs, [active, pooled])._graph).steps) == 2


def test_an_output_with_two_readers_is_written():
    inputs = cnnpy.Input((12, 12, 3))
    features = layers.Conv2D(5, 3, activation="relu")(inputs)
    both = layers.Concatenate()([layers.MaxPooling2D()(features), layers.AveragePooling2D(2)(features)])
    model = cnnpy.Model(inputs, both)
    assert len(Plan(model._graph).steps) == 4
    assert model.predict(images((12, 12, 3)), verbose=0).shape == (4, 5, 5, 10)


def test_an_output_read_twice_by_one_layer_is_written():
    inputs = cnnpy.Input((6,))
    features = layers.Dense(4)(inputs)
    model = cnnpy.Model(inputs, layers.Add()([layers.ReLU()(features), features]))
    assert len(Plan(model._graph).steps) == 3


def test_a_layer_used_twice_is_fused_twice():
    convolution, pooling = layers.Conv2D(3, 3, padding="same"), layers.MaxPooling2D()
    inputs = cnnpy.Input((12, 12, 3))
    x = pooling(convolution(inputs))
    model = cnnpy.Model(inputs, pooling(convolution(x)))
    assert len(Plan(model._graph).steps) == 2
    x = cnnpy.Tensor(images((12, 12, 3)))
    expected = pooling(convolution(pooling(convolution(x))))
    np.testing.assert_allclose(np.asarray(model(x)), np.asarray(expected), rtol=1e-5, atol=1e-6)


def test_subclasses_compute_what_they_say():
    class Doubling(layers.Conv2D):
        def call(self, inputs):
            return super().call(inputs) * 2.0

    model = cnnpy.Sequential([cnnpy.Input((12, 13, 3)), Doubling(5, 3), layers.ReLU(), layers.MaxPooling2D()])
    x = cnnpy.Tensor(images())
    np.testing.assert_allclose(np.asarray(model(x)), np.asarray(one_by_one(model, x)), rtol=1e-5, atol=1e-5)


def test_renormalisation_is_left_alone():
    model = cnnpy.Sequential([cnnpy.Input((12, 13, 3)), layers.BatchNormalization(renorm=True), layers.ReLU()])
    assert len(Plan(model._graph).steps) == 2


def test_gradients_flow_through_a_normalisation_that_predicts():
    model = cnnpy.Sequential(
        [cnnpy.Input((12, 13, 3)), layers.Conv2D(5, 3), layers.BatchNormalization(), layers.ReLU()]
    )
    model(images(), training=True)
    x = cnnpy.Tensor(images())
    gradients = []
    for run in (lambda: model(x, training=False), lambda: one_by_one(model, x)):
        with cnnpy.GradientTape() as tape:
            tape.watch(x)
            y = run()
        gradients.append(tape.gradient(y, [x, *model.trainable_variables]))
    for a, b in zip(*gradients, strict=True):
        assert np.abs(np.asarray(a)).max() > 0
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5, atol=1e-5)


def test_errors_name_both_layers():
    model = cnnpy.Sequential(
        [cnnpy.Input((None, None, 3)), layers.Conv2D(5, 3, name="edges"), layers.MaxPooling2D(name="smaller")]
    )
    with pytest.raises(ValueError, match=r'Conv2D "edges" with MaxPooling2D "smaller": .* does not fit'):
        model.predict(images((3, 9, 3)), verbose=0)
