"""The family of convolution layers: what the table of layers (layer_cases) does not show."""

import copy
import re

import numpy as np
import pytest

import cnnpy
from cnnpy import layers

SEQUENCES = [layers.Conv1D, layers.Conv1DTranspose, layers.SeparableConv1D]
IMAGES = [layers.Conv2D, layers.Conv2DTranspose, layers.SeparableConv2D]
WITH_FILTERS = [*SEQUENCES, *IMAGES, layers.Conv3D, layers.Conv3DTranspose]
DEPTHWISE = [layers.DepthwiseConv1D, layers.DepthwiseConv2D]


def make(cls, *size, **arguments):
    """A layer of CLS with two filters where it has filters."""
    return cls(*size, **arguments) if cls in DEPTHWISE else cls(2, *size, **arguments)


@pytest.mark.parametrize("cls", [*WITH_FILTERS, *DEPTHWISE])
def test_mistakes_in_arguments(cls):
    name, rank = cls.__name__, cls._rank
    plural = "" if rank == 1 else "s"
    wrong = (3,) * (rank + 1)
    checks = [
        ({"kernel_size": wrong}, f"{name}: kernel_size must be an integer or a tuple of {rank} integer{plural}, got"),
        ({"kernel_size": 0}, f"{name}: kernel_size must be at least 1, got 0"),
        ({"kernel_size": 3, "strides": 0}, f"{name}: strides must be at least 1, got 0"),
        ({"kernel_size": 3, "strides": 1.5}, f"{name}: strides must be an integer or a tuple of {rank}"),
        ({"kernel_size": True}, f"{name}: kernel_size must be an integer or a tuple"),
        ({"kernel_size": 3, "dilation_rate": -1}, f"{name}: dilation_rate must be at least 1, got -1"),
        ({"kernel_size": 3, "padding": "full"}, f"{name}: padding must be 'valid'.*'same'.*, got 'full'"),
    ]
    if cls is not layers.Conv1D:
        checks.append(
            ({"kernel_size": 3, "padding": "causal"}, f"{name}: padding must be 'valid' or 'same', got 'causal'")
        )
    if "depth_multiplier" in cls.__init__.__code__.co_varnames:
        checks.append(({"kernel_size": 3, "depth_multiplier": 0}, f"{name}: depth_multiplier must be an integer of at"))
    for arguments, message in checks:
        with pytest.raises(ValueError, match=message):
            make(cls, **arguments)


@pytest.mark.parametrize("cls", WITH_FILTERS)
def test_strides_and_dilation(cls):
    """Separable and depthwise convolutions take both, the others neither here nor in Keras."""
    with pytest.raises(ValueError, match=f"{cls.__name__}: filters must be an integer of at least 1, got 0"):
        cls(0, 3)
    if "Separable" in cls.__name__:
        assert cls(2, 3, strides=2, dilation_rate=2).strides == (2,) * cls._rank
        return
    message = (
        f"{cls.__name__}: strides above 1 cannot be combined with a dilation_rate above 1, got strides="
        f"{re.escape(str((2,) * cls._rank))} and dilation_rate={re.escape(str((3,) * cls._rank))}"
    )
    with pytest.raises(ValueError, match=message):
        cls(2, 3, strides=2, dilation_rate=3)


def test_output_padding_is_below_the_strides():
    message = r"Conv2DTranspose: output_padding must be below strides along each axis, got output_padding=\(1, 2\)"
    with pytest.raises(ValueError, match=message):
        layers.Conv2DTranspose(2, 3, strides=2, output_padding=(1, 2))
    with pytest.raises(ValueError, match="Conv1DTranspose: output_padding must be below strides"):
        layers.Conv1DTranspose(2, 3, output_padding=1)
    with pytest.raises(ValueError, match="Conv3DTranspose: output_padding must be at least 0, got -1"):
        layers.Conv3DTranspose(2, 3, output_padding=-1)
    assert layers.Conv2DTranspose(2, 3, output_padding=0).get_config()["output_padding"] == (0, 0)
    with pytest.raises(ValueError, match=r'Conv1DTranspose "c": input shape .* is too small: the output would have'):
        layers.Conv1DTranspose(2, 2, strides=2, padding="same", output_padding=0, name="c").build((3, 1, 2))


