"""Transforms of images against those of Keras's legacy module, which computes them by SciPy and Pillow."""

import numpy as np
import pytest

pytest.importorskip("keras")
theirs = pytest.importorskip("keras.src.legacy.preprocessing.image")
pytest.importorskip("scipy")

from cnnpy.preprocessing import image as ours  # noqa: E402

IMAGE = np.random.default_rng(2).uniform(0, 255, (17, 12, 3)).astype("float32")
LAST = {"row_axis": 0, "col_axis": 1, "channel_axis": 2}


def same(a, b, tolerance=1e-4):
    assert a.shape == b.shape and a.dtype == b.dtype
    np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)


@pytest.mark.parametrize("fill_mode", ["nearest", "constant", "reflect", "wrap"])
@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize(
    "parameters",
    [
        {"theta": 33.0},
        {"theta": -180.0},
        {"tx": 3.0, "ty": -2.5},
        {"tx": 40.25, "ty": -61.5},
        {"shear": 25.0},
        {"zx": 0.6, "zy": 1.9},
        {"theta": 200.0, "tx": -3.3, "ty": 1.7, "shear": -12.0, "zx": 1.4, "zy": 0.7},
        {},
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_affine(fill_mode, order, parameters):
    options = {**LAST, **parameters, "fill_mode": fill_mode, "cval": 7.0, "order": order}
    same(ours.apply_affine_transform(IMAGE, **options), theirs.apply_affine_transform(IMAGE, **options))


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float64"])
@pytest.mark.parametrize("axes", [(1, 2, 0), (0, 1, 2), (1, 0, 2)])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_dtypes_and_axes(dtype, axes):
    x = IMAGE.astype(dtype)
    options = dict(zip(("row_axis", "col_axis", "channel_axis"), axes), theta=20, tx=1.5, zx=1.2)
    same(ours.apply_affine_transform(x, **options), theirs.apply_affine_transform(x, **options))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "name, arguments",
    [
        ("random_rotation", (30,)),
        ("random_shift", (0.2, 0.4)),
        ("random_shear", (20,)),
        ("random_zoom", ((0.5, 1.5),)),
        ("random_channel_shift", (40,)),
        ("random_brightness", ((0.3, 1.8),)),
    ],
)
def test_random_functions_draw_alike(name, arguments):
    options = LAST if name.split("_")[1] in ("rotation", "shift", "shear", "zoom") else {}
    np.random.seed(5)
    a = getattr(ours, name)(IMAGE, *arguments, **options)
    np.random.seed(5)
    same(a, getattr(theirs, name)(IMAGE, *arguments, **options))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("x", [IMAGE, IMAGE - 90, IMAGE / 255], ids=["pixels", "outside", "small"])
def test_brightness(scale, x):
    same(ours.apply_brightness_shift(x, 1.3, scale), theirs.apply_brightness_shift(x, 1.3, scale))


def test_channel_shift_and_flip():
    same(ours.apply_channel_shift(IMAGE, 50.0, 2), theirs.apply_channel_shift(IMAGE, 50.0, 2))
    assert np.array_equal(ours.flip_axis(IMAGE, 1), theirs.flip_axis(IMAGE, 1))
