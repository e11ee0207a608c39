"""Counts of true and false positives and negatives at thresholds, by NumPy."""

import numpy as np

from cnnpy.metrics.metric import Metric
from cnnpy.utils.scalar import Scalar

COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


def parse_thresholds(thresholds, default=0.5):
    """THRESHOLDS (None, a number, a list) as a list of numbers in [0, 1]; the default is not checked."""
    if thresholds is None:
        return [default]
    values = list(thresholds) if isinstance(thresholds, (list, tuple, np.ndarray)) else [thresholds]
    wrong = [t for t in values if t is None or not 0 <= t <= 1]
    if wrong:
        raise ValueError(f"thresholds must be between 0 and 1, got {wrong}")
    return values


def quotient(a, b):
    """a / b, and 0 where b is 0."""
    a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
    return np.divide(a, b, out=np.zeros(np.broadcast(a, b).shape), where=b != 0)


def matched(y_true, y_pred, sample_weight, dtype):
    """Labels as bool, scores and weights of one shape; ranks that differ by a last axis of 1 are matched."""
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred).astype(dtype, copy=False)
    if y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
        y_true = y_true[..., 0]
    if y_pred.ndim == y_true.ndim + 1 and y_pred.shape[-1] == 1:
        y_pred = y_pred[..., 0]
    if y_true.shape != y_pred.shape:
        raise ValueError(f"y_true has shape {y_true.shape} but y_pred has shape {y_pred.shape}; they must agree")
    return y_true.astype(bool), y_pred, aligned(sample_weight, y_pred.shape)


def aligned(sample_weight, shape):
    """SAMPLE_WEIGHT as an array of SHAPE, whose first axes it has; None for None."""
    if sample_weight is None:
        return None
    weight = np.asarray(sample_weight, "float64")
    weight = weight.reshape(weight.shape + (1,) * (len(shape) - weight.ndim))
    while weight.ndim > len(shape) and weight.shape[-1] == 1:
        weight = weight[..., 0]
    return np.broadcast_to(weight, shape)


def only_top_k(y_pred, k):
    """Scores other than the K largest of a row (the first of equals) become -1e10, which is below any threshold."""
    best = np.argsort(-y_pred, axis=-1, kind="stable")[..., :k]
    kept = np.full_like(y_pred, -1e10)
    np.put_along_axis(kept, best, np.take_along_axis(y_pred, best, -1), -1)
    return kept


def count(y_true, y_pred, weight, thresholds):
    """Arrays of counts, one entry a threshold, by the names in COUNTS.

    A score is positive if it is larger than the threshold, both taken in the dtype of the scores.
    """
    thresholds = np.asarray(thresholds, y_pred.dtype)
    order = np.argsort(thresholds, kind="stable")
    below = np.searchsorted(thresholds[order], y_pred.ravel(), side="left")  # how many thresholds a score exceeds
    below[np.isnan(y_pred.ravel())] = 0
    truth = y_true.ravel().astype("float64")
    weight = np.ones_like(truth) if weight is None else weight.ravel()
    positive = np.bincount(below, truth * weight, len(thresholds) + 1)
    negative = np.bincount(below, (1 - truth) * weight, len(thresholds) + 1)
    above = np.empty((2, len(thresholds)))
    above[0, order] = positive[::-1].cumsum()[::-1][1:]
    above[1, order] = negative[::-1].cumsum()[::-1][1:]
    return dict(zip(COUNTS, (above[0], above[1], negative.sum() - above[1], positive.sum() - above[0])))


