"""MobileNetV2."""

from cnnpy import layers
from cnnpy.applications._frame import ARGUMENTS, IMAGENET_CLASSES, build, correct_pad, dense_top, divisible, image_size
from cnnpy.applications._weights import KERAS, remote
from cnnpy.applications.imagenet_utils import decode_predictions, of_mode
from cnnpy.applications.mobilenet import default_size, last_axis, norm_relu6, size_of_weights

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]
_SIZES = (96, 128, 160, 192, 224)
_ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
# (filters, stride of the first, how many) of the inverted residual blocks after the first one.
_STAGES = ((24, 2, 2), (32, 2, 3), (64, 2, 4), (96, 1, 3), (160, 2, 3), (320, 1, 1))
_NORM = {"epsilon": 1e-3, "momentum": 0.999}

preprocess_input = of_mode("tf")


def _block(x, filters, stride, number, expansion=6):
    inputs, channels = x, x.shape[last_axis()]
    prefix = f"block_{number}_" if number else "expanded_conv_"
    if number:
        x = layers.Conv2D(expansion * channels, 1, padding="same", use_bias=False, name=f"{prefix}expand")(x)
        x = norm_relu6(x, f"{prefix}expand_BN", f"{prefix}expand_relu", **_NORM)
    if stride == 2:
        x = layers.ZeroPadding2D(correct_pad(x, 3), name=f"{prefix}pad")(x)
    padding = "same" if stride == 1 else "valid"
    x = layers.DepthwiseConv2D(3, strides=stride, use_bias=False, padding=padding, name=f"{prefix}depthwise")(x)
    x = norm_relu6(x, f"{prefix}depthwise_BN", f"{prefix}depthwise_relu", **_NORM)
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{prefix}project")(x)
    x = layers.BatchNormalization(axis=last_axis(), name=f"{prefix}project_BN", **_NORM)(x)
    return layers.Add(name=f"{prefix}add")([inputs, x]) if channels == filters and stride == 1 else x


def _body(alpha):
    def body(x):
        x = layers.Conv2D(divisible(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="Conv1")(x)
        x = norm_relu6(x, "bn_Conv1", "Conv1_relu", **_NORM)
        x = _block(x, divisible(int(16 * alpha)), 1, 0)
        number = 1
        for filters, stride, count in _STAGES:
            for i in range(count):
                x = _block(x, divisible(int(filters * alpha)), stride if i == 0 else 1, number)
                number += 1
        last = divisible(1280 * alpha) if alpha > 1.0 else 1280
        x = layers.Conv2D(last, 1, use_bias=False, name="Conv_1")(x)
        return norm_relu6(x, "Conv_1_bn", "out_relu", **_NORM)

    return body


def _top(x, classes, activation):
    return dense_top(x, classes, activation, pool_name=None)


def MobileNetV2(
    input_shape=None,
    alpha=1.0,
    include_top=True,
    weights="imagenet",
    input_tensor=None,
    pooling=None,
    classes=IMAGENET_CLASSES,
    classifier_activation="softmax",
    name=None,
):
    shape = input_shape
    if shape is None and input_tensor is not None:
        shape = tuple(input_tensor.shape[1:])
    elif shape is not None and input_tensor is not None and image_size(shape) != image_size(input_tensor.shape):
        raise ValueError(f"input_shape={tuple(shape)} and input_tensor, {tuple(input_tensor.shape)}, differ; pass one")
    size = default_size(shape, _SIZES)
    if weights == "imagenet" and alpha not in _ALPHAS:
        raise ValueError(f"ImageNet weights are published for alpha {', '.join(map(str, _ALPHAS))}, got {alpha}")
    rows = (size if include_top else None) if input_shape is None else image_size(input_shape)[0]

    def published(include_top):
        pixels = size_of_weights(shape or (size, size, 3), _SIZES)
        ending = "" if include_top else "_no_top"
        stem = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels"
        return remote(f"{KERAS}mobilenet_v2/{stem}_{float(alpha)}_{pixels}{ending}.h5")

    if name is None:
        if weights == "imagenet" and rows not in _SIZES:
            rows = 224
        name = f"mobilenetv2_{alpha:0.2f}_{rows}"
    return build(
        _body(alpha), include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name,
        size, top=_top, published=published,
    )  # fmt: skip


MobileNetV2.__doc__ = f"""MobileNetV2 of M. Sandler and others, Inverted Residuals and Linear Bottlenecks, 2018.

    ALPHA multiplies the filters of all layers.
{ARGUMENTS.format(size=224)}"""
