"""Losses as objects, for `compile(loss=...)` and custom loops; the formulas are in functions.py."""

from cnnpy import _core, config
from cnnpy.losses import functions
from cnnpy.losses.loss import Loss, LossFunctionWrapper


class _CoreLoss(LossFunctionWrapper):
    """A loss that is one op of the core, whose attributes are parsed once."""

    _raw_labels = True

    def _attributes(self):
        """The op and its attributes; None if this configuration goes through the function."""
        return self.fn.__name__, {}

    def _bind(self):
        super()._bind()
        found = self._attributes()
        self._op = getattr(_core, found[0]).bind(self._label(), **found[1]) if found else None

    def call(self, y_true, y_pred):
        if self._op is not None:
            return self._op(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self):
        return {**Loss.get_config(self), **self._fn_kwargs}


class _FunctionLoss(LossFunctionWrapper):
    """A loss that is a function of this package with its arguments."""

    def get_config(self):
        return {**Loss.get_config(self), **self._fn_kwargs}


class MeanSquaredError(_CoreLoss):
    """mean((y_true - y_pred)^2) over the last axis, then the reduction."""

    def __init__(self, reduction="sum_over_batch_size", name="mean_squared_error", dtype=None):
        super().__init__(functions.mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(_CoreLoss):
    """mean(|y_true - y_pred|) over the last axis, then the reduction."""

    def __init__(self, reduction="sum_over_batch_size", name="mean_absolute_error", dtype=None):
        super().__init__(functions.mean_absolute_error, reduction, name, dtype)


class BinaryCrossentropy(_CoreLoss):
    """Cross-entropy of labels 0 and 1 (or between) with probabilities, or with logits if FROM_LOGITS.

    y_true and y_pred are [..., N], averaged over AXIS. LABEL_SMOOTHING s makes labels y_true (1 - s) + s / 2.
    """

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="binary_crossentropy",
        dtype=None,
    ):
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis
        super().__init__(
            functions.binary_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )

    def _attributes(self):
        if not functions.is_last(self.axis):
            return None
        return "binary_crossentropy", {
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "epsilon": config.epsilon(),
        }


class CategoricalCrossentropy(_CoreLoss):
    """Cross-entropy of one-hot or soft labels [..., C] with probabilities [..., C], or with logits if FROM_LOGITS.

    Probabilities are divided by their sum and clipped to [1e-7, 1 - 1e-7]. LABEL_SMOOTHING s makes labels y_true (1 -
    s) + s / C.
    """

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="categorical_crossentropy",
        dtype=None,
    ):
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis
        self._warned = False
        super().__init__(
            functions.categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )

    def _attributes(self):
        if not functions.is_last(self.axis):
            return None
        return "categorical_crossentropy", {
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "epsilon": config.epsilon(),
        }

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

    def __init__(
        self,
        from_logits=False,
        ignore_class=None,
        reduction="sum_over_batch_size",
        axis=-1,
        name="sparse_categorical_crossentropy",
        dtype=None,
    ):
        self.from_logits, self.ignore_class, self.axis = from_logits, ignore_class, axis
        super().__init__(
            functions.sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )

    def _attributes(self):
        if not functions.is_last(self.axis):
            return None
        return "sparse_categorical_crossentropy", {
            "from_logits": self.from_logits,
            **functions.ignoring(self.ignore_class),
        }

    def __call__(self, y_true, y_pred, sample_weight=None):
        if self.ignore_class is not None:
            sample_weight = self._weight_of_kept(y_true, sample_weight)
        return super().__call__(y_true, y_pred, sample_weight)

    def _weight_of_kept(self, y_true, sample_weight):
        """Weights that leave ignored rows out; in a mean the others weigh more, so that it is a mean over them."""
        import numpy as np

        labels = np.asarray(y_true)
        if labels.ndim > 1 and labels.shape[-1] == 1:
            labels = labels[..., 0]
        kept = labels != self.ignore_class
        weight = kept.astype("float64")
        if self.reduction in ("mean", "sum_over_batch_size") and kept.any():
            weight *= kept.size / kept.sum()
        if sample_weight is None:
            return weight
        given = np.asarray(sample_weight)
        while given.ndim > weight.ndim and given.shape[-1] == 1:
            given = given[..., 0]
        return weight * given.reshape(given.shape + (1,) * (weight.ndim - given.ndim))

    def get_config(self):
        config = super().get_config()
        if self.axis == -1:
            del config["axis"]
        return config


