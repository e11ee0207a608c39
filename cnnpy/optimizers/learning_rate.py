"""The learning rate of an optimizer: a number, a schedule or a function, and its old names."""

import warnings

import numpy as np

from cnnpy import config
from cnnpy._core import Tensor, Variable
from cnnpy.optimizers.schedules import LearningRateSchedule

_warned = set()


def _warn_once(key, message):
    if key not in _warned:
        _warned.add(key)
        warnings.warn(message, DeprecationWarning, stacklevel=4)


def _is_number(value):
    return not isinstance(value, bool) and (
        isinstance(value, (int, float, np.number))
        or (isinstance(value, (Tensor, np.ndarray)) and value.shape in ((), (1,)))
    )


def _is_rule(value):
    """Whether VALUE says the rate for each step, as a schedule or a function."""
    return isinstance(value, LearningRateSchedule) or (callable(value) and not isinstance(value, Tensor))


class HasLearningRate:
    """The part of an optimizer that keeps its learning rate."""

    def _old_spellings(self, learning_rate, kwargs):
        """The learning rate and the decay, once `lr` and `decay` are taken out of KWARGS, which must be empty then."""
        if "lr" in kwargs:
            _warn_once("lr", f"{type(self).__name__}: `lr` is the old name of `learning_rate`")
            learning_rate = kwargs.pop("lr")
        decay = kwargs.pop("decay", None) or 0.0
        if decay:
            _warn_once(
                "decay",
                f"{type(self).__name__}: `decay` is old; the rate becomes learning_rate / (1 + decay * iterations). "
                "Use optimizers.schedules.InverseTimeDecay",
            )
            if not _is_number(learning_rate) or decay < 0:
                raise ValueError(
                    f"{type(self).__name__}: decay needs a number as learning rate and must not be negative"
                )
        if kwargs:
            raise ValueError(
                f"{type(self).__name__}: unknown argument(s) {', '.join(sorted(kwargs))}; known are learning_rate, "
                "weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, "
                "loss_scale_factor, gradient_accumulation_steps, name, and the optimizer's own"
            )
        return learning_rate, float(decay)

    def _rate_from(self, value):
        """What VALUE means as a learning rate: a schedule or function as it is, a number as a Variable."""
        if _is_rule(value):
            return value
        if not _is_number(value):
            raise ValueError(
                f"{type(self).__name__}: learning_rate must be a number, a LearningRateSchedule or a function without "
                f"arguments, got {value!r}"
            )
        variable = self.add_variable((), dtype=config.floatx(), name="learning_rate")
        variable.assign(np.asarray(value, dtype=config.floatx()).reshape(()))
        return variable

    @property
    def learning_rate(self):
        """The rate of the next step: a Variable if it was given as a number, else what the schedule says."""
        rate = self._learning_rate
        if isinstance(rate, Variable):
            return rate
        return rate(self._iterations) if isinstance(rate, LearningRateSchedule) else rate()

    @learning_rate.setter
    def learning_rate(self, value):
        old = self._learning_rate
        if _is_rule(value):
            self._learning_rate = value
            if isinstance(old, Variable):
                self._variables = [v for v in self._variables if v is not old]
            return
        if isinstance(old, LearningRateSchedule):
            raise TypeError(
                f"{type(self).__name__}: the rate follows {type(old).__name__}, so it cannot be set to a number; "
                "make the optimizer with a number to be able to"
            )
        if not _is_number(value):
            raise ValueError(f"{type(self).__name__}: learning_rate must be a number, got {value!r}")
        if isinstance(old, Variable):
            old.assign(np.asarray(value, dtype=old.dtype).reshape(()))
        else:
            self._learning_rate = self._rate_from(value)

    @property
    def lr(self):
        """The old name of learning_rate."""
        _warn_once("optimizer.lr", "optimizer.lr is the old name of optimizer.learning_rate")
        return self.learning_rate

    @lr.setter
    def lr(self, value):
        _warn_once("optimizer.lr", "optimizer.lr is the old name of optimizer.learning_rate")
        self.learning_rate = value

    def _rate(self):
        """The rate of this step, in a form the core takes."""
        rate = self._learning_rate
        if not isinstance(rate, Variable):
            return float(np.asarray(self.learning_rate))
        if self._decay:
            return float(rate.numpy()) / (1 + self._decay * int(self._iterations.numpy()))
        return rate
