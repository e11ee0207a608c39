"""Networks of the usual studies have the parameters that they have elsewhere."""

import pytest

import cnnpy
from cnnpy import layers
from cnnpy.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D, UpSampling2D


def conv(filters, size=3, **arguments):
    return Conv2D(filters, size, activation="relu", **arguments)


def cats_and_dogs():
    return [Input((150, 150, 3)), conv(32), MaxPooling2D(), conv(64), MaxPooling2D(), conv(128), MaxPooling2D(),
            Flatten(), Dense(128, activation="relu"), Dense(1, activation="sigmoid")]  # fmt: skip


def grey_cats_and_dogs():
    return [Input((200, 200, 1)), conv(32), MaxPooling2D(), conv(64), MaxPooling2D(), Flatten(),
            Dense(32, activation="relu"), Dense(1, activation="sigmoid")]  # fmt: skip


def denoiser(before, between, after, last=3):
    """Digits of 7x7 to 28x28, enlarged twice."""
    blocks = [Input((7, 7, 1))]
    for filters, up in ((before, True), (between, True), (after, False)):
        blocks += [conv(f, padding="same") for f in filters]
        blocks += [UpSampling2D()] if up else []
    return [*blocks, Conv2D(1, last, padding="same", activation="sigmoid")]


def classifier(shape):
    return [Input(shape), conv(32), conv(64), MaxPooling2D(), Dropout(0.25), Flatten(), Dense(128, activation="relu"),
            Dropout(0.5), Dense(10, activation="softmax")]  # fmt: skip


def normalized():
    return [Input((32, 32, 3)), conv(32, 5, padding="same"), *(conv(f, padding="same") for f in (64, 64, 128)),
            BatchNormalization(), Flatten(), Dense(10, activation="softmax")]  # fmt: skip


@pytest.mark.parametrize(
    "network, parameters, frozen, output",
    [
        (cats_and_dogs(), 4_828_481, 0, (1,)),
        (grey_cats_and_dogs(), 4_737_473, 0, (1,)),
        (denoiser([64, 64], [128], [64]), 185_793, 0, (28, 28, 1)),
        (denoiser([64, 128], [64, 128], [16], last=5), 240_993, 0, (28, 28, 1)),
        (denoiser([64, 64], [128, 128], [128, 64]), 480_961, 0, (28, 28, 1)),
        (classifier((28, 28, 1)), 1_199_882, 0, (10,)),
        (classifier((32, 32, 3)), 1_626_442, 0, (10,)),
        (normalized(), 1_442_954, 256, (10,)),
    ],
    ids=["cats-and-dogs", "grey-cats-and-dogs", "denoiser-1", "denoiser-2", "denoiser-3", "mnist", "cifar10", "norm"],
)
def test_parameters(network, parameters, frozen, output):
    model = cnnpy.Sequential(network)
    assert model.count_params() == parameters
    assert sum(w.size for w in model.non_trainable_weights) == frozen
    assert model.output_shape == (None, *output)
    lines = []
    model.summary(print_fn=lines.append)
    assert f"Total params: {parameters:,}" in "\n".join(lines)


def test_a_frozen_network_counts_the_same():
    model = cnnpy.Sequential(classifier((28, 28, 1)))
    model.trainable = False
    assert model.count_params() == sum(w.size for w in model.non_trainable_weights) == 1_199_882
    assert isinstance(model.layers[0], layers.Conv2D)
