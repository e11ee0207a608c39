"""The dense layer in NumPy."""

from reference import activation as activations


def dense(x, kernel, bias=None, activation="linear"):
    y = x @ kernel
    y = y if bias is None else y + bias
    return getattr(activations, activation)(y)
