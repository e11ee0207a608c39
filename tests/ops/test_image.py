"""Resizing, affine transforms and the rest of ops.image, against NumPy; gradients in float64."""

from functools import partial

import numpy as np
import pytest
from conditions import assert_close_at_every_level, assert_same_bits_for_any_threads

import cnnpy
from cnnpy import _core, ops
from cnnpy.ops import image
from gradients import check_gradients

KERNELS = {
    "bilinear": (1, lambda x: np.maximum(1 - x, 0)),
    "bicubic": (
        2,
        lambda x: np.where(
            x < 1, (1.5 * x - 2.5) * x * x + 1, np.where(x < 2, ((-0.5 * x + 2.5) * x - 4) * x + 2, 0.0)
        ),
    ),
    "lanczos3": (3, lambda x: np.where(x < 3, np.sinc(x) * np.sinc(x / 3), 0.0)),
    "lanczos5": (5, lambda x: np.where(x < 5, np.sinc(x) * np.sinc(x / 5), 0.0)),
}


def weights(size, out, interpolation, antialias):
    """The matrix [out, size] of an axis."""
    scale = size / out
    matrix = np.zeros((out, size))
    for i in range(out):
        centre = (i + 0.5) * scale
        if interpolation == "nearest":
            matrix[i, min(int(centre), size - 1)] = 1
        elif interpolation == "area":
            for j in range(size):
                matrix[i, j] = max(0, min(j + 1, (i + 1) * scale) - max(j, i * scale))
        elif interpolation == "bilinear" and not (antialias and scale > 1):
            low, share = int(np.floor(centre - 0.5)), (centre - 0.5) % 1
            matrix[i, max(low, 0)] += 1 - share
            matrix[i, min(low + 1, size - 1)] += share
        else:
            widen = max(scale, 1) if antialias else 1
            radius, kernel = KERNELS[interpolation]
            distance = np.abs(np.arange(size) + 0.5 - centre) / widen
            matrix[i] = np.where(distance <= radius, kernel(distance), 0)
    return matrix / matrix.sum(1, keepdims=True)


def reference(x, size, interpolation, antialias=False):
    rows = weights(x.shape[1], size[0], interpolation, antialias)
    columns = weights(x.shape[2], size[1], interpolation, antialias)
    return np.einsum("ih,jw,nhwc->nijc", rows, columns, x)


SIZES = [
    ((2, 5, 7, 3), (8, 3)),
    ((1, 9, 4, 1), (2, 9)),
    ((2, 6, 6, 2), (6, 6)),
    ((1, 1, 1, 2), (3, 2)),
    ((1, 20, 3, 1), (3, 20)),
]


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("interpolation", image.INTERPOLATIONS)
@pytest.mark.parametrize("shape, size", SIZES, ids=str)
def test_resize(shape, size, interpolation, antialias):
    x = np.random.default_rng(0).normal(size=shape)
    resize = partial(_core.resize2d, size=size, interpolation=interpolation, antialias=antialias)
    expected = partial(reference, size=size, interpolation=interpolation, antialias=antialias)
    assert_close_at_every_level(resize, expected, [x], rtol=1e-4, atol=1e-5)
    check_gradients(resize, [x])


def test_resize_gives_the_same_bits_for_any_threads():
    x = np.random.default_rng(0).normal(size=(3, 60, 70, 5)).astype("float32")
    resize = partial(_core.resize2d, size=(90, 40), interpolation="bicubic", antialias=True)
    assert_same_bits_for_any_threads(resize, [x])


def test_constant_images_stay_constant():
    x = np.full((1, 7, 5, 2), 3.0)
    for interpolation in image.INTERPOLATIONS:
        for antialias in (False, True):
            y = _core.resize2d(x, size=(11, 3), interpolation=interpolation, antialias=antialias)
            np.testing.assert_allclose(y, 3.0, rtol=1e-12)


