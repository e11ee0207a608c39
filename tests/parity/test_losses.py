"""Losses equal Keras's, with their gradients, weights and reductions."""

import numpy as np
import pytest

import cnnpy
from cnnpy import losses

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")
if keras.backend.backend() != "tensorflow":
    pytest.skip("compared on TensorFlow", allow_module_level=True)

rng = np.random.default_rng(0)
ROWS, CLASSES = 37, 10
LABELS = rng.integers(0, CLASSES, ROWS)
HOT = np.eye(CLASSES)[LABELS]
LOGITS = rng.normal(size=(ROWS, CLASSES)) * 5
P = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
SOME = rng.uniform(0.1, 0.9, (ROWS, CLASSES))
UNIT = LOGITS / np.linalg.norm(LOGITS, axis=1, keepdims=True)
TEXTS = np.sort(rng.integers(0, 6, (ROWS, 4)), axis=1)[:, ::-1]  # blanks, which are 0, come last
STEPS = rng.normal(size=(ROWS, 9, 6))

CASES = [
    ("CategoricalCrossentropy", {}, HOT, P),
    ("CategoricalCrossentropy", {}, HOT, P * 2),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, HOT, P),
    ("CategoricalCrossentropy", {"from_logits": True}, HOT, LOGITS),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, HOT, LOGITS),
    ("CategoricalCrossentropy", {"axis": 1}, HOT.reshape(1, ROWS, CLASSES), P.reshape(1, ROWS, CLASSES)),
    ("SparseCategoricalCrossentropy", {}, LABELS, P),
    ("SparseCategoricalCrossentropy", {}, LABELS[:, None].astype("uint8"), P * 3),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, LABELS.astype("float32"), LOGITS),
    ("SparseCategoricalCrossentropy", {"ignore_class": 3}, LABELS, P),
    ("BinaryCrossentropy", {}, HOT, P),
    ("BinaryCrossentropy", {"label_smoothing": 0.1}, HOT, P),
    ("BinaryCrossentropy", {"from_logits": True}, HOT, LOGITS * 4),
    ("BinaryCrossentropy", {}, LABELS % 2, SOME[:, :1]),
    ("MeanSquaredError", {}, HOT, SOME),
    ("MeanAbsoluteError", {}, HOT, SOME),
    ("MeanAbsolutePercentageError", {}, HOT + 1, SOME),
    ("MeanSquaredLogarithmicError", {}, HOT, SOME),
    ("Huber", {}, HOT * 3, SOME),
    ("Huber", {"delta": 0.3}, HOT, SOME),
    ("LogCosh", {}, HOT * 30, SOME),
    ("KLDivergence", {}, P, SOME),
    ("Poisson", {}, HOT, SOME),
    ("Hinge", {}, HOT, LOGITS),
    ("SquaredHinge", {}, HOT, LOGITS),
    ("CategoricalHinge", {}, HOT, LOGITS),
    ("CosineSimilarity", {}, HOT, LOGITS),
    ("CategoricalFocalCrossentropy", {}, HOT, P),
    ("CategoricalFocalCrossentropy", {"from_logits": True, "label_smoothing": 0.1, "gamma": 3.0}, HOT, LOGITS),
    ("BinaryFocalCrossentropy", {}, HOT, SOME),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "label_smoothing": 0.1}, HOT, SOME),
    ("Dice", {}, HOT, SOME),
    ("Dice", {"axis": (1,)}, HOT, SOME),
    ("Tversky", {"alpha": 0.3, "beta": 0.7}, HOT, SOME),
    ("CTC", {}, TEXTS, STEPS),
    ("Circle", {}, LABELS, UNIT),
    ("Circle", {"gamma": 10.0, "margin": 0.2, "remove_diagonal": False}, LABELS[:, None], UNIT),
    ("Circle", {}, np.arange(ROWS) // 2, UNIT),
    ("CategoricalGeneralizedCrossEntropy", {}, LABELS, P),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.2}, LABELS, SOME),
]


@pytest.mark.parametrize(("name", "arguments", "y_true", "y_pred"), CASES)
def test_values_and_gradients(name, arguments, y_true, y_pred):
    for dtype, tolerance in (("float32", 1e-5), ("float64", 1e-8)):
        scores = y_pred.astype(dtype)
        plain = name in ("Dice", "Tversky") or "axis" in arguments
        for weights in (None,) if plain else (None, rng.random(len(scores)).astype(dtype)):
            ours, theirs = getattr(losses, name)(**arguments), getattr(keras.losses, name)(dtype=dtype, **arguments)
            x, v = cnnpy.Tensor(scores), tf.Variable(scores)
            with cnnpy.GradientTape() as tape:
                tape.watch(x)
                loss = ours(y_true, x, weights)
            with tf.GradientTape() as their_tape:
                their_loss = theirs(y_true, v, weights)
            np.testing.assert_allclose(loss.numpy(), their_loss.numpy(), rtol=tolerance)
            expected = their_tape.gradient(their_loss, v).numpy()
            gradient = tape.gradient(loss, x).numpy()
            np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=tolerance * abs(expected).max())


