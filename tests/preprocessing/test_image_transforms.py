"""Transforms of images: what can be said without SciPy, and mistakes."""

import ctypes
import mmap

import numpy as np
import pytest
from conditions import LEVELS, level, threads

from cnnpy import _core
from cnnpy.preprocessing import image
from cnnpy.preprocessing.image.transforms import affine_numbers, transform_batch
from reference.image_affine import image_affine

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 9, 11, 3), np.uint8)


def numbers(count=40, **parameters):
    return affine_numbers(
        **{"theta": 0, "tx": 0, "ty": 0, "shear": 0, "zx": 1, "zy": np.ones(count), **parameters}, height=9, width=11
    )


def test_no_transform_changes_nothing():
    result = transform_batch(IMAGES, numbers(), 1, "constant", 9.0)
    assert result.dtype == np.float32 and np.array_equal(result, IMAGES)


@pytest.mark.parametrize("mode, row", [("nearest", 0), ("constant", None), ("reflect", 1), ("wrap", 6)])
def test_rows_that_come_in(mode, row):
    """Everything moves down by two rows; what the first row then shows depends on the filling."""
    t = numbers()
    t[:, :6] = (1, 0, -2, 0, 1, 0)
    result = transform_batch(IMAGES, t, 1, mode, 9.0)
    assert np.array_equal(result[:, 2:], IMAGES[:, :-2])
    assert np.all(result[:, 0] == (9.0 if row is None else IMAGES[:, row]))


def test_mirrors_and_shifts():
    t = numbers()
    t[:, 7], t[10:, 8], t[20:, 6] = 1, 1, 30
    result = transform_batch(IMAGES, t, 0, "nearest", 0)
    assert np.array_equal(result[0], IMAGES[0, :, ::-1]) and np.array_equal(result[15], IMAGES[15, ::-1, ::-1])
    assert np.array_equal(result[25], np.minimum(IMAGES[25, ::-1, ::-1].astype(int) + 30, IMAGES[25].max()))


@pytest.mark.parametrize("name", LEVELS)
@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("mode", image.transforms.FILL_MODES)
def test_all_kinds_of_images_against_the_reference(name, order, mode):
    """Sizes around the length of the kernel's runs, one pixel, and channels that it treats apart."""
    random = np.random.default_rng(5)
    for height, width, channels in ((7, 33, 3), (5, 70, 1), (6, 4, 2), (1, 9, 3), (9, 1, 4), (1, 1, 3), (4, 5, 7)):
        t = affine_numbers(
            random.uniform(-80, 80, 5), random.uniform(-4, 4, 5), random.uniform(-9, 9, 5), 15.0,
            random.uniform(0.5, 1.6, 5), 0.9, height, width,
        )  # fmt: skip
        t[0, :6] = (1, 0, 0, 0, 1, 0)
        t[1:, 7], t[2:, 8], t[3, 6] = 1, 1, 25
        for dtype in ("uint8", "float32", "float64"):
            x = random.integers(0, 256, (5, height, width, channels)).astype(dtype)
            with level(name):
                y = _core.image_affine(x, t, order, mode, 7.0, 0.5)
            assert y.dtype == ("float64" if dtype == "float64" else "float32") and y.flags.writeable
            np.testing.assert_allclose(y, image_affine(x, t, order, mode, 7.0, 0.5), rtol=1e-6, atol=5e-5)


def test_the_last_pixels_are_read_from_the_image_alone():
    """What lies behind the memory of the images is never read: here it is a page that may not be."""
    page, memory = mmap.PAGESIZE, mmap.mmap(-1, 2 * mmap.PAGESIZE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "mprotect") or libc.mprotect(ctypes.c_void_p(address + page), ctypes.c_size_t(page), 0):
        pytest.skip("pages cannot be protected here")
    for dtype in ("uint8", "float32"):
        size = 4 * 5 * 3 * np.dtype(dtype).itemsize
        x = np.frombuffer(memory, dtype, 4 * 5 * 3, page - size).reshape(1, 4, 5, 3)
        t = numbers(1)
        for order in (0, 1):
            for t[0, 2] in (0.0, 0.5, 3.0):
                t[0, 5] = t[0, 2]
                assert np.array_equal(_core.image_affine(x, t, order, "wrap", 0.0, 1.0), np.zeros((1, 4, 5, 3)))
    libc.mprotect(ctypes.c_void_p(address + page), ctypes.c_size_t(page), 3)


def test_the_bits_do_not_depend_on_threads():
    t = numbers(theta=np.linspace(-90, 90, 40), tx=1.3, shear=10, zx=1.2)
    results = []
    for count in (1, 2, 5):
        with threads(count):
            results.append(transform_batch(IMAGES, t, 1, "wrap", 0))
    assert all(np.array_equal(results[0], r) for r in results[1:])


def test_places_far_away_and_single_pixels():
    t = numbers(1)
    for place in (1e300, -1e300, np.inf, np.nan):
        t[:, 2] = place
        for mode in ("nearest", "constant", "reflect", "wrap"):
            assert np.all(transform_batch(IMAGES[:1], t, 1, mode, 5.0) == 5.0)
    t[:, 2] = 3.7
    for mode in ("nearest", "reflect", "wrap"):
        assert np.array_equal(transform_batch(IMAGES[:1, :1, :1], t, 1, mode, 0), IMAGES[:1, :1, :1])


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: _core.image_affine(IMAGES[0], numbers(), 1, "wrap", 0.0, 1.0), ValueError, "batch, height, width"),
        (lambda: _core.image_affine(IMAGES.astype(int), numbers(), 1, "wrap", 0.0, 1.0), TypeError, "uint8, float32"),
        (lambda: _core.image_affine(IMAGES, numbers(3), 1, "wrap", 0.0, 1.0), ValueError, r"\(batch, 9\) for 40"),
        (lambda: _core.image_affine(IMAGES, numbers(), 2, "wrap", 0.0, 1.0), ValueError, "order must be 0 or 1"),
        (lambda: _core.image_affine(IMAGES, numbers(), 1, "fold", 0.0, 1.0), ValueError, "fill_mode must be"),
        (lambda: image.apply_affine_transform(IMAGES), ValueError, "one image with 3 dimensions"),
        (lambda: image.apply_affine_transform(IMAGES[0], row_axis=2), ValueError, "in some order"),
        (lambda: image.apply_affine_transform(IMAGES[0], fill_mode="mirror"), ValueError, "fill_mode must be one of"),
        (lambda: image.apply_affine_transform(IMAGES[0], order=6), ValueError, "from 0 to 5"),
        (lambda: image.random_zoom(IMAGES[0], (1,)), ValueError, "two numbers"),
        (lambda: image.random_brightness(IMAGES[0], (1,)), ValueError, "two numbers"),
    ],
)
def test_mistakes(call, error, message):
    with pytest.raises(error, match=message):
        call()