class CategoricalFocalCrossentropy(_FunctionLoss):
    """Cross-entropy in which what is classified well weighs less: alpha (1 - q)^gamma (Lin et al. 2017)."""

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
            functions.categorical_focal_crossentropy,
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
            functions.binary_focal_crossentropy,
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

    def __init__(self, reduction="sum_over_batch_size", name="mean_absolute_percentage_error", dtype=None):
        super().__init__(functions.mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(_FunctionLoss):
    """mean((ln(1 + y_true) - ln(1 + y_pred))^2) over the last axis, then the reduction."""

    def __init__(self, reduction="sum_over_batch_size", name="mean_squared_logarithmic_error", dtype=None):
        super().__init__(functions.mean_squared_logarithmic_error, reduction, name, dtype)


class CosineSimilarity(_FunctionLoss):
    """-cos of the angle between y_true and y_pred along AXIS, then the reduction: -1 is best."""

    def __init__(self, axis=-1, reduction="sum_over_batch_size", name="cosine_similarity", dtype=None):
        super().__init__(functions.cosine_similarity, reduction, name, dtype, axis=axis)


class Huber(_FunctionLoss):
    """Squared for errors up to DELTA, linear beyond, then the reduction."""

    def __init__(self, delta=1.0, reduction="sum_over_batch_size", name="huber_loss", dtype=None):
        super().__init__(functions.huber, reduction, name, dtype, delta=delta)


class LogCosh(_FunctionLoss):
    """mean(ln(cosh(y_pred - y_true))) over the last axis, then the reduction."""

    def __init__(self, reduction="sum_over_batch_size", name="log_cosh", dtype=None):
        super().__init__(functions.log_cosh, reduction, name, dtype)


class KLDivergence(_FunctionLoss):
    """sum(y_true ln(y_true / y_pred)) over the last axis, then the reduction."""

    def __init__(self, reduction="sum_over_batch_size", name="kl_divergence", dtype=None):
        super().__init__(functions.kl_divergence, reduction, name, dtype)


class Poisson(_FunctionLoss):
    """mean(y_pred - y_true ln y_pred) over the last axis, then the reduction."""

    def __init__(self, reduction="sum_over_batch_size", name="poisson", dtype=None):
        super().__init__(functions.poisson, reduction, name, dtype)


class Hinge(_FunctionLoss):
    """mean(max(1 - y_true y_pred, 0)) for labels -1 and 1 (or 0 and 1), then the reduction."""

    def __init__(self, reduction="sum_over_batch_size", name="hinge", dtype=None):
        super().__init__(functions.hinge, reduction, name, dtype)


class SquaredHinge(_FunctionLoss):
    """mean(max(1 - y_true y_pred, 0)^2) for labels -1 and 1 (or 0 and 1), then the reduction."""

    def __init__(self, reduction="sum_over_batch_size", name="squared_hinge", dtype=None):
        super().__init__(functions.squared_hinge, reduction, name, dtype)


class CategoricalHinge(_FunctionLoss):
    """max(neg - pos + 1, 0) over the classes, then the reduction."""

    def __init__(self, reduction="sum_over_batch_size", name="categorical_hinge", dtype=None):
        super().__init__(functions.categorical_hinge, reduction, name, dtype)


class Dice(_FunctionLoss):
    """1 - the Dice coefficient of y_true and y_pred over AXIS (None: all), then the reduction."""

    def __init__(self, reduction="sum_over_batch_size", name="dice", axis=None, dtype=None):
        super().__init__(functions.dice, reduction, name, dtype, axis=axis)


class Tversky(_FunctionLoss):
    """1 - the Tversky index over AXIS (None: all), then the reduction; ALPHA weighs what is missed, BETA what is
    wrongly found."""

    def __init__(self, alpha=0.5, beta=0.5, reduction="sum_over_batch_size", name="tversky", axis=None, dtype=None):
        super().__init__(functions.tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)
