"""InceptionResNetV2."""

from cnnpy import layers
from cnnpy.applications._frame import channel_axis, network
from cnnpy.applications._weights import tf_kernels
from cnnpy.applications.imagenet_utils import decode_predictions, of_mode

__all__ = ["CustomScaleLayer", "InceptionResNetV2", "decode_predictions", "preprocess_input"]

preprocess_input = of_mode("tf")


class CustomScaleLayer(layers.Layer):
    """Of two inputs a and b: a + SCALE * b."""

    def __init__(self, scale, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs):
        return inputs[0] + inputs[1] * self.scale

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}


def _conv(x, filters, kernel, strides=1, padding="same", name=None):
    x = layers.Conv2D(filters, kernel, strides=strides, padding=padding, use_bias=False, name=name)(x)
    x = layers.BatchNormalization(axis=channel_axis(), scale=False, name=name and f"{name}_bn")(x)
    return layers.Activation("relu", name=name and f"{name}_ac")(x)


def _row(x, *convolutions):
    """(filters, kernel) one after the other; a third entry says 'valid' with stride 2."""
    for filters, kernel, *shrinks in convolutions:
        x = _conv(x, filters, kernel, *((2, "valid") if shrinks else ()))
    return x


# (filters, kernel) of each branch of a block.
_BLOCKS = {
    "block35": (((32, 1),), ((32, 1), (32, 3)), ((32, 1), (48, 3), (64, 3))),
    "block17": (((192, 1),), ((128, 1), (160, (1, 7)), (192, (7, 1)))),
    "block8": (((192, 1),), ((192, 1), (224, (1, 3)), (256, (3, 1)))),
}


def _residual(x, kind, number, scale, activation="relu"):
    name = f"{kind}_{number}"
    mixed = _mixed([_row(x, *branch) for branch in _BLOCKS[kind]], f"{name}_mixed")
    up = layers.Conv2D(x.shape[channel_axis()], 1, padding="same", name=f"{name}_conv")(mixed)
    x = CustomScaleLayer(scale)([x, up])
    return x if activation is None else layers.Activation(activation, name=f"{name}_ac")(x)


def _mixed(branches, name):
    return layers.Concatenate(axis=channel_axis(), name=name)(branches)


def _body(x):
    x = _conv(x, 32, 3, 2, "valid")
    x = _conv(x, 32, 3, padding="valid")
    x = _conv(x, 64, 3)
    x = layers.MaxPooling2D(3, strides=2)(x)
    x = _conv(x, 80, 1, padding="valid")
    x = _conv(x, 192, 3, padding="valid")
    x = layers.MaxPooling2D(3, strides=2)(x)
    branches = [_conv(x, 96, 1), _row(x, (48, 1), (64, 5)), _row(x, (64, 1), (96, 3), (96, 3))]
    branches.append(_conv(layers.AveragePooling2D(3, strides=1, padding="same")(x), 64, 1))
    x = _mixed(branches, "mixed_5b")
    for i in range(1, 11):
        x = _residual(x, "block35", i, 0.17)
    branches = [_row(x, (384, 3, True)), _row(x, (256, 1), (256, 3), (384, 3, True))]
    x = _mixed([*branches, layers.MaxPooling2D(3, strides=2)(x)], "mixed_6a")
    for i in range(1, 21):
        x = _residual(x, "block17", i, 0.1)
    branches = [_row(x, (256, 1), (n, 3, True)) for n in (384, 288)]
    branches.append(_row(x, (256, 1), (288, 3), (320, 3, True)))
    x = _mixed([*branches, layers.MaxPooling2D(3, strides=2)(x)], "mixed_7a")
    for i in range(1, 10):
        x = _residual(x, "block8", i, 0.2)
    x = _residual(x, "block8", 10, 1.0, activation=None)
    return _conv(x, 1536, 1, name="conv_7b")


InceptionResNetV2 = network(
    "InceptionResNetV2", "inception_resnet_v2", _body,
    "InceptionResNetV2 of C. Szegedy and others, Inception-v4, Inception-ResNet and the Impact of Residual "
    "Connections on Learning, 2016.",
    size=299, least=75,
    published=tf_kernels(
        "inception_resnet_v2", "inception_resnet_v2", "e693bd0210a403b3192acc6073ad2e96",
        "d19885ff4a710c122648d3b5c3b684e4",
    ),
)  # fmt: skip
