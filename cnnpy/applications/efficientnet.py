"""EfficientNetB0 to B7."""

import math

from cnnpy import layers
from cnnpy.applications._frame import channel_axis, correct_pad, divisible, network
from cnnpy.applications._weights import remote
from cnnpy.applications.imagenet_utils import decode_predictions, of_mode
from cnnpy.initializers import VarianceScaling

__all__ = [*(f"EfficientNetB{i}" for i in range(8)), "decode_predictions", "preprocess_input"]
_ADDRESS = "https://storage.googleapis.com/keras-applications/"
_DROP_CONNECT = 0.2
# (kernel, repeats, filters, expansion, stride) of the stages.
_STAGES = (
    (3, 1, 16, 1, 1),
    (3, 2, 24, 6, 2),
    (5, 2, 40, 6, 2),
    (3, 3, 80, 6, 2),
    (5, 3, 112, 6, 1),
    (5, 4, 192, 6, 2),
    (3, 1, 320, 6, 1),
)
# width, depth, size of images, dropout, checksums of the files with and without the classifier
_VARIANTS = (
    (1.0, 1.0, 224, 0.2, "902e53a9f72be733fc0bcb005b3ebbac", "50bc09e76180e00e4465e1a485ddc09d"),
    (1.0, 1.1, 240, 0.2, "1d254153d4ab51201f1646940f018540", "74c4e6b3e1f6a1eea24c589628592432"),
    (1.1, 1.2, 260, 0.3, "b15cce36ff4dcbd00b6dd88e7857a6ad", "111f8e2ac8aa800a7a99e3239f7bfb39"),
    (1.2, 1.4, 300, 0.3, "ffd1fdc53d0ce67064dc6a9c7960ede0", "af6d107764bb5b1abb91932881670226"),
    (1.4, 1.8, 380, 0.4, "18c95ad55216b8f92d7e70b3a046e2fc", "ebc24e6d6c33eaebbd558eafbeedf1ba"),
    (1.6, 2.2, 456, 0.4, "ace28f2a6363774853a83a0b21b9421a", "38879255a25d3c92d5e44e04ae6cec6f"),
    (1.8, 2.6, 528, 0.5, "165f6e37dce68623721b423839de8be5", "9ecce42647a20130c1f39a5d4cb75743"),
    (2.0, 3.1, 600, 0.5, "8c03f828fec3ef71311cd463b6759d99", "cbcfe4450ddf6f3ad90b1b398090fe4a"),
)

preprocess_input = of_mode(None)


def kernels():
    """The initializer of convolutions."""
    return VarianceScaling(2.0, "fan_out", "truncated_normal")


def top_of(dropout, **dense):
    """The classifier after DROPOUT."""

    def top(x, classes, activation):
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        if dropout > 0:
            x = layers.Dropout(dropout, name="top_dropout")(x)
        initializer = VarianceScaling(1.0 / 3.0, "fan_out", "uniform")
        return layers.Dense(
            classes, activation=activation, kernel_initializer=initializer, name="predictions", **dense
        )(x)  # fmt: skip

    return top


def squeeze_and_excite(x, filters, squeezed, name):
    """Weighs the channels of X by what two 1x1 convolutions make of their means."""
    se = layers.GlobalAveragePooling2D(name=f"{name}se_squeeze")(x)
    se = layers.Reshape((1, 1, filters) if channel_axis() == 3 else (filters, 1, 1), name=f"{name}se_reshape")(se)
    for count, activation, step in ((squeezed, "swish", "reduce"), (filters, "sigmoid", "expand")):
        se = layers.Conv2D(
            count, 1, padding="same", activation=activation, kernel_initializer=kernels(), name=f"{name}se_{step}"
        )(se)
    return layers.multiply([x, se], name=f"{name}se_excite")


def _norm_swish(x, name, activation):
    x = layers.BatchNormalization(axis=channel_axis(), name=name)(x)
    return layers.Activation("swish", name=activation)(x)


