"""Losses as objects, for `compile(loss=...)` and custom loops; the formulas are in functions.py."""

import numpy as np

from cnnpy.losses import functions
from cnnpy.losses.loss import Loss, LossFunctionWrapper


class _FunctionLoss(LossFunctionWrapper):
    """A loss that is the function `_function` of this package, whose arguments are attributes of the object."""

    _function = None

    def __init__(self, reduction, name, dtype, **arguments):
        vars(self).update(arguments)
        super().__init__(type(self)._function, reduction, name, dtype, **arguments)

    def get_config(self):
        return {**Loss.get_config(self), **self._fn_kwargs}


class _CoreLoss(_FunctionLoss):
    """A loss that is one op of the core, whose attributes are parsed once."""

    _raw_labels = True

    def _bind(self):
        super()._bind()
        self._op = functions.bound(self.fn, self._label(), self._fn_kwargs)

    def call(self, y_true, y_pred):
        return self._op(y_true, y_pred)


class MeanSquaredError(_CoreLoss):
    """mean((y_true - y_pred)^2) over the last axis, then the reduction."""

    _function = staticmethod(functions.mean_squared_error)

    def __init__(self, reduction="sum_over_batch_size", name="mean_squared_error", dtype=None):
        super().__init__(reduction, name, dtype)


class MeanAbsoluteError(_CoreLoss):
    """mean(|y_true - y_pred|) over the last axis, then the reduction."""

    _function = staticmethod(functions.mean_absolute_error)

    def __init__(self, reduction="sum_over_batch_size", name="mean_absolute_error", dtype=None):
        super().__init__(reduction, name, dtype)


class BinaryCrossentropy(_CoreLoss):
    """Cross-entropy of labels 0 and 1 (or between) with probabilities, or with logits if FROM_LOGITS.

    y_true and y_pred are [..., N], averaged over AXIS. LABEL_SMOOTHING s makes labels y_true (1 - s) + s / 2.
    """

    _function = staticmethod(functions.binary_crossentropy)

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="binary_crossentropy",
        dtype=None,
    ):
        super().__init__(reduction, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


class CategoricalCrossentropy(_CoreLoss):
    """Cross-entropy of one-hot or soft labels [..., C] with probabilities [..., C], or with logits if FROM_LOGITS.

    Probabilities are divided by their sum and clipped to [1e-7, 1 - 1e-7]. LABEL_SMOOTHING s makes labels y_true (1 -
    s) + s / C.
    """

    _function = staticmethod(functions.categorical_crossentropy)

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="categorical_crossentropy",
        dtype=None,
    ):
        self._warned = False
        super().__init__(reduction, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)

    def call(self, y_true, y_pred):
        if not self._warned:
            self._warned = True
            functions.warn_of_one_class("CategoricalCrossentropy", y_pred)
        return super().call(y_true, y_pred)


class SparseCategoricalCrossentropy(_CoreLoss):
    """Cross-entropy of class numbers [...] or [..., 1] with probabilities [..., C], or with logits if FROM_LOGITS.

    Labels may have any dtype but must be whole numbers in [0, C); others are a ValueError that names them. Rows with
    the label IGNORE_CLASS give 0 and do not count in a mean.
    """

    _function = staticmethod(functions.sparse_categorical_crossentropy)

    def __init__(
        self,
        from_logits=False,
        ignore_class=None,
        reduction="sum_over_batch_size",
        axis=-1,
        name="sparse_categorical_crossentropy",
        dtype=None,
    ):
        super().__init__(reduction, name, dtype, from_logits=from_logits, ignore_class=ignore_class, axis=axis)

    def _kept(self, y_true, values):
        if self.ignore_class is None:
            return None
        labels = np.asarray(y_true)
        if labels.ndim > len(values.shape) and labels.shape[self.axis] == 1:
            labels = labels.squeeze(self.axis)
        return labels != self.ignore_class

    def get_config(self):
        config = super().get_config()
        if self.axis == -1:
            del config["axis"]
        return config


