"""load_img, array_to_img, img_to_array and smart_resize against Keras's."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")
Image = pytest.importorskip("PIL.Image")

import cnnpy  # noqa: E402

RNG = np.random.default_rng(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One picture in several formats and modes."""
    root = tmp_path_factory.mktemp("images")
    picture = Image.fromarray(RNG.integers(0, 256, (23, 31, 4), np.uint8))
    for name, mode in (
        ("rgba.png", "RGBA"),
        ("rgb.jpg", "RGB"),
        ("grey.png", "L"),
        ("bits.png", "1"),
        ("la.png", "LA"),
    ):
        picture.convert(mode).save(root / name)
    picture.convert("RGB").quantize(20).save(root / "palette.gif")
    picture.convert("CMYK").save(root / "cmyk.jpg")
    Image.fromarray(RNG.integers(0, 65536, (23, 31), np.uint16)).save(root / "deep.png")
    return root


@pytest.mark.parametrize("name", ["rgba.png", "rgb.jpg", "grey.png", "bits.png", "la.png", "palette.gif", "cmyk.jpg"])
@pytest.mark.parametrize("mode", ["rgb", "rgba", "grayscale"])
def test_load_img(folder, name, mode):
    ours, theirs = (m.utils.load_img(folder / name, color_mode=mode) for m in (cnnpy, keras))
    assert ours.mode == theirs.mode and np.array_equal(np.asarray(ours), np.asarray(theirs))


def test_16_bits(folder):
    ours, theirs = (m.utils.load_img(folder / "deep.png", color_mode="grayscale") for m in (cnnpy, keras))
    assert ours.mode == theirs.mode and np.array_equal(np.asarray(ours), np.asarray(theirs))


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "hamming", "box", "lanczos"])
@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("size", [(10, 10), (40, 11), (23, 31)])
def test_sizes(folder, interpolation, keep, size):
    options = {"target_size": size, "interpolation": interpolation, "keep_aspect_ratio": keep}
    ours, theirs = (m.utils.load_img(folder / "rgb.jpg", **options) for m in (cnnpy, keras))
    assert np.array_equal(np.asarray(ours), np.asarray(theirs))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_arrays(channels, scale, data_format):
    shape = (6, 7, channels) if data_format == "channels_last" else (channels, 6, 7)
    x = RNG.uniform(0, 256, shape)
    ours, theirs = (m.utils.array_to_img(x, data_format, scale) for m in (cnnpy, keras))
    assert ours.mode == theirs.mode and np.array_equal(np.asarray(ours), np.asarray(theirs))
    back = [m.utils.img_to_array(i, data_format) for m, i in ((cnnpy, ours), (keras, theirs))]
    assert back[0].dtype == back[1].dtype and np.array_equal(*back)


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest", "lanczos3"])
@pytest.mark.parametrize("shape", [(20, 33, 3), (2, 33, 20, 1)])
@pytest.mark.parametrize("size", [(8, 8), (5, 30)])
def test_smart_resize(interpolation, shape, size):
    x = RNG.random(shape, np.float32)
    ours, theirs = (m.preprocessing.image.smart_resize(x, size, interpolation=interpolation) for m in (cnnpy, keras))
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
