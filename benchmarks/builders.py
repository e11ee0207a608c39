"""Makes the networks of nets.py for each library."""

from nets import learning_layers


def _keras_layers(layers, kind, arguments):
    """The layers of Keras, or cnnpy, that one entry of a net stands for."""
    match kind:
        case "conv":
            filters, size, stride, padding, activation = arguments
            # `same` is what users write; with a stride it pads unevenly, so that there the zeros are a layer
            same = padding and stride == 1
            zeros = [layers.ZeroPadding2D(padding)] if padding and not same else []
            words = "same" if same else "valid"
            return [*zeros, layers.Conv2D(filters, size, strides=stride, padding=words, activation=activation)]
        case "depthwise":
            size, stride, padding = arguments
            if stride == 1:
                return [layers.DepthwiseConv2D(size, padding="same")]
            return [layers.ZeroPadding2D(padding), layers.DepthwiseConv2D(size, strides=stride)]
        case "norm":
            return [layers.BatchNormalization()]
        case "relu":
            return [layers.ReLU(arguments[0])]
        case "dropout":
            return [layers.Dropout(arguments[0])]
        case "pool":
            size, stride, padding = arguments
            zeros = [layers.ZeroPadding2D(padding)] if padding else []
            return [*zeros, layers.MaxPooling2D(size, strides=stride)]
        case "mean":
            return [layers.GlobalAveragePooling2D()]
        case "up":
            return [layers.UpSampling2D(arguments[0])]
        case "flatten":
            return [layers.Flatten()]
        case "dense":
            # under a policy of mixed precision the probabilities stay float32, as Keras advises
            dtype = "float32" if arguments[1] == "softmax" else None
            return [layers.Dense(arguments[0], activation=arguments[1], dtype=dtype)]
    raise ValueError(f"no layer is called {kind!r}")


def _keras_output(layers, x, spec):
    for kind, *arguments in spec:
        if kind == "residual":
            x = layers.Add()([_keras_output(layers, x, part) for part in arguments])
        else:
            for layer in _keras_layers(layers, kind, arguments):
                x = layer(x)
    return x


def build_keras(keras, net):
    """NET as a compiled model of KERAS, which is Keras itself or cnnpy: Sequential, or functional if it branches."""
    layers, spec = keras.layers, learning_layers(net)
    start = keras.Input(shape=net.input)
    if any(kind == "residual" for kind, *_ in spec):
        model = keras.Model(start, _keras_output(layers, start, spec))
    else:
        made = (_keras_layers(layers, kind, arguments) for kind, *arguments in spec)
        model = keras.Sequential([start, *(layer for several in made for layer in several)])
    loss = "categorical_crossentropy" if net.loss == "classes" else "binary_crossentropy"
    model.compile(optimizer="adam", loss=loss)
    return model


def _sum_of(nn, parts):
    """The module that adds what PARTS make of its input."""

    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = nn.ModuleList(parts)

        def forward(self, x):
            first, second = self.parts
            return first(x) + second(x)

    return Sum()


def _torch_modules(nn, spec, shape):
    """(modules, shape of their output) of SPEC for images of SHAPE: height, width, channels."""
    activations = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid}
    (height, width, channels), modules = shape, []

    def shrink(size, stride, padding):
        return ((n + 2 * padding - size) // stride + 1 for n in (height, width))

    for kind, *arguments in spec:
        match kind:
            case "conv":
                filters, *window, activation = arguments
                modules.append(nn.Conv2d(channels, filters, *window))
                if activation in activations:
                    modules.append(activations[activation]())
                channels = filters
                height, width = shrink(*window)
            case "depthwise":
                modules.append(nn.Conv2d(channels, channels, *arguments, groups=channels))
                height, width = shrink(*arguments)
            case "norm":
                modules.append(nn.BatchNorm2d(channels))
            case "relu":
                modules.append(nn.ReLU6() if arguments[0] == 6 else nn.ReLU())
            case "dropout":
                modules.append(nn.Dropout(arguments[0]))
            case "pool":
                modules.append(nn.MaxPool2d(*arguments))
                height, width = shrink(*arguments)
            case "mean":
                modules += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
                height = width = 1
            case "up":
                modules.append(nn.Upsample(scale_factor=arguments[0]))
                height, width = height * arguments[0], width * arguments[0]
            case "flatten":
                modules.append(nn.Flatten())
                height, width, channels = 1, 1, channels * height * width
            case "dense":
                modules.append(nn.Linear(channels, arguments[0]))
                channels = arguments[0]
                if arguments[1] == "relu":
                    modules.append(nn.ReLU())
            case "residual":
                parts, shapes = zip(*(_torch_modules(nn, part, (height, width, channels)) for part in arguments))
                modules.append(_sum_of(nn, [nn.Sequential(*part) for part in parts]))
                height, width, channels = shapes[0]
    return modules, (height, width, channels)


def build_torch(torch, net):
    """(module in channels-last layout, loss function, optimizer) of PyTorch."""
    nn = torch.nn
    modules, _ = _torch_modules(nn, learning_layers(net), net.input)
    module = nn.Sequential(*modules).to(memory_format=torch.channels_last)
    # PyTorch's cross-entropy takes logits, so its net ends without the softmax.
    loss = nn.CrossEntropyLoss() if net.loss == "classes" else nn.BCELoss()
    return module, loss, torch.optim.Adam(module.parameters())