def test_aspect_ratios_single_images_and_dtypes():
    x = np.arange(4 * 8 * 3, dtype="uint8").reshape(4, 8, 3)
    assert ops.image.resize(x, (2, 2), "nearest").dtype == "uint8"
    floats = np.asarray(ops.image.resize(x.astype("float32"), (3, 5), "lanczos3"))
    whole = ops.image.resize(x, (3, 5), "lanczos3")
    assert whole.dtype == "uint8"
    np.testing.assert_array_equal(whole, np.clip(np.round(floats), 0, 255))
    np.testing.assert_allclose(
        ops.image.resize(x, (2, 2), crop_to_aspect_ratio=True), ops.image.resize(x[:, 2:6], (2, 2)), rtol=1e-6
    )
    padded = np.pad(x, ((2, 2), (0, 0), (0, 0)), constant_values=7)
    np.testing.assert_allclose(
        ops.image.resize(x, (4, 4), pad_to_aspect_ratio=True, fill_value=7), ops.image.resize(padded, (4, 4)), rtol=1e-6
    )
    first = ops.image.resize(np.moveaxis(x, -1, 0), (2, 3), data_format="channels_first")
    np.testing.assert_array_equal(np.moveaxis(np.asarray(first), 0, -1), ops.image.resize(x, (2, 3)))
    assert ops.image.resize(cnnpy.Input((6, 6, 3)), (2, 3)).shape == (None, 2, 3, 3)


# ---- transforms ----


def place(fill_mode, i, size):
    """The pixel that stands for pixel I of an axis; None for none."""
    if 0 <= i < size:
        return i
    if fill_mode == "constant":
        return None
    if fill_mode == "nearest":
        return min(max(i, 0), size - 1)
    if fill_mode == "wrap":  # as TensorFlow counts the turns: one too many, which ends at the edge
        i += size * (-i // (size - 1) + 1) if i < 0 else -size * (i // (size - 1))
        return min(max(i, 0), size - 1)
    if size == 1:
        return 0
    period = 2 * size if fill_mode == "reflect" else 2 * size - 2
    i %= period
    return i if i < size else period - i - (fill_mode == "reflect")


@pytest.mark.parametrize("fill_mode", image.AFFINE_FILL_MODES)
@pytest.mark.parametrize("shift", [(0, 0), (2, -3), (-7, 9), (15, 0)])
def test_whole_steps_move_pixels(fill_mode, shift):
    x = np.random.default_rng(0).normal(size=(1, 4, 5, 2))
    transform = [1, 0, shift[0], 0, 1, shift[1], 0, 0]
    expected = np.full(x.shape, 9.0)
    for row in range(4):
        for column in range(5):
            i, j = place(fill_mode, row + shift[1], 4), place(fill_mode, column + shift[0], 5)
            if i is not None and j is not None:
                expected[0, row, column] = x[0, i, j]
    for interpolation in image.AFFINE_INTERPOLATIONS:
        got = image.affine_transform(x, transform, interpolation, fill_mode, 9.0)
        np.testing.assert_allclose(got, expected, rtol=1e-12)


@pytest.mark.parametrize("fill_mode", image.AFFINE_FILL_MODES)
@pytest.mark.parametrize("interpolation", image.AFFINE_INTERPOLATIONS)
def test_gradients_of_transforms(fill_mode, interpolation):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2, 4, 5, 2))
    transforms = np.eye(3).reshape(9)[:8] + rng.normal(size=(2, 8)) * [0.3, 0.3, 2, 0.3, 0.3, 2, 0.02, 0.02]
    move = partial(_core.affine2d, interpolation=interpolation, fill_mode=fill_mode, fill_value=0.7)
    check_gradients(move, [x, transforms], wrt=[0])


