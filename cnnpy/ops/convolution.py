"""Convolutions as functions, of sequences, images and volumes: of as many dimensions as the inputs have."""

from cnnpy import _core, config
from cnnpy.layers import arguments
from cnnpy.layers.symbolic import symbolic
from cnnpy.ops._convert import floats

__all__ = ["conv", "conv_transpose", "depthwise_conv", "separable_conv"]


def _convolve(function, inputs, kernel, data_format, compute, most=3):
    """COMPUTE(x, kernel, rank) between the layouts, X with channels last; what is no convolution is refused."""
    x, kernel = floats(inputs), floats(kernel)
    rank = x.ndim - 2
    if not 1 <= rank <= most:
        kinds = "sequences, images or volumes" if most == 3 else "sequences or images"
        raise ValueError(f"{function}: inputs must be {kinds} of 3 to {most + 2} dimensions, got shape {x.shape}")
    if kernel.ndim != x.ndim:
        raise ValueError(
            f"{function}: kernel must have as many dimensions as inputs, {x.ndim}, got kernel {kernel.shape} and "
            f"inputs {x.shape}"
        )
    if config.standardize_data_format(data_format) == "channels_last":
        return compute(x, kernel, rank)
    return arguments.to_first(compute(arguments.to_last(x), kernel, rank))


def _window(function, rank, strides, padding, dilation_rate):
    return {
        "strides": arguments.tuple_of(function, "strides", strides, rank),
        "padding": arguments.padding_name(function, padding),
        "dilation": arguments.tuple_of(function, "dilation_rate", dilation_rate, rank),
    }


def _check_channels(function, x, expected, kernel):
    if x.shape[-1] != expected:
        raise ValueError(
            f"{function}: inputs have {x.shape[-1]} channels, the kernel of shape {kernel.shape} expects {expected}"
        )


@symbolic
def conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """Convolution with KERNEL (sizes, input channels / groups, filters); the channels tell the groups.

    PADDING is 'valid' or 'same'. Strides and dilations above 1 may come together.
    """

    def compute(x, kernel, rank):
        depth = kernel.shape[-2]
        if depth == 0 or x.shape[-1] % depth:
            raise ValueError(
                f"conv: inputs have {x.shape[-1]} channels, no multiple of the {depth} of kernel {kernel.shape}"
            )
        how = _window("conv", rank, strides, padding, dilation_rate)
        return getattr(_core, f"conv{rank}d")(x, kernel, groups=x.shape[-1] // depth, **how)

    return _convolve("conv", inputs, kernel, data_format, compute)


@symbolic
def conv_transpose(inputs, kernel, strides=1, padding="valid", output_padding=None, data_format=None, dilation_rate=1):
    """Transposed convolution with KERNEL (sizes, filters, input channels); see `layers.Conv2DTranspose` for the sizes.

    OUTPUT_PADDING must be below the strides.
    """

    def compute(x, kernel, rank):
        _check_channels("conv_transpose", x, kernel.shape[-1], kernel)
        how = _window("conv_transpose", rank, strides, padding, dilation_rate)
        if output_padding is not None:
            how["output_padding"] = arguments.tuple_of("conv_transpose", "output_padding", output_padding, rank, 0)
        return getattr(_core, f"conv{rank}d_transpose")(x, kernel, **how)

    return _convolve("conv_transpose", inputs, kernel, data_format, compute)


def _depthwise(function, x, kernel, rank, how):
    _check_channels(function, x, kernel.shape[-2], kernel)
    how = _window(function, rank, *how)
    return getattr(_core, f"conv{rank}d")(x, arguments.grouped_kernel(kernel), groups=x.shape[-1], **how)


@symbolic
def depthwise_conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """A convolution of each channel of sequences or images with KERNEL (sizes, channels, filters of a channel)."""

    def compute(x, kernel, rank):
        return _depthwise("depthwise_conv", x, kernel, rank, (strides, padding, dilation_rate))

    return _convolve("depthwise_conv", inputs, kernel, data_format, compute, most=2)


@symbolic
def separable_conv(
    inputs, depthwise_kernel, pointwise_kernel, strides=1, padding="valid", data_format=None, dilation_rate=1
):
    """`depthwise_conv`, then a convolution with POINTWISE_KERNEL (ones, channels of the first, filters)."""
    pointwise = floats(pointwise_kernel)

    def compute(x, kernel, rank):
        y = _depthwise("separable_conv", x, kernel, rank, (strides, padding, dilation_rate))
        if pointwise.ndim != x.ndim or any(size != 1 for size in pointwise.shape[:-2]):
            raise ValueError(
                f"separable_conv: pointwise_kernel must be {(*(1,) * rank, y.shape[-1], 'filters')}, got shape "
                f"{pointwise.shape}"
            )
        _check_channels("separable_conv", y, pointwise.shape[-2], pointwise)
        return getattr(_core, f"conv{rank}d")(y, pointwise)

    return _convolve("separable_conv", inputs, depthwise_kernel, data_format, compute, most=2)
