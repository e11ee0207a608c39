"""Learning rates as functions of the step: pass one as an optimizer's `learning_rate`.

STEP is the number of updates so far (an int, a Tensor or a Variable); the rate is a float that also answers `.numpy()`.
"""

import math

import numpy as np

from cnnpy.utils.scalar import Scalar


def _number(step):
    return float(step) if isinstance(step, (int, float)) else float(np.asarray(step))


def _check_steps(name, value):
    if value <= 0:
        raise ValueError(f"{name} must be above 0, got {value}")


class LearningRateSchedule:
    """The base of schedules: subclasses write `__call__(step)` and `get_config()`."""

    def __call__(self, step):
        raise NotImplementedError(f"{type(self).__name__} has no __call__(self, step)")

    def get_config(self):
        raise NotImplementedError(f"{type(self).__name__} has no get_config(), which serializing it needs")

    @classmethod
    def from_config(cls, config):
        return cls(**config)


class ExponentialDecay(LearningRateSchedule):
    """initial_learning_rate * decay_rate^(step / decay_steps); in whole steps of the exponent if STAIRCASE."""

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False, name="ExponentialDecay"):
        _check_steps("decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step):
        power = _number(step) / self.decay_steps
        if self.staircase:
            power = math.floor(power)
        return Scalar(self.initial_learning_rate * self.decay_rate**power)

    def get_config(self):
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[i] for the steps up to and including boundaries[i], values[-1] after the last."""

    def __init__(self, boundaries, values, name="PiecewiseConstant"):
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"there must be one value more than boundaries, got {len(boundaries)} and {len(values)} values"
            )
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step):
        step = _number(step)
        for boundary, value in zip(self.boundaries, self.values):
            if step <= boundary:
                return Scalar(value)
        return Scalar(self.values[-1])

    def get_config(self):
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}


class PolynomialDecay(LearningRateSchedule):
    """From initial_learning_rate to end_learning_rate by (1 - step / decay_steps)^power; starting over with CYCLE,
    each time for longer."""

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        end_learning_rate=0.0001,
        power=1.0,
        cycle=False,
        name="PolynomialDecay",
    ):
        _check_steps("decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step):
        step, steps = _number(step), self.decay_steps
        if self.cycle:
            steps *= math.ceil(step / steps) if step else 1
        else:
            step = min(step, steps)
        share = (1 - step / steps) ** self.power
        return Scalar((self.initial_learning_rate - self.end_learning_rate) * share + self.end_learning_rate)

    def get_config(self):
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "end_learning_rate": self.end_learning_rate,
            "power": self.power,
            "cycle": self.cycle,
            "name": self.name,
        }


class InverseTimeDecay(LearningRateSchedule):
    """initial_learning_rate / (1 + decay_rate * step / decay_steps); in whole steps if STAIRCASE."""

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False, name="InverseTimeDecay"):
        _check_steps("decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step):
        time = _number(step) / self.decay_steps
        if self.staircase:
            time = math.floor(time)
        return Scalar(self.initial_learning_rate / (1 + self.decay_rate * time))

    def get_config(self):
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


class CosineDecay(LearningRateSchedule):
    """Half a cosine from initial_learning_rate to alpha times it (Loshchilov and Hutter 2016).

    With WARMUP_TARGET the rate first rises to it in a line, for WARMUP_STEPS, and decays from there.
    """

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        alpha=0.0,
        name="CosineDecay",
        warmup_target=None,
        warmup_steps=0,
    ):
        _check_steps("decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        step, start = _number(step), self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return Scalar((self.warmup_target - start) * (step / self.warmup_steps) + start)
            step, start = step - self.warmup_steps, self.warmup_target
        cosine = 0.5 * (1 + math.cos(math.pi * min(step, self.decay_steps) / self.decay_steps))
        return Scalar(start * ((1 - self.alpha) * cosine + self.alpha))

    def get_config(self):
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
            "name": self.name,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }


class CosineDecayRestarts(LearningRateSchedule):
    """Cosines one after the other, each T_MUL times as long and M_MUL times as high (SGDR, Loshchilov and Hutter
    2016)."""

    def __init__(self, initial_learning_rate, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0, name="SGDRDecay"):
        _check_steps("first_decay_steps", first_decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step):
        done = _number(step) / self.first_decay_steps
        if self.t_mul == 1:
            restarts = math.floor(done)
            share = done - restarts
        else:
            restarts = math.floor(math.log(1 - done * (1 - self.t_mul)) / math.log(self.t_mul) + 1e-9)
            before = (1 - self.t_mul**restarts) / (1 - self.t_mul)
            share = (done - before) / self.t_mul**restarts
        cosine = 0.5 * self.m_mul**restarts * (1 + math.cos(math.pi * share))
        return Scalar(self.initial_learning_rate * ((1 - self.alpha) * cosine + self.alpha))

    def get_config(self):
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "first_decay_steps": self.first_decay_steps,
            "t_mul": self.t_mul,
            "m_mul": self.m_mul,
            "alpha": self.alpha,
            "name": self.name,
        }


_BY_NAME = {
    cls.__name__: cls
    for cls in (
        CosineDecay,
        CosineDecayRestarts,
        ExponentialDecay,
        InverseTimeDecay,
        PiecewiseConstantDecay,
        PolynomialDecay,
    )
}


def serialize(learning_rate_schedule):
    """A schedule as a config."""
    from cnnpy.saving import serialize_keras_object

    return serialize_keras_object(learning_rate_schedule)


def deserialize(config, custom_objects=None):
    """The schedule that CONFIG describes."""
    from cnnpy.saving import deserialize_keras_object

    return deserialize_keras_object(config, custom_objects, module_objects=_BY_NAME)
