"""What weights are held to after each update. By class or by name ('non_neg', 'MaxNorm')."""

from cnnpy import _core, config


class Constraint:
    """A function of a weight that returns its new values. Subclasses define `__call__(w)` and `get_config()`."""

    def __call__(self, w):
        raise NotImplementedError(f"{type(self).__name__} must define __call__(w)")

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def _norms(w, axis):
    """Lengths of the vectors along AXIS (an integer or several)."""
    axes = tuple(axis) if isinstance(axis, (list, tuple)) else (axis,)
    return _core.sqrt(_core.sum(_core.square(w), axis=axes, keepdims=True))


class MaxNorm(Constraint):
    """Vectors along AXIS longer than MAX_VALUE are shortened to it."""

    def __init__(self, max_value=2, axis=0):
        self.max_value, self.axis = max_value, axis

    def __call__(self, w):
        norms = _norms(w, self.axis)
        desired = _core.clip(norms, min=0.0, max=float(self.max_value))
        return _core.multiply(w, _core.divide(desired, _core.add(norms, config.epsilon())))

    def get_config(self):
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """Negative values become 0."""

    def __call__(self, w):
        return _core.maximum(w, 0.0)


class UnitNorm(Constraint):
    """Vectors along AXIS get length 1."""

    def __init__(self, axis=0):
        self.axis = axis

    def __call__(self, w):
        return _core.divide(w, _core.add(_norms(w, self.axis), config.epsilon()))

    def get_config(self):
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Lengths of vectors along AXIS are drawn into [min_value, max_value], by the share RATE of the way."""

    def __init__(self, min_value=0.0, max_value=1.0, rate=1.0, axis=0):
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w):
        norms = _norms(w, self.axis)
        clipped = _core.clip(norms, min=float(self.min_value), max=float(self.max_value))
        desired = _core.add(_core.multiply(clipped, self.rate), _core.multiply(norms, 1.0 - self.rate))
        return _core.multiply(w, _core.divide(desired, _core.add(norms, config.epsilon())))

    def get_config(self):
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}


max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm

_BY_NAME = {
    "MaxNorm": MaxNorm,
    "MinMaxNorm": MinMaxNorm,
    "NonNeg": NonNeg,
    "UnitNorm": UnitNorm,
    "max_norm": MaxNorm,
    "min_max_norm": MinMaxNorm,
    "non_neg": NonNeg,
    "nonneg": NonNeg,
    "unit_norm": UnitNorm,
}

__all__ = [
    "Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "deserialize", "get", "max_norm", "min_max_norm",
    "non_neg", "serialize", "unit_norm",
]  # fmt: skip


def serialize(constraint):
    """CONSTRAINT as a config."""
    from cnnpy.saving import serialize_keras_object

    return serialize_keras_object(constraint)


def deserialize(config, custom_objects=None):
    """The constraint that CONFIG describes."""
    from cnnpy.saving import deserialize_keras_object

    return deserialize_keras_object(config, custom_objects, module_objects=_BY_NAME)


def get(identifier):
    """The constraint IDENTIFIER means: a name, a config, a class, an object or function, None."""
    from cnnpy.saving.identifiers import from_identifier

    return from_identifier(identifier, "constraint", _BY_NAME, "a name, an object or a function of a weight")
