"""Dense, activations, pooling, normalisation and resampling against Keras on TensorFlow: values and gradients."""

import os

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

from conditions import results_and_gradients  # noqa: E402

from cnnpy import _core  # noqa: E402


def same_as_keras(ours, theirs, *arrays, rtol=2e-5, atol=2e-5):
    """OURS and THEIRS give one value and one set of gradients for the same arrays, to float32's rounding."""
    got = results_and_gradients(ours, arrays)
    variables = [tf.constant(a) for a in arrays]
    with tf.GradientTape() as tape:
        tape.watch(variables)
        y = theirs(*variables)
    dy = np.random.default_rng(0).normal(size=y.shape).astype("float32")
    expected = [y, *tape.gradient(y, variables, output_gradients=tf.constant(dy))]
    for a, b in zip(got, expected):
        np.testing.assert_allclose(a, b.numpy(), rtol=rtol, atol=atol)


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.parametrize("activation", ["linear", "relu", "sigmoid", "tanh", "softmax"])
def test_dense(activation):
    function = keras.activations.get(activation)
    for shape in [(5, 7), (1, 40), (2, 3, 7)]:
        same_as_keras(
            lambda *v: _core.dense(*v, activation=activation),
            lambda x, k, b: function(keras.ops.matmul(x, k) + b),
            random(*shape),
            random(shape[-1], 9, seed=1),
            random(9, seed=2),
        )


@pytest.mark.parametrize(
    "name,arguments",
    [
        ("relu", {}),
        ("relu", {"negative_slope": 0.2, "max_value": 1.0, "threshold": 0.3}),
        ("relu", {"max_value": 6.0}),
        ("sigmoid", {}),
        ("tanh", {}),
        ("elu", {}),
        ("elu", {"alpha": 0.5}),
        ("selu", {}),
        ("gelu", {"approximate": True}),
        ("gelu", {"approximate": False}),
        ("softplus", {}),
        ("softsign", {}),
        ("silu", {}),
        ("leaky_relu", {}),
        ("leaky_relu", {"negative_slope": 0.3}),
        ("hard_sigmoid", {}),
        ("softmax", {}),
        ("softmax", {"axis": 1}),
        ("log_softmax", {}),
        ("log_softmax", {"axis": 0}),
    ],
)
def test_activations(name, arguments):
    op, function = getattr(_core, name), getattr(keras.activations, name)
    same_as_keras(lambda x: op(x, **arguments), lambda x: function(x, **arguments), random(4, 5, 6) * 3)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("name", ["max", "average"])
def test_pooling(name, padding):
    layer = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}[name]
    op = {"max": _core.max_pool2d, "average": _core.average_pool2d}[name]
    for pool_size, strides in [
        ((2, 2), (2, 2)),
        ((3, 3), (2, 2)),
        ((2, 3), (1, 1)),
        ((3, 2), (3, 1)),
        ((5, 5), (5, 5)),
    ]:
        how = {"pool_size": pool_size, "strides": strides, "padding": padding}
        same_as_keras(lambda x, how=how: op(x, **how), layer(**how), random(2, 9, 8, 5))


def test_ties_of_max_pooling_go_to_the_first():
    x = np.random.default_rng(1).integers(0, 2, size=(2, 8, 8, 4)).astype("float32")
    for pool_size in (2, 3):
        how = {"pool_size": pool_size, "strides": 2, "padding": "same"}
        same_as_keras(lambda x, how=how: _core.max_pool2d(x, **how), keras.layers.MaxPooling2D(**how), x)


@pytest.mark.parametrize("keepdims", [False, True])
def test_global_pooling(keepdims):
    x = random(3, 5, 4, 6)
    layers = keras.layers
    for op, layer in [
        (_core.global_max_pool2d, layers.GlobalMaxPooling2D),
        (_core.global_average_pool2d, layers.GlobalAveragePooling2D),
    ]:
        same_as_keras(lambda t, op=op: op(t, keepdims=keepdims), layer(keepdims=keepdims), x)


@pytest.mark.parametrize("axis", [-1, 1])
def test_batch_norm(axis):
    x = random(4, 5, 6, 5) * 2 + 3
    gamma, beta = random(5, seed=1), random(5, seed=2)
    layer = keras.layers.BatchNormalization(axis=axis)
    layer.build(x.shape)
    mean, variance = random(5, seed=3), np.abs(random(5, seed=4)) + 0.5
    layer.set_weights([gamma, beta, mean, variance])
    same_as_keras(
        lambda x: _core.batch_norm_inference(x, mean, variance, gamma, beta, axis=axis, epsilon=layer.epsilon),
        lambda x: layer(x, training=False),
        x,
    )
    same_as_keras(
        lambda x: _core.batch_norm_training(x, gamma, beta, axis=axis, epsilon=layer.epsilon),
        lambda x: layer(x, training=True),
        x,
        rtol=1e-4,
        atol=1e-4,
    )
    _, batch_mean, batch_variance = (np.asarray(t) for t in _core.batch_norm_training(x, gamma, beta, axis=axis))
    moved = [np.asarray(v) for v in layer.get_weights()[2:]]
    for now, before, batch in zip(moved, (mean, variance), (batch_mean, batch_variance)):
        np.testing.assert_allclose(now, before * layer.momentum + batch * (1 - layer.momentum), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_upsampling(interpolation):
    for size in [(2, 2), (3, 2), (1, 4), (5, 5)]:
        same_as_keras(
            lambda x, size=size: _core.upsample2d(x, size=size, interpolation=interpolation),
            keras.layers.UpSampling2D(size, interpolation=interpolation),
            random(2, 4, 5, 3),
        )


def test_zero_padding():
    same_as_keras(
        lambda x: _core.zero_pad2d(x, padding=(1, 2, 0, 3)),
        keras.layers.ZeroPadding2D(((1, 2), (0, 3))),
        random(2, 4, 5, 3),
    )


def test_dropout_scales_as_keras_does():
    x = np.ones(10_000, "float32")
    for rate in (0.25, 0.5, 1.0):
        kept = np.unique(np.asarray(_core.dropout(x, rate=rate, seed=1, offset=0)))
        np.testing.assert_allclose(kept, np.unique(keras.random.dropout(x, rate, seed=1)), rtol=1e-6)
