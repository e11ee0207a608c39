"""conv2d against Keras on TensorFlow: values and gradients."""

import os

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

import cnnpy  # noqa: E402
from cnnpy import _core  # noqa: E402

CASES = [
    ((2, 28, 28, 1), (3, 3), 32, {}),
    ((2, 13, 12, 3), (3, 3), 8, {"padding": "same"}),
    ((2, 13, 12, 3), (3, 3), 8, {"padding": "same", "strides": (2, 2)}),
    ((2, 12, 13, 4), (2, 5), 8, {"padding": "same", "strides": (3, 2)}),
    ((2, 12, 13, 4), (4, 4), 8, {"padding": "valid", "strides": (3, 3)}),
    ((2, 12, 13, 4), (3, 2), 8, {"padding": "same", "dilation": (2, 3)}),
    ((2, 12, 13, 4), (1, 1), 8, {"padding": "same", "strides": (2, 2)}),
    ((2, 12, 13, 6), (3, 3), 12, {"groups": 3}),
]


@pytest.mark.parametrize("activation", ["linear", "relu", "sigmoid", "tanh", "softmax"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_equals_keras(case, activation):
    shape, size, filters, attributes = case
    rng = np.random.default_rng(0)
    groups = attributes.get("groups", 1)
    x = rng.normal(size=shape).astype("float32")
    kernel = (rng.normal(size=(*size, shape[3] // groups, filters)) / 6).astype("float32")
    bias = rng.normal(size=filters).astype("float32")
    renamed = {{"dilation": "dilation_rate"}.get(k, k): v for k, v in attributes.items()}
    layer = keras.layers.Conv2D(filters, size, activation=activation, **renamed)
    layer.build(shape)
    layer.set_weights([kernel, bias])
    theirs = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(theirs)
        expected = layer(theirs)
    dy = rng.normal(size=expected.shape).astype("float32")
    expected_gradients = tape.gradient(expected, [theirs, *layer.trainable_variables], output_gradients=tf.constant(dy))

    ours = [cnnpy.Tensor(a) for a in (x, kernel, bias)]
    with cnnpy.GradientTape() as tape:
        tape.watch(ours)
        y = _core.conv2d(*ours, activation=activation, **attributes)
    gradients = tape.gradient(y, ours, output_gradients=cnnpy.Tensor(dy))
    assert tuple(y.shape) == tuple(expected.shape)
    np.testing.assert_allclose(np.asarray(y), expected.numpy(), rtol=1e-4, atol=1e-5)
    for got, wanted in zip(gradients, expected_gradients):
        wanted = np.asarray(wanted)
        np.testing.assert_allclose(np.asarray(got), wanted, rtol=1e-4, atol=2e-5 * np.abs(wanted).max())
