"""Layers and models give what Keras gives for the same weights: outputs, shapes, names, order of weights, summaries."""

import os

import numpy as np
import pytest

import cnnpy

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

IMAGE = (2, 7, 6, 4)
FEATURES = (3, 5)


def data(shape, seed=0, dtype="float32"):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def pair(name, arguments):
    """The layer of both libraries."""
    return getattr(cnnpy.layers, name)(**arguments), getattr(keras.layers, name)(**arguments)


def same_weights(ours, theirs, seed=1):
    """Random weights for both, variances positive."""
    values = [np.abs(data(w.shape, seed + i)) + 0.1 for i, w in enumerate(theirs.weights)]
    theirs.set_weights(values)
    ours.set_weights(values)


def test_merging_broadcasts_as_keras():
    x = [data((2, 3, 4)), data((2, 4), 1), data((2, 1, 4), 2)]
    ours, theirs = pair("Add", {})
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), rtol=1e-6)


@pytest.mark.parametrize(
    "name",
    # Keras's sparsemax does not sum to 1.
    [n for n in dir(keras.activations) if n[0] != "_" and n not in ("get", "serialize", "deserialize", "sparsemax")],
)
def test_activation(name):
    x = np.concatenate([data((4, 6)), 20 * data((4, 6), 1), [[0, 1, -1, 3, -3, 6]]]).astype("float32")
    extra = (0.3, 0.7) if name == "threshold" else ()
    got = getattr(cnnpy.activations, name)(x, *extra)
    expected = np.asarray(getattr(keras.activations, name)(x, *extra))
    np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-6)


