"""The networks that are timed, written once and built for each library.

A layer is (kind, *arguments). Convolutions that pad have an odd kernel and stride 1, so that PyTorch's symmetric
padding is the same as Keras's. Kinds: conv (filters, size, stride, padding, activation), norm (batch
normalisation), relu, dropout (rate), pool (size), up (factor), flatten, dense (units, activation).
"""

from typing import NamedTuple


def conv(filters, size=3, stride=1, padding="valid", activation="relu"):
    return ("conv", filters, size, stride, padding, activation)


def dense(units, activation="relu"):
    return ("dense", units, activation)


def blocks(*filters, size=3, pool=2):
    """Convolutions with ReLU, each followed by max-pooling."""
    return [layer for f in filters for layer in (conv(f, size), ("pool", pool))]


def normalized(filters, size=3):
    """Convolution, batch normalisation, ReLU."""
    return [conv(filters, size, 1, "same", "linear"), ("norm",), ("relu",)]


class Net(NamedTuple):
    """INPUT shape, BATCH size and layers; LOSS is 'classes' (cross-entropy) or 'image' (binary cross-entropy)."""

    title: str
    input: tuple
    batch: int
    layers: list
    classes: int = 10
    loss: str = "classes"


_POOLED = [conv(32), conv(64), ("pool", 2), ("flatten",), dense(128)]
_STRIDED = [conv(32), conv(64, 3, 2), ("flatten",), dense(128)]
_BASE = [conv(6, 5), ("pool", 2), conv(16, 5), ("pool", 2), ("flatten",), dense(50)]
_SUCCESSOR = [
    *normalized(16),
    *normalized(32),
    ("pool", 2),
    *normalized(64),
    *normalized(128),
    *normalized(256),
    ("pool", 2),
    ("flatten",),
]
_DEEP = [
    *normalized(32, 5),
    ("pool", 2),
    ("dropout", 0.25),
    *normalized(64),
    *normalized(64),
    ("pool", 2),
    ("dropout", 0.25),
    *normalized(128),
    ("pool", 2),
    ("flatten",),
    ("dropout", 0.5),
]
_DENOISER = [
    *(conv(64, 3, 1, "same"), conv(64, 3, 1, "same"), ("up", 2)),
    *(conv(128, 3, 1, "same"), conv(128, 3, 1, "same"), ("up", 2)),
    *(conv(128, 3, 1, "same"), conv(64, 3, 1, "same"), conv(1, 3, 1, "same", "sigmoid")),
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
        [*blocks(16, 32, 64, size=4, pool=3), ("flatten",), dense(1024), dense(2048), dense(2048)],
        2,
    ),
    "cats-200": Net("cats and dogs, 200x200", (200, 200, 1), 32, [*blocks(32, 64), ("flatten",), dense(32)], 2),
    "denoiser": Net("denoiser", (7, 7, 1), 30, _DENOISER, loss="image"),
    "cifar10-norm": Net("CIFAR-10, normalised", (32, 32, 3), 32, _DEEP),
}
# Networks of cnnpy.applications, timed where the library has them: (image size, batch).
APPLICATIONS = {"ResNet50": (224, 8), "MobileNetV2": (128, 16)}


def learning_layers(net):
    """The layers of NET with its last one, that gives the classes."""
    return net.layers if net.loss == "image" else [*net.layers, dense(net.classes, "softmax")]


def build_keras(keras, net):
    """NET as a compiled Sequential of KERAS, which is Keras itself or cnnpy."""
    layers = keras.layers
    model = keras.Sequential([keras.Input(shape=net.input)])
    for kind, *arguments in learning_layers(net):
        match kind:
            case "conv":
                filters, size, strides, padding, activation = arguments
                model.add(layers.Conv2D(filters, size, strides=strides, padding=padding, activation=activation))
            case "norm":
                model.add(layers.BatchNormalization())
            case "relu":
                model.add(layers.ReLU())
            case "dropout":
                model.add(layers.Dropout(arguments[0]))
            case "pool":
                model.add(layers.MaxPooling2D(arguments[0]))
            case "up":
                model.add(layers.UpSampling2D(arguments[0]))
            case "flatten":
                model.add(layers.Flatten())
            case "dense":
                # under a policy of mixed precision the probabilities stay float32, as Keras advises
                dtype = "float32" if arguments[1] == "softmax" else None
                model.add(layers.Dense(arguments[0], activation=arguments[1], dtype=dtype))
    loss = "categorical_crossentropy" if net.loss == "classes" else "binary_crossentropy"
    model.compile(optimizer="adam", loss=loss)
    return model


def build_torch(torch, net):
    """(module in channels-last layout, loss function, optimizer) of PyTorch."""
    nn = torch.nn
    activations = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid}
    (height, width, channels), modules = net.input, []
    for kind, *arguments in learning_layers(net):
        match kind:
            case "conv":
                filters, size, stride, padding, activation = arguments
                pad = size // 2 if padding == "same" else 0
                modules.append(nn.Conv2d(channels, filters, size, stride, padding=pad))
                if activation in activations:
                    modules.append(activations[activation]())
                channels = filters
                height, width = ((n + 2 * pad - size) // stride + 1 for n in (height, width))
            case "norm":
                modules.append(nn.BatchNorm2d(channels))
            case "relu":
                modules.append(nn.ReLU())
            case "dropout":
                modules.append(nn.Dropout(arguments[0]))
            case "pool":
                modules.append(nn.MaxPool2d(arguments[0]))
                height, width = height // arguments[0], width // arguments[0]
            case "up":
                modules.append(nn.Upsample(scale_factor=arguments[0]))
                height, width = height * arguments[0], width * arguments[0]
            case "flatten":
                modules.append(nn.Flatten())
                channels *= height * width
            case "dense":
                modules.append(nn.Linear(channels, arguments[0]))
                channels = arguments[0]
                if arguments[1] == "relu":
                    modules.append(nn.ReLU())
    module = nn.Sequential(*modules).to(memory_format=torch.channels_last)
    # PyTorch's cross-entropy takes logits, so its net ends without the softmax.
    loss = nn.CrossEntropyLoss() if net.loss == "classes" else nn.BCELoss()
    return module, loss, torch.optim.Adam(module.parameters())


def samples(net, count, rng):
    """(inputs, targets) of COUNT samples, float32, NHWC."""
    x = rng.random((count, *net.input), dtype="float32")
    if net.loss == "image":
        height, width = (s * 4 for s in net.input[:2])
        return x, rng.random((count, height, width, 1), dtype="float32")
    y = (rng.integers(0, net.classes, count)[:, None] == range(net.classes)).astype("float32")
    return x, y