@pytest.mark.parametrize("shape", [(), (4, 3), (4, 1), (1, 3), (3,), (1,), (1, 1), (4, 3, 1), (4, 1, 1), (1, 3, 1)])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
def test_weights_of_every_shape(shape, reduction):
    y_true, y_pred, weight = rng.random((4, 3, 5)), rng.random((4, 3, 5)), rng.random(shape)
    ours = losses.MeanSquaredError(reduction=reduction)(y_true, y_pred, weight).numpy()
    theirs = keras.losses.MeanSquaredError(reduction=reduction, dtype="float64")(y_true, y_pred, weight).numpy()
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None])
def test_reductions(reduction):
    for weights in (None, rng.random(ROWS), rng.random((ROWS, 1))):
        ours = losses.MeanSquaredError(reduction=reduction)(HOT, SOME, weights).numpy()
        theirs = keras.losses.MeanSquaredError(reduction=reduction, dtype="float64")(HOT, SOME, weights).numpy()
        np.testing.assert_allclose(ours, theirs.reshape(ours.shape), rtol=1e-12)


@pytest.mark.parametrize("name", sorted({case[0] for case in CASES}))
def test_configs_and_defaults(name):
    ours, theirs = getattr(losses, name)(), getattr(keras.losses, name)()
    config = ours.get_config()
    for key, value in theirs.get_config().items():
        assert config[key] == value
    getattr(keras.losses, name)(**config)
    assert losses.serialize(ours)["class_name"] == keras.losses.serialize(theirs)["class_name"]
    assert losses.serialize(ours)["module"] == keras.losses.serialize(theirs)["module"]


def test_every_name_of_keras():
    from keras.src.losses import ALL_OBJECTS_DICT

    for name in {*ALL_OBJECTS_DICT, *(n for n in dir(keras.losses) if n[0] != "_")}:
        assert hasattr(losses, name), name
        if name in ALL_OBJECTS_DICT and name not in ("Loss", "LossFunctionWrapper"):
            ours, theirs = losses.get(name), keras.losses.get(name)
            assert getattr(ours, "__name__", type(ours).__name__) == getattr(theirs, "__name__", type(theirs).__name__)


@pytest.mark.parametrize("name", sorted({case[0] for case in CASES}))
def test_each_reads_what_the_other_writes(name):
    ours, theirs = getattr(losses, name)(name="own"), getattr(keras.losses, name)(name="own")
    assert keras.saving.deserialize_keras_object(losses.serialize(ours)).get_config() == theirs.get_config()
    assert losses.deserialize(keras.losses.serialize(theirs)).get_config() == ours.get_config()


@pytest.mark.parametrize(
    ("loss", "activation", "label"),
    [
        ("categorical_crossentropy", "softmax", [[1.0, 0.0]]),
        ("sparse_categorical_crossentropy", "softmax", [0]),
        ("binary_crossentropy", "sigmoid", [[1.0, 0.0]]),
        ("BinaryFocalCrossentropy", "sigmoid", [[1.0, 0.0]]),
        ("CategoricalCrossentropy", "softmax", [[1.0, 0.0]]),
    ],
)
@pytest.mark.parametrize("separate", [None, "layer", "object"])
def test_a_probability_rounded_to_0_does_not_end_the_gradient(loss, activation, label, separate):
    results = []
    for m in (keras, cnnpy):
        given = m.layers.Softmax() if separate == "object" and activation == "softmax" else activation
        dense = m.layers.Dense(2, use_bias=False, activation=None if separate == "layer" else given)
        last = [m.layers.Activation(activation)] if separate == "layer" else []
        model = m.Sequential([m.layers.Input((1,)), dense, *last])
        model.set_weights([np.array([[-60.0, 60.0]], "float32")])
        metric = loss if loss.islower() else loss.replace("Focal", "")
        model.compile(m.optimizers.SGD(1.0), loss, metrics=[metric])
        first = model.evaluate(np.ones((1, 1)), np.array(label), verbose=0)
        history = model.fit(np.ones((1, 1)), np.array(label), verbose=0).history
        results.append((first, history, model.get_weights()[0]))
    (first, history, weights), (our_first, our_history, our_weights) = results
    np.testing.assert_allclose(our_first, first, rtol=1e-5)
    np.testing.assert_allclose(list(our_history.values()), list(history.values()), rtol=1e-5)
    np.testing.assert_allclose(our_weights, weights, rtol=1e-5)
    assert np.abs(our_weights - [[-60, 60]]).max() > 0.01


def test_from_logits_of_what_went_through_a_softmax():
    ours, theirs = cnnpy.activations.softmax(LOGITS), keras.activations.softmax(tf.constant(LOGITS))
    for name, y_true in (("CategoricalCrossentropy", HOT), ("SparseCategoricalCrossentropy", LABELS)):
        expected = getattr(keras.losses, name)(from_logits=True, dtype="float64")
        with pytest.warns(UserWarning, match="from_logits=True"):
            value = getattr(losses, name)(from_logits=True)(y_true, ours)
        with pytest.warns(UserWarning, match="from_logits=True"):
            np.testing.assert_allclose(value.numpy(), expected(y_true, theirs).numpy(), rtol=1e-8)
