"""Pooling into bins, and the pooling of sequences and volumes, against NumPy; gradients in float64."""

import numpy as np
import pytest

import cnnpy
from cnnpy import layers, ops
from gradients import check_gradients

SHAPES = {1: (2, 7, 3), 2: (2, 5, 7, 3), 3: (2, 5, 4, 6, 2)}


def distinct(shape, seed=0):
    """Values far enough from one another for finite differences."""
    size = int(np.prod(shape))
    return np.random.default_rng(seed).permutation(size).reshape(shape) / size


def reduce_bins(x, sizes, how):
    """The reduction of every bin, one axis after the other."""
    for axis, count in enumerate(sizes, 1):
        size = x.shape[axis]
        parts = [
            how(np.take(x, range(i * size // count, -(-(i + 1) * size // count)), axis), axis=axis)
            for i in range(count)
        ]
        x = np.stack(parts, axis)
    return x


@pytest.mark.parametrize("kind, how", [("Max", np.max), ("Average", np.mean)])
@pytest.mark.parametrize("sizes", [(3,), (7,), (9,), (2, 3), (5, 7), (1, 1), (3, 3, 4), (5, 2, 1)], ids=str)
def test_adaptive(kind, how, sizes):
    x = distinct(SHAPES[len(sizes)])
    layer = getattr(layers, f"Adaptive{kind}Pooling{len(sizes)}D")(sizes, dtype="float64")
    np.testing.assert_allclose(layer(x), reduce_bins(x, sizes, how), rtol=1e-12)
    check_gradients(layer, [x])


def windows(x, sizes, strides, padding, how):
    """Pooling of the axes between the first and the last, window by window."""
    spans = []
    for size, window, stride in zip(x.shape[1:-1], sizes, strides):
        if padding == "same":
            count = -(-size // stride)
            before = max((count - 1) * stride + window - size, 0) // 2
        else:
            count, before = (size - window) // stride + 1, 0
        spans.append([(max(i * stride - before, 0), min(i * stride - before + window, size)) for i in range(count)])
    y = np.empty((x.shape[0], *map(len, spans), x.shape[-1]))
    for place in np.ndindex(*map(len, spans)):
        part = x[(slice(None), *(slice(*span[i]) for span, i in zip(spans, place)))]
        y[(slice(None), *place)] = how(part, axis=tuple(range(1, x.ndim - 1)))
    return y


@pytest.mark.parametrize("kind, how", [("Max", np.max), ("Average", np.mean)])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("sizes, strides", [((3,), (2,)), ((2, 3, 2), (2, 1, 3)), ((4, 2, 3), (3, 2, 2))], ids=str)
def test_sequences_and_volumes(kind, how, padding, sizes, strides):
    x = distinct(SHAPES[len(sizes)], 1)
    layer = getattr(layers, f"{kind}Pooling{len(sizes)}D")(sizes, strides, padding, dtype="float64")
    np.testing.assert_allclose(layer(x), windows(x, sizes, strides, padding, how), rtol=1e-12)
    check_gradients(layer, [x])


def test_the_largest_of_equal_values_in_a_volume_is_the_first():
    x = cnnpy.Tensor(np.ones((1, 2, 2, 2, 1)))
    with cnnpy.GradientTape() as tape:
        tape.watch(x)
        y = ops.max_pool(x, 2)
    gradient = np.asarray(tape.gradient(y, x)).reshape(-1)
    np.testing.assert_array_equal(gradient, [1, 0, 0, 0, 0, 0, 0, 0])


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("keepdims", [False, True])
def test_a_mask_leaves_steps_out_of_the_mean(data_format, keepdims):
    x = np.random.default_rng(0).normal(size=(3, 5, 2)).astype("float32")
    mask = np.array([[1, 1, 0, 0, 1], [1, 0, 0, 0, 0], [1, 1, 1, 1, 1]], bool)
    expected = np.stack([row[chosen].mean(0) for row, chosen in zip(x, mask)])
    first = data_format == "channels_first"
    layer = layers.GlobalAveragePooling1D(data_format, keepdims)
    y = layer(np.moveaxis(x, -1, 1) if first else x, mask=mask)
    if keepdims:
        expected = expected[:, :, None] if first else expected[:, None]
    np.testing.assert_allclose(y, expected, rtol=1e-6)


def test_ops_choose_the_layer_by_rank():
    for rank, shape in SHAPES.items():
        x = distinct(shape).astype("float32")
        for name, kind in (("max_pool", "MaxPooling"), ("average_pool", "AveragePooling")):
            layer = getattr(layers, f"{kind}{rank}D")(2, padding="same")
            np.testing.assert_array_equal(getattr(ops, name)(x, 2, padding="same"), layer(x))
        for name, kind in (("adaptive_max_pool", "Max"), ("adaptive_average_pool", "Average")):
            layer = getattr(layers, f"Adaptive{kind}Pooling{rank}D")(3)
            np.testing.assert_array_equal(getattr(ops, name)(x, 3), layer(x))
    symbolic = ops.max_pool(cnnpy.Input((8, 8, 3)), 2)
    assert symbolic.shape == (None, 4, 4, 3)
    with pytest.raises(ValueError, match=r"max_pool: inputs must be .*, got shape \(3, 4\)"):
        ops.max_pool(np.zeros((3, 4)), 2)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match=r"AdaptiveMaxPooling2D: output_size must be .* 2 integers, got \(1, 2, 3\)"):
        layers.AdaptiveMaxPooling2D((1, 2, 3))
    with pytest.raises(ValueError, match="AdaptiveMaxPooling1D: output_size must be at least 1, got 0"):
        layers.AdaptiveMaxPooling1D(0)
    with pytest.raises(TypeError, match="pool_size"):
        layers.AveragePooling1D()
    with pytest.raises(ValueError, match=r"MaxPooling3D .*: input shape .* is too small"):
        layers.MaxPooling3D(7)(cnnpy.Input((5, 5, 5, 1)))
