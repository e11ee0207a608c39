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
    ("AUC", {"label_weights": [1, 2, 3, 4, 5, 6, 7]}, HOT, P),
    ("AUC", {"multi_label": True, "curve": "PR"}, HOT, P),
    ("AUC", {"multi_label": True, "curve": "PR", "summation_method": "majoring"}, HOT, P),
    ("Precision", {"thresholds": 0.3}, HOT, P),
    ("Recall", {"thresholds": [0.1, 0.3]}, HOT, P),
    ("Recall", {"class_id": 2, "thresholds": [0.1, 0.3]}, HOT, P),
    ("SensitivityAtSpecificity", {"specificity": 0.3, "num_thresholds": 1}, BINARY, SCORES),
    ("SpecificityAtSensitivity", {"sensitivity": 0.3, "class_id": 2}, HOT, P),
    ("PrecisionAtRecall", {"recall": 0.3, "num_thresholds": 10, "class_id": 1}, HOT, P),
    ("RecallAtPrecision", {"precision": 0.2, "num_thresholds": 7}, HOT, P),
    ("F1Score", {}, HOT, P),
    ("F1Score", {"average": "micro"}, HOT, P),
    ("F1Score", {"average": "macro", "threshold": 0.2}, HOT, P),
    ("F1Score", {"average": "weighted"}, HOT, P),
    ("FBetaScore", {"beta": 2.0, "threshold": 0.1}, HOT, P),
    ("FBetaScore", {"beta": 0.5, "average": "weighted"}, HOT, P),
    ("IoU", {"num_classes": 7, "target_class_ids": [0, 3]}, LABELS, P.argmax(-1)),
    ("IoU", {"num_classes": 7, "target_class_ids": (2,), "sparse_y_pred": False, "ignore_class": 1}, LABELS, P),
    ("BinaryIoU", {}, BINARY, SCORES),
    ("BinaryIoU", {"target_class_ids": [1], "threshold": 0.3}, BINARY, SCORES),
    ("MeanIoU", {"num_classes": 7}, LABELS, P.argmax(-1)),
    ("MeanIoU", {"num_classes": 9, "ignore_class": 2}, LABELS, P.argmax(-1)),
    ("MeanIoU", {"num_classes": 5}, LABELS, P.argmax(-1)),
    ("OneHotIoU", {"num_classes": 7, "target_class_ids": [1, 2]}, HOT, P),
    ("OneHotIoU", {"num_classes": 7, "target_class_ids": [1], "sparse_y_pred": True}, HOT, P.argmax(-1)),
    ("OneHotMeanIoU", {"num_classes": 7, "ignore_class": 0}, HOT, P),
    ("R2Score", {}, HOT, P),
    ("R2Score", {"class_aggregation": None}, HOT, P),
    ("R2Score", {"class_aggregation": "variance_weighted_average", "num_regressors": 3}, HOT, P),
    ("PearsonCorrelation", {}, LOGITS + HOT, P),
    ("PearsonCorrelation", {"axis": 0}, LOGITS + HOT, P),
    ("ConcordanceCorrelation", {}, LOGITS + HOT, P),
]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "arguments", "y_true", "y_pred"), CASES)
def test_values(name, arguments, y_true, y_pred, weighted):
    if weighted and (arguments.get("multi_label") or arguments.get("label_weights") or arguments.get("axis") == 0):
        pytest.skip("Keras takes no weights per sample here")
    ours, theirs = getattr(metrics, name)(**arguments), getattr(keras.metrics, name)(**arguments)
    weights = rng.random(ROWS).astype("float32") if weighted else None
    if weighted and "IoU" in name:
        weights = rng.integers(0, 4, ROWS)  # Keras makes integers of weights here
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

    assert set(ALL_OBJECTS_DICT) - {"Metric", "metric"} <= set(metrics._BY_NAME)
    for name in dir(keras.metrics):
        assert name[0] == "_" or hasattr(metrics, name), name


@pytest.mark.parametrize("name", sorted({case[0] for case in CASES}))
def test_each_reads_what_the_other_writes(name):
    arguments = next(case[1] for case in CASES if case[0] == name)
    ours, theirs = (
        getattr(metrics, name)(name="own", **arguments),
        getattr(keras.metrics, name)(name="own", **arguments),
    )
    assert metrics.serialize(ours)["module"] == keras.metrics.serialize(theirs)["module"]
    assert keras.metrics.deserialize(metrics.serialize(ours)).get_config() == theirs.get_config()
    assert metrics.deserialize(keras.metrics.serialize(theirs)).get_config() == ours.get_config()
    assert [v.path for v in ours.variables] == [v.path for v in theirs.variables]
    assert [tuple(v.shape) for v in ours.variables] == [tuple(v.shape) for v in theirs.variables]
    for prefix in (getattr(metrics, name)(**arguments).name, getattr(keras.metrics, name)(**arguments).name):
        assert prefix.rstrip("_0123456789") == theirs.__class__(**arguments).name.rstrip("_0123456789")
    assert ours._direction == getattr(theirs, "_direction", None)


@pytest.mark.parametrize("shape", [(), (6,), (6, 3), (6, 1), (1, 3), (1,), (1, 1), (6, 3, 1)])
@pytest.mark.parametrize("name", ["Mean", "Sum"])
def test_weights_of_every_shape(name, shape):
    values, weight = rng.random((6, 3, 2)).astype("float32"), rng.random(shape).astype("float32")
    ours, theirs = getattr(metrics, name)(), getattr(keras.metrics, name)()
    for metric in (ours, theirs):
        metric.update_state(values, weight)
    np.testing.assert_allclose(ours.result(), theirs.result(), rtol=1e-5)
