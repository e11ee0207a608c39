"""InceptionV3."""

from cnnpy import layers
from cnnpy.applications._frame import channel_axis, network
from cnnpy.applications._weights import tf_kernels
from cnnpy.applications.imagenet_utils import decode_predictions, of_mode

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]

preprocess_input = of_mode("tf")


def _conv(x, filters, kernel, strides=1, padding="same"):
    x = layers.Conv2D(filters, kernel, strides=strides, padding=padding, use_bias=False)(x)
    x = layers.BatchNormalization(axis=channel_axis(), scale=False)(x)
    return layers.Activation("relu")(x)


def _row(x, *convolutions):
    """(filters, kernel) one after the other; a third entry says 'valid' with stride 2."""
    for filters, kernel, *shrinks in convolutions:
        x = _conv(x, filters, kernel, *((2, "valid") if shrinks else ()))
    return x


def _pool_and_conv(x, filters):
    return _conv(layers.AveragePooling2D(3, strides=1, padding="same")(x), filters, 1)


def _mixed(branches, name=None):
    return layers.concatenate(branches, axis=channel_axis(), name=name)


def _body(x):
    x = _conv(x, 32, 3, 2, "valid")
    x = _conv(x, 32, 3, padding="valid")
    x = _conv(x, 64, 3)
    x = layers.MaxPooling2D(3, strides=2)(x)
    x = _conv(x, 80, 1, padding="valid")
    x = _conv(x, 192, 3, padding="valid")
    x = layers.MaxPooling2D(3, strides=2)(x)
    for i, last in enumerate((32, 64, 64)):
        narrow = _conv(x, 64, 1)
        wide = _row(x, (48, 1), (64, 5))
        twice = _row(x, (64, 1), (96, 3), (96, 3))
        x = _mixed([narrow, wide, twice, _pool_and_conv(x, last)], f"mixed{i}")
    large = _row(x, (384, 3, True))
    twice = _row(x, (64, 1), (96, 3), (96, 3, True))
    x = _mixed([large, twice, layers.MaxPooling2D(3, strides=2)(x)], "mixed3")
    for i, n in enumerate((128, 160, 160, 192), 4):
        narrow = _conv(x, 192, 1)
        once = _row(x, (n, 1), (n, (1, 7)), (192, (7, 1)))
        twice = _row(x, (n, 1), (n, (7, 1)), (n, (1, 7)), (n, (7, 1)), (192, (1, 7)))
        x = _mixed([narrow, once, twice, _pool_and_conv(x, 192)], f"mixed{i}")
    large = _row(x, (192, 1), (320, 3, True))
    longer = _row(x, (192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3, True))
    x = _mixed([large, longer, layers.MaxPooling2D(3, strides=2)(x)], "mixed8")
    for i in range(2):
        narrow = _conv(x, 320, 1)
        once = _conv(x, 384, 1)
        once = _mixed([_conv(once, 384, (1, 3)), _conv(once, 384, (3, 1))], f"mixed9_{i}")
        twice = _row(x, (448, 1), (384, 3))
        twice = _mixed([_conv(twice, 384, (1, 3)), _conv(twice, 384, (3, 1))])
        x = _mixed([narrow, once, twice, _pool_and_conv(x, 192)], f"mixed{9 + i}")
    return x


InceptionV3 = network(
    "InceptionV3", "inception_v3", _body,
    "InceptionV3 of C. Szegedy and others, Rethinking the Inception Architecture for Computer Vision, 2015.",
    size=299, least=75,
    published=tf_kernels(
        "inception_v3", "inception_v3", "9a0d58056eeedaa3f26cb7ebd46da564", "bcbd6486424b2319ff4ef7d526e38f63"
    ),
)  # fmt: skip