def test_batch_normalization_in_training():
    ours, theirs = pair("BatchNormalization", dict(momentum=0.8))
    x = data(IMAGE)
    ours.build(IMAGE), theirs.build(IMAGE)
    same_weights(ours, theirs)
    np.testing.assert_allclose(ours(x, training=True), np.asarray(theirs(x, training=True)), rtol=1e-4, atol=1e-4)
    for a, b in zip(ours.get_weights(), theirs.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    ours.trainable = theirs.trainable = False
    np.testing.assert_allclose(ours(x, training=True), np.asarray(theirs(x, training=True)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["L1", "L2", "L1L2", "OrthogonalRegularizer"])
def test_regularizer(name):
    arguments = dict(l1=0.1, l2=0.2) if name == "L1L2" else {}
    x = data((5, 4))
    got = getattr(cnnpy.regularizers, name)(**arguments)(cnnpy.Tensor(x))
    np.testing.assert_allclose(got, np.asarray(getattr(keras.regularizers, name)(**arguments)(x)), rtol=1e-5)


@pytest.mark.parametrize("name", ["MaxNorm", "NonNeg", "UnitNorm", "MinMaxNorm"])
def test_constraint(name):
    for arguments in [{}] if name == "NonNeg" else [{}, dict(axis=[0, 1])]:
        x = 3 * data((3, 4, 5))
        got = getattr(cnnpy.constraints, name)(**arguments)(cnnpy.Tensor(x))
        np.testing.assert_allclose(
            got, np.asarray(getattr(keras.constraints, name)(**arguments)(x)), rtol=1e-5, atol=1e-6
        )


def test_activity_regularizer_and_weight_regularizers():
    losses = []
    x = data(FEATURES)
    weights = [data((5, 4), 1), data((4,), 2)]
    for library in (cnnpy, keras):
        layer = library.layers.Dense(4, kernel_regularizer="l2", bias_regularizer="l1", activity_regularizer="l2")
        layer.build(x.shape)
        layer.set_weights(weights)
        layer(x)
        losses.append([float(np.asarray(loss)) for loss in layer.losses])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


def network(library, shape=(12, 12, 3)):
    """A net with a branch, a shared layer, a model inside and two outputs."""
    layers = library.layers
    inputs = library.Input(shape, name="image")
    other = library.Input((4,), name="other")
    shared = layers.Conv2D(6, 3, padding="same", activation="relu", name="shared")
    x = layers.Conv2D(6, 3, padding="same", name="first")(inputs)
    x = shared(x)
    y = layers.add([x, shared(x)], name="sum")
    y = layers.MaxPooling2D(name="pool")(layers.BatchNormalization(name="norm")(y))
    inner = library.Sequential(
        [library.Input((6, 6, 6), name="start"), layers.Conv2D(3, 2, name="deep"), layers.Flatten(name="flat")],
        name="inner",
    )
    z = layers.concatenate([inner(y), layers.Dense(3, activation="tanh", name="side")(other)], name="join")
    return library.Model(
        [inputs, other], [layers.Dense(4, name="a")(z), layers.Dense(2, activation="softmax", name="b")(z)], name="net"
    )


def test_functional_model():
    ours, theirs = network(cnnpy), network(keras)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    assert [tuple(w.shape) for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    assert ours.count_params() == theirs.count_params()
    same_weights(ours, theirs)
    x = [data((3, 12, 12, 3)), data((3, 4), 1)]
    for got, expected in zip(ours(x), theirs(x)):
        np.testing.assert_allclose(got, np.asarray(expected), rtol=1e-4, atol=1e-4)


def summary_text(model, **arguments):
    lines = []
    model.summary(print_fn=lambda text, **_: lines.append(text), **arguments)
    return "\n".join(lines)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        dict(line_length=100),
        dict(show_trainable=True, line_length=120),
        dict(expand_nested=True, line_length=110),
        dict(layer_range=("shared", "join")),
    ],
)
def test_summary_of_a_functional_model(arguments, monkeypatch):
    monkeypatch.setenv("COLUMNS", "130")  # Keras cuts what is wider than the terminal
    ours, theirs = network(cnnpy), network(keras)
    ours.get_layer("first").trainable = theirs.get_layer("first").trainable = False
    assert summary_text(ours, **arguments) == summary_text(theirs, **arguments)


def test_summary_of_a_sequential_model():
    texts = []
    for library in (cnnpy, keras):
        library.backend.clear_session()
        layers = library.layers
        model = library.Sequential(
            [
                library.Input((28, 28, 1)),
                layers.Conv2D(32, 3, activation="relu"),
                layers.BatchNormalization(),
                layers.ReLU(),
                layers.MaxPooling2D(),
                layers.Flatten(),
                layers.Dense(10, activation="softmax"),
            ]
        )
        texts.append(summary_text(model))
        model = library.Sequential([layers.Dense(3), layers.PReLU() if False else layers.LeakyReLU()])
        texts.append(summary_text(model))
    assert texts[:2] == texts[2:]


def test_configurations_are_keras():
    """Keras reads a config that was written here, and the reverse."""
    ours, theirs = network(cnnpy), network(keras)
    read = keras.models.model_from_json(ours.to_json())
    assert [w.path for w in read.weights] == [w.path for w in theirs.weights]
    back = cnnpy.models.model_from_json(theirs.to_json())
    same_weights(back, theirs)
    x = [data((3, 12, 12, 3)), data((3, 4), 1)]
    for got, expected in zip(back(x), theirs(x)):
        np.testing.assert_allclose(got, np.asarray(expected), rtol=1e-4, atol=1e-4)


def test_automatic_names():
    made = []
    for library in (cnnpy, keras):
        library.backend.clear_session()
        layers = library.layers
        inputs = library.Input((8, 8, 3))
        x = layers.Conv2D(2, 3)(inputs)
        outputs = layers.Dense(2)(layers.ReLU()(layers.MaxPooling2D()(layers.Conv2D(2, 3)(x))))
        model = library.Model(inputs, outputs)
        stack = library.Sequential([layers.Dense(2, input_shape=(3,)), layers.Dense(1)] if library is cnnpy else
                                   [library.Input((3,)), layers.Dense(2), layers.Dense(1)])  # fmt: skip
        made.append([model.name, stack.name, *(layer.name for layer in model.layers[1:] + stack.layers)])
        made[-1] += [w.path for w in stack.weights]
    assert made[0] == made[1]
    assert {"sequential", "conv2d_1", "re_lu", "max_pooling2d", "functional", "sequential/dense_1/kernel"} <= {*made[0]}
