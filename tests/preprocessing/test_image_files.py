"""Image files to arrays and back, and files that are no images or damaged."""

import io
import pathlib
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

import cnnpy
from cnnpy.preprocessing.image import array_to_img, img_to_array, load_img, save_img, smart_resize

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (10, 14, 3), np.uint8)


@pytest.fixture
def path(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_names_are_where_keras_has_them():
    for name in ("load_img", "img_to_array", "array_to_img", "save_img"):
        assert getattr(cnnpy.utils, name) is getattr(cnnpy.preprocessing.image, name)
    assert cnnpy.preprocessing.sequence.pad_sequences is cnnpy.utils.pad_sequences
    assert cnnpy.preprocessing.image_dataset_from_directory is cnnpy.utils.image_dataset_from_directory
    with pytest.raises(AttributeError, match="not in this version"):
        cnnpy.preprocessing.text  # noqa: B018
    with pytest.raises(AttributeError, match=r"Did you mean 'load_img'\?"):
        cnnpy.preprocessing.image.load_image  # noqa: B018


@pytest.mark.parametrize("kind", [str, pathlib.Path, lambda p: str(p).encode(), lambda p: io.BytesIO(p.read_bytes())])
def test_every_kind_of_path(path, kind):
    array = img_to_array(load_img(kind(path)))
    assert array.dtype == np.float32 and np.array_equal(array, PIXELS)


def test_arrays_and_layouts(path):
    image = load_img(path)
    assert np.array_equal(img_to_array(image, "channels_first"), PIXELS.transpose(2, 0, 1))
    assert img_to_array(image, dtype="uint8").dtype == np.uint8
    grey = load_img(path, color_mode="grayscale")
    assert img_to_array(grey).shape == (10, 14, 1) and img_to_array(grey, "channels_first").shape == (1, 10, 14)
    assert img_to_array(load_img(path, color_mode="rgba")).shape == (10, 14, 4)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_an_array_survives_a_file(tmp_path, channels, data_format):
    x = RNG.integers(0, 256, (5, 6, channels)).astype("float32")
    x = x if data_format == "channels_last" else x.transpose(2, 0, 1)
    save_img(tmp_path / "x.png", x, data_format=data_format, scale=False)
    mode = {1: "grayscale", 3: "rgb", 4: "rgba"}[channels]
    assert np.array_equal(img_to_array(load_img(tmp_path / "x.png", mode), data_format), x)


def test_scaling_stretches_to_0_to_255():
    image = np.asarray(array_to_img(np.linspace(-2, 5, 12).reshape(2, 2, 3)))
    assert image.min() == 0 and image.max() == 255
    assert np.asarray(array_to_img(np.full((2, 2, 1), 7.0))).tolist() == [[0, 0], [0, 0]]
    assert array_to_img(np.full((2, 2, 1), 300.0), scale=False).mode == "I"


def test_formats_come_from_the_name_or_the_argument(tmp_path):
    for name, format in (("x.jpg", "JPEG"), ("x.bmp", "BMP")):
        save_img(tmp_path / name, PIXELS)
        with Image.open(tmp_path / name) as image:
            assert image.format == format
    buffer = io.BytesIO()
    save_img(buffer, PIXELS, file_format="jpg", quality=90)
    assert Image.open(buffer).format == "JPEG"
    with pytest.warns(UserWarning, match="JPEG has no transparency"):
        save_img(tmp_path / "y.jpg", np.zeros((2, 2, 4)))
    with pytest.raises(ValueError, match="pass file_format='png'"):
        save_img(io.BytesIO(), PIXELS)
    with pytest.raises(ValueError, match="writes no files of the format 'doc'"):
        save_img(tmp_path / "x.doc", PIXELS)


def test_target_sizes(path):
    assert load_img(path, target_size=(4, 5)).size == (5, 4)
    assert load_img(path, target_size=[10, 14]).size == (14, 10)
    square = load_img(path, target_size=(10, 10), keep_aspect_ratio=True)
    assert np.array_equal(np.asarray(square), PIXELS[:, 2:12])
    tall = load_img(path, target_size=(10, 5), keep_aspect_ratio=True)
    assert np.array_equal(np.asarray(tall), PIXELS[:, 4:9])


# ---- kinds of images ----


def test_transparency_palettes_and_printing_colours(tmp_path):
    rgba = np.dstack([PIXELS, RNG.integers(0, 256, (10, 14), np.uint8)])
    Image.fromarray(rgba).save(tmp_path / "alpha.png")
    assert np.array_equal(np.asarray(load_img(tmp_path / "alpha.png")), PIXELS)
    assert np.array_equal(np.asarray(load_img(tmp_path / "alpha.png", "rgba")), rgba)
    few = Image.fromarray(PIXELS).quantize(16)
    few.save(tmp_path / "palette.png")
    assert np.array_equal(np.asarray(load_img(tmp_path / "palette.png")), np.asarray(few.convert("RGB")))
    Image.new("CMYK", (4, 3), (0, 255, 255, 0)).save(tmp_path / "cmyk.jpg", quality=100)
    assert np.abs(np.asarray(load_img(tmp_path / "cmyk.jpg"), int) - (255, 0, 0)).max() < 4


def test_the_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (4, 3), colour) for colour in ((255, 0, 0), (0, 255, 0))]
    frames[0].save(tmp_path / "moves.gif", save_all=True, append_images=frames[1:])
    assert np.asarray(load_img(tmp_path / "moves.gif"))[0, 0].tolist() == [255, 0, 0]


