"""Blocks of images and sequences: pixels to channels and back, sliding windows as columns and back."""

import numpy as np

from cnnpy import _core, config
from cnnpy.layers.symbolic import symbolic
from cnnpy.ops._convert import tensor
from cnnpy.ops.scattering import scatter_rows

__all__ = ["depth_to_space", "extract_sequences", "fold", "space_to_depth", "unfold"]


def _last(x, name, data_format):
    """X with its channels last, and how a result goes back to DATA_FORMAT."""
    x = tensor(x)
    if x.ndim != 4:
        raise ValueError(f"{name} takes images of 4 dimensions, got shape {x.shape}")
    if config.standardize_data_format(data_format) == "channels_first":
        return _core.transpose(x, axes=(0, 2, 3, 1)), lambda y: _core.transpose(y, axes=(0, 3, 1, 2))
    return x, lambda y: y


@symbolic
def space_to_depth(x, block_size, data_format="channels_last"):
    """Blocks of pixels as channels: (N, H, W, C) becomes (N, H/b, W/b, C*b*b); a block's pixels go row by row, the
    channels of one pixel stay together."""
    x, back = _last(x, "space_to_depth", data_format)
    n, height, width, channels = x.shape
    b = block_size
    if b < 1 or height % b or width % b:
        raise ValueError(f"space_to_depth: images of {height} x {width} do not divide into blocks of {b}")
    x = _core.reshape(x, shape=(n, height // b, b, width // b, b, channels))
    x = _core.transpose(x, axes=(0, 1, 3, 2, 4, 5))
    return back(_core.reshape(x, shape=(n, height // b, width // b, b * b * channels)))


@symbolic
def depth_to_space(x, block_size, data_format="channels_last"):
    """What `space_to_depth` does, undone: (N, H, W, C) becomes (N, H*b, W*b, C/b/b)."""
    x, back = _last(x, "depth_to_space", data_format)
    n, height, width, channels = x.shape
    b = block_size
    if b < 1 or channels % (b * b):
        raise ValueError(f"depth_to_space: {channels} channels do not divide into blocks of {b} x {b}")
    x = _core.reshape(x, shape=(n, height, width, b, b, channels // (b * b)))
    x = _core.transpose(x, axes=(0, 1, 3, 2, 4, 5))
    return back(_core.reshape(x, shape=(n, height * b, width * b, channels // (b * b))))


def _two(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def _windows(name, size, kernel, dilation, padding, stride):
    """The pixel of a padded image of SIZE that each (place in the kernel, window) is, an array (k*k, windows)."""
    axes = []
    for n, k, d, p, s in zip(size, kernel, dilation, padding, stride):
        if k < 1 or d < 1 or s < 1 or p < 0:
            raise ValueError(f"{name}: kernel_size, dilation and stride must be at least 1, padding at least 0")
        count = (n + 2 * p - d * (k - 1) - 1) // s + 1
        if count < 1:
            raise ValueError(f"{name}: no window of {k} (dilation {d}) lies in {n} pixels with a padding of {p}")
        axes.append(np.arange(k)[:, None] * d + np.arange(count) * s)
    width = size[1] + 2 * padding[1]
    pixel = axes[0][:, None, :, None] * width + axes[1][None, :, None, :]
    return pixel.reshape(kernel[0] * kernel[1], -1)


@symbolic
def unfold(x, kernel_size, dilation=1, padding=0, stride=1):
    """Sliding windows of images (N, C, H, W) as columns, (N, C*kh*kw, windows); the zeros around are PADDING wide."""
    x = tensor(x)
    if x.ndim != 4:
        raise ValueError(f"unfold takes images (N, C, H, W), got shape {x.shape}")
    kernel, dilation, padding, stride = map(_two, (kernel_size, dilation, padding, stride))
    n, channels, height, width = x.shape
    pixels = _windows("unfold", (height, width), kernel, dilation, padding, stride)
    x = _core.pad(x, padding=(0, 0, 0, 0, padding[0], padding[0], padding[1], padding[1]))
    x = _core.take(_core.reshape(x, shape=(n, channels, x.shape[2] * x.shape[3])), pixels, axis=2)
    return _core.reshape(x, shape=(n, channels * pixels.shape[0], pixels.shape[1]))


@symbolic
def fold(x, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Columns (N, C*kh*kw, windows) added up to images (N, C, *OUTPUT_SIZE) at the places `unfold` takes them from."""
    x = tensor(x)
    size, kernel, dilation, padding, stride = map(_two, (output_size, kernel_size, dilation, padding, stride))
    pixels = _windows("fold", size, kernel, dilation, padding, stride)
    if x.ndim != 3 or x.shape[1] % pixels.shape[0] or x.shape[2] != pixels.shape[1]:
        raise ValueError(
            f"fold: x must be (N, C * {pixels.shape[0]}, {pixels.shape[1]}) for these windows, got shape {x.shape}"
        )
    n, channels = x.shape[0], x.shape[1] // pixels.shape[0]
    padded = (size[0] + 2 * padding[0], size[1] + 2 * padding[1])
    columns = _core.transpose(_core.reshape(x, shape=(n * channels, pixels.size)))
    image = _core.transpose(scatter_rows(padded[0] * padded[1], pixels.reshape(-1), columns))
    image = _core.reshape(image, shape=(n, channels, *padded))
    begin = (0, 0, *padding)
    return _core.slice(image, begin=begin, end=(n, channels, padding[0] + size[0], padding[1] + size[1]))


@symbolic
def extract_sequences(x, sequence_length, sequence_stride):
    """Sliding windows along the last axis: (..., windows, SEQUENCE_LENGTH), one each SEQUENCE_STRIDE entries."""
    x = tensor(x)
    if x.ndim == 0 or sequence_length < 1 or sequence_stride < 1:
        raise ValueError(
            f"extract_sequences: shape {x.shape}, length {sequence_length}, stride {sequence_stride}; there must be a "
            "dimension, and length and stride must be at least 1"
        )
    count = max(0, (x.shape[-1] - sequence_length) // sequence_stride + 1)
    places = np.arange(count)[:, None] * sequence_stride + np.arange(sequence_length)
    return _core.take(x, places, axis=-1)
