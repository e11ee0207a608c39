"""EfficientNetV2 B0 to B3, S, M and L."""

import math

from cnnpy import layers
from cnnpy.applications._frame import ARGUMENTS, IMAGENET_CLASSES, build, channel_axis
from cnnpy.applications._weights import KERAS, remote
from cnnpy.applications.efficientnet import kernels, squeeze_and_excite, top_of
from cnnpy.applications.imagenet_utils import decode_predictions, of_mode

__all__ = [
    *(f"EfficientNetV2{kind}" for kind in ("B0", "B1", "B2", "B3", "L", "M", "S")),
    "decode_predictions",
    "preprocess_input",
]
_DROP_CONNECT = 0.2
_MOMENTUM = 0.9
# (repeats, filters, expansion, stride, squeezes) of the stages; those that squeeze are depthwise, the others fused. The
# first number are the filters of the stem.
_B = 32, ((1, 16, 1, 1, 0), (2, 32, 4, 2, 0), (2, 48, 4, 2, 0), (3, 96, 4, 2, 1), (5, 112, 6, 1, 1), (8, 192, 6, 2, 1))
_S = (
    24,
    ((2, 24, 1, 1, 0), (4, 48, 4, 2, 0), (4, 64, 4, 2, 0), (6, 128, 4, 2, 1), (9, 160, 6, 1, 1), (15, 256, 6, 2, 1)),
)
_M = 24, (
    (3, 24, 1, 1, 0), (5, 48, 4, 2, 0), (5, 80, 4, 2, 0), (7, 160, 4, 2, 1), (14, 176, 6, 1, 1), (18, 304, 6, 2, 1),
    (5, 512, 6, 1, 1),
)  # fmt: skip
_L = 32, (
    (4, 32, 1, 1, 0), (7, 64, 4, 2, 0), (7, 96, 4, 2, 0), (10, 192, 4, 2, 1), (19, 224, 6, 1, 1), (25, 384, 6, 2, 1),
    (7, 640, 6, 1, 1),
)  # fmt: skip
# stages, width, depth, size of images, checksums of the files with and without the classifier
_VARIANTS = {
    "B0": (_B, 1.0, 1.0, 224, "21ecbf6da12460d5c40bb2f29ceb2188", "893217f2bb855e2983157299931e43ff"),
    "B1": (_B, 1.0, 1.1, 240, "069f0534ff22adf035c89e2d9547a9dc", "0e80663031ca32d657f9caa404b6ec37"),
    "B2": (_B, 1.1, 1.2, 260, "424e49f28180edbde1e94797771950a7", "1dfe2e7a5d45b6632553a8961ea609eb"),
    "B3": (_B, 1.2, 1.4, 300, "1f1fc43bd98a6e4fd8fdfd551e02c7a0", "f6abf7b5849ac99a89b50dd3fd532856"),
    "S": (_S, 1.0, 1.0, 384, "e1d88a8495beba45748fedd0cecbe016", "af0682fb74e8c54910f2d4393339c070"),
    "M": (_M, 1.0, 1.0, 480, "a3bf6aa3276309f4fc6a34aa114c95cd", "1b8dc055df72dde80d614482840fe342"),
    "L": (_L, 1.0, 1.0, 480, "27e6d408b53c7ebc868fefa357689935", "b0b66b5c863aef5b46e8608fe1711615"),
}

preprocess_input = of_mode(None)


