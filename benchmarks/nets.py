"""The networks that are timed, written once; builders.py makes them for each library.

A layer is (kind, *arguments):
conv (filters, size, stride, padding, activation), depthwise (size, stride, padding), norm (batch normalisation),
relu (maximum or None), dropout (rate), pool (size, stride, padding), mean (global average pooling), up (factor),
flatten, dense (units, activation), residual (layers, layers of the shortcut), which are added.
Padding is a number of zeros on every side, the same for all libraries: half of an odd kernel is Keras's `same` where
the stride is 1.
"""

from typing import NamedTuple


def conv(filters, size=3, stride=1, padding=0, activation="relu"):
    return ("conv", filters, size, stride, padding, activation)


def pool(size, stride=None, padding=0):
    return ("pool", size, stride or size, padding)


def dense(units, activation="relu"):
    return ("dense", units, activation)


def relu(maximum=None):
    return ("relu", maximum)


def blocks(*filters, size=3, pooled=2):
    """Convolutions with ReLU, each followed by max-pooling."""
    return [layer for f in filters for layer in (conv(f, size), pool(pooled))]


def normalized(filters, size=3, stride=1, maximum=None):
    """Convolution, batch normalisation, ReLU."""
    return [conv(filters, size, stride, size // 2, "linear"), ("norm",), relu(maximum)]


class Net(NamedTuple):
    """INPUT shape, BATCH size and layers; LOSS is 'classes' (cross-entropy) or 'image' (binary cross-entropy)."""

    title: str
    input: tuple
    batch: int
    layers: list
    classes: int = 10
    loss: str = "classes"


def resnet50():
    """He and others, Deep residual learning (2016), with the stride in a block's first convolution, as in Keras."""
    layers = [*normalized(64, 7, 2), pool(3, 2, 1)]
    for stage, (width, count) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
        for block in range(count):
            stride = 2 if stage and not block else 1
            widen = [conv(4 * width, 1, activation="linear"), ("norm",)]
            main = [*normalized(width, 1, stride), *normalized(width), *widen]
            shortcut = [] if block else [conv(4 * width, 1, stride, activation="linear"), ("norm",)]
            layers += [("residual", main, shortcut), relu()]
    return [*layers, ("mean",)]


def mobilenet_v2():
    """Sandler and others, MobileNetV2 (2018)."""
    layers, width = normalized(32, 3, 2, 6), 32
    for expand, filters, count, first_stride in (
        *((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2)),
        *((6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)),
    ):
        for block in range(count):
            stride = 1 if block else first_stride
            main = normalized(expand * width, 1, 1, 6) if expand > 1 else []
            main += [("depthwise", 3, stride, 1), ("norm",), relu(6), conv(filters, 1, activation="linear"), ("norm",)]
            layers += [("residual", main, [])] if block else main
            width = filters
    return [*layers, *normalized(1280, 1, 1, 6), ("mean",)]


_POOLED = [conv(32), conv(64), pool(2), ("flatten",), dense(128)]
_STRIDED = [conv(32), conv(64, 3, 2), ("flatten",), dense(128)]
_BASE = [conv(6, 5), pool(2), conv(16, 5), pool(2), ("flatten",), dense(50)]
_SUCCESSOR = [
    *normalized(16),
    *normalized(32),
    pool(2),
    *normalized(64),
    *normalized(128),
    *normalized(256),
    pool(2),
    ("flatten",),
]
_DEEP = [
    *normalized(32, 5),
    pool(2),
    ("dropout", 0.25),
    *normalized(64),
    *normalized(64),
    pool(2),
    ("dropout", 0.25),
    *normalized(128),
    pool(2),
    ("flatten",),
    ("dropout", 0.5),
]
_DENOISER = [
    *(conv(64, 3, 1, 1), conv(64, 3, 1, 1), ("up", 2)),
    *(conv(128, 3, 1, 1), conv(128, 3, 1, 1), ("up", 2)),
    *(conv(128, 3, 1, 1), conv(64, 3, 1, 1), conv(1, 3, 1, 1, "sigmoid")),
]

NETS = {
    "mnist": Net("MNIST, pooling", (28, 28, 1), 128, _POOLED),
    "mnist-stride2": Net("MNIST, stride 2", (28, 28, 1), 128, _STRIDED),
    "cifar10": Net("CIFAR-10, pooling", (32, 32, 3), 128, _POOLED),
    "cifar10-stride2": Net("CIFAR-10, stride 2", (32, 32, 3), 128, _STRIDED),
    "base": Net("BaseNet", (32, 32, 3), 32, _BASE, 25),
    "base-norm": Net("BaseNet, normalised", (32, 32, 3), 32, _SUCCESSOR, 25),
    "cats-150": Net("cats and dogs, 150x150", (150, 150, 3), 40, [*blocks(32, 64, 128), ("flatten",), dense(128)], 2),
    "cats-120": Net(
        "cats and dogs, 120x120, 4x4",
        (120, 120, 3),
        64,
        [*blocks(16, 32, 64, size=4, pooled=3), ("flatten",), dense(1024), dense(2048), dense(2048)],
        2,
    ),
    "cats-200": Net("cats and dogs, 200x200", (200, 200, 1), 32, [*blocks(32, 64), ("flatten",), dense(32)], 2),
    "denoiser": Net("denoiser", (7, 7, 1), 30, _DENOISER, loss="image"),
    "cifar10-norm": Net("CIFAR-10, normalised", (32, 32, 3), 32, _DEEP),
    "resnet50": Net("ResNet50, 224x224", (224, 224, 3), 8, resnet50(), 1000),
    "mobilenet-v2": Net("MobileNetV2, 128x128", (128, 128, 3), 16, mobilenet_v2(), 1000),
}
# Nets that users take from cnnpy.applications: timed by default where it has them, and not among the geometric means.
APPLICATIONS = {"resnet50": "ResNet50", "mobilenet-v2": "MobileNetV2"}


def net_of(name, size=None):
    """The net called NAME, for images of SIZE by SIZE if that is given."""
    net = NETS[name]
    return net if size is None else net._replace(input=(size, size, net.input[2]))


def learning_layers(net):
    """The layers of NET with its last one, that gives the classes."""
    return net.layers if net.loss == "image" else [*net.layers, dense(net.classes, "softmax")]


def samples(net, count, rng):
    """(inputs, targets) of COUNT samples, float32, NHWC."""
    x = rng.random((count, *net.input), dtype="float32")
    if net.loss == "image":
        height, width = (s * 4 for s in net.input[:2])
        return x, rng.random((count, height, width, 1), dtype="float32")
    y = (rng.integers(0, net.classes, count)[:, None] == range(net.classes)).astype("float32")
    return x, y
