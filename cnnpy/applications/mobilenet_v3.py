"""MobileNetV3Small and MobileNetV3Large."""

import warnings

from cnnpy import layers
from cnnpy.applications._frame import ARGUMENTS, IMAGENET_CLASSES, build, correct_pad, divisible, image_size
from cnnpy.applications._weights import KERAS, remote
from cnnpy.applications.imagenet_utils import decode_predictions, of_mode
from cnnpy.applications.mobilenet import last_axis

__all__ = ["MobileNetV3Large", "MobileNetV3Small", "decode_predictions", "preprocess_input"]
_NORM = {"epsilon": 1e-3, "momentum": 0.999}
_CHECKSUMS = {
    "large_224_0.75_float": ("765b44a33ad4005b3ac83185abf1d0eb", "40af19a13ebea4e2ee0c676887f69a2e"),
    "large_224_1.0_float": ("59e551e166be033d707958cf9e29a6a7", "07fb09a5933dd0c8eaafa16978110389"),
    "large_minimalistic_224_1.0_float": ("675e7b876c45c57e9e63e6d90a36599c", "ec5221f64a2f6d1ef965a614bdae7973"),
    "small_224_0.75_float": ("cb65d4e5be93758266aa0a7f2c6708b7", "ebdb5cc8e0b497cd13a7c275d475c819"),
    "small_224_1.0_float": ("8768d4c2e7dee89b9d02b2d03d65d862", "d3e8ec802a04aa4fc771ee12a9a9b836"),
    "small_minimalistic_224_1.0_float": ("99cd97fb2fcdad2bf028eb838de69e37", "cde8136e733e811080d9fcd8a252f7e4"),
}
# (expansion, filters, kernel, stride, squeezes, hard) of the inverted residual blocks; kernel 5, squeezing and the hard
# swish are 3, none and ReLU in the minimalistic variants.
_SMALL = (
    (1, 16, 3, 2, True, False),
    (72 / 16, 24, 3, 2, False, False),
    (88 / 24, 24, 3, 1, False, False),
    (4, 40, 5, 2, True, True),
    (6, 40, 5, 1, True, True),
    (6, 40, 5, 1, True, True),
    (3, 48, 5, 1, True, True),
    (3, 48, 5, 1, True, True),
    (6, 96, 5, 2, True, True),
    (6, 96, 5, 1, True, True),
    (6, 96, 5, 1, True, True),
)
_LARGE = (
    (1, 16, 3, 1, False, False),
    (4, 24, 3, 2, False, False),
    (3, 24, 3, 1, False, False),
    (3, 40, 5, 2, True, False),
    (3, 40, 5, 1, True, False),
    (3, 40, 5, 1, True, False),
    (6, 80, 3, 2, False, True),
    (2.5, 80, 3, 1, False, True),
    (2.3, 80, 3, 1, False, True),
    (2.3, 80, 3, 1, False, True),
    (6, 112, 3, 1, True, True),
    (6, 112, 3, 1, True, True),
    (6, 160, 5, 2, True, True),
    (6, 160, 5, 1, True, True),
    (6, 160, 5, 1, True, True),
)

preprocess_input = of_mode(None)


def _relu(x):
    return layers.ReLU()(x)


def _hard_swish(x):
    return layers.Activation("hard_swish")(x)


def _norm(x, name):
    return layers.BatchNormalization(axis=last_axis(), name=name, **_NORM)(x)


def _squeeze_and_excite(inputs, filters, prefix):
    x = layers.GlobalAveragePooling2D(keepdims=True, name=f"{prefix}squeeze_excite_avg_pool")(inputs)
    x = layers.Conv2D(divisible(filters * 0.25), 1, padding="same", name=f"{prefix}squeeze_excite_conv")(x)
    x = layers.ReLU(name=f"{prefix}squeeze_excite_relu")(x)
    x = layers.Conv2D(filters, 1, padding="same", name=f"{prefix}squeeze_excite_conv_1")(x)
    x = layers.ReLU(6.0)(x + 3.0) * (1.0 / 6.0)
    return layers.Multiply(name=f"{prefix}squeeze_excite_mul")([inputs, x])


