"""What summary() prints."""

import numpy as np
import pytest

import cnnpy
from cnnpy import layers

EXPECTED = """\
Model: "small"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ conv (Conv2D)                   │ (None, 26, 26, 32)     │           320 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ norm (BatchNormalization)       │ (None, 26, 26, 32)     │           128 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ pool (MaxPooling2D)             │ (None, 13, 13, 32)     │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ flat (Flatten)                  │ (None, 5408)           │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense (Dense)                   │ (None, 10)             │        54,090 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 54,538 (213.04 KB)
 Trainable params: 54,474 (212.79 KB)
 Non-trainable params: 64 (256.00 B)
"""


def small():
    return cnnpy.Sequential(
        [
            cnnpy.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu", name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.MaxPooling2D(name="pool"),
            layers.Flatten(name="flat"),
            layers.Dense(10, name="dense"),
        ],
        name="small",
    )


def text_of(model, **arguments):
    texts = []
    model.summary(print_fn=texts.append, **arguments)
    return "\n".join(texts)


def test_exact_text():
    assert text_of(small(), line_length=76) == EXPECTED


def test_printed(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    small().summary()
    assert capsys.readouterr().out == EXPECTED


def test_options():
    model = small()
    model.get_layer("conv").trainable = False
    text = text_of(model, line_length=130, show_trainable=True)
    assert "Trainable" in text and " N " in text and " Y " in text and " - " in text
    assert max(len(line) for line in text.splitlines()) == 130
    part = text_of(model, layer_range=("norm", "flat"))
    assert "norm" in part and "flat" in part and "conv (" not in part and "dense" not in part
    with pytest.raises(ValueError, match="no layer matches"):
        text_of(model, layer_range=("a", "b"))
    with pytest.raises(ValueError, match="too small"):
        text_of(model, line_length=10)


def test_nested_and_connected():
    inputs = cnnpy.Input((28, 28, 1), name="image")
    x = small()(inputs)
    model = cnnpy.Model(inputs, layers.add([x, layers.Dense(10, name="side")(x)], name="sum"))
    text = text_of(model, expand_nested=True, line_length=120)
    assert "Connected to" in text and "small[0][0], side[0][0]" in text
    assert "   └ conv (Conv2D)" in text and "image[0][0]" in text


def test_unbuilt_and_subclassed():
    text = text_of(cnnpy.Sequential([layers.Dense(3)]))
    assert "?" in text and "0 (unbuilt)" in text

    class Net(cnnpy.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3, name="inner")

        def call(self, inputs):
            return self.dense(inputs)

    net = Net()
    net(np.zeros((4, 5)))
    text = text_of(net)
    assert "inner (Dense)" in text and "(None, 3)" in text and " Total params: 18 (72.00 B)" in text


def test_after_training_it_counts_the_optimizer():
    model = cnnpy.Sequential([cnnpy.Input((5,)), layers.Dense(3)])
    model.compile("adam", "mse")
    model.train_on_batch(np.zeros((4, 5)), np.zeros((4, 3)))
    text = text_of(model)
    assert (
        " Total params: 56 (" in text
        and " Trainable params: 18 (72.00 B)" in text
        and " Optimizer params: 38 (" in text
    )