def test_transforms_have_no_gradient_and_say_so():
    x, transforms = cnnpy.Tensor(np.ones((1, 3, 3, 1))), cnnpy.Tensor(np.eye(3).reshape(1, 9)[:, :8].copy())
    with cnnpy.GradientTape() as tape:
        tape.watch(transforms)
        y = _core.affine2d(x, transforms)
    with pytest.raises(RuntimeError, match="no gradient with respect to its transforms"):
        tape.gradient(y, transforms)


def test_places_that_are_no_numbers_are_filled():
    x = np.ones((1, 3, 3, 1), "float32")
    for bad in (np.nan, np.inf, 1e30):
        for fill_mode in image.AFFINE_FILL_MODES:
            y = image.affine_transform(x, [1, 0, bad, 0, 1, 0, 0, 0], fill_mode=fill_mode, fill_value=5.0)
            np.testing.assert_array_equal(y, np.full((1, 3, 3, 1), 5.0))


def test_transforms_give_the_same_bits_for_any_threads():
    x = np.random.default_rng(0).normal(size=(5, 40, 50, 3)).astype("float32")
    transforms = cnnpy.Tensor(np.tile(np.array([0.9, 0.2, -3, -0.2, 1.1, 4, 0, 0], "float32"), (5, 1)))
    assert_same_bits_for_any_threads(lambda t: _core.affine2d(t, transforms, fill_mode="reflect"), [x])


def test_perspective_brings_points_to_points():
    x = np.zeros((1, 9, 9, 1))
    x[0, 2, 6] = 1
    start, end = [[0, 0], [8, 0], [0, 8], [8, 8]], [[8, 0], [8, 8], [0, 0], [0, 8]]  # a quarter turn
    y = np.asarray(ops.image.perspective_transform(x, start, end))
    assert y[0, 6, 6].item() == pytest.approx(1) and y.sum() == pytest.approx(1)
    with pytest.raises(ValueError, match="lie on a line"):
        ops.image.perspective_transform(x, [[0, 0]] * 4, [[0, 0]] * 4)


# ---- margins, patches, places, colours ----


def test_margins():
    x = np.arange(2 * 3 * 4 * 1.0).reshape(2, 3, 4, 1)
    padded = ops.image.pad_images(x, top_padding=1, left_padding=2, target_height=6, target_width=7)
    np.testing.assert_array_equal(padded, np.pad(x, ((0, 0), (1, 2), (2, 1), (0, 0))))
    cropped = ops.image.crop_images(padded, top_cropping=1, bottom_cropping=2, right_cropping=1, target_width=4)
    np.testing.assert_array_equal(cropped, x)
    with pytest.raises(ValueError, match="exactly two must be given"):
        ops.image.pad_images(x, 1, 1, 1)
    with pytest.raises(ValueError, match="none may be negative"):
        ops.image.pad_images(x, top_padding=1, left_padding=1, target_height=2, target_width=9)
    with pytest.raises(ValueError, match="leaves nothing"):
        ops.image.crop_images(x, 1, 1, 2, 1)


def test_patches():
    x = np.random.default_rng(0).normal(size=(2, 6, 7, 3))
    y = np.asarray(ops.image.extract_patches(x, (2, 3), strides=(2, 1)))
    assert y.shape == (2, 3, 5, 18)
    np.testing.assert_allclose(y[1, 2, 4], x[1, 4:6, 4:7].reshape(-1))


@pytest.mark.parametrize("fill_mode", image.AFFINE_FILL_MODES)
@pytest.mark.parametrize("order", [0, 1])
def test_map_coordinates(fill_mode, order):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 5))
    coordinates = rng.uniform(-6, 10, size=(2, 3, 4))
    expected = np.zeros((3, 4))
    for at in np.ndindex(3, 4):
        point = coordinates[(slice(None), *at)]
        if order == 0:
            corners = [(np.round(point).astype(int), 1.0)]
        else:
            low = np.floor(point).astype(int)
            corners = [
                (low + d, np.prod(np.where(d, point - low, 1 - (point - low)))) for d in map(np.array, np.ndindex(2, 2))
            ]
        for corner, share in corners:
            i = [c % n if fill_mode == "wrap" else place(fill_mode, c, n) for c, n in zip(corner, x.shape)]
            expected[at] += share * (0.5 if None in i else x[tuple(i)])
    got = ops.image.map_coordinates(x, coordinates, order, fill_mode, 0.5)
    np.testing.assert_allclose(got, expected, rtol=1e-10)
    check_gradients(lambda t: ops.image.map_coordinates(t, coordinates, order, fill_mode, 0.5), [x])


