"""Image files, Pillow's images and arrays, turned into each other as Keras does."""

import os
import pathlib
import warnings

import numpy as np

from cnnpy import config

MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
_WIDE = ("I", "F")  # Pillow's modes of one channel of more than 8 bits begin so


def open_image(path, color_mode="rgb", keep_wide=False):
    """The decoded image of a file as Pillow's Image in COLOR_MODE: of animations the first frame, never rotated.

    PATH is a path or a binary file object. KEEP_WIDE leaves grey images of 16 or 32 bits as they are where grey is
    asked for.

    Raises:
        ValueError, naming the file: it cannot be decoded, or its numbers do not fit into 8 bits.
        OSError: there is no such file, or it may not be read.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.load()
            wide = image.mode.startswith(_WIDE)
            if color_mode == "grayscale" and keep_wide and image.mode in ("I", "I;16"):
                return image.copy()
            if wide and not _fits_8_bits(image):
                raise ValueError(
                    f"has pixels of {image.mode} outside of 0 to 255, which {color_mode} of 8 bits would cut off; save "
                    "it with 8 bits, or read it with load_img(..., color_mode='grayscale') where it has whole numbers"
                )
            return image.convert(MODES[color_mode])
    except (FileNotFoundError, IsADirectoryError, PermissionError, MemoryError):
        raise
    except Exception as error:  # Pillow's plugins raise TypeError, struct.error and others for damaged headers
        raise ValueError(f"{_name(path)}: cannot be read as an image: {error}") from error


def _fits_8_bits(image):
    low, high = image.getextrema()
    return low >= 0 and high <= 255


def _name(path):
    return os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else repr(path)


def check_color_mode(color_mode):
    if color_mode not in MODES:
        raise ValueError(f"color_mode must be 'grayscale', 'rgb' or 'rgba', got {color_mode!r}")
    return color_mode


def check_interpolation(interpolation):
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"interpolation must be one of {', '.join(INTERPOLATIONS)}, got {interpolation!r}")
    return interpolation


def check_target_size(size):
    """SIZE as (height, width)."""
    from cnnpy.models.data import check_count

    if not isinstance(size, (list, tuple, np.ndarray)) or len(size) != 2:
        raise ValueError(f"target_size must be (height, width), got {size!r}")
    return tuple(check_count(n, "target_size", 1) for n in size)


def resized(image, size, interpolation, keep_aspect_ratio):
    """Pillow's IMAGE in SIZE (height, width); with KEEP_ASPECT_RATIO its largest middle part of that ratio."""
    from PIL import Image

    height, width = size
    if image.size == (width, height):
        return image
    box = None
    if keep_aspect_ratio:
        has_width, has_height = image.size
        part_height = min(has_height, has_width * height // width)
        part_width = min(has_width, has_height * width // height)
        top, left = (has_height - part_height) // 2, (has_width - part_width) // 2
        box = (left, top, left + part_width, top + part_height)
    return image.resize((width, height), Image.Resampling[interpolation.upper()], box=box)


def load_img(path, color_mode="rgb", target_size=None, interpolation="nearest", keep_aspect_ratio=False):
    """The image in a file as Pillow's Image.

    As in Keras, the rotation that a camera noted in a photo (EXIF) is not carried out, of an animation comes the first
    frame, transparency is dropped by 'rgb', and grey images of 16 or 32 bits keep them with 'grayscale'.

    Arguments:
        path: a path, or a binary file object (`io.BytesIO`).
        color_mode: 'grayscale', 'rgb' or 'rgba'.
        target_size: (height, width), or None for the size it has.
        interpolation: 'nearest', 'bilinear', 'bicubic', 'hamming', 'box' or 'lanczos'.
        keep_aspect_ratio: take the largest middle part that has the target's ratio instead of distorting it.

    Raises:
        ValueError: the file, which is named, is no image, damaged or larger than Pillow's limit; wrong arguments.
        OSError: there is no such file, or it may not be read. TypeError: PATH is no path.
    """
    check_color_mode(color_mode)
    check_interpolation(interpolation)
    size = None if target_size is None else check_target_size(target_size)
    if not isinstance(path, (str, bytes, os.PathLike)) and not hasattr(path, "read"):
        raise TypeError(f"load_img: path must be a path or a binary file object, got {type(path).__name__}")
    image = open_image(path, color_mode, keep_wide=True)
    return image if size is None else resized(image, size, interpolation, keep_aspect_ratio)


def img_to_array(img, data_format=None, dtype=None):
    """Pillow's image (or an array) as an array (height, width, channels), with 'channels_first' (channels, ...).

    DTYPE: the default float type unless given. Raises TypeError for a path, ValueError for a wrong number of
    dimensions.
    """
    data_format = config.standardize_data_format(data_format)
    if isinstance(img, (str, bytes, os.PathLike)):
        raise TypeError(f"img_to_array: img is the path {img!r}; pass load_img(path)")
    array = np.asarray(img, dtype=dtype or config.floatx())
    if array.ndim == 2:
        array = array[..., None]
    elif array.ndim != 3:
        raise ValueError(f"img_to_array: an image must have 2 or 3 dimensions, got shape {array.shape}")
    elif data_format == "channels_first":
        return array.transpose(2, 0, 1)
    return array.reshape(1, *array.shape[:2]) if data_format == "channels_first" else array


def array_to_img(x, data_format=None, scale=True, dtype=None):
    """An array of one image as Pillow's Image.

    Arguments:
        x: (height, width, channels), with 'channels_first' (channels, height, width); 1, 3 or 4 channels.
        scale: stretch the values to 0 to 255; else they are cut to whole numbers as they are.
        dtype: in which to scale; the default float type unless given.

    Raises ValueError for other shapes and channels.
    """
    from PIL import Image

    data_format = config.standardize_data_format(data_format)
    x = np.asarray(x, dtype=dtype or config.floatx())
    if x.ndim != 3:
        raise ValueError(f"array_to_img: x must be a single image with 3 dimensions, got shape {x.shape}")
    if 0 in x.shape:
        raise ValueError(f"array_to_img: x has no pixels, its shape is {x.shape}")
    if data_format == "channels_first":
        x = x.transpose(1, 2, 0)
    if x.shape[2] not in (1, 3, 4):
        raise ValueError(
            f"array_to_img: an image has 1, 3 or 4 channels, got {x.shape[2]} for data_format={data_format!r}"
        )
    if scale:
        x = x - np.min(x)
        largest = np.max(x)
        if largest != 0:
            x /= largest
        x *= 255
    if x.shape[2] > 1:
        return Image.fromarray(x.astype("uint8"))
    return Image.fromarray(x[:, :, 0].astype("int32" if np.max(x) > 255 else "uint8"))


def save_img(path, x, data_format=None, file_format=None, scale=True, **kwargs):
    """Writes the array X, one image, to a file.

    Arguments:
        path: a path or a binary file object, which needs a FILE_FORMAT.
        file_format: 'png', 'jpeg', ...; by default what the path ends with.
        scale: stretch the values to 0 to 255.
        kwargs: for Pillow's `Image.save`, like `quality=95`.
    """
    if file_format is None and isinstance(path, (str, os.PathLike)):
        file_format = pathlib.Path(path).suffix[1:].lower()
    if not file_format:
        raise ValueError(f"save_img: {_name(path)} has no ending that tells the format; pass file_format='png'")
    if file_format.lower() == "jpg":
        file_format = "jpeg"
    image = array_to_img(x, data_format=data_format, scale=scale)
    if image.mode == "RGBA" and file_format.lower() == "jpeg":
        warnings.warn("save_img: JPEG has no transparency; the image is saved as RGB", stacklevel=2)
        image = image.convert("RGB")
    try:
        image.save(path, format=file_format, **kwargs)
    except KeyError:
        raise ValueError(f"save_img: Pillow writes no files of the format {file_format!r}") from None
