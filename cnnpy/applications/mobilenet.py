"""MobileNet."""

import warnings

from cnnpy import layers
from cnnpy.applications._frame import ARGUMENTS, IMAGENET_CLASSES, build, image_size
from cnnpy.applications._weights import KERAS, remote
from cnnpy.applications.imagenet_utils import decode_predictions, of_mode
from cnnpy.config import image_data_format

__all__ = ["MobileNet", "decode_predictions", "preprocess_input"]
_SIZES = (128, 160, 192, 224)
# (filters, stride) of the depthwise blocks.
_BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))
_ALPHAS = {1.0: "1_0", 0.75: "7_5", 0.5: "5_0", 0.25: "2_5"}  # as the files have them

preprocess_input = of_mode("tf")


def last_axis():
    """The axis of channels as these networks' configs have it."""
    return 1 if image_data_format() == "channels_first" else -1


def default_size(shape, sizes):
    """The rows of a square image of one of SIZES, else 224."""
    rows, columns = image_size(shape) if shape is not None else (None, None)
    return rows if rows == columns and rows in sizes else 224


def size_of_weights(shape, sizes):
    """For which size of images weights are published that suit images of SHAPE."""
    rows, columns = image_size(shape)
    if rows == columns and rows in sizes:
        return rows
    warnings.warn(
        f"ImageNet weights are published for squares of {', '.join(map(str, sizes))} pixels; for {rows}x{columns} "
        "those for 224 are taken",
        stacklevel=6,
    )
    return 224


def norm_relu6(x, name, relu, **norm):
    """Batch normalisation and a ReLU up to 6."""
    x = layers.BatchNormalization(axis=last_axis(), name=name, **norm)(x)
    return layers.ReLU(6.0, name=relu)(x)


def _body(alpha, depth_multiplier):
    def body(x):
        x = layers.Conv2D(int(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="conv1")(x)
        x = norm_relu6(x, "conv1_bn", "conv1_relu")
        for i, (filters, stride) in enumerate(_BLOCKS, 1):
            if stride == 2:
                x = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{i}")(x)
            x = layers.DepthwiseConv2D(
                3, strides=stride, padding="same" if stride == 1 else "valid", depth_multiplier=depth_multiplier,
                use_bias=False, name=f"conv_dw_{i}",
            )(x)  # fmt: skip
            x = norm_relu6(x, f"conv_dw_{i}_bn", f"conv_dw_{i}_relu")
            x = layers.Conv2D(int(filters * alpha), 1, padding="same", use_bias=False, name=f"conv_pw_{i}")(x)
            x = norm_relu6(x, f"conv_pw_{i}_bn", f"conv_pw_{i}_relu")
        return x

    return body


def MobileNet(
    input_shape=None,
    alpha=1.0,
    depth_multiplier=1,
    dropout=0.001,
    include_top=True,
    weights="imagenet",
    input_tensor=None,
    pooling=None,
    classes=IMAGENET_CLASSES,
    classifier_activation="softmax",
    name=None,
):
    size = default_size(input_shape, _SIZES)
    if weights == "imagenet" and (depth_multiplier != 1 or alpha not in _ALPHAS):
        raise ValueError(
            f"ImageNet weights are published for alpha 0.25, 0.5, 0.75 and 1, and depth_multiplier 1; got {alpha} and "
            f"{depth_multiplier}"
        )
    rows = (size if include_top else None) if input_shape is None else image_size(input_shape)[0]

    def top(x, classes, activation):
        x = layers.GlobalAveragePooling2D(keepdims=True)(x)
        x = layers.Dropout(dropout, name="dropout")(x)
        x = layers.Conv2D(classes, 1, padding="same", name="conv_preds")(x)
        x = layers.Reshape((classes,), name="reshape_2")(x)
        return layers.Activation(activation, name="predictions")(x)

    def published(include_top):
        pixels = size_of_weights(input_shape or (size, size, 3), _SIZES)
        ending = "" if include_top else "_no_top"
        return remote(f"{KERAS}mobilenet/mobilenet_{_ALPHAS[alpha]}_{pixels}_tf{ending}.h5")

    if name is None:
        if weights == "imagenet" and rows not in _SIZES:
            rows = 224
        name = f"mobilenet_{alpha:0.2f}_{rows}"
    return build(
        _body(alpha, depth_multiplier), include_top, weights, input_tensor, input_shape, pooling, classes,
        classifier_activation, name, size, top=top, published=published,
    )  # fmt: skip


MobileNet.__doc__ = f"""MobileNet of A. Howard and others, MobileNets: Efficient CNNs for Mobile Vision, 2017.

    ALPHA multiplies the filters of all layers, DEPTH_MULTIPLIER those of depthwise ones; DROPOUT is before the
    classifier.
{ARGUMENTS.format(size=224)}"""
