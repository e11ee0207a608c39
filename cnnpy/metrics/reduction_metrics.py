"""Sums and means over batches."""

from cnnpy import _core
from cnnpy.losses.functions import bound
from cnnpy.metrics.metric import Metric
from cnnpy.utils.scalar import Scalar

_weighted_sum = _core.weighted_sum


class Sum(Metric):
    """The sum of all values, each times its weight."""

    def __init__(self, name="sum", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.total = self._add_sum("total")

    def update_state(self, values, sample_weight=None):
        """Adds VALUES (any shape); SAMPLE_WEIGHT is aligned with their first axes."""
        self.total.assign_add(_weighted_sum(values, sample_weight, False)[0])

    def result(self):
        return Scalar(self.total)


class Mean(Metric):
    """The mean over samples: the sum of values times weights, by the sum of weights.

    A sample of several values counts once, by their mean. 0 before the first update.
    """

    def __init__(self, name="mean", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.total, self.count = self._add_sum("total"), self._add_sum("count")

    def update_state(self, values, sample_weight=None):
        """Adds VALUES, [samples, ...] or a scalar; SAMPLE_WEIGHT is aligned with their first axes."""
        total, count = _weighted_sum(values, sample_weight)
        self.total.assign_add(total)
        self.count.assign_add(count)

    def reset_state(self):
        self.total.assign(0.0)
        self.count.assign(0.0)

    def result(self):
        total, count = float(self.total), float(self.count)
        return Scalar(total / count if count else 0.0)


def _is_loss(fn):
    from cnnpy import losses

    return isinstance(fn, losses.Loss) or any(fn is function for function in losses.FUNCTIONS)


class MeanMetricWrapper(Mean):
    """The mean of fn(y_true, y_pred, **kwargs), a function that gives one value per sample."""

    def __init__(self, fn, name=None, dtype=None, **kwargs):
        super().__init__(name=name, dtype=dtype)
        self._fn = fn
        self._fn_kwargs = kwargs
        if self._direction is None and _is_loss(fn):
            self._direction = "down"

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch; its values are weighted by SAMPLE_WEIGHT."""
        Mean.update_state(self, self._fn(y_true, y_pred, **self._fn_kwargs), sample_weight)

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
    """The mean of the function `_function` of cnnpy's own, whose arguments are attributes of the metric."""

    _function = None

    def __init__(self, name, dtype, **arguments):
        vars(self).update(arguments)
        super().__init__(type(self)._function, name, dtype, **arguments)

    def get_config(self):
        return {**Metric.get_config(self), **self._fn_kwargs}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


class CoreMetric(FunctionMetric):
    """The mean of one op of the core, whose attributes are parsed once. The op has the function's name unless
    `_op_name` says another."""

    _op_name = None

    def __init__(self, name, dtype, **arguments):
        super().__init__(name, dtype, **arguments)
        self._bind()

    def _bind(self):
        label = f'{type(self).__name__} "{self.name}"'
        self._op = bound(self._fn, label, self._fn_kwargs, self._op_name)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch; its values are weighted by SAMPLE_WEIGHT."""
        Mean.update_state(self, self._op(y_true, y_pred), sample_weight)

    def __getstate__(self):
        return {key: value for key, value in self.__dict__.items() if key != "_op"}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._bind()