def test_mistakes_in_inputs():
    with pytest.raises(
        ValueError,
        match=r'Conv1D "c": input must have 3 dimensions \(batch, steps, channels\), got shape \(5, 9\); did you '
        r"forget np.expand_dims\(x, -1\)",
    ):
        layers.Conv1D(2, 3, name="c")(np.zeros((5, 9)))
    with pytest.raises(
        ValueError,
        match=r'Conv3D "c": input must have 5 dimensions \(batch, channels, depth, height, width\), got shape '
        r"\(5, 9, 9, 9\); did you forget np.expand_dims\(x, 1\)",
    ):
        layers.Conv3D(2, 3, name="c", data_format="channels_first")(np.zeros((5, 9, 9, 9)))
    depthwise = layers.DepthwiseConv2D(3, name="d")
    depthwise.build((None, 9, 9, 4))
    with pytest.raises(ValueError, match=r'DepthwiseConv2D "d": input has 1 channel, its kernel expects 4; got shape'):
        depthwise(np.zeros((2, 9, 9, 1)))
    with pytest.raises(ValueError, match=r'SeparableConv1D "s": the number of channels must be known, got input shape'):
        layers.SeparableConv1D(2, 3, name="s").build((None, 9, None))
    with pytest.raises(ValueError, match=r'Conv3D "c": input shape \(None, 2, 9, 9, 3\) is too small'):
        layers.Conv3D(2, 3, name="c")(cnnpy.Input((2, 9, 9, 3)))
    with pytest.raises(ValueError, match=r'Conv1D "c": 5 input channels cannot be split into 2 groups'):
        layers.Conv1D(2, 3, groups=2, name="c").build((None, 9, 5))


@pytest.mark.parametrize("cls", [*WITH_FILTERS, *DEPTHWISE])
def test_every_kind_of_weight_has_its_treatment(cls):
    kinds = [kind for kind in cls._kinds if kind != "bias"]
    arguments = {"kernel_size": 2, "bias_initializer": "ones", "bias_regularizer": "l1", "bias_constraint": "non_neg"}
    for i, kind in enumerate(kinds):
        arguments[f"{kind}_initializer"] = cnnpy.initializers.Constant(i + 2)
        arguments[f"{kind}_regularizer"] = "l2"
        arguments[f"{kind}_constraint"] = cnnpy.constraints.MaxNorm(i + 1)
    layer = make(cls, **arguments)
    layer.build((None, *(5,) * cls._rank, 3))
    assert len(layer.weights) == len(kinds) + 1
    for i, (weight, kind) in enumerate(zip(layer.weights, [*kinds, "bias"])):
        assert (np.asarray(weight) == (i + 2 if kind != "bias" else 1)).all()
        assert weight.regularizer is getattr(layer, f"{kind}_regularizer")
        assert weight.constraint is getattr(layer, f"{kind}_constraint") and weight.constraint is not None
    assert len(layer.losses) == len(kinds) + 1
    again = cls.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


@pytest.mark.parametrize("cls", [*WITH_FILTERS, *DEPTHWISE])
def test_open_sizes(cls):
    layer = make(cls, 3, padding="same", strides=2)
    shape = (None, *(None,) * cls._rank, 4)
    outputs = 4 if cls in DEPTHWISE else 2
    assert layer.compute_output_shape(shape) == (None, *(None,) * cls._rank, outputs)
    y = layer(cnnpy.Input(shape[1:]))
    assert y.shape == (None, *(None,) * cls._rank, outputs)


