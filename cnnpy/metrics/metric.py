"""The base of all metrics."""

import numpy as np

from cnnpy import config
from cnnpy._core import Tensor, Variable
from cnnpy.utils.naming import auto_name
from cnnpy.utils.scalar import Scalar
from cnnpy.utils.stateless import borrowed, check_values


class Metric:
    """A value gathered over batches: `update_state(...)` adds a batch, `result()` gives the value so far,
    `reset_state()` starts anew.

    Subclasses make their state by `add_variable()` and write `update_state` and `result`. The Variables of cnnpy's own
    metrics are float64, whatever DTYPE: a float32, as in Keras, stops counting at 16.8 million.
    """

    _direction = None  # "up" or "down": which is better

    def __init__(self, dtype=None, name=None):
        self.name = name or auto_name(type(self).__name__)
        self._dtype = None if dtype is None else getattr(dtype, "compute_dtype", None) or str(np.dtype(dtype))
        self._variables = []

    @property
    def dtype(self):
        """The dtype of the metric's computations."""
        return self._dtype or config.floatx()

    def add_variable(self, shape=(), initializer="zeros", dtype=None, aggregation="sum", name=None):
        """A new Variable of the metric. AGGREGATION concerns several devices, of which there is one here."""
        dtype = dtype or self.dtype
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        initializer = "zeros" if initializer is None else initializer
        variable = Variable(initializer, shape, dtype, False, aggregation=aggregation, name=name or "variable")
        variable.path = f"{self.name}/{variable.name}"
        self._variables.append(variable)
        return variable

    def _add_sum(self, name, shape=()):
        """A new Variable to sum up in."""
        return self.add_variable(shape, dtype="float64", name=name)

    def _answer(self, values):
        """A result: one number as a Scalar, several as a Tensor of the metric's dtype."""
        return Scalar(values) if np.ndim(values) == 0 else Tensor(np.asarray(values), self.dtype)

    def add_weight(self, shape=(), initializer="zeros", dtype=None, name=None):
        """The older name of add_variable; Keras 2 passed NAME first, which is understood."""
        if isinstance(shape, str):
            shape, name = (), shape
        return self.add_variable(shape, initializer, dtype, name=name)

    @property
    def variables(self):
        """The Variables of the metric and of metrics among its attributes."""
        found = list(self._variables)
        for value in vars(self).values():
            for item in value if isinstance(value, (list, tuple)) else (value,):
                if isinstance(item, Variable) and not any(item is one for one in found):
                    found.append(item)
                elif isinstance(item, Metric):
                    found.extend(v for v in item.variables if not any(v is one for one in found))
        return found

    def reset_state(self):
        """Starts anew: all Variables become 0."""
        for variable in self.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))
        for value in vars(self).values():
            if isinstance(value, Metric):
                value.reset_state()

    def update_state(self, *args, **kwargs):
        """Adds a batch."""
        raise NotImplementedError(f"{type(self).__name__} has no update_state()")

    def result(self):
        """The value so far."""
        raise NotImplementedError(f"{type(self).__name__} has no result()")

    def stateless_update_state(self, metric_variables, *args, **kwargs):
        """What `update_state` makes of these values of `variables`, a list of Tensors; the metric stays as it is."""
        own = self._borrowable(metric_variables)
        with borrowed(own, metric_variables):
            self.update_state(*args, **kwargs)
            return [variable.value for variable in own]

    def stateless_result(self, metric_variables):
        """The result for these values of `variables`."""
        with borrowed(self._borrowable(metric_variables), metric_variables):
            return self.result()

    def stateless_reset_state(self):
        """The values of `variables` after `reset_state`, a list of Tensors; the metric stays as it is."""
        own = self.variables
        with borrowed(own, [variable.value for variable in own]):
            self.reset_state()
            return [variable.value for variable in own]

    def _borrowable(self, metric_variables):
        own = self.variables
        check_values(f'{type(self).__name__} "{self.name}"', own, metric_variables, "metric_variables")
        return own

    def __call__(self, *args, **kwargs):
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self):
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}>"
