"""What the networks share: their arguments and the checks of them, the input, the end, and the weights.

A network is a function BODY from a symbolic image to symbolic features; `build` puts the rest around it, `network`
makes of it the function that users call.
"""

import os
import warnings

from cnnpy import activations, config, layers
from cnnpy.layers.core import InputLayer
from cnnpy.layers.symbolic import is_keras_tensor
from cnnpy.models import Functional
from cnnpy.models.data import check_count

IMAGENET_CLASSES = 1000

ARGUMENTS = """
    Arguments:
        include_top: with the classifier at the end, for inputs of one size; without it for features of any.
        weights: 'imagenet' (Keras's published file, fetched when first used), None for random ones, or a file's path.
        input_tensor: a symbolic tensor to begin with, in place of an input of its own.
        input_shape: of an image; with the classifier and ImageNet's weights only the default, {size}x{size}, fits.
        pooling: of the features without the classifier: None, 'avg' or 'max'.
        classes, classifier_activation: of the classifier; ImageNet's weights want 1000, and 'softmax' or None.

    Raises ValueError for what does not fit together, OSError if the weights cannot be had."""


def channel_axis():
    """The axis of channels in a batch."""
    return 3 if config.image_data_format() == "channels_last" else 1


def image_size(shape):
    """(rows, columns) of a batch's or an image's SHAPE."""
    return tuple(shape[-3:-1]) if config.image_data_format() == "channels_last" else tuple(shape[-2:])


