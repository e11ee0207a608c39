"""Penalties on weights or activations that are added to the loss. By class or by name ('l1', 'l2', 'l1_l2')."""

import math

from cnnpy import _core


class Regularizer:
    """A function of a Tensor that returns a scalar Tensor. Subclasses define `__call__(x)` and `get_config()`."""

    def __call__(self, x):
        return 0.0

    def get_config(self):
        raise NotImplementedError(f"{type(self).__name__} must define get_config() to be saved")

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def _factor(owner, name, value, default):
    """VALUE checked: a finite number that is not negative; None gives DEFAULT."""
    value = default if value is None else value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{owner}: {name} must be a finite number >= 0, got {value!r}")
    return float(value)


class L1L2(Regularizer):
    """l1 * sum(|x|) + l2 * sum(x**2)."""

    def __init__(self, l1=0.0, l2=0.0):
        self.l1 = _factor("L1L2", "l1", l1, 0.0)
        self.l2 = _factor("L1L2", "l2", l2, 0.0)

    def __call__(self, x):
        total = None
        if self.l1:
            total = _core.multiply(_core.sum(_core.abs(x)), self.l1)
        if self.l2:
            squares = _core.multiply(_core.sum(_core.square(x)), self.l2)
            total = squares if total is None else _core.add(total, squares)
        return _core.multiply(_core.sum(x), 0.0) if total is None else total

    def get_config(self):
        return {"l1": self.l1, "l2": self.l2}


class L1(Regularizer):
    """l1 * sum(|x|)."""

    def __init__(self, l1=0.01):
        self.l1 = _factor("L1", "l1", l1, 0.01)

    def __call__(self, x):
        return _core.multiply(_core.sum(_core.abs(x)), self.l1)

    def get_config(self):
        return {"l1": self.l1}


class L2(Regularizer):
    """l2 * sum(x**2)."""

    def __init__(self, l2=0.01):
        self.l2 = _factor("L2", "l2", l2, 0.01)

    def __call__(self, x):
        return _core.multiply(_core.sum(_core.square(x)), self.l2)

    def get_config(self):
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """FACTOR times the mean of |cosine| between each two rows (or columns, by MODE) of a matrix."""

    def __init__(self, factor=0.01, mode="rows"):
        self.factor = _factor("OrthogonalRegularizer", "factor", factor, 0.01)
        if mode not in ("rows", "columns"):
            raise ValueError(f"OrthogonalRegularizer: mode must be 'rows' or 'columns', got {mode!r}")
        self.mode = mode

    def __call__(self, x):
        if len(x.shape) != 2:
            raise ValueError(f"OrthogonalRegularizer: takes a matrix, got shape {x.shape}")
        import numpy as np

        axis = 1 if self.mode == "rows" else 0
        squares = _core.sum(_core.square(x), axis=axis, keepdims=True)
        unit = _core.divide(x, _core.sqrt(_core.maximum(squares, 1e-12)))
        turned = _core.transpose(unit)
        product = _core.matmul(unit, turned) if axis == 1 else _core.matmul(turned, unit)
        size = product.shape[0]
        off_diagonal = _core.multiply(product, 1 - np.eye(size, dtype=x.dtype))
        pairs = size * (size - 1) / 2
        return _core.multiply(_core.sum(_core.abs(off_diagonal)), 0.5 * self.factor / pairs)

    def get_config(self):
        return {"factor": self.factor, "mode": self.mode}


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer

_BY_NAME = {
    "L1": L1,
    "L2": L2,
    "L1L2": L1L2,
    "OrthogonalRegularizer": OrthogonalRegularizer,
    "l1": L1,
    "l2": L2,
    "l1_l2": L1L2,
    "l1l2": L1L2,
    "orthogonal_regularizer": OrthogonalRegularizer,
}

__all__ = [
    "L1", "L1L2", "L2", "OrthogonalRegularizer", "Regularizer", "deserialize", "get", "l1", "l1_l2", "l2",
    "orthogonal_regularizer", "serialize",
]  # fmt: skip


def serialize(regularizer):
    """REGULARIZER as a config."""
    from cnnpy.saving import serialize_keras_object

    return serialize_keras_object(regularizer)


def deserialize(config, custom_objects=None):
    """The regularizer that CONFIG describes."""
    from cnnpy.saving import deserialize_keras_object

    return deserialize_keras_object(config, custom_objects, module_objects=_BY_NAME)


def get(identifier):
    """The regularizer IDENTIFIER means: a name, a config, a class, an object or function, None."""
    from cnnpy.saving.identifiers import from_identifier

    if identifier == "l1_l2":  # a name of Keras 2, which meant these numbers
        return L1L2(0.01, 0.01)
    return from_identifier(identifier, "regularizer", _BY_NAME, "a name, an object or a function of a Tensor")
