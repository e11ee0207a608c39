"""The base of initializers."""

import numpy as np

from cnnpy.dtype_policies import standardize_dtype


class Initializer:
    """Gives first values for weights: `initializer(shape, dtype=None)` returns a Tensor of that shape.

    Subclasses write `values(shape, dtype)`, which returns a NumPy array, or override `__call__`.
    """

    def __call__(self, shape, dtype=None):
        from cnnpy._core import Tensor

        return Tensor(self.values(tuple(int(d) for d in shape), standardize_dtype(dtype)))

    def values(self, shape, dtype):
        """The values as a NumPy array of SHAPE and DTYPE."""
        raise NotImplementedError(f"{type(self).__name__} must define values(shape, dtype) or __call__(shape, dtype)")

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def clone(self):
        """Another of the same configuration."""
        return type(self).from_config(self.get_config())


class Zeros(Initializer):
    """All 0."""

    def values(self, shape, dtype):
        return np.zeros(shape, dtype)


class Ones(Initializer):
    """All 1."""

    def values(self, shape, dtype):
        return np.ones(shape, dtype)


class Constant(Initializer):
    """All VALUE, which may be an array that broadcasts to the shape."""

    def __init__(self, value=0.0):
        self.value = value

    def values(self, shape, dtype):
        return np.full(shape, np.asarray(self.value), dtype)

    def get_config(self):
        from cnnpy.saving import serialize_keras_object

        return {"value": serialize_keras_object(self.value)}

    @classmethod
    def from_config(cls, config):
        from cnnpy.saving import deserialize_keras_object

        return cls(deserialize_keras_object(config.get("value", 0.0)))


class Identity(Initializer):
    """GAIN on the diagonal of a matrix, else 0. Two-dimensional shapes only."""

    def __init__(self, gain=1.0):
        self.gain = gain

    def values(self, shape, dtype):
        if len(shape) != 2:
            raise ValueError(f"Identity initializer: the weight must have 2 dimensions, got shape {shape}")
        return self.gain * np.eye(*shape, dtype=dtype)

    def get_config(self):
        return {"gain": self.gain}
