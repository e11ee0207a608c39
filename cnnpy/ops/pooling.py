"""Pooling as functions: what the layers compute, on sequences, images and volumes by the rank of the input."""

from cnnpy import layers
from cnnpy.layers.symbolic import symbolic
from cnnpy.ops._convert import floats

__all__ = ["adaptive_average_pool", "adaptive_max_pool", "average_pool", "max_pool"]


def _pool(function, kind, inputs, *arguments):
    """What the pooling layer of KIND for the rank of INPUTS gives."""
    x = floats(inputs)
    rank = x.ndim - 2
    if rank not in (1, 2, 3):
        raise ValueError(
            f"{function}: inputs must be (batch, steps, channels), (batch, height, width, channels) or (batch, depth, "
            f"height, width, channels), got shape {x.shape}"
        )
    return getattr(layers, f"{kind}{rank}D")(*arguments, name=function, dtype=x.dtype)(x)


@symbolic
def max_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """The largest of each window; STRIDES None takes POOL_SIZE. See `layers.MaxPooling2D`."""
    return _pool("max_pool", "MaxPooling", inputs, pool_size, strides, padding, data_format)


@symbolic
def average_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """The mean of each window, without its padding; STRIDES None takes POOL_SIZE. See `layers.AveragePooling2D`."""
    return _pool("average_pool", "AveragePooling", inputs, pool_size, strides, padding, data_format)


@symbolic
def adaptive_max_pool(inputs, output_size, data_format=None):
    """The largest of each of OUTPUT_SIZE bins. See `layers.AdaptiveMaxPooling2D`."""
    return _pool("adaptive_max_pool", "AdaptiveMaxPooling", inputs, output_size, data_format)


@symbolic
def adaptive_average_pool(inputs, output_size, data_format=None):
    """The mean of each of OUTPUT_SIZE bins. See `layers.AdaptiveAveragePooling2D`."""
    return _pool("adaptive_average_pool", "AdaptiveAveragePooling", inputs, output_size, data_format)
