"""Every row of the table of layers against Keras: outputs, shapes, names, configurations and a step of training."""

import os

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

import cnnpy  # noqa: E402
from layer_cases import CASES, data, ids, open_batch  # noqa: E402

COMPARED = [case for case in CASES if not case.not_in_keras]
PLAIN = [case for case in COMPARED if case.same_config]
each = pytest.mark.parametrize("case", COMPARED, ids=ids(COMPARED))


def turn(x, case, back=False):
    """Keras on TensorFlow computes channels_last only on a CPU: channels_first goes there and back transposed."""
    if not case.channels_first or x.ndim < 3:
        return x
    return np.moveaxis(x, -1, 1) if back else np.moveaxis(x, 1, -1)


def built_pair(case):
    """The layer of both libraries with the same random weights, variances positive, and its input."""
    ours = case.make(cnnpy)
    theirs = case.make(keras, **({"data_format": "channels_last"} if case.channels_first else {}))
    x = data(case)
    ours.build(case.shape)
    if isinstance(case.shape, list):
        theirs.build(case.shape)
    else:
        theirs.build(turn(x, case).shape)
    rng = np.random.default_rng(1)
    values = [
        w if w.dtype.kind in "iu" else (np.abs(rng.normal(size=w.shape)) + 0.1).astype(w.dtype)
        for w in theirs.get_weights()
    ]
    theirs.set_weights(values)
    ours.set_weights(values)
    if hasattr(theirs, "finalize_state"):  # Keras's Normalization would go on with the old ones
        theirs.finalize_state()
    return ours, theirs, x


def inputs_of(x):
    return x if isinstance(x, list) else [x]


@each
def test_inference(case):
    ours, theirs, x = built_pair(case)
    assert [tuple(w.shape) for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    assert [w.trainable for w in ours.weights] == [w.trainable for w in theirs.weights]
    got = np.asarray(case.infer(ours, x))
    if isinstance(x, list):
        expected = np.asarray(case.infer(theirs, x))
        assert ours.compute_output_shape(open_batch(case.shape)) == theirs.compute_output_shape(open_batch(case.shape))
    else:
        turned = turn(x, case)
        result = np.asarray(case.infer(theirs, turned))
        expected = turn(result, case, back=True)
        if not case.channels_first:
            shape = open_batch(case.shape)
            assert ours.compute_output_shape(shape) == tuple(theirs.compute_output_shape(shape))
    assert got.dtype == expected.dtype
    # Where it is forced on these small cases, Winograd's way rounds by up to 2e-5 of the largest value.
    tolerance = case.tolerance * (10 if cnnpy.config.conv_algorithm() == "winograd" else 1)
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


@each
def test_training_step(case):
    """The gradients with respect to inputs and weights, and all weights after a step of gradient descent."""
    ours, theirs, x = built_pair(case)
    training = not case.random
    theirs_in = [tf.constant(turn(a, case)) for a in inputs_of(x)]
    with tf.GradientTape() as tape:
        tape.watch([t for t in theirs_in if t.dtype.is_floating])
        y = theirs(theirs_in if isinstance(x, list) else theirs_in[0], **training_flag(theirs, training))
    dy = np.random.default_rng(2).normal(size=y.shape).astype("float32")
    sources = [t for t in theirs_in if t.dtype.is_floating] if case.differentiable else []
    expected = tape.gradient(y, [*sources, *[v.value for v in theirs.trainable_variables]], tf.constant(dy))

    ours_in = [cnnpy.Tensor(a) for a in inputs_of(x)]
    with cnnpy.GradientTape() as tape:
        tape.watch([t for t in ours_in if t.dtype.startswith("float")])
        y = ours(ours_in if isinstance(x, list) else ours_in[0], training=training)
    back = turn(dy, case, back=True)
    own = [t for t in ours_in if t.dtype.startswith("float")] if case.differentiable else []
    got = tape.gradient(y, [*own, *ours.trainable_variables], output_gradients=cnnpy.Tensor(back))
    tolerance = case.training_tolerance
    for i, (a, b) in enumerate(zip(got, expected)):
        b = np.asarray(tf.convert_to_tensor(b))
        b = turn(b, case, back=True) if i < len(own) else b
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * max(1.0, np.abs(b).max(initial=0)))
    if ours.trainable_variables:
        steps = [cnnpy.optimizers.SGD(0.01), keras.optimizers.SGD(0.01)]
        steps[0].apply(got[len(own) :], ours.trainable_variables)
        steps[1].apply([tf.convert_to_tensor(g) for g in expected[len(own) :]], theirs.trainable_variables)
    for a, b, w in zip(ours.get_weights(), theirs.get_weights(), ours.weights):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=w.path)


def training_flag(layer, training):
    return {"training": training} if layer._call_has_training_arg else {}


@pytest.mark.parametrize("case", PLAIN, ids=ids(PLAIN))
def test_configurations(case):
    """Keras reads a configuration that was written here, and the reverse; the keys are Keras's."""
    ours, theirs = case.make(cnnpy), case.make(keras)
    assert set(ours.get_config()) <= set(theirs.get_config())
    keras.layers.deserialize(cnnpy.layers.serialize(ours))
    back = cnnpy.layers.deserialize(keras.layers.serialize(theirs))
    assert type(back) is type(ours)
    assert {**back.get_config(), "name": ""} == {**ours.get_config(), "name": ""}