def _block(x, number, expansion, filters, kernel, stride, squeezes, activation):
    inputs, channels = x, x.shape[last_axis()]
    prefix = f"expanded_conv_{number}_" if number else "expanded_conv_"
    wide = divisible(channels * expansion)
    if number:
        x = layers.Conv2D(wide, 1, padding="same", use_bias=False, name=f"{prefix}expand")(x)
        x = activation(_norm(x, f"{prefix}expand_bn"))
    if stride == 2:
        x = layers.ZeroPadding2D(correct_pad(x, kernel), name=f"{prefix}depthwise_pad")(x)
    padding = "same" if stride == 1 else "valid"
    x = layers.DepthwiseConv2D(kernel, strides=stride, padding=padding, use_bias=False, name=f"{prefix}depthwise")(x)
    x = activation(_norm(x, f"{prefix}depthwise_bn"))
    if squeezes:
        x = _squeeze_and_excite(x, wide, prefix)
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{prefix}project")(x)
    x = _norm(x, f"{prefix}project_bn")
    return layers.Add(name=f"{prefix}add")([inputs, x]) if stride == 1 and channels == filters else x


def _mobilenet(title, kind, blocks, last_filters):
    def make(
        input_shape=None,
        alpha=1.0,
        minimalistic=False,
        include_top=True,
        weights="imagenet",
        input_tensor=None,
        classes=IMAGENET_CLASSES,
        pooling=None,
        dropout_rate=0.2,
        classifier_activation="softmax",
        include_preprocessing=True,
        name=title,
    ):
        activation = _relu if minimalistic else _hard_swish
        model_name = f"{kind}{'_minimalistic' if minimalistic else ''}_224_{alpha}_float"
        if weights == "imagenet" and model_name not in _CHECKSUMS:
            raise ValueError(
                f"ImageNet weights are published for alpha 0.75 and 1.0, 1.0 of the minimalistic variant; got {alpha}"
            )
        if (
            input_shape is not None
            and input_tensor is not None
            and image_size(input_shape) != image_size(input_tensor.shape)
        ):
            raise ValueError(f"input_shape={tuple(input_shape)} and input_tensor, {tuple(input_tensor.shape)}, differ")

        def body(x):
            if include_preprocessing:
                x = layers.Rescaling(scale=1.0 / 127.5, offset=-1.0)(x)
            x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="conv")(x)
            x = activation(_norm(x, "conv_bn"))
            for i, (expansion, filters, kernel, stride, squeezes, hard) in enumerate(blocks):
                plain = minimalistic
                x = _block(
                    x, i, expansion, divisible(filters * alpha), 3 if plain else kernel, stride, squeezes and not plain,
                    activation if hard else _relu,
                )  # fmt: skip
            x = layers.Conv2D(divisible(x.shape[last_axis()] * 6), 1, padding="same", use_bias=False, name="conv_1")(x)
            return activation(_norm(x, "conv_1_bn"))

        def top(x, classes, classifier):
            filters = divisible(last_filters * alpha) if alpha > 1.0 else last_filters
            x = layers.GlobalAveragePooling2D(keepdims=True)(x)
            x = activation(layers.Conv2D(filters, 1, padding="same", name="conv_2")(x))
            if dropout_rate > 0:
                x = layers.Dropout(dropout_rate)(x)
            x = layers.Conv2D(classes, 1, padding="same", name="logits")(x)
            return layers.Activation(classifier, name="predictions")(layers.Flatten()(x))

        def published(include_top):
            shape = input_shape if input_tensor is None else input_tensor.shape
            if shape is None or image_size(shape) != (224, 224):
                warnings.warn("ImageNet weights are published for 224x224 pixels; those are taken", stacklevel=5)
            ending = "" if include_top else "_no_top_v2"
            address = f"{KERAS}mobilenet_v3/weights_mobilenet_v3_{model_name}{ending}.h5"
            return remote(address, _CHECKSUMS[model_name][0 if include_top else 1])

        return build(
            body, include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name, None,
            top=top, pool_names=("avg_pool", "max_pool"), published=published,
        )  # fmt: skip

    make.__name__ = make.__qualname__ = title
    make.__doc__ = f"""{title} of A. Howard and others, Searching for MobileNetV3, 2019.

    Inputs are pixels from 0 to 255, images of any size. ALPHA multiplies the filters of all layers; MINIMALISTIC has
    only 3x3 kernels and ReLU; DROPOUT_RATE is before the classifier; without INCLUDE_PREPROCESSING inputs are from -1
    to 1.
{ARGUMENTS.format(size=224)}"""
    return make


MobileNetV3Small = _mobilenet("MobileNetV3Small", "small", _SMALL, 1024)
MobileNetV3Large = _mobilenet("MobileNetV3Large", "large", _LARGE, 1280)