def correct_pad(x, kernel_size):
    """Zeros before a convolution of stride 2 with 'valid' padding, as 'same' would have them at even sizes."""
    kernel = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    odd = [1 if n is None else 1 - n % 2 for n in image_size(x.shape)]
    return tuple((k // 2 - o, k // 2) for k, o in zip(kernel, odd))


def divisible(filters, divisor=8, least=None):
    """FILTERS rounded to a multiple of DIVISOR, not by more than a tenth down."""
    rounded = max(least or divisor, int(filters + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * filters else rounded


# ---- arguments ----


def check_weights(weights, include_top, classes):
    """What `weights` may be, before anything is made."""
    if weights == "imagenet":
        if include_top and classes != IMAGENET_CLASSES:
            raise ValueError(
                f"weights='imagenet' with include_top=True have {IMAGENET_CLASSES} classes, got classes={classes}; "
                "pass include_top=False and put a classifier of your own on top"
            )
        return
    if weights is not None and not os.path.exists(os.fspath(weights)):
        raise ValueError(f"weights must be None, 'imagenet' or the path of a file that is there, got {weights!r}")


def resolve_shape(input_shape, size, least, include_top, weights):
    """The shape of the images: INPUT_SHAPE if it fits, else the default."""
    anything = size is None
    last = config.image_data_format() == "channels_last"
    if input_shape is not None and len(input_shape) != 3:
        raise ValueError(f"input_shape must be three numbers, such as (224, 224, 3), got {tuple(input_shape)!r}")
    channels = 3
    if input_shape is not None:
        input_shape = tuple(input_shape)
        channels = input_shape[-1 if last else 0]
        if weights == "imagenet" and channels != 3:
            raise ValueError(f"weights='imagenet' are for images of 3 channels, got input_shape={input_shape}")
        if channels not in (1, 3):
            warnings.warn(f"input_shape={input_shape} has {channels} channels; images have 1 or 3", stacklevel=5)
    default = (size, size, channels) if last else (channels, size, size)
    if include_top and weights == "imagenet" and not anything:
        if input_shape not in (None, default):
            raise ValueError(
                f"weights='imagenet' with include_top=True are for input_shape={default}, got {input_shape}; pass "
                "include_top=False for other sizes"
            )
        return default
    if input_shape is None:
        return default if include_top and not anything else (None, None, 3) if last else (3, None, None)
    rows, columns = image_size(input_shape)
    if any(n is not None and n < least for n in (rows, columns)):
        raise ValueError(f"images must have at least {least}x{least} pixels, got input_shape={input_shape}")
    if include_top and None in input_shape and not anything:
        raise ValueError(f"with include_top=True the size must be known, got input_shape={input_shape}")
    return input_shape


def check_activation(activation, weights):
    """The classifier's ACTIVATION fits pretrained WEIGHTS."""
    if weights is None:
        return
    if activations.get(activation) not in (activations.get("softmax"), activations.get(None)):
        raise ValueError(f"pretrained weights want classifier_activation='softmax' or None, got {activation!r}")


# ---- around the body ----


def _begin(input_tensor, shape):
    """(the symbolic image, what the model starts from)."""
    if input_tensor is None:
        image = layers.Input(shape=shape)
        return image, image
    if not is_keras_tensor(input_tensor):
        raise ValueError(f"input_tensor must be symbolic, such as Input(shape=(224, 224, 3)), got {input_tensor!r}")
    return input_tensor, source_of(input_tensor)


def source_of(x):
    """The inputs that the symbolic tensor X comes from, one or a list."""
    found, waiting, seen = [], [x], set()
    while waiting:
        tensor = waiting.pop()
        layer, node, _ = tensor._keras_history
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        if isinstance(layer, InputLayer):
            found.append(tensor)
        else:
            waiting.extend(reversed(layer._inbound_nodes[node].input_tensors))
    return found[0] if len(found) == 1 else found


def dense_top(x, classes, activation, pool_name="avg_pool", **dense):
    """The mean over all pixels and a dense layer."""
    x = layers.GlobalAveragePooling2D(name=pool_name)(x)
    return layers.Dense(classes, activation=activation, name="predictions", **dense)(x)


def pooled(x, pooling, names=(None, None)):
    """X over all pixels, by the mean or the largest."""
    if pooling == "avg":
        return layers.GlobalAveragePooling2D(name=names[0])(x)
    if pooling == "max":
        return layers.GlobalMaxPooling2D(name=names[1])(x)
    return x


def build(
    body, include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name, size,
    least=32, top=dense_top, pool_names=(None, None), published=None,
):  # fmt: skip
    """The model of BODY; PUBLISHED(include_top) gives the RemoteFile of its ImageNet weights. SIZE is that of the
    images by default; None where those of any size fit, with the classifier too."""
    check_weights(weights, include_top, classes)
    if pooling not in (None, "avg", "max"):
        raise ValueError(f"pooling must be None, 'avg' or 'max', got {pooling!r}")
    check_count(classes, "classes", 1)
    shape = resolve_shape(input_shape, size, least, include_top, weights)
    if include_top:
        check_activation(classifier_activation, weights)
    image, source = _begin(input_tensor, shape)
    x = body(image)
    x = top(x, classes, classifier_activation) if include_top else pooled(x, pooling, pool_names)
    model = Functional(source, x, name=name)
    load_weights(model, weights, published, include_top)
    return model


def load_weights(model, weights, published, include_top):
    """Gives MODEL its WEIGHTS: those PUBLISHED, those of a file, or none."""
    if weights == "imagenet":
        from cnnpy.applications._weights import load_published

        load_published(model, published(include_top))
    elif weights is not None:
        model.load_weights(weights)


def network(title, name, body, about, size, body_of_weights=False, **options):
    """The function TITLE that makes BODY's network with the arguments that all have. BODY_OF_WEIGHTS: it depends on the
    weights, and BODY(weights) gives it."""

    def make(
        include_top=True,
        weights="imagenet",
        input_tensor=None,
        input_shape=None,
        pooling=None,
        classes=IMAGENET_CLASSES,
        classifier_activation="softmax",
        name=name,
    ):
        return build(
            body(weights) if body_of_weights else body, include_top, weights, input_tensor, input_shape, pooling,
            classes, classifier_activation, name, size, **options,
        )  # fmt: skip

    make.__name__ = make.__qualname__ = title
    make.__doc__ = f"{about}\n{ARGUMENTS.format(size=size)}"
    return make