class ConfusionMetric(Metric):
    """The base of metrics that are made of some of the four counts, at some thresholds.

    `_counted` tells which, by the names of their Variables.
    """

    _direction = "up"
    _counted = dict(zip(COUNTS, COUNTS))
    top_k = class_id = None

    def __init__(self, thresholds, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.thresholds = thresholds
        for own in self._counted:
            setattr(self, own, self._add_sum(own, (len(thresholds),)))

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds labels (0 and 1) and scores of one shape; SAMPLE_WEIGHT is aligned with their first axes."""
        y_true, y_pred, weight = matched(y_true, y_pred, sample_weight, self.dtype)
        if self.top_k is not None:
            y_pred = only_top_k(y_pred, self.top_k)
        if self.class_id is not None:
            if y_pred.ndim < 2 or not -y_pred.shape[-1] <= self.class_id < y_pred.shape[-1]:
                raise ValueError(
                    f"{type(self).__name__}: class_id {self.class_id} needs y_pred of shape (samples, classes), "
                    f"got {y_pred.shape}"
                )
            y_true, y_pred = y_true[..., self.class_id], y_pred[..., self.class_id]
            weight = None if weight is None else weight[..., self.class_id]
        counts = count(y_true, y_pred, weight, self.thresholds)
        for own, kind in self._counted.items():
            getattr(self, own).assign_add(counts[kind])

    def _one_or_all(self, values):
        return self._answer(values[0] if len(values) == 1 else values)


class _Count(ConfusionMetric):
    """How many there are of one kind, at each threshold (0.5 unless set)."""

    _direction = None

    def __init__(self, thresholds=None, name=None, dtype=None):
        self.init_thresholds = thresholds
        super().__init__(parse_thresholds(thresholds), name, dtype)

    def result(self):
        return self._one_or_all(self.accumulator.numpy())

    def get_config(self):
        return {"thresholds": self.init_thresholds, **super().get_config()}


class TruePositives(_Count):
    """The weighted number of positives that score above the threshold."""

    _counted = {"accumulator": "true_positives"}


class FalsePositives(_Count):
    """The weighted number of negatives that score above the threshold."""

    _counted = {"accumulator": "false_positives"}


class TrueNegatives(_Count):
    """The weighted number of negatives that do not score above the threshold."""

    _counted = {"accumulator": "true_negatives"}


class FalseNegatives(_Count):
    """The weighted number of positives that do not score above the threshold."""

    _counted = {"accumulator": "false_negatives"}


class _Share(ConfusionMetric):
    """The true positives by themselves and another count, at each threshold."""

    def __init__(self, thresholds=None, top_k=None, class_id=None, name=None, dtype=None):
        self.init_thresholds, self.top_k, self.class_id = thresholds, top_k, class_id
        super().__init__(parse_thresholds(thresholds, 0.5 if top_k is None else -1e10), name, dtype)

    def result(self):
        true, other = (getattr(self, own).numpy() for own in self._counted)
        return self._one_or_all(quotient(true, true + other))

    def get_config(self):
        return {
            "thresholds": self.init_thresholds,
            "top_k": self.top_k,
            "class_id": self.class_id,
            **super().get_config(),
        }


class Precision(_Share):
    """The share of true ones among what scores above the threshold (0.5 unless set); a list of thresholds gives an
    array.

    With TOP_K only the k largest scores of a row count, with CLASS_ID only that column.
    """

    _counted = {"true_positives": "true_positives", "false_positives": "false_positives"}


class Recall(_Share):
    """The share of the true ones that score above the threshold (0.5 unless set); a list of thresholds gives an array.

    With TOP_K only the k largest scores of a row count, with CLASS_ID only that column.
    """

    _counted = {"true_positives": "true_positives", "false_negatives": "false_negatives"}


class _Best(ConfusionMetric):
    """The best of one share over NUM_THRESHOLDS thresholds in [0, 1] at which another share reaches a value."""

    _argument = ""

    def __init__(self, value, num_thresholds=200, class_id=None, name=None, dtype=None):
        if not 0 <= value <= 1:
            raise ValueError(f"{type(self).__name__}: {self._argument} must be between 0 and 1, got {value}")
        if num_thresholds <= 0:
            raise ValueError(f"{type(self).__name__}: num_thresholds must be above 0, got {num_thresholds}")
        setattr(self, self._argument, value)
        self.value, self.num_thresholds, self.class_id = value, num_thresholds, class_id
        steps = [i / (num_thresholds - 1) for i in range(num_thresholds)] if num_thresholds > 1 else [0.5]
        super().__init__(steps, name, dtype)

    def _shares(self):
        tp, fp, tn, fn = (getattr(self, own).numpy() for own in self._counted)
        found = quotient(tp, tp + fn)
        return {
            "sensitivity": found,
            "recall": found,
            "specificity": quotient(tn, tn + fp),
            "precision": quotient(tp, tp + fp),
        }

    def result(self):
        shares = self._shares()
        reached = shares[self._argument].astype("float32") >= np.float32(self.value)
        return Scalar(np.where(reached, shares[self._wanted], 0).max())

    def get_config(self):
        return {
            "num_thresholds": self.num_thresholds,
            self._argument: self.value,
            "class_id": self.class_id,
            **super().get_config(),
        }


class SensitivityAtSpecificity(_Best):
    """The best sensitivity where the specificity is at least SPECIFICITY."""

    _argument, _wanted = "specificity", "sensitivity"

    def __init__(self, specificity, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


class SpecificityAtSensitivity(_Best):
    """The best specificity where the sensitivity is at least SENSITIVITY."""

    _argument, _wanted = "sensitivity", "specificity"

    def __init__(self, sensitivity, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


class PrecisionAtRecall(_Best):
    """The best precision where the recall is at least RECALL."""

    _argument, _wanted = "recall", "precision"

    def __init__(self, recall, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(recall, num_thresholds, class_id, name, dtype)


class RecallAtPrecision(_Best):
    """The best recall where the precision is at least PRECISION."""

    _argument, _wanted = "precision", "recall"

    def __init__(self, precision, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(precision, num_thresholds, class_id, name, dtype)
