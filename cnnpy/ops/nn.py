"""Activations and one-hot classes as functions."""

from cnnpy import _core, activations, config
from cnnpy.activations import (
    celu,
    elu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
)
from cnnpy.layers.symbolic import symbolic
from cnnpy.ops._convert import one_axis, tensor

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "one_hot",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]

swish = silu
hard_swish = hard_silu


@symbolic
def gelu(x, approximate=True):
    """x times the normal distribution function of x; APPROXIMATE by the tanh formula (unlike `activations.gelu`)."""
    return activations.gelu(x, approximate=approximate)


@symbolic
def one_hot(x, num_classes, axis=-1, dtype=None):
    """Class numbers as vectors along AXIS of the result, with 1 at the class; a class out of range gives zeros."""
    x = tensor(x)
    y = _core.one_hot(x, num_classes=num_classes, dtype=dtype or config.floatx())
    place = one_axis(axis, y.ndim)
    if place == x.ndim:
        return y
    order = list(range(x.ndim))
    order.insert(place, x.ndim)
    return _core.transpose(y, axes=order)
