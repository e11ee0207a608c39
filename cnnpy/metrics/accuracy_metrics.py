"""How often predictions are right."""

import numpy as np

from cnnpy import _core
from cnnpy._core import Tensor
from cnnpy.metrics.reduction_metrics import CoreMetric, FunctionMetric


def _scores(y_pred):
    """Predictions in a form the core takes: floats in lists become an array."""
    return y_pred if isinstance(y_pred, (Tensor, np.ndarray)) else np.asarray(y_pred)


def accuracy(y_true, y_pred):
    """1 where y_true equals y_pred, else 0: float32 of the same shape."""
    return _core.equal_accuracy(_scores(y_true), _scores(y_pred))


def binary_accuracy(y_true, y_pred, threshold=0.5):
    """1 where y_true equals (y_pred > threshold), else 0: float32 of the same shape. At the threshold a score is
    negative."""
    return _core.binary_accuracy(_scores(y_true), _scores(y_pred), threshold=threshold)


def categorical_accuracy(y_true, y_pred):
    """1 where y_true [..., C] and y_pred [..., C] are largest at the same place, else 0: float32 [...]."""
    return _core.categorical_accuracy(_scores(y_true), _scores(y_pred))


def sparse_categorical_accuracy(y_true, y_pred):
    """1 where y_pred [..., C] is largest at the class y_true, [...] or [..., 1], else 0: float32 [...]."""
    return _core.sparse_categorical_accuracy(_scores(y_true), _scores(y_pred))


def top_k_categorical_accuracy(y_true, y_pred, k=5):
    """1 where the class of the one-hot y_true [..., C] is among the K largest of y_pred [..., C], else 0: float32
    [...]."""
    y_true = np.asarray(y_true)
    return _core.in_top_k(y_true.argmax(-1), _scores(y_pred), k=k)


def sparse_top_k_categorical_accuracy(y_true, y_pred, k=5, from_sorted_ids=False):
    """1 where the class y_true, [...] or [..., 1], is among the K largest of y_pred [..., C], else 0: float32 [...].

    With FROM_SORTED_IDS y_pred holds class numbers, the best first.
    """
    if not from_sorted_ids:
        return _core.in_top_k(_scores(y_true), _scores(y_pred), k=k)
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_true.ndim < y_pred.ndim:
        y_true = y_true[..., None]
    return (y_true == y_pred[..., :k]).any(-1).astype("float32")


class Accuracy(CoreMetric):
    """How often y_true equals y_pred."""

    _direction = "up"
    _op_name = "equal_accuracy"
    _function = staticmethod(accuracy)

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(name, dtype)


class BinaryAccuracy(CoreMetric):
    """How often scores are on the label's side of THRESHOLD; exactly at it they count as negative."""

    _direction = "up"
    _function = staticmethod(binary_accuracy)

    def __init__(self, name="binary_accuracy", dtype=None, threshold=0.5):
        super().__init__(name, dtype, threshold=threshold)


class CategoricalAccuracy(CoreMetric):
    """How often the largest score is that of the class of the one-hot label."""

    _direction = "up"
    _function = staticmethod(categorical_accuracy)

    def __init__(self, name="categorical_accuracy", dtype=None):
        super().__init__(name, dtype)


class SparseCategoricalAccuracy(CoreMetric):
    """How often the largest score is that of the labelled class."""

    _direction = "up"
    _function = staticmethod(sparse_categorical_accuracy)

    def __init__(self, name="sparse_categorical_accuracy", dtype=None):
        super().__init__(name, dtype)


class TopKCategoricalAccuracy(FunctionMetric):
    """How often the class of the one-hot label is among the K largest scores."""

    _direction = "up"
    _function = staticmethod(top_k_categorical_accuracy)

    def __init__(self, k=5, name="top_k_categorical_accuracy", dtype=None):
        super().__init__(name, dtype, k=k)


class SparseTopKCategoricalAccuracy(FunctionMetric):
    """How often the labelled class is among the K largest scores; y_pred holds class numbers, best first, if
    FROM_SORTED_IDS."""

    _direction = "up"
    _function = staticmethod(sparse_top_k_categorical_accuracy)

    def __init__(self, k=5, name="sparse_top_k_categorical_accuracy", dtype=None, from_sorted_ids=False):
        super().__init__(name, dtype, k=k, from_sorted_ids=from_sorted_ids)

    def get_config(self):
        config = super().get_config()
        if not self.from_sorted_ids:
            del config["from_sorted_ids"]
        return config