@pytest.mark.parametrize("cls", [*WITH_FILTERS, *DEPTHWISE])
def test_copies_before_the_first_call(cls):
    layer = make(cls, 2)
    other = copy.deepcopy(layer)
    x = np.random.default_rng(0).normal(size=(2, *(5,) * cls._rank, 3)).astype("float32")
    y = layer(x)
    other.build(x.shape)
    other.set_weights(layer.get_weights())
    np.testing.assert_array_equal(other(x), y)


@pytest.mark.parametrize("cls", [*WITH_FILTERS, *DEPTHWISE])
def test_softmax_runs_over_the_last_axis_in_either_layout(cls):
    """As in Keras, where the activation is a function of the layer's output: over the width if channels are first."""
    shape = (2, 3, *(5,) * cls._rank)
    layer = make(cls, 2, data_format="channels_first", activation="softmax")
    plain = make(cls, 2, data_format="channels_first")
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    y = layer(x)
    plain.build(shape)
    plain.set_weights(layer.get_weights())
    np.testing.assert_allclose(y, cnnpy.ops.softmax(plain(x), axis=-1), rtol=1e-5, atol=1e-6)


def test_causal_outputs_do_not_see_later_steps():
    x = np.random.default_rng(0).normal(size=(1, 12, 3)).astype("float32")
    later = x.copy()
    later[:, 7:] += 1
    for arguments in ({"dilation_rate": 2}, {"strides": 2}, {"groups": 3}):
        layer = layers.Conv1D(3, 3, padding="causal", **arguments)
        step = arguments.get("strides", 1)
        a, b = np.asarray(layer(x)), np.asarray(layer(later))
        before = -(-7 // step)
        assert a.shape == (1, 12 // step, 3)
        np.testing.assert_array_equal(a[:, :before], b[:, :before])
        assert (a[:, before:] != b[:, before:]).any(axis=(0, 2)).all()


def test_a_separable_convolution_is_two_convolutions():
    x = np.random.default_rng(0).normal(size=(2, 7, 8, 3)).astype("float32")
    layer = layers.SeparableConv2D(5, 3, strides=2, padding="same", depth_multiplier=2, activation="relu")
    y = layer(x)
    depthwise = layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2, use_bias=False)
    depthwise.build(x.shape)
    depthwise.set_weights(layer.get_weights()[:1])
    pointwise = layers.Conv2D(5, 1, activation="relu")
    middle = depthwise(x)
    pointwise.build(middle.shape)
    pointwise.set_weights(layer.get_weights()[1:])
    np.testing.assert_array_equal(pointwise(middle), y)


def test_conv3d_transpose_has_its_data_format_before_its_output_padding():
    layer = layers.Conv3DTranspose(2, 3, 2, "same", "channels_first", 1)
    assert layer.data_format == "channels_first" and layer.output_padding == (1, 1, 1)
    assert layers.Conv2DTranspose(2, 3, 2, "same", 1, "channels_first").output_padding == (1, 1)


def test_a_transposed_convolution_undoes_the_shape_of_a_convolution():
    for size in range(4, 12):
        for stride in (1, 2, 3):
            for padding in ("valid", "same"):
                down = layers.Conv2D(2, 3, strides=stride, padding=padding).compute_output_shape((1, size, size, 2))
                extra = (size - 1) % stride if padding == "same" else (size - 3) % stride
                up = layers.Conv2DTranspose(2, 3, strides=stride, padding=padding, output_padding=extra)
                assert up.compute_output_shape(down) == (1, size, size, 2)


def test_aliases():
    for rank in (1, 2, 3):
        assert getattr(layers, f"Convolution{rank}D") is getattr(layers, f"Conv{rank}D")
        assert getattr(layers, f"Convolution{rank}DTranspose") is getattr(layers, f"Conv{rank}DTranspose")
    for rank in (1, 2):
        assert getattr(layers, f"SeparableConvolution{rank}D") is getattr(layers, f"SeparableConv{rank}D")