def _round(filters, width):
    return max(8, int(filters * width + 4) // 8 * 8)


def _norm(x, name, activation=None):
    x = layers.BatchNormalization(axis=channel_axis(), momentum=_MOMENTUM, name=name)(x)
    return layers.Activation("swish", name=activation)(x) if activation else x


def _conv(x, filters, name, kernel=1, stride=1):
    return layers.Conv2D(
        filters, kernel, strides=stride, padding="same", use_bias=False, kernel_initializer=kernels(), name=name
    )(x)  # fmt: skip


def _depthwise_block(x, channels, filters, stride, expansion, name):
    wide = channels * expansion
    if expansion != 1:
        x = _norm(_conv(x, wide, f"{name}expand_conv"), f"{name}expand_bn", f"{name}expand_activation")
    x = layers.DepthwiseConv2D(
        3, strides=stride, depthwise_initializer=kernels(), padding="same", use_bias=False, name=f"{name}dwconv2"
    )(x)  # fmt: skip
    x = _norm(x, f"{name}bn", f"{name}activation")
    x = squeeze_and_excite(x, wide, max(1, int(channels * 0.25)), name)
    return _norm(_conv(x, filters, f"{name}project_conv"), f"{name}project_bn")


def _fused_block(x, channels, filters, stride, expansion, name):
    if expansion == 1:
        x = _conv(x, filters, f"{name}project_conv", 3, stride)
        return _norm(x, f"{name}project_bn", f"{name}project_activation")
    x = _conv(x, channels * expansion, f"{name}expand_conv", 3, stride)
    x = _norm(x, f"{name}expand_bn", f"{name}expand_activation")
    return _norm(_conv(x, filters, f"{name}project_conv"), f"{name}project_bn")


def _preprocess(x, small):
    if small and x.shape[channel_axis()] == 3:
        x = layers.Rescaling(scale=1.0 / 255)(x)
        variance = [0.229**2, 0.224**2, 0.225**2]
        return layers.Normalization(mean=[0.485, 0.456, 0.406], variance=variance, axis=channel_axis())(x)
    return layers.Rescaling(scale=1.0 / 128.0, offset=-1)(x)


def _body(kind, include_preprocessing):
    (first, stages), width, depth, *_ = _VARIANTS[kind]

    def body(x):
        if include_preprocessing:
            x = _preprocess(x, kind.startswith("B"))
        channels, done, total = _round(first, width), 0, sum(stage[0] for stage in stages)
        x = _norm(_conv(x, channels, "stem_conv", 3, 2), "stem_bn", "stem_activation")
        for i, (repeats, filters, expansion, stride, squeezes) in enumerate(stages):
            filters, block = _round(filters, width), _depthwise_block if squeezes else _fused_block
            for j in range(math.ceil(depth * repeats)):
                name, inputs, step = f"block{i + 1}{chr(97 + j)}_", x, stride if j == 0 else 1
                x = block(x, channels, filters, step, expansion, name)
                if step == 1 and channels == filters:
                    if done:
                        rate = _DROP_CONNECT * done / total
                        x = layers.Dropout(rate, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(x)
                    x = layers.add([x, inputs], name=f"{name}add")
                channels, done = filters, done + 1
        return _norm(_conv(x, _round(1280, width), "top_conv"), "top_bn", "top_activation")

    return body


def _efficientnet(kind):
    title, file = f"EfficientNetV2{kind}", f"efficientnetv2-{kind.lower()}"
    *_, size, with_top, without_top = _VARIANTS[kind]

    def make(
        include_top=True,
        weights="imagenet",
        input_tensor=None,
        input_shape=None,
        pooling=None,
        classes=IMAGENET_CLASSES,
        classifier_activation="softmax",
        include_preprocessing=True,
        name=file,
    ):
        def published(include_top):
            address = f"{KERAS}efficientnet_v2/{file}{'' if include_top else '_notop'}.h5"
            return remote(address, with_top if include_top else without_top)

        return build(
            _body(kind, include_preprocessing), include_top, weights, input_tensor, input_shape, pooling, classes,
            classifier_activation, name, size, top=top_of(0.2, bias_initializer="zeros"),
            pool_names=("avg_pool", "max_pool"), published=published,
        )  # fmt: skip

    make.__name__ = make.__qualname__ = title
    make.__doc__ = f"""{title} of M. Tan and Q. Le, EfficientNetV2: Smaller Models and Faster Training, 2021.

    Inputs are pixels from 0 to 255; without INCLUDE_PREPROCESSING from -1 to 1.
{ARGUMENTS.format(size=size)}"""
    return make


EfficientNetV2B0, EfficientNetV2B1, EfficientNetV2B2, EfficientNetV2B3 = map(_efficientnet, ("B0", "B1", "B2", "B3"))
EfficientNetV2S, EfficientNetV2M, EfficientNetV2L = map(_efficientnet, "SML")
