"""Activations, one-hot classes and pooling as functions. Images are NHWC."""

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
from cnnpy.ops._convert import floats, one_axis, tensor

__all__ = [
    "average_pool",
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
    "max_pool",
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


def _images(function, inputs, data_format):
    """INPUTS as float images, and how their result goes back to DATA_FORMAT."""
    x = floats(inputs)
    if x.ndim != 4:
        raise ValueError(f"{function}: inputs must be images (batch, height, width, channels), got shape {x.shape}")
    if config.standardize_data_format(data_format) == "channels_first":
        return _core.transpose(x, axes=(0, 2, 3, 1)), lambda y: _core.transpose(y, axes=(0, 3, 1, 2))
    return x, lambda y: y


def _two(value):
    return (value, value) if isinstance(value, int) else tuple(value)


@symbolic
def max_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """The largest of each window of images; STRIDES None takes POOL_SIZE."""
    x, back = _images("max_pool", inputs, data_format)
    size = _two(pool_size)
    return back(
        _core.max_pool2d(x, pool_size=size, strides=size if strides is None else _two(strides), padding=padding)
    )


@symbolic
def average_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """The mean of each window of images, without its padding; STRIDES None takes POOL_SIZE."""
    x, back = _images("average_pool", inputs, data_format)
    size = _two(pool_size)
    return back(
        _core.average_pool2d(x, pool_size=size, strides=size if strides is None else _two(strides), padding=padding)
    )
