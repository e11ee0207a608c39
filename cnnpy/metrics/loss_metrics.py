"""Means of losses, watched as metrics. In a weighted mean the divisor is the sum of the weights, other than in the
losses."""

import math

import numpy as np

from cnnpy import _core
from cnnpy.losses import functions
from cnnpy.losses.loss import weights_of_kept
from cnnpy.metrics.reduction_metrics import CoreMetric, FunctionMetric, Mean
from cnnpy.utils.scalar import Scalar


class MeanSquaredError(CoreMetric):
    """mean((y_true - y_pred)^2)."""

    _direction = "down"
    _function = staticmethod(functions.mean_squared_error)

    def __init__(self, name="mean_squared_error", dtype=None):
        super().__init__(name, dtype)


class MeanAbsoluteError(CoreMetric):
    """mean(|y_true - y_pred|)."""

    _direction = "down"
    _function = staticmethod(functions.mean_absolute_error)

    def __init__(self, name="mean_absolute_error", dtype=None):
        super().__init__(name, dtype)


class RootMeanSquaredError(Mean):
    """sqrt(mean((y_true - y_pred)^2))."""

    _direction = "down"

    def __init__(self, name="root_mean_squared_error", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch; its samples are weighted by SAMPLE_WEIGHT."""
        super().update_state(functions.mean_squared_error(y_true, y_pred), sample_weight)

    def result(self):
        return Scalar(math.sqrt(super().result()))


class BinaryCrossentropy(CoreMetric):
    """The mean binary cross-entropy; see cnnpy.losses.binary_crossentropy."""

    _direction = "down"
    _function = staticmethod(functions.binary_crossentropy)

    def __init__(self, name="binary_crossentropy", dtype=None, from_logits=False, label_smoothing=0):
        super().__init__(name, dtype, from_logits=from_logits, label_smoothing=label_smoothing)


class CategoricalCrossentropy(CoreMetric):
    """The mean categorical cross-entropy; see cnnpy.losses.categorical_crossentropy."""

    _direction = "down"
    _function = staticmethod(functions.categorical_crossentropy)

    def __init__(self, name="categorical_crossentropy", dtype=None, from_logits=False, label_smoothing=0, axis=-1):
        super().__init__(name, dtype, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


class SparseCategoricalCrossentropy(CoreMetric):
    """The mean sparse categorical cross-entropy; see cnnpy.losses.sparse_categorical_crossentropy.

    Rows with the label IGNORE_CLASS give 0. As in Keras they count in a mean without weights, not in one with weights.
    """

    _direction = "down"
    _function = staticmethod(functions.sparse_categorical_crossentropy)

    def __init__(
        self,
        name="sparse_categorical_crossentropy",
        dtype=None,
        from_logits=False,
        ignore_class=None,
        axis=-1,
    ):
        super().__init__(name, dtype, from_logits=from_logits, ignore_class=ignore_class, axis=axis)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch; its values are weighted by SAMPLE_WEIGHT, which is 0 for ignored rows."""
        if self.ignore_class is not None and sample_weight is not None:
            labels = np.asarray(y_true)
            if labels.ndim == len(y_pred.shape) and labels.shape[-1] == 1:
                labels = labels[..., 0]
            sample_weight = weights_of_kept(labels != self.ignore_class, sample_weight, "sum")
        super().update_state(y_true, y_pred, sample_weight)


class MeanAbsolutePercentageError(FunctionMetric):
    """100 mean(|y_true - y_pred| / |y_true|)."""

    _direction = "down"
    _function = staticmethod(functions.mean_absolute_percentage_error)

    def __init__(self, name="mean_absolute_percentage_error", dtype=None):
        super().__init__(name, dtype)


class MeanSquaredLogarithmicError(FunctionMetric):
    """mean((ln(1 + y_true) - ln(1 + y_pred))^2)."""

    _direction = "down"
    _function = staticmethod(functions.mean_squared_logarithmic_error)

    def __init__(self, name="mean_squared_logarithmic_error", dtype=None):
        super().__init__(name, dtype)


def _cosine(y_true, y_pred, axis=-1):
    return _core.negative(functions.cosine_similarity(y_true, y_pred, axis))


class CosineSimilarity(FunctionMetric):
    """The mean cosine of the angle between y_true and y_pred along AXIS: 1 is best, other than in the loss."""

    _direction = "up"
    _function = staticmethod(_cosine)

    def __init__(self, name="cosine_similarity", dtype=None, axis=-1):
        super().__init__(name, dtype, axis=axis)


class LogCoshError(FunctionMetric):
    """mean(ln(cosh(y_pred - y_true)))."""

    _direction = "down"
    _function = staticmethod(functions.log_cosh)

    def __init__(self, name="logcosh", dtype=None):
        super().__init__(name, dtype)


class KLDivergence(FunctionMetric):
    """The mean of sum(y_true ln(y_true / y_pred))."""

    _direction = "down"
    _function = staticmethod(functions.kl_divergence)

    def __init__(self, name="kl_divergence", dtype=None):
        super().__init__(name, dtype)


class Poisson(FunctionMetric):
    """mean(y_pred - y_true ln y_pred)."""

    _direction = "down"
    _function = staticmethod(functions.poisson)

    def __init__(self, name="poisson", dtype=None):
        super().__init__(name, dtype)


class Hinge(FunctionMetric):
    """mean(max(1 - y_true y_pred, 0))."""

    _direction = "down"
    _function = staticmethod(functions.hinge)

    def __init__(self, name="hinge", dtype=None):
        super().__init__(name, dtype)


class SquaredHinge(FunctionMetric):
    """mean(max(1 - y_true y_pred, 0)^2)."""

    _direction = "down"
    _function = staticmethod(functions.squared_hinge)

    def __init__(self, name="squared_hinge", dtype=None):
        super().__init__(name, dtype)


class CategoricalHinge(FunctionMetric):
    """The mean of max(neg - pos + 1, 0)."""

    _direction = "down"
    _function = staticmethod(functions.categorical_hinge)

    def __init__(self, name="categorical_hinge", dtype=None):
        super().__init__(name, dtype)