class CategoricalFocalCrossentropy(_FunctionLoss):
    """Cross-entropy in which what is classified well weighs less: alpha (1 - q)^gamma (Lin et al. 2017)."""

    _function = staticmethod(functions.categorical_focal_crossentropy)

    def __init__(
        self,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="categorical_focal_crossentropy",
        dtype=None,
    ):
        super().__init__(
            reduction,
            name,
            dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class BinaryFocalCrossentropy(_FunctionLoss):
    """Binary cross-entropy in which what is classified well weighs less: (1 - p_t)^gamma (Lin et al. 2017)."""

    _function = staticmethod(functions.binary_focal_crossentropy)

    def __init__(
        self,
        apply_class_balancing=False,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="binary_focal_crossentropy",
        dtype=None,
    ):
        super().__init__(
            reduction,
            name,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class MeanAbsolutePercentageError(_FunctionLoss):
    """100 mean(|y_true - y_pred| / |y_true|) over the last axis, then the reduction."""

    _function = staticmethod(functions.mean_absolute_percentage_error)

    def __init__(self, reduction="sum_over_batch_size", name="mean_absolute_percentage_error", dtype=None):
        super().__init__(reduction, name, dtype)


class MeanSquaredLogarithmicError(_FunctionLoss):
    """mean((ln(1 + y_true) - ln(1 + y_pred))^2) over the last axis, then the reduction."""

    _function = staticmethod(functions.mean_squared_logarithmic_error)

    def __init__(self, reduction="sum_over_batch_size", name="mean_squared_logarithmic_error", dtype=None):
        super().__init__(reduction, name, dtype)


class CosineSimilarity(_FunctionLoss):
    """-cos of the angle between y_true and y_pred along AXIS, then the reduction: -1 is best."""

    _function = staticmethod(functions.cosine_similarity)

    def __init__(self, axis=-1, reduction="sum_over_batch_size", name="cosine_similarity", dtype=None):
        super().__init__(reduction, name, dtype, axis=axis)


class Huber(_FunctionLoss):
    """Squared for errors up to DELTA, linear beyond, then the reduction."""

    _function = staticmethod(functions.huber)

    def __init__(self, delta=1.0, reduction="sum_over_batch_size", name="huber_loss", dtype=None):
        super().__init__(reduction, name, dtype, delta=delta)


class LogCosh(_FunctionLoss):
    """mean(ln(cosh(y_pred - y_true))) over the last axis, then the reduction."""

    _function = staticmethod(functions.log_cosh)

    def __init__(self, reduction="sum_over_batch_size", name="log_cosh", dtype=None):
        super().__init__(reduction, name, dtype)


class KLDivergence(_FunctionLoss):
    """sum(y_true ln(y_true / y_pred)) over the last axis, then the reduction."""

    _function = staticmethod(functions.kl_divergence)

    def __init__(self, reduction="sum_over_batch_size", name="kl_divergence", dtype=None):
        super().__init__(reduction, name, dtype)


class Poisson(_FunctionLoss):
    """mean(y_pred - y_true ln y_pred) over the last axis, then the reduction."""

    _function = staticmethod(functions.poisson)

    def __init__(self, reduction="sum_over_batch_size", name="poisson", dtype=None):
        super().__init__(reduction, name, dtype)


class Hinge(_FunctionLoss):
    """mean(max(1 - y_true y_pred, 0)) for labels -1 and 1 (or 0 and 1), then the reduction."""

    _function = staticmethod(functions.hinge)

    def __init__(self, reduction="sum_over_batch_size", name="hinge", dtype=None):
        super().__init__(reduction, name, dtype)


class SquaredHinge(_FunctionLoss):
    """mean(max(1 - y_true y_pred, 0)^2) for labels -1 and 1 (or 0 and 1), then the reduction."""

    _function = staticmethod(functions.squared_hinge)

    def __init__(self, reduction="sum_over_batch_size", name="squared_hinge", dtype=None):
        super().__init__(reduction, name, dtype)


class CategoricalHinge(_FunctionLoss):
    """max(neg - pos + 1, 0) over the classes, then the reduction."""

    _function = staticmethod(functions.categorical_hinge)

    def __init__(self, reduction="sum_over_batch_size", name="categorical_hinge", dtype=None):
        super().__init__(reduction, name, dtype)


class Dice(_FunctionLoss):
    """1 - the Dice coefficient of y_true and y_pred over AXIS (None: all), then the reduction."""

    _function = staticmethod(functions.dice)

    def __init__(self, reduction="sum_over_batch_size", name="dice", axis=None, dtype=None):
        super().__init__(reduction, name, dtype, axis=axis)


class Tversky(_FunctionLoss):
    """1 - the Tversky index over AXIS (None: all), then the reduction; ALPHA weighs what is missed, BETA what is
    wrongly found."""

    _function = staticmethod(functions.tversky)

    def __init__(self, alpha=0.5, beta=0.5, reduction="sum_over_batch_size", name="tversky", axis=None, dtype=None):
        super().__init__(reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)


class Circle(_FunctionLoss):
    """Draws embeddings of one class together and those of others apart (Sun et al. 2020): see circle.

    y_true holds class numbers [N] or [N, 1], y_pred embeddings [N, D] of length 1. A mean leaves out the samples whose
    loss is 0.
    """

    _function = staticmethod(functions.circle)

    def __init__(
        self, gamma=80.0, margin=0.4, remove_diagonal=True, reduction="sum_over_batch_size", name="circle", dtype=None
    ):
        super().__init__(reduction, name, dtype, gamma=gamma, margin=margin, remove_diagonal=remove_diagonal)

    def call(self, y_true, y_pred):
        return self.fn(y_true, y_pred, **self._fn_kwargs)  # the ranks of labels and embeddings differ

    def _kept(self, y_true, values):
        return np.asarray(values) > 0


class CategoricalGeneralizedCrossEntropy(_FunctionLoss):
    """(1 - p^Q) / Q with p the probability of the labelled class, then the reduction (Zhang and Sabuncu 2018): robust
    to wrong labels. Q is between 0 and 1, both excluded."""

    _function = staticmethod(functions.categorical_generalized_cross_entropy)

    def __init__(
        self,
        q=0.5,
        reduction="sum_over_batch_size",
        name="categorical_generalized_cross_entropy",
        dtype=None,
    ):
        if not 0 < q < 1:
            raise ValueError(f"CategoricalGeneralizedCrossEntropy: q must be between 0 and 1, got {q!r}")
        super().__init__(reduction, name, dtype, q=q)


class CTC(_FunctionLoss):
    """-ln of the probability of label sequences, whatever their alignment, then the reduction: see ctc."""

    _function = staticmethod(functions.ctc)

    def __init__(self, reduction="sum_over_batch_size", name="ctc", dtype=None):
        super().__init__(reduction, name, dtype)

    def call(self, y_true, y_pred):
        return self.fn(y_true, y_pred)  # the ranks of labels and logits differ
