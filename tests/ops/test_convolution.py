"""Convolutions as functions: what they refuse, gradients, symbolic tensors, layouts."""

import numpy as np
import pytest

import cnnpy
from cnnpy import ops
from gradients import check_gradients

RNG = np.random.default_rng(0)
SEQUENCES, IMAGES, VOLUMES = (RNG.normal(size=(2, *sizes, 3)) for sizes in ((7,), (5, 6), (4, 3, 5)))
KERNELS = [RNG.normal(size=(*(2,) * rank, 3, 4)) for rank in (1, 2, 3)]
INPUTS = [SEQUENCES, IMAGES, VOLUMES]


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_layouts(rank):
    x, kernel = INPUTS[rank - 1], KERNELS[rank - 1]
    pointwise = RNG.normal(size=(*(1,) * rank, 12, 5))
    calls = [
        lambda x, **how: ops.conv(x, kernel, padding="same", **how),
        lambda x, **how: ops.conv_transpose(x, kernel.swapaxes(-1, -2), strides=2, **how),
    ]
    if rank < 3:
        calls += [
            lambda x, **how: ops.depthwise_conv(x, kernel, dilation_rate=2, strides=2, **how),
            lambda x, **how: ops.separable_conv(x, kernel, pointwise, **how),
        ]
    for call in calls:
        last = np.asarray(call(x))
        first = np.asarray(call(np.moveaxis(x, -1, 1), data_format="channels_first"))
        np.testing.assert_array_equal(np.moveaxis(first, 1, -1), last)


def test_gradients():
    images, kernel = IMAGES[:1], KERNELS[1]
    check_gradients(lambda x, k: ops.depthwise_conv(x, k, strides=2, padding="same"), [images, kernel])
    pointwise = RNG.normal(size=(1, 1, 12, 2))
    check_gradients(lambda *a: ops.separable_conv(*a, padding="same"), [images, kernel, pointwise])
    check_gradients(lambda x, k: ops.conv_transpose(x, k, 2), [images, kernel.swapaxes(-1, -2)])


def test_groups_are_told_by_the_channels():
    x, kernel = RNG.normal(size=(2, 7, 6)), RNG.normal(size=(3, 2, 9))
    parts = [ops.conv(x[..., 2 * g : 2 * g + 2], kernel[..., 3 * g : 3 * g + 3]) for g in range(3)]
    np.testing.assert_allclose(ops.conv(x, kernel), np.concatenate(parts, axis=-1), rtol=1e-12)


def test_symbolic():
    inputs = cnnpy.Input((None, 6, 3))
    y = ops.conv_transpose(ops.depthwise_conv(inputs, KERNELS[1].astype("float32")), RNG.normal(size=(2, 2, 5, 12)), 2)
    assert y.shape == (None, None, 10, 5)


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: ops.conv(np.ones((3, 4)), np.ones((3, 4))),
            r"conv: inputs must be sequences, images or volumes of 3 to 5 dimensions, got shape \(3, 4\)",
        ),
        (
            lambda: ops.conv(IMAGES, KERNELS[0]),
            r"conv: kernel must have as many dimensions as inputs, 4, got kernel \(2, 3, 4\) and inputs \(2, 5, 6, 3\)",
        ),
        (
            lambda: ops.conv(IMAGES[..., :2], KERNELS[1]),
            r"conv: inputs have 2 channels, no multiple of the 3 of kernel \(2, 2, 3, 4\)",
        ),
        (
            lambda: ops.conv(IMAGES, KERNELS[1], padding="causal"),
            r"conv: padding must be 'valid' or 'same', got 'causal'",
        ),
        (lambda: ops.conv(IMAGES, KERNELS[1], strides=(1, 2, 3)), r"conv: strides must be an integer or a tuple of 2"),
        (lambda: ops.conv(IMAGES, KERNELS[1], dilation_rate=0), r"conv: dilation_rate must be at least 1, got 0"),
        (lambda: ops.conv(IMAGES, KERNELS[1], data_format="last"), r"data_format must be one of"),
        (
            lambda: ops.conv_transpose(IMAGES, KERNELS[1]),
            r"conv_transpose: inputs have 3 channels, the kernel of shape \(2, 2, 3, 4\) expects 4",
        ),
        (
            lambda: ops.conv_transpose(IMAGES, KERNELS[1].swapaxes(2, 3), output_padding=1),
            r"output_padding must be from 0 to below the strides, got \(1, 1\)",
        ),
        (
            lambda: ops.depthwise_conv(VOLUMES, KERNELS[2]),
            r"depthwise_conv: inputs must be sequences or images of 3 to 4 dimensions, got shape \(2, 4, 3, 5, 3\)",
        ),
        (
            lambda: ops.depthwise_conv(IMAGES[..., :2], KERNELS[1]),
            r"depthwise_conv: inputs have 2 channels, the kernel",
        ),
        (
            lambda: ops.separable_conv(IMAGES, KERNELS[1], np.ones((1, 1, 11, 2))),
            r"separable_conv: inputs have 12 channels, the kernel of shape \(1, 1, 11, 2\) expects 11",
        ),
        (
            lambda: ops.separable_conv(IMAGES, KERNELS[1], np.ones((1, 2, 12, 2))),
            r"separable_conv: pointwise_kernel must be \(1, 1, 12, 'filters'\), got shape \(1, 2, 12, 2\)",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
