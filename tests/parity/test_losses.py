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


def test_every_name_of_keras_is_known_or_out_of_scope():
    from keras.src.losses import ALL_OBJECTS_DICT

    assert set(ALL_OBJECTS_DICT) - set(losses.__all__) == {"CTC", "ctc", "Circle", "circle"}