def _conv(x, filters, name):
    return layers.Conv2D(filters, 1, padding="same", use_bias=False, kernel_initializer=kernels(), name=name)(x)


def _block(x, channels, filters, kernel, stride, expansion, drop_rate, name):
    inputs, wide = x, channels * expansion
    if expansion != 1:
        x = _norm_swish(_conv(x, wide, f"{name}expand_conv"), f"{name}expand_bn", f"{name}expand_activation")
    if stride == 2:
        x = layers.ZeroPadding2D(correct_pad(x, kernel), name=f"{name}dwconv_pad")(x)
    x = layers.DepthwiseConv2D(
        kernel, strides=stride, padding="same" if stride == 1 else "valid", use_bias=False,
        depthwise_initializer=kernels(), name=f"{name}dwconv",
    )(x)  # fmt: skip
    x = _norm_swish(x, f"{name}bn", f"{name}activation")
    x = squeeze_and_excite(x, wide, max(1, int(channels * 0.25)), name)
    x = _conv(x, filters, f"{name}project_conv")
    x = layers.BatchNormalization(axis=channel_axis(), name=f"{name}project_bn")(x)
    if stride == 1 and channels == filters:
        if drop_rate > 0:
            x = layers.Dropout(drop_rate, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(x)
        x = layers.add([x, inputs], name=f"{name}add")
    return x


def _body(width, depth, pretrained):
    def body(x):
        x = layers.Rescaling(1.0 / 255.0)(x)
        x = layers.Normalization(axis=channel_axis())(x)
        if pretrained:  # the published weights were trained so
            x = layers.Rescaling([1.0 / math.sqrt(deviation) for deviation in (0.229, 0.224, 0.225)])(x)
        x = layers.ZeroPadding2D(correct_pad(x, 3), name="stem_conv_pad")(x)
        x = layers.Conv2D(
            divisible(32 * width), 3, strides=2, padding="valid", use_bias=False, kernel_initializer=kernels(),
            name="stem_conv",
        )(x)  # fmt: skip
        x = _norm_swish(x, "stem_bn", "stem_activation")
        repeats = [math.ceil(depth * stage[1]) for stage in _STAGES]
        channels, done = divisible(32 * width), 0
        for i, (kernel, _, filters, expansion, stride) in enumerate(_STAGES):
            filters = divisible(filters * width)
            for j in range(repeats[i]):
                rate = _DROP_CONNECT * done / sum(repeats)
                name = f"block{i + 1}{chr(97 + j)}_"
                x = _block(x, channels, filters, kernel, stride if j == 0 else 1, expansion, rate, name)
                channels, done = filters, done + 1
        return _norm_swish(_conv(x, divisible(1280 * width), "top_conv"), "top_bn", "top_activation")

    return body


def _efficientnet(number):
    title, file = f"EfficientNetB{number}", f"efficientnetb{number}"
    width, depth, size, dropout, with_top, without_top = _VARIANTS[number]

    def published(include_top):
        ending = "" if include_top else "_notop"
        return remote(f"{_ADDRESS}{file}{ending}.h5", with_top if include_top else without_top)

    return network(
        title, file, lambda weights: _body(width, depth, weights == "imagenet"),
        f"{title} of M. Tan and Q. Le, EfficientNet: Rethinking Model Scaling for CNNs, 2019.\n\n"
        "    Inputs are pixels from 0 to 255: the network scales them itself.",
        size=size, body_of_weights=True, top=top_of(dropout), pool_names=("avg_pool", "max_pool"), published=published,
    )  # fmt: skip


(
    EfficientNetB0, EfficientNetB1, EfficientNetB2, EfficientNetB3, EfficientNetB4, EfficientNetB5, EfficientNetB6,
    EfficientNetB7,
) = map(_efficientnet, range(8))  # fmt: skip
