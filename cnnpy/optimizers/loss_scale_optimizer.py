"""Loss scaling that finds its scale by itself."""

import numpy as np

from cnnpy import _core
from cnnpy.optimizers.optimizer import Optimizer


def _all_finite(grads):
    return all(bool(_core.all(_core.isfinite(g))) for g in grads if g is not None)


class LossScaleOptimizer(Optimizer):
    """Another optimizer behind a loss scale that grows while gradients stay finite.

    `scale_loss` multiplies the loss by the scale; a step divides the gradients by it and passes them on. The scale
    starts at INITIAL_SCALE, doubles after DYNAMIC_GROWTH_STEPS steps in a row with finite gradients, and halves at a
    step with one that is not, which changes nothing else. Meant for 16-bit gradients; cnnpy's are 32 or 64 bits wide
    and need none. Arguments of Optimizer belong to INNER_OPTIMIZER.
    """

    def __init__(self, inner_optimizer, initial_scale=2.0**15, dynamic_growth_steps=2000, name=None, **kwargs):
        if not isinstance(inner_optimizer, Optimizer):
            raise TypeError(f"LossScaleOptimizer: inner_optimizer must be an Optimizer, got {inner_optimizer!r}")
        if not kwargs.pop("dynamic", True):
            raise ValueError("LossScaleOptimizer: for a scale that stays, set loss_scale_factor of the inner optimizer")
        # Older files hold the arguments of Optimizer, which were never in use.
        defaults = {"use_ema": False, "ema_momentum": 0.99}
        for key in [key for key, value in kwargs.items() if value == defaults.get(key)]:
            del kwargs[key]
        if kwargs:
            raise ValueError(
                f"LossScaleOptimizer: {', '.join(sorted(kwargs))} cannot be set here; set it on the inner optimizer"
            )
        super().__init__(0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps
        inner_optimizer.loss_scale_factor = None  # the gradients would be divided twice

    def build(self, variables):
        """Makes the scale, its counter and the variables of the inner optimizer."""
        variables = list(variables)
        self.step_counter = self.add_variable((), dtype="int64", name="step_counter")
        self.dynamic_scale = self.add_variable((), dtype="float32", name="dynamic_scale")
        self.dynamic_scale.assign(np.float32(self.initial_scale))
        self.inner_optimizer.build(variables)
        super().build(variables)

    @property
    def variables(self):
        """Its own variables, then those of the inner optimizer."""
        return [*self._variables, *self.inner_optimizer.variables]

    def apply(self, grads, trainable_variables=None):
        """A step of the inner optimizer by the unscaled gradients, or none at all if one of them is not finite."""
        grads = list(grads)
        if not grads:
            return
        if not self.built:
            self.build(trainable_variables if trainable_variables is not None else self._trainable_variables)
        scale = float(self.dynamic_scale)
        if not _all_finite(grads):
            self._set_scale(scale * 0.5)
            return
        plain = [None if g is None else _core.divide(g, scale) for g in grads]
        self.inner_optimizer.apply(plain, trainable_variables)
        if int(self.step_counter) == self.dynamic_growth_steps - 1:
            self._set_scale(scale * 2)
        else:
            self.step_counter.assign_add(1)

    def _set_scale(self, scale):
        self.dynamic_scale.assign(np.float32(scale))
        self.step_counter.assign(0)

    @property
    def learning_rate(self):
        """The rate of the inner optimizer."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        self.inner_optimizer.learning_rate = value

    @property
    def iterations(self):
        """The steps of the inner optimizer."""
        return self.inner_optimizer.iterations

    def scale_loss(self, loss):
        """LOSS times the scale."""
        return _core.multiply(loss, float(self.dynamic_scale if self.built else self.initial_scale))

    def finalize_variable_values(self, var_list):
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self):
        from cnnpy.saving import serialize_keras_object

        return {
            "name": self.name,
            "inner_optimizer": serialize_keras_object(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        from cnnpy.optimizers import deserialize

        return cls(**{**config, "inner_optimizer": deserialize(config["inner_optimizer"], custom_objects)})
