"""Metrics equal Keras's over several batches, with and without weights."""

import numpy as np
import pytest

from cnnpy import metrics

keras = pytest.importorskip("keras")

rng = np.random.default_rng(1)
ROWS, CLASSES = 60, 7
LABELS = rng.integers(0, CLASSES, ROWS)
HOT = np.eye(CLASSES, dtype="float32")[LABELS]
LOGITS = (rng.normal(size=(ROWS, CLASSES)) * 2).astype("float32")
P = (np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)).astype("float32")
BINARY = rng.integers(0, 2, (ROWS, 1)).astype("float32")
SCORES = rng.random((ROWS, 1)).astype("float32")

CASES = [
    ("Accuracy", {}, LABELS, P.argmax(-1)),
    ("BinaryAccuracy", {}, BINARY, SCORES),
    ("BinaryAccuracy", {"threshold": 0.3}, HOT, P),
    ("CategoricalAccuracy", {}, HOT, P),
    ("SparseCategoricalAccuracy", {}, LABELS, P),
    ("SparseCategoricalAccuracy", {}, LABELS[:, None], P),
    ("TopKCategoricalAccuracy", {"k": 3}, HOT, P),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, LABELS, P),
    ("MeanSquaredError", {}, HOT, P),
    ("MeanAbsoluteError", {}, HOT, P),
    ("RootMeanSquaredError", {}, HOT, P),
    ("MeanAbsolutePercentageError", {}, HOT + 1, P),
    ("MeanSquaredLogarithmicError", {}, HOT, P),
    ("CosineSimilarity", {}, HOT, LOGITS),
    ("LogCoshError", {}, HOT, LOGITS),
    ("KLDivergence", {}, HOT, P),
    ("Poisson", {}, HOT, P),
    ("Hinge", {}, HOT, LOGITS),
    ("SquaredHinge", {}, HOT, LOGITS),
    ("CategoricalHinge", {}, HOT, LOGITS),
    ("BinaryCrossentropy", {"label_smoothing": 0.1}, BINARY, SCORES),
    ("CategoricalCrossentropy", {"from_logits": True}, HOT, LOGITS),
    ("SparseCategoricalCrossentropy", {}, LABELS, P),
    ("SparseCategoricalCrossentropy", {"ignore_class": 2}, LABELS, P),
    ("TruePositives", {"thresholds": [0.2, 0.6]}, HOT, P),
    ("FalsePositives", {}, BINARY, SCORES),
    ("TrueNegatives", {}, HOT, P),
    ("FalseNegatives", {"thresholds": 0.7}, BINARY, SCORES),
    ("Precision", {}, BINARY, SCORES),
    ("Precision", {"thresholds": [0.1, 0.5, 0.9]}, HOT, P),
    ("Precision", {"top_k": 2}, HOT, P),
    ("Precision", {"class_id": 3, "thresholds": 0.1}, HOT, P),
    ("Recall", {}, BINARY, SCORES),
    ("Recall", {"top_k": 3, "class_id": 1}, HOT, P),
    ("SensitivityAtSpecificity", {"specificity": 0.5}, BINARY, SCORES),
    ("SpecificityAtSensitivity", {"sensitivity": 0.5}, BINARY, SCORES),
    ("PrecisionAtRecall", {"recall": 0.6}, BINARY, SCORES),
    ("RecallAtPrecision", {"precision": 0.4}, BINARY, SCORES),
    ("AUC", {}, BINARY, SCORES),
    ("AUC", {"curve": "PR"}, BINARY, SCORES),
    ("AUC", {"curve": "PRGAIN"}, BINARY, SCORES),
    ("AUC", {"curve": "PR", "summation_method": "minoring"}, BINARY, SCORES),
    ("AUC", {"summation_method": "majoring", "num_thresholds": 20}, HOT, P),
    ("AUC", {"thresholds": [0.1, 0.35, 0.8]}, BINARY, SCORES),
    ("AUC", {"multi_label": True}, HOT, P),
    ("AUC", {"multi_label": True, "num_labels": 7, "label_weights": [1, 2, 3, 4, 5, 6, 7]}, HOT, P),
    ("AUC", {"from_logits": True}, HOT, LOGITS),
]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "arguments", "y_true", "y_pred"), CASES)
def test_values(name, arguments, y_true, y_pred, weighted):
    if weighted and arguments.get("multi_label"):
        pytest.skip("Keras takes no weights per sample here")
    ours, theirs = getattr(metrics, name)(**arguments), getattr(keras.metrics, name)(**arguments)
    weights = rng.random(ROWS).astype("float32") if weighted else None
    for part in (slice(0, 25), slice(25, 60)):
        for metric in (ours, theirs):
            metric.update_state(y_true[part], y_pred[part], None if weights is None else weights[part])
        np.testing.assert_allclose(np.asarray(ours.result()), np.asarray(theirs.result()), rtol=2e-5, atol=1e-6)
    for metric in (ours, theirs):
        metric.reset_state()
        metric.update_state(y_true, y_pred)
    np.testing.assert_allclose(np.asarray(ours.result()), np.asarray(theirs.result()), rtol=2e-5, atol=1e-6)
    assert ours.name.rstrip("_0123456789") == theirs.name.rstrip("_0123456789")
    config = ours.get_config()
    for key, value in theirs.get_config().items():
        if key not in ("name", "thresholds", "label_weights"):
            assert config[key] == value
    getattr(keras.metrics, name)(**config)


def test_means():
    values, weights = rng.random((6, 3, 2)).astype("float32"), rng.random((6, 3)).astype("float32")
    for given in (None, weights, weights[:, 0], weights[:, :1]):
        for name in ("Mean", "Sum"):
            ours, theirs = getattr(metrics, name)(), getattr(keras.metrics, name)()
            for metric in (ours, theirs):
                metric.update_state(values, given)
                metric.update_state(values[:2])
            np.testing.assert_allclose(ours.result(), theirs.result(), rtol=1e-5)
    ours, theirs = metrics.Mean(), keras.metrics.Mean()
    for metric in (ours, theirs):
        metric.update_state(values[0, 0, 0], 0.25)
        metric.update_state(values[:, 0, 0], 0.5)
    np.testing.assert_allclose(ours.result(), theirs.result(), rtol=1e-5)


def test_names_of_keras():
    from keras.src.metrics import ALL_OBJECTS_DICT

    missing = {name for name in ALL_OBJECTS_DICT if name not in metrics._BY_NAME}
    families = ("io_u", "iou", "score", "correlation", "metric")
    assert {n for n in missing if not n.lower().endswith(families)} == set()
