"""The networks that are timed, written once and built for each library.

A net is (input shape, batch size, loss, list of layers); a layer is (kind, *arguments). `same` convolutions have an odd
kernel and stride 1, so that PyTorch's symmetric padding is the same as Keras's.
"""

CONV_NET = [
    ("conv", 32, 3, 1, "valid"),
    ("conv", 64, 3, 1, "valid"),
    ("pool", 2),
    ("flatten",),
    ("dense", 128),
    ("softmax", 10),
]
STRIDE_NET = [
    ("conv", 32, 3, 1, "valid"),
    ("conv", 64, 3, 2, "valid"),
    ("flatten",),
    ("dense", 128),
    ("softmax", 10),
]
DENOISER = [
    ("conv", 64, 3, 1, "same"),
    ("conv", 64, 3, 1, "same"),
    ("up", 2),
    ("conv", 128, 3, 1, "same"),
    ("conv", 128, 3, 1, "same"),
    ("up", 2),
    ("conv", 128, 3, 1, "same"),
    ("conv", 64, 3, 1, "same"),
    ("sigmoid_conv", 1, 3, 1, "same"),
]

NETS = {
    "mnist": ((28, 28, 1), 128, "classes", CONV_NET),
    "mnist-stride2": ((28, 28, 1), 128, "classes", STRIDE_NET),
    "cifar10": ((32, 32, 3), 128, "classes", CONV_NET),
    "denoiser": ((7, 7, 1), 30, "image", DENOISER),
}


def build_keras(keras, name):
    """The net as a compiled Sequential of KERAS, which is Keras itself or cnnpy."""
    layers = keras.layers
    shape, _, loss, spec = NETS[name]
    model = keras.Sequential([keras.Input(shape=shape)])
    for kind, *arguments in spec:
        match kind:
            case "conv" | "sigmoid_conv":
                filters, size, strides, padding = arguments
                activation = "relu" if kind == "conv" else "sigmoid"
                model.add(layers.Conv2D(filters, size, strides=strides, padding=padding, activation=activation))
            case "pool":
                model.add(layers.MaxPooling2D(arguments[0]))
            case "up":
                model.add(layers.UpSampling2D(arguments[0]))
            case "flatten":
                model.add(layers.Flatten())
            case "dense":
                model.add(layers.Dense(arguments[0], activation="relu"))
            case "softmax":
                model.add(layers.Dense(arguments[0], activation="softmax"))
    loss = "categorical_crossentropy" if loss == "classes" else "binary_crossentropy"
    model.compile(optimizer="adam", loss=loss)
    return model


def build_torch(torch, name):
    """(module in channels-last layout, loss function, optimizer) of PyTorch."""
    nn = torch.nn
    (height, width, channels), _, loss, spec = NETS[name]
    modules = []
    for kind, *arguments in spec:
        match kind:
            case "conv" | "sigmoid_conv":
                filters, size, stride, padding = arguments
                modules.append(
                    nn.Conv2d(channels, filters, size, stride, padding=size // 2 if padding == "same" else 0)
                )
                modules.append(nn.ReLU() if kind == "conv" else nn.Sigmoid())
                channels = filters
                if padding == "valid":
                    height, width = (height - size) // stride + 1, (width - size) // stride + 1
            case "pool":
                modules.append(nn.MaxPool2d(arguments[0]))
                height, width = height // arguments[0], width // arguments[0]
            case "up":
                modules.append(nn.Upsample(scale_factor=arguments[0]))
                height, width = height * arguments[0], width * arguments[0]
            case "flatten":
                modules.append(nn.Flatten())
                channels *= height * width
            case "dense" | "softmax":
                modules.append(nn.Linear(channels, arguments[0]))
                channels = arguments[0]
                if kind == "dense":
                    modules.append(nn.ReLU())
    module = nn.Sequential(*modules).to(memory_format=torch.channels_last)
    # PyTorch's cross-entropy takes logits, so its net ends without the softmax.
    return (
        module,
        nn.CrossEntropyLoss() if loss == "classes" else nn.BCELoss(),
        torch.optim.Adam(module.parameters()),
    )


def batch(name, rng):
    """(inputs, targets) of one batch, float32, NHWC."""
    shape, size, loss, _ = NETS[name]
    x = rng.random((size, *shape), dtype="float32")
    if loss == "image":
        height, width = (s * 4 for s in shape[:2])
        return x, rng.random((size, height, width, 1), dtype="float32")
    y = (rng.integers(0, 10, size)[:, None] == range(10)).astype("float32")
    return x, y
