"""Xception."""

from cnnpy import layers
from cnnpy.applications._frame import channel_axis, network
from cnnpy.applications._weights import tf_kernels
from cnnpy.applications.imagenet_utils import decode_predictions, of_mode

__all__ = ["Xception", "decode_predictions", "preprocess_input"]

preprocess_input = of_mode("tf")


def _norm(x, name=None):
    return layers.BatchNormalization(axis=channel_axis() if channel_axis() == 1 else -1, name=name)(x)


def _relu(x, name):
    return layers.Activation("relu", name=name)(x)


def _separable(x, filters, name):
    x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
    return _norm(x, f"{name}_bn")


def _shrinking(x, first, filters, block, leading_relu=True):
    """Two separable convolutions and a pooling beside a 1x1 convolution, both of stride 2."""
    residual = layers.Conv2D(filters, 1, strides=2, padding="same", use_bias=False)(x)
    residual = _norm(residual)
    if leading_relu:
        x = _relu(x, f"{block}_sepconv1_act")
    x = _separable(x, first, f"{block}_sepconv1")
    x = _separable(_relu(x, f"{block}_sepconv2_act"), filters, f"{block}_sepconv2")
    x = layers.MaxPooling2D(3, strides=2, padding="same", name=f"{block}_pool")(x)
    return layers.add([x, residual])


def _body(x):
    for i, filters in enumerate((32, 64), 1):
        x = layers.Conv2D(filters, 3, strides=3 - i, use_bias=False, name=f"block1_conv{i}")(x)
        x = _relu(_norm(x, f"block1_conv{i}_bn"), f"block1_conv{i}_act")
    x = _shrinking(x, 128, 128, "block2", leading_relu=False)
    x = _shrinking(x, 256, 256, "block3")
    x = _shrinking(x, 728, 728, "block4")
    for block in range(5, 13):
        residual = x
        for i in (1, 2, 3):
            x = _separable(_relu(x, f"block{block}_sepconv{i}_act"), 728, f"block{block}_sepconv{i}")
        x = layers.add([x, residual])
    x = _shrinking(x, 728, 1024, "block13")
    for i, filters in enumerate((1536, 2048), 1):
        x = _relu(_separable(x, filters, f"block14_sepconv{i}"), f"block14_sepconv{i}_act")
    return x


Xception = network(
    "Xception", "xception", _body,
    "Xception of F. Chollet, Xception: Deep Learning with Depthwise Separable Convolutions, 2016.",
    size=299, least=71,
    published=tf_kernels(
        "xception", "xception", "0a58e3b7378bc2990ea3b43d5981f1f6", "b0042744bf5b25fce3cb969f33bebb97"
    ),
)  # fmt: skip
