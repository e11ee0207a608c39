"""Padding, cropping, repeating and enlarging."""

from functools import partial

import numpy as np
import pytest
from conditions import assert_same_bits_for_any_threads

from cnnpy import _core, layers
from gradients import check_gradients
from reference.resampling import zero_pad2d

CASES = [
    ((1, 1, 1, 1), (0, 0, 0, 0)),
    ((2, 3, 4, 2), (1, 2, 3, 0)),
    ((2, 3, 4, 5), (0, 1, 0, 2)),
    ((0, 3, 4, 5), (1, 1, 1, 1)),
    ((1, 0, 4, 2), (1, 1, 1, 1)),
    ((3, 20, 21, 16), (5, 4, 3, 2)),
]


@pytest.mark.parametrize("shape,padding", CASES)
def test_equals_the_reference(shape, padding):
    x = np.random.default_rng(0).normal(size=shape) * 100
    for dtype in ("float32", "float64", "uint8", "int32", "int64", "bool"):
        a = x.astype(dtype)
        y = np.asarray(_core.zero_pad2d(a, padding=padding))
        assert y.dtype == a.dtype
        np.testing.assert_array_equal(y, zero_pad2d(a, padding))
    if x.size < 200:
        check_gradients(partial(_core.zero_pad2d, padding=padding), [x])


def test_bits_do_not_depend_on_threads():
    x = np.random.default_rng(1).normal(size=(7, 33, 31, 20)).astype("float32")
    assert_same_bits_for_any_threads(partial(_core.zero_pad2d, padding=(1, 2, 3, 4)), [x])


def test_bad_input():
    x = np.ones((1, 2, 3, 4), "float32")
    with pytest.raises(
        ValueError, match=r"x must have 4 dimensions \(batch, height, width, channels\), got shape \(2, 3, 4\)"
    ):
        _core.zero_pad2d(x[0])
    with pytest.raises(ValueError, match=r"padding must be \(top, bottom, left, right\), got 2 integers"):
        _core.zero_pad2d(x, padding=(1, 1))
    with pytest.raises(
        ValueError, match=r"padding must be 0 or more pixels, got -1; to cut pixels away use Cropping2D"
    ):
        _core.zero_pad2d(x, padding=(1, 1, -1, 1))


def test_vectors_are_repeated():
    x = np.arange(6.0, dtype="float32").reshape(2, 3)
    np.testing.assert_array_equal(layers.RepeatVector(2)(x), np.stack([x, x], 1))
    with pytest.raises(TypeError, match="RepeatVector: n must be an integer, got '2'"):
        layers.RepeatVector("2")
    with pytest.raises(ValueError, match=r'RepeatVector "r": input must have 2 dimensions .*, got shape \(2, 3, 1\)'):
        layers.RepeatVector(2, name="r")(x[..., None])


def test_sequences_and_volumes_are_padded_cropped_and_enlarged():
    rng = np.random.default_rng(0)
    line, volume = rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 4, 5, 6, 3))
    sides = ((1, 2), (0, 1), (2, 0))
    padded = layers.ZeroPadding3D(sides, dtype="float64")(volume)
    np.testing.assert_array_equal(padded, np.pad(volume, ((0, 0), *sides, (0, 0))))
    np.testing.assert_array_equal(layers.Cropping3D(sides, dtype="float64")(padded), volume)
    np.testing.assert_array_equal(
        layers.ZeroPadding1D((1, 2), dtype="float64")(line), np.pad(line, ((0, 0), (1, 2), (0, 0)))
    )
    np.testing.assert_array_equal(layers.Cropping1D((1, 2), dtype="float64")(line), line[:, 1:3])
    np.testing.assert_array_equal(layers.UpSampling1D(3, dtype="float64")(line), line.repeat(3, 1))
    np.testing.assert_array_equal(
        layers.UpSampling3D((2, 1, 3), dtype="float64")(volume), volume.repeat(2, 1).repeat(3, 3)
    )
    with pytest.raises(ValueError, match=r"cropping .* leaves nothing"):
        layers.Cropping1D(3)(line)
