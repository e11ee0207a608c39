"""Activations, one-hot classes and convolution as functions. Images are NHWC."""

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
    "celu",
    "conv",
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
def conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """2D convolution of images with KERNEL (height, width, input channels / groups, filters)."""
    x, back = _images("conv", inputs, data_format)
    kernel = floats(kernel)
    if kernel.ndim != 4:
        raise ValueError(f"conv: kernel must be (height, width, input channels, filters), got shape {kernel.shape}")
    depth = kernel.shape[2]
    if depth == 0 or x.shape[3] % depth:
        raise ValueError(
            f"conv: inputs {x.shape} have {x.shape[3]} channels, no multiple of the {depth} of kernel {kernel.shape}"
        )
    attributes = {"strides": _two(strides), "padding": padding, "dilation": _two(dilation_rate)}
    return back(_core.conv2d(x, kernel, groups=x.shape[3] // depth, **attributes))
