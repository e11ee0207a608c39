"""F scores."""

import numpy as np

from cnnpy import config
from cnnpy.metrics.metric import Metric

_AVERAGES = (None, "micro", "macro", "weighted")


class FBetaScore(Metric):
    """The harmonic mean of precision and recall, in which recall weighs BETA times as much:
    (1 + beta^2) p r / (beta^2 p + r).

    y_true (0 and 1) and y_pred are (samples, classes). A class is predicted where its score is above THRESHOLD, or,
    without one, where it is the row's largest and not 0. AVERAGE: None gives a Tensor with a score for each class,
    'macro' their mean, 'weighted' their mean by how often the classes occur, 'micro' counts all classes together.
    """

    _direction = "up"

    def __init__(self, average=None, beta=1.0, threshold=None, name="fbeta_score", dtype=None):
        super().__init__(name=name, dtype=dtype)
        label = type(self).__name__
        if average not in _AVERAGES:
            raise ValueError(f"{label}: average must be None, 'micro', 'macro' or 'weighted', got {average!r}")
        if not isinstance(beta, float) or beta <= 0:
            raise ValueError(f"{label}: beta must be a float above 0, got {beta!r}")
        if threshold is not None and not (isinstance(threshold, float) and 0 < threshold <= 1):
            raise ValueError(f"{label}: threshold must be None or a float in (0, 1], got {threshold!r}")
        self.average, self.beta, self.threshold = average, beta, threshold
        self.true_positives = None  # the sums are made with the first batch, which tells the number of classes

    def _make_sums(self, classes):
        shape = () if self.average == "micro" else (classes,)
        for name in ("true_positives", "false_positives", "false_negatives", "intermediate_weights"):
            setattr(self, name, self._add_sum(name, shape))

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds labels and scores, (samples, classes); SAMPLE_WEIGHT is (samples,)."""
        y_true, y_pred = np.asarray(y_true, "float64"), np.asarray(y_pred).astype(self.dtype, copy=False)
        if y_true.ndim != 2 or y_true.shape != y_pred.shape:
            raise ValueError(
                f"{type(self).__name__}: takes labels and scores of one shape (samples, classes), got y_true "
                f"{y_true.shape} and y_pred {y_pred.shape}"
            )
        if self.true_positives is None:
            self._make_sums(y_pred.shape[1])
        if self.threshold is None:
            y_pred = (y_pred >= y_pred.max(-1, keepdims=True)) & (np.abs(y_pred) > 1e-9)
        else:
            y_pred = y_pred > self.threshold
        axis = None if self.average == "micro" else 0
        weight = 1.0 if sample_weight is None else np.asarray(sample_weight, "float64").reshape(-1, 1)
        found = weight * y_pred
        self.true_positives.assign_add((found * y_true).sum(axis))
        self.false_positives.assign_add((found * (1 - y_true)).sum(axis))
        self.false_negatives.assign_add((weight * ~y_pred * y_true).sum(axis))
        self.intermediate_weights.assign_add((weight * y_true).sum(axis))

    def result(self):
        if self.true_positives is None:
            return self._answer(0.0)
        tp, epsilon = self.true_positives.numpy(), config.epsilon()
        precision = tp / (tp + self.false_positives.numpy() + epsilon)
        recall = tp / (tp + self.false_negatives.numpy() + epsilon)
        square = self.beta**2
        score = (1 + square) * precision * recall / (square * precision + recall + epsilon)
        if self.average == "weighted":
            weights = self.intermediate_weights.numpy()
            score = (score * weights).sum() / (weights.sum() + epsilon)
        elif self.average is not None:
            score = score.mean()
        return self._answer(score)

    def get_config(self):
        return {**super().get_config(), "average": self.average, "beta": self.beta, "threshold": self.threshold}


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall; see FBetaScore for the arguments."""

    def __init__(self, average=None, threshold=None, name="f1_score", dtype=None):
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self):
        config = super().get_config()
        del config["beta"]
        return config
