"""NASNetMobile and NASNetLarge."""

from cnnpy import config, layers
from cnnpy.applications._frame import ARGUMENTS, IMAGENET_CLASSES, build, correct_pad, dense_top
from cnnpy.applications._weights import KERAS, remote
from cnnpy.applications.imagenet_utils import decode_predictions, of_mode

__all__ = ["NASNetLarge", "NASNetMobile", "decode_predictions", "preprocess_input"]
_MULTIPLIER = 2  # of filters, at each reduction

preprocess_input = of_mode("tf")


def _norm(x, name):
    return layers.BatchNormalization(axis=-1, momentum=0.9997, epsilon=1e-3, name=name)(x)


def _relu(x, name=None):
    return layers.Activation("relu", name=name)(x)


def _conv(x, filters, name):
    return layers.Conv2D(
        filters, 1, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )(x)  # fmt: skip


def _separable(x, filters, kernel, cell, stride=1):
    """Twice ReLU, a separable convolution, normalisation."""
    x = _relu(x)
    if stride == 2:
        x = layers.ZeroPadding2D(correct_pad(x, kernel), name=f"separable_conv_1_pad_{cell}")(x)
    for i, padding in ((1, "valid" if stride == 2 else "same"), (2, "same")):
        x = layers.SeparableConv2D(
            filters, kernel, strides=stride if i == 1 else 1, padding=padding, use_bias=False,
            name=f"separable_conv_{i}_{cell}",
        )(x)  # fmt: skip
        x = _norm(x, f"separable_conv_{i}_bn_{cell}")
        if i == 1:
            x = _relu(x)
    return x


