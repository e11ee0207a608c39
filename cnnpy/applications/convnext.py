"""ConvNeXt Tiny, Small, Base, Large and XLarge."""

from cnnpy import _core, config, initializers, layers, random
from cnnpy.applications._frame import ARGUMENTS, IMAGENET_CLASSES, build, pooled
from cnnpy.applications._weights import KERAS, remote
from cnnpy.applications.imagenet_utils import decode_predictions, of_mode

__all__ = [
    "ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtSmall", "ConvNeXtTiny", "ConvNeXtXLarge", "LayerScale", "StochasticDepth",
    "decode_predictions", "preprocess_input",
]  # fmt: skip
# blocks of the stages, filters of the first stage, checksums of the files with and without the classifier
_VARIANTS = {
    "Tiny": (
        (3, 3, 9, 3), 96,
        "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
        "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
    ),
    "Small": (
        (3, 3, 27, 3), 96,
        "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c",
        "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
    ),
    "Base": (
        (3, 3, 27, 3), 128,
        "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6",
        "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
    ),
    "Large": (
        (3, 3, 27, 3), 192,
        "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6",
        "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
    ),
    "XLarge": (
        (3, 3, 27, 3), 256,
        "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee",
        "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
    ),
}  # fmt: skip
_EPSILON, _FIRST_SCALE = 1e-6, 1e-6
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

preprocess_input = of_mode(None)


class StochasticDepth(layers.Layer):
    """In training each sample is 0 with probability DROP_PATH_RATE, and divided by what is left of 1 else.

    G. Huang and others, Deep Networks with Stochastic Depth, 2016.
    """

    def __init__(self, drop_path_rate, **kwargs):
        super().__init__(**kwargs)
        self.drop_path_rate = drop_path_rate

    def call(self, x, training=None):
        if not training:
            return x
        keep = 1 - self.drop_path_rate
        kept = _core.floor(random.uniform((x.shape[0], *(1,) * (len(x.shape) - 1)), 0, 1) + keep)
        return x / keep * kept

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "drop_path_rate": self.drop_path_rate}


class LayerScale(layers.Layer):
    """Multiplies each channel by a weight of its own that begins at INIT_VALUES.

    H. Touvron and others, Going Deeper with Image Transformers, 2021.
    """

    def __init__(self, init_values, projection_dim, **kwargs):
        super().__init__(**kwargs)
        self.init_values = init_values
        self.projection_dim = projection_dim

    def build(self, input_shape=None):
        initializer = initializers.Constant(self.init_values)
        self.gamma = self.add_weight(shape=(self.projection_dim,), initializer=initializer, name="gamma")

    def call(self, x):
        return x * self.gamma

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "init_values": self.init_values, "projection_dim": self.projection_dim}


def _norm(name=None):
    return layers.LayerNormalization(epsilon=_EPSILON, name=name)


def _block(inputs, filters, name):
    x = layers.Conv2D(filters, 7, padding="same", groups=filters, name=f"{name}_depthwise_conv")(inputs)
    x = _norm(f"{name}_layernorm")(x)
    x = layers.Dense(4 * filters, name=f"{name}_pointwise_conv_1")(x)
    x = layers.Activation("gelu", name=f"{name}_gelu")(x)
    x = layers.Dense(filters, name=f"{name}_pointwise_conv_2")(x)
    x = LayerScale(_FIRST_SCALE, filters, name=f"{name}_layer_scale")(x)
    return inputs + layers.Activation("linear", name=f"{name}_identity")(x)


def _body(kind, name, include_preprocessing):
    from cnnpy.models import Sequential

    depths, first, *_ = _VARIANTS[kind]
    filters = [first * 2**stage for stage in range(4)]

    def between(stage):
        """What comes before a stage: the stem, or the halving of the image."""
        if stage == 0:
            conv, norm = layers.Conv2D(first, 4, strides=4, name=f"{name}_stem_conv"), _norm(f"{name}_stem_layernorm")
            return Sequential([conv, norm], name=f"{name}_stem")
        i = stage - 1
        conv = layers.Conv2D(filters[stage], 2, strides=2, name=f"{name}_downsampling_conv_{i}")
        return Sequential([_norm(f"{name}_downsampling_layernorm_{i}"), conv], name=f"{name}_downsampling_block_{i}")

    def body(x):
        if include_preprocessing and x.shape[3] == 3:
            x = layers.Normalization(
                mean=[255 * m for m in _MEAN], variance=[(255 * d) ** 2 for d in _DEVIATION],
                name=f"{name}_prestem_normalization",
            )(x)  # fmt: skip
        for stage in range(4):
            x = between(stage)(x)
            for i in range(depths[stage]):
                x = _block(x, filters[stage], f"{name}_stage_{stage}_block_{i}")
        return x

    return body


def _top(name):
    def top(x, classes, activation):
        x = layers.GlobalAveragePooling2D(name=f"{name}_head_gap")(x)
        x = _norm(f"{name}_head_layernorm")(x)
        return layers.Dense(classes, activation=activation, name=f"{name}_head_dense")(x)

    return top


def _convnext(kind):
    title, usual = f"ConvNeXt{kind}", f"convnext_{kind.lower()}"
    *_, with_top, without_top = _VARIANTS[kind]

    def make(
        include_top=True,
        include_preprocessing=True,
        weights="imagenet",
        input_tensor=None,
        input_shape=None,
        pooling=None,
        classes=IMAGENET_CLASSES,
        classifier_activation="softmax",
        name=usual,
    ):
        if config.image_data_format() != "channels_last":
            raise ValueError("ConvNeXt is for channels_last, as Keras's; config.set_image_data_format('channels_last')")
        if weights == "imagenet" and usual not in name:
            raise ValueError(f"with ImageNet weights the name must contain {usual!r}, got {name!r}")
        body = _body(kind, name, include_preprocessing)

        def features(x):
            x = body(x)
            return x if include_top else _norm()(pooled(x, pooling))

        def published(include_top):
            address = f"{KERAS}convnext/{usual}{'' if include_top else '_notop'}.h5"
            return remote(address, with_top if include_top else without_top)

        return build(
            features, include_top, weights, input_tensor, input_shape, None, classes, classifier_activation, name, 224,
            top=_top(name), published=published,
        )  # fmt: skip

    make.__name__ = make.__qualname__ = title
    make.__doc__ = f"""{title} of Z. Liu and others, A ConvNet for the 2020s, 2022.

    Inputs are pixels from 0 to 255; without INCLUDE_PREPROCESSING they must be normalised by ImageNet's mean and
    deviation.
{ARGUMENTS.format(size=224)}"""
    return make


ConvNeXtTiny, ConvNeXtSmall, ConvNeXtBase, ConvNeXtLarge, ConvNeXtXLarge = map(_convnext, _VARIANTS)