def test_a_photo_is_not_rotated_as_in_keras(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn by 90 degrees to the right"
    Image.fromarray(PIXELS).save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(np.asarray(load_img(tmp_path / "turned.png")), PIXELS)


def test_16_bits_stay_grey_and_are_never_cut_off_in_silence(tmp_path):
    deep = (np.arange(12, dtype=np.uint16) * 5000).reshape(3, 4)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert np.array_equal(img_to_array(load_img(tmp_path / "deep.png", "grayscale"))[..., 0], deep)
    with pytest.raises(ValueError, match=r"deep\.png: cannot be read as an image: has pixels of I;16 outside of 0 to"):
        load_img(tmp_path / "deep.png")
    with pytest.raises(ValueError, match=r"deep\.png"):
        cnnpy.data.image_folder.read_image(tmp_path / "deep.png", "grayscale", (3, 4))
    Image.fromarray(deep // 5000).save(tmp_path / "shallow.png")
    assert np.array_equal(img_to_array(load_img(tmp_path / "shallow.png"))[..., 1], deep // 5000)


# ---- damaged files ----


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png_of_size(width, height):
    """A PNG that says it has this size, and holds next to nothing."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + _chunk(b"IDAT", zlib.compress(b"\0" * 9)) + _chunk(b"IEND", b"")


def _jpeg():
    buffer = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (64, 64, 3), np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


def _tiff_with_text_for_a_place():
    """A file whose tag StripOffsets says that it is text, for which Pillow raises a TypeError."""
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "TIFF")
    content = bytearray(buffer.getvalue())
    at = content.index(struct.pack("<H", 273), struct.unpack("<I", content[4:8])[0])
    content[at + 2 : at + 4] = struct.pack("<H", 2)
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not an image at all",
        _jpeg()[:900],
        _jpeg()[:3],
        _png_of_size(60000, 60000),  # a decompression bomb
        _png_of_size(0, 0),
        _png_of_size(20, 20),
        b"GIF89a\x01\x00",
        _tiff_with_text_for_a_place(),
    ],
    ids=["empty", "text", "half", "three bytes", "bomb", "no size", "no pixels", "head", "text for a number"],
)
def test_damaged_files_are_named(tmp_path, content):
    (tmp_path / "bad.jpg").write_bytes(content)
    with pytest.raises(ValueError, match=r"bad\.jpg: cannot be read as an image"):
        load_img(tmp_path / "bad.jpg")
    with pytest.raises(ValueError, match="BytesIO"):
        load_img(io.BytesIO(content))


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_img(tmp_path / "nowhere.png")
    with pytest.raises(IsADirectoryError):
        load_img(tmp_path)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda p: load_img(p, color_mode="hsv"), ValueError, "color_mode must be"),
        (lambda p: load_img(p, target_size=32), ValueError, r"target_size must be \(height, width\), got 32"),
        (lambda p: load_img(p, target_size=(3, 0)), ValueError, "target_size must be at least 1"),
        (lambda p: load_img(p, target_size=(3, 3), interpolation="cubic"), ValueError, "interpolation must be one of"),
        (lambda p: load_img(7), TypeError, "must be a path or a binary file object, got int"),
        (lambda p: img_to_array(str(p)), TypeError, r"pass load_img\(path\)"),
        (lambda p: img_to_array(np.zeros(3)), ValueError, "2 or 3 dimensions"),
        (lambda p: img_to_array(np.zeros((2, 2)), "middle"), ValueError, "data_format"),
        (lambda p: array_to_img(np.zeros((2, 2))), ValueError, "3 dimensions"),
        (lambda p: array_to_img(np.zeros((0, 2, 3))), ValueError, "no pixels"),
        (lambda p: array_to_img(np.zeros((2, 3, 2))), ValueError, "1, 3 or 4 channels, got 2"),
        (lambda p: smart_resize(np.zeros((2, 2)), (2, 2)), ValueError, "one image"),
        (lambda p: smart_resize(np.zeros((2, 2, 3)), 2), ValueError, "target_size"),
        (lambda p: smart_resize(np.zeros((2, 2, 3)), (2, 2), data_format="x"), ValueError, "data_format"),
    ],
)
def test_mistakes(path, call, error, message):
    with pytest.raises(error, match=message):
        call(path)


def test_smart_resize_keeps_kinds():
    x = RNG.random((2, 8, 12, 3), np.float32)
    assert np.array_equal(smart_resize(x, (8, 8)), x[:, :, 2:10])
    result = smart_resize(cnnpy.Tensor(x), (4, 6))
    assert isinstance(result, cnnpy.Tensor) and result.shape == (2, 4, 6, 3)
    assert smart_resize((x[0] * 255).astype("uint8"), (4, 4)).dtype == np.uint8