def _adjust(p, x, filters, cell):
    """The output of the cell before the last one, made as large as that of the last, X."""
    if p is None:
        return x
    if p.shape[2] != x.shape[2]:
        p = _relu(p, f"adjust_relu_1_{cell}")
        parts = []
        for i in (1, 2):
            part = p
            if i == 2:
                part = layers.ZeroPadding2D(((0, 1), (0, 1)))(part)
                part = layers.Cropping2D(((1, 0), (1, 0)))(part)
            part = layers.AveragePooling2D(1, strides=2, padding="valid", name=f"adjust_avg_pool_{i}_{cell}")(part)
            parts.append(_conv(part, filters // 2, f"adjust_conv_{i}_{cell}"))
        return _norm(layers.concatenate(parts, axis=-1), f"adjust_bn_{cell}")
    if p.shape[-1] != filters:
        return _norm(_conv(_relu(p), filters, f"adjust_conv_projection_{cell}"), f"adjust_bn_{cell}")
    return p


def _mean(x, name, stride=1):
    return layers.AveragePooling2D(3, strides=stride, padding="same" if stride == 1 else "valid", name=name)(x)


def _normal_cell(x, p, filters, cell):
    inputs, p = x, _adjust(p, x, filters, cell)
    h = _norm(_conv(_relu(x), filters, f"normal_conv_1_{cell}"), f"normal_bn_1_{cell}")

    def add(a, b, i):
        return layers.add([a, b], name=f"normal_add_{i}_{cell}")

    left, right = _separable(h, filters, 5, f"normal_left1_{cell}"), _separable(p, filters, 3, f"normal_right1_{cell}")
    x1 = add(left, right, 1)
    left, right = _separable(p, filters, 5, f"normal_left2_{cell}"), _separable(p, filters, 3, f"normal_right2_{cell}")
    x2 = add(left, right, 2)
    x3 = add(_mean(h, f"normal_left3_{cell}"), p, 3)
    x4 = add(_mean(p, f"normal_left4_{cell}"), _mean(p, f"normal_right4_{cell}"), 4)
    x5 = add(_separable(h, filters, 3, f"normal_left5_{cell}"), h, 5)
    return layers.concatenate([p, x1, x2, x3, x4, x5], axis=-1, name=f"normal_concat_{cell}"), inputs


def _reduction_cell(x, p, filters, cell):
    inputs, p = x, _adjust(p, x, filters, cell)
    h = _norm(_conv(_relu(x), filters, f"reduction_conv_1_{cell}"), f"reduction_bn_1_{cell}")
    padded = layers.ZeroPadding2D(correct_pad(h, 3), name=f"reduction_pad_1_{cell}")(h)

    def halved(x, kernel, name):
        return _separable(x, filters, kernel, f"reduction_{name}_{cell}", stride=2)

    def largest(name):
        return layers.MaxPooling2D(3, strides=2, padding="valid", name=f"reduction_{name}_{cell}")(padded)

    left, right = halved(h, 5, "left1"), halved(p, 7, "right1")
    x1 = layers.add([left, right], name=f"reduction_add_1_{cell}")
    left, right = largest("left2"), halved(p, 7, "right2")
    x2 = layers.add([left, right], name=f"reduction_add_2_{cell}")
    left, right = _mean(padded, f"reduction_left3_{cell}", 2), halved(p, 5, "right3")
    x3 = layers.add([left, right], name=f"reduction_add3_{cell}")
    x4 = layers.add([x2, _mean(x1, f"reduction_left4_{cell}")])
    left, right = _separable(x1, filters, 3, f"reduction_left4_{cell}"), largest("right5")
    x5 = layers.add([left, right], name=f"reduction_add4_{cell}")
    return layers.concatenate([x2, x3, x4, x5], axis=-1, name=f"reduction_concat_{cell}"), inputs


def _body(filters, repeats, stem_filters, skips):
    def body(x):
        x = layers.Conv2D(
            stem_filters, 3, strides=2, padding="valid", use_bias=False, kernel_initializer="he_normal",
            name="stem_conv1",
        )(x)  # fmt: skip
        x, p = _norm(x, "stem_bn1"), None
        for i in (1, 2):
            x, p = _reduction_cell(x, p, filters // _MULTIPLIER ** (3 - i), f"stem_{i}")
        for stage in range(3):
            wide = filters * _MULTIPLIER**stage
            if stage:
                x, before = _reduction_cell(x, p, wide, f"reduce_{stage * repeats}")
                p = p if skips else before
            for i in range(repeats):
                x, p = _normal_cell(x, p, wide, f"{stage * repeats + i + (1 if stage else 0)}")
        return _relu(x)

    return body


def _top(x, classes, activation):
    return dense_top(x, classes, activation, pool_name=None)


def _nasnet(title, name, filters, repeats, stem_filters, skips, size, file, checksums):
    def make(
        input_shape=None,
        include_top=True,
        weights="imagenet",
        input_tensor=None,
        pooling=None,
        classes=IMAGENET_CLASSES,
        classifier_activation="softmax",
        name=name,
    ):
        if config.image_data_format() != "channels_last":
            raise ValueError("NASNet is for channels_last, as Keras's; config.set_image_data_format('channels_last')")
        if weights == "imagenet" and input_shape is not None and None in input_shape:
            raise ValueError(f"NASNet's ImageNet weights want a known size, got input_shape={tuple(input_shape)}")
        if size == 224 and not include_top and input_shape is None:
            input_shape = (224, 224, 3)

        def published(include_top):
            address = f"{KERAS}nasnet/NASNet-{file}{'' if include_top else '-no-top'}.h5"
            return remote(address, checksums[0 if include_top else 1])

        return build(
            _body(filters, repeats, stem_filters, skips), include_top, weights, input_tensor, input_shape, pooling,
            classes, classifier_activation, name, size, top=_top, published=published,
        )  # fmt: skip

    make.__name__ = make.__qualname__ = title
    make.__doc__ = f"""{title} of B. Zoph and others, Learning Transferable Architectures for Image Recognition, 2017.
{ARGUMENTS.format(size=size)}"""
    return make


NASNetMobile = _nasnet(
    "NASNetMobile", "nasnet_mobile", 44, 4, 32, False, 224, "mobile",
    ("020fb642bf7360b370c678b08e0adf61", "1ed92395b5b598bdda52abe5c0dbfd63"),
)  # fmt: skip
NASNetLarge = _nasnet(
    "NASNetLarge", "nasnet_large", 168, 6, 96, True, 331, "large",
    ("11577c9a518f0070763c2b964a382f17", "d81d89dc07e6e56530c4e77faddd61b5"),
)  # fmt: skip
