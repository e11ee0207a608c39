"""Sums and means over batches."""

from cnnpy import _core
from cnnpy.losses.loss import weights_of_mask
from cnnpy.metrics.metric import Metric
from cnnpy.utils.scalar import Scalar

_weighted_sum = _core.weighted_sum


class Sum(Metric):
    """The sum of all values, each times its weight."""

    def __init__(self, name="sum", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.total = 0.0

    def update_state(self, values, sample_weight=None):
        """Adds VALUES (any shape); SAMPLE_WEIGHT is aligned with their first axes."""
        self.total += _weighted_sum(values, sample_weight, False)[0]

    def reset_state(self):
        self.total = 0.0

    def result(self):
        return Scalar(self.total)


class Mean(Metric):
    """The mean over samples: the sum of values times weights, by the sum of weights.

    A sample of several values counts once, by their mean. 0 before the first update.
    """

    def __init__(self, name="mean", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.count = 0.0

    def update_state(self, values, sample_weight=None):
        """Adds VALUES, [samples, ...] or a scalar; SAMPLE_WEIGHT is aligned with their first axes."""
        total, count = _weighted_sum(values, sample_weight)
        self.total += total
        self.count += count

    def reset_state(self):
        self.total = self.count = 0.0

    def result(self):
        return Scalar(self.total / self.count if self.count else 0.0)


class MeanMetricWrapper(Mean):
    """The mean of fn(y_true, y_pred, **kwargs), a function that gives one value per sample."""

    def __init__(self, fn, name=None, dtype=None, **kwargs):
        super().__init__(name=name, dtype=dtype)
        self._fn = fn
        self._fn_kwargs = kwargs

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch; its values are weighted by SAMPLE_WEIGHT, and by 0 where a mask of Y_PRED leaves them out."""
        sample_weight = weights_of_mask(y_pred, sample_weight, "sum")
        total, count = _weighted_sum(self._fn(y_true, y_pred, **self._fn_kwargs), sample_weight)
        self.total += total
        self.count += count

    def get_config(self):
        from cnnpy.saving import serialize_keras_object

        return {
            **super().get_config(),
            "fn": serialize_keras_object(self._fn),
            **serialize_keras_object(self._fn_kwargs),
        }

    @classmethod
    def from_config(cls, config):
        from cnnpy.saving import deserialize_keras_object

        if "fn" in config:
            config = deserialize_keras_object(config)
        return cls(**config)


class FunctionMetric(MeanMetricWrapper):
    """The mean of one of cnnpy's own functions, whose arguments are the metric's."""

    def get_config(self):
        return {**Metric.get_config(self), **self._fn_kwargs}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


class CoreMetric(FunctionMetric):
    """The mean of one op of the core, whose attributes are parsed once. The op has the function's name unless
    `_op_name` says another."""

    _op_name = None

    def __init__(self, fn, name=None, dtype=None, **kwargs):
        super().__init__(fn, name, dtype, **kwargs)
        self._bind()

    def _attributes(self):
        """The attributes of the op; None if this configuration goes through the function."""
        return self._fn_kwargs

    def _bind(self):
        attributes = self._attributes()
        if attributes is None:
            self._op = lambda y_true, y_pred: self._fn(y_true, y_pred, **self._fn_kwargs)
            return
        op = getattr(_core, self._op_name or self._fn.__name__)
        self._op = op.bind(f'{type(self).__name__} "{self.name}"', **attributes)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch; its values are weighted by SAMPLE_WEIGHT, and by 0 where a mask of Y_PRED leaves them out."""
        sample_weight = weights_of_mask(y_pred, sample_weight, "sum")
        total, count = _weighted_sum(self._op(y_true, y_pred), sample_weight)
        self.total += total
        self.count += count

    def __getstate__(self):
        return {key: value for key, value in self.__dict__.items() if key != "_op"}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._bind()