def test_colours():
    import colorsys

    rng = np.random.default_rng(0)
    x = np.concatenate([rng.uniform(size=(3, 4, 3)), [[[0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.5], [1, 0, 0]]]])
    hsv = np.asarray(ops.image.rgb_to_hsv(x))
    expected = np.array([[colorsys.rgb_to_hsv(*pixel) for pixel in row] for row in x])
    np.testing.assert_allclose(hsv, expected, atol=1e-9)
    np.testing.assert_allclose(ops.image.hsv_to_rgb(hsv), x, atol=1e-9)
    np.testing.assert_allclose(ops.image.rgb_to_grayscale(x)[..., 0], x @ [0.2989, 0.587, 0.114], rtol=1e-9)
    check_gradients(ops.image.rgb_to_hsv, [x[:3]])
    check_gradients(ops.image.hsv_to_rgb, [hsv[:3]])
    with pytest.raises(ValueError, match="must be floats"):
        ops.image.rgb_to_hsv(np.zeros((2, 2, 3), "uint8"))


def test_blur():
    x = np.zeros((1, 5, 5, 2))
    x[0, 2, 2] = 1
    y = np.asarray(ops.image.gaussian_blur(x, (3, 3), (1.0, 1.0)))
    window = np.exp(-0.5 * np.array([-1, 0, 1.0]) ** 2)
    window /= window.sum()
    np.testing.assert_allclose(y[0, 1:4, 1:4, 1], np.outer(window, window), rtol=1e-9)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: ops.image.resize(np.zeros((2, 2)), (1, 1)), r"images must be one image .* got shape \(2, 2\)"),
        (lambda: ops.image.resize(np.zeros((2, 2, 1)), (1,)), r"size must be \(height, width\), got \(1,\)"),
        (lambda: ops.image.resize(np.zeros((2, 2, 1)), (0, 1)), r"size must be in \[1, 16777216\], got 0"),
        (lambda: ops.image.resize(np.zeros((2, 2, 1)), (1 << 40, 1)), r"size must be in"),
        (lambda: ops.image.resize(np.zeros((0, 2, 1)), (1, 1)), "without pixels"),
        (lambda: ops.image.resize(np.zeros((2, 2, 1)), (1, 1), "cubic"), "must be one of 'bilinear', .*, got 'cubic'"),
        (lambda: image.affine_transform(np.zeros((2, 2, 1)), [1, 2]), r"transform must have shape \(8,\)"),
        (lambda: image.affine_transform(np.zeros((2, 2, 1)), [0] * 8, fill_mode="edge"), "fill_mode must be one of"),
        (lambda: _core.affine2d(np.zeros((2, 2, 2, 1)), np.zeros((1, 8))), r"must have shape \(batch, 8\)"),
        (lambda: ops.image.rgb_to_grayscale(np.zeros((2, 2, 2))), "1 or 3 channels"),
        (lambda: ops.image.map_coordinates(np.zeros((2, 2)), np.zeros((3, 1)), 1), "coordinates must have shape"),
    ],
)
def test_wrong_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_huge_results_are_refused_before_memory_is_taken():
    with pytest.raises((MemoryError, ValueError)):
        _core.resize2d(np.zeros((1, 2, 2, 1)), size=(1 << 24, 1 << 24))
