"""keras.ops.image: images in another size, place and colour. One image [H,W,C] or a batch [N,H,W,C], differentiable."""

import itertools

import numpy as np

from cnnpy import _core, config
from cnnpy._core import Tensor
from cnnpy.layers.symbolic import symbolic
from cnnpy.ops._convert import floats, tensor

INTERPOLATIONS = ("bilinear", "nearest", "lanczos3", "lanczos5", "bicubic", "area")
AFFINE_INTERPOLATIONS = ("bilinear", "nearest")
AFFINE_FILL_MODES = ("constant", "nearest", "wrap", "reflect", "mirror")

__all__ = [
    "affine_transform",
    "crop_images",
    "extract_patches",
    "gaussian_blur",
    "hsv_to_rgb",
    "map_coordinates",
    "pad_images",
    "perspective_transform",
    "resize",
    "rgb_to_grayscale",
    "rgb_to_hsv",
]

_NOT_OFFERED = ("elastic_transform", "extract_patches_3d", "scale_and_translate", "sobel_edges", "ssim")


def __getattr__(name):
    if name in _NOT_OFFERED:
        raise AttributeError(f"cnnpy.ops.image.{name} is not in this version")
    raise AttributeError(f"module 'cnnpy.ops.image' has no attribute {name!r}")


def choose(function, name, value, allowed):
    """VALUE, which must be one of ALLOWED."""
    if value not in allowed:
        raise ValueError(f"{function}: {name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
    return value


def batch_of(function, images, data_format=None):
    """IMAGES as a batch [N,H,W,C], and how results go back to their rank and DATA_FORMAT."""
    x = tensor(images)
    if x.ndim not in (3, 4):
        raise ValueError(
            f"{function}: images must be one image (height, width, channels) or a batch of them, got shape {x.shape}"
        )
    single = x.ndim == 3
    first = config.standardize_data_format(data_format) == "channels_first"
    x = _core.expand_dims(x, axis=0) if single else x
    x = _core.transpose(x, axes=(0, 2, 3, 1)) if first else x

    def back(y):
        y = _core.transpose(y, axes=(0, 3, 1, 2)) if first else y
        return _core.squeeze(y, axis=0) if single else y

    return x, back


def _like(y, dtype):
    """Y in DTYPE; whole numbers are rounded and kept in its range."""
    if y.dtype == dtype:
        return y
    if np.dtype(dtype).kind in "iu":
        limits = np.iinfo(dtype)
        y = _core.clip(_core.round(y), min=float(limits.min), max=float(limits.max))
    return _core.cast(y, dtype=dtype)


def _size_of(function, size):
    if len(tuple(size)) != 2:
        raise ValueError(f"{function}: size must be (height, width), got {size!r}")
    return tuple(int(s) for s in size)


@symbolic
def resize(
    images,
    size,
    interpolation="bilinear",
    antialias=False,
    crop_to_aspect_ratio=False,
    pad_to_aspect_ratio=False,
    fill_mode="constant",
    fill_value=0.0,
    data_format=None,
):
    """Images in SIZE (height, width).

    INTERPOLATION: 'nearest', 'bilinear', 'bicubic', 'lanczos3', 'lanczos5' or 'area'. ANTIALIAS widens the kernel when
    images get smaller. CROP_TO_ASPECT_RATIO takes the largest middle part that has SIZE's ratio, PAD_TO_ASPECT_RATIO
    puts FILL_VALUE around to get it. Results have the images' dtype, whole numbers rounded and kept in its range.
    Bicubic weights are exact where TensorFlow reads them from a table (2e-3).
    """
    choose("resize", "interpolation", interpolation, INTERPOLATIONS)
    choose("resize", "fill_mode", fill_mode, ("constant",))
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("resize: crop_to_aspect_ratio and pad_to_aspect_ratio cannot both be True")
    height, width = _size_of("resize", size)
    x, back = batch_of("resize", images, data_format)
    dtype = x.dtype
    x = floats(x)
    rows, columns = x.shape[1:3]
    if crop_to_aspect_ratio:
        crop_rows = max(min(rows, int(columns * height / width)), 1)
        crop_columns = max(min(columns, int(rows * width / height)), 1)
        top, left = (rows - crop_rows) // 2, (columns - crop_columns) // 2
        x = x[:, top : top + crop_rows, left : left + crop_columns]
    elif pad_to_aspect_ratio:
        above = (max(rows, int(columns * height / width)) - rows) // 2
        beside = (max(columns, int(rows * width / height)) - columns) // 2
        x = _core.pad(x, padding=(0, 0, above, above, beside, beside, 0, 0), value=float(fill_value))
    y = _core.resize2d(x, size=(height, width), interpolation=interpolation, antialias=bool(antialias))
    return back(_like(y, dtype))


@symbolic
def affine_transform(images, transform, interpolation="bilinear", fill_mode="constant", fill_value=0, data_format=None):
    """Images under projective transforms of eight numbers (a0, a1, a2, b0, b1, b2, c0, c1), one for all or one each.

    The result at (x, y) is the image at ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k), k = c0 x + c1 y + 1. What
    lies outside is filled by FILL_MODE 'constant' (FILL_VALUE), 'nearest', 'wrap', 'reflect' (d c b a | a b c d) or
    'mirror' (d c b | a b c d). Differentiable by the images.
    """
    choose("affine_transform", "interpolation", interpolation, AFFINE_INTERPOLATIONS)
    choose("affine_transform", "fill_mode", fill_mode, AFFINE_FILL_MODES)
    x, back = batch_of("affine_transform", images, data_format)
    dtype = x.dtype
    x = floats(x)
    transforms = np.asarray(transform, x.dtype)
    if transforms.ndim not in (1, 2) or transforms.shape[-1] != 8:
        raise ValueError(f"affine_transform: transform must have shape (8,) or (batch, 8), got {transforms.shape}")
    transforms = np.broadcast_to(transforms, (x.shape[0], 8))
    y = _core.affine2d(
        x, Tensor(transforms), interpolation=interpolation, fill_mode=fill_mode, fill_value=float(fill_value)
    )
    return back(_like(y, dtype))


def _homography(start, end):
    """The eight numbers of the transform that takes END's four points [N,4,2] to START's."""
    count = len(start)
    matrix, right = np.zeros((count, 8, 8)), np.zeros((count, 8, 1))
    for i in range(4):
        (x, y), (u, v) = end[:, i].T, start[:, i].T
        for row, value, at in ((2 * i, u, 0), (2 * i + 1, v, 3)):
            matrix[:, row, at], matrix[:, row, at + 1], matrix[:, row, at + 2] = x, y, 1
            matrix[:, row, 6], matrix[:, row, 7] = -value * x, -value * y
            right[:, row, 0] = value
    try:
        return np.linalg.solve(matrix, right)[..., 0]
    except np.linalg.LinAlgError:
        raise ValueError(
            "perspective_transform: three of four points lie on a line, so there is no transform"
        ) from None


@symbolic
def perspective_transform(images, start_points, end_points, interpolation="bilinear", fill_value=0, data_format=None):
    """Images bent so that the four START_POINTS (x, y), [4,2] or [N,4,2], come to lie at END_POINTS."""
    start, end = np.asarray(start_points, float), np.asarray(end_points, float)
    if start.shape != end.shape or start.shape[-2:] != (4, 2) or start.ndim not in (2, 3):
        raise ValueError(
            "perspective_transform: start_points and end_points must both have shape (4, 2) or (batch, 4, 2), got "
            f"{start.shape} and {end.shape}"
        )
    transforms = _homography(start.reshape(-1, 4, 2), end.reshape(-1, 4, 2))
    transforms = transforms[0] if start.ndim == 2 else transforms
    return affine_transform(images, transforms, interpolation, "constant", fill_value, data_format)


# ---- margins and patches ----


def _margins(function, size, before, after, target, what):
    """(before, after) of one axis from two of these three: margins and the size they lead to."""
    sign = 1 if what == "padding" else -1
    given = [value is not None for value in (before, after, target)]
    if sum(given) != 2:
        raise ValueError(
            f"{function}: of the {what} before, the {what} after and the target size exactly two must be given for "
            f"each axis, got {(before, after, target)}"
        )
    if target is None:
        return before, after
    rest = sign * (target - size)
    return (rest - after, after) if before is None else (before, rest - before)


def _changed(function, images, data_format, what, top, left, bottom, right, target_height, target_width):
    x, back = batch_of(function, images, data_format)
    rows = _margins(function, x.shape[1], top, bottom, target_height, what)
    columns = _margins(function, x.shape[2], left, right, target_width, what)
    if min(*rows, *columns) < 0:
        raise ValueError(
            f"{function}: the {what} would be {rows} rows and {columns} columns for images of shape {x.shape}; none "
            "may be negative"
        )
    return x, rows, columns, back


@symbolic
def pad_images(
    images,
    top_padding=None,
    left_padding=None,
    bottom_padding=None,
    right_padding=None,
    target_height=None,
    target_width=None,
    data_format=None,
):
    """Images with zeros around. For each axis give two of: padding before, after, and the size wanted."""
    x, rows, columns, back = _changed(
        "pad_images", images, data_format, "padding", top_padding, left_padding, bottom_padding, right_padding,
        target_height, target_width,
    )  # fmt: skip
    return back(_core.pad(x, padding=(0, 0, *rows, *columns, 0, 0)))


@symbolic
def crop_images(
    images,
    top_cropping=None,
    left_cropping=None,
    bottom_cropping=None,
    right_cropping=None,
    target_height=None,
    target_width=None,
    data_format=None,
):
    """Images without their margins. For each axis give two of: cropping before, after, and the size wanted."""
    x, rows, columns, back = _changed(
        "crop_images", images, data_format, "cropping", top_cropping, left_cropping, bottom_cropping, right_cropping,
        target_height, target_width,
    )  # fmt: skip
    height, width = x.shape[1:3]
    if rows[0] + rows[1] >= height or columns[0] + columns[1] >= width:
        raise ValueError(f"crop_images: cropping {rows} rows and {columns} columns leaves nothing of shape {x.shape}")
    return back(x[:, rows[0] : height - rows[1], columns[0] : width - columns[1]])


@symbolic
def extract_patches(images, size, strides=None, dilation_rate=1, padding="valid", data_format=None):
    """Windows of SIZE (an integer or (height, width)) laid out as channels: [N,OH,OW, height * width * C]."""
    size = (size, size) if hasattr(size, "__index__") else _size_of("extract_patches", size)
    strides = size if strides is None else strides
    x, back = batch_of("extract_patches", images, data_format)
    x = floats(x)
    channels = x.shape[-1]
    taps = size[0] * size[1] * channels
    kernel = np.eye(taps, dtype=x.dtype).reshape(*size, channels, taps)
    pair = lambda v: (v, v) if hasattr(v, "__index__") else tuple(v)  # noqa: E731
    y = _core.conv2d(x, kernel, strides=pair(strides), padding=padding, dilation=pair(dilation_rate))
    return back(y)


def _repeated(index, size, fill_mode):
    """INDEX brought into [0, size) by FILL_MODE."""
    if fill_mode in ("constant", "nearest"):
        return np.clip(index, 0, size - 1)
    if fill_mode == "wrap":
        return index % size
    period = max(2 * size - 2, 1) if fill_mode == "mirror" else 2 * size
    index = index % period
    return np.where(index < size, index, period - index - (fill_mode == "reflect"))


@symbolic
def map_coordinates(inputs, coordinates, order, fill_mode="constant", fill_value=0.0):
    """INPUTS, of rank R, at COORDINATES [R, ...]: nearest (ORDER 0) or linear (1) between the elements.

    FILL_MODE repeats as SciPy does (Keras on TensorFlow has other places for 'mirror' and 'reflect').
    Differentiable by the inputs.
    """
    x = tensor(inputs)
    places = np.asarray(coordinates)
    choose("map_coordinates", "fill_mode", fill_mode, AFFINE_FILL_MODES)
    if order not in (0, 1):
        raise NotImplementedError(f"map_coordinates: order must be 0 or 1, got {order!r}")
    if places.ndim < 2 or places.shape[0] != x.ndim:
        raise ValueError(
            f"map_coordinates: coordinates must have shape ({x.ndim}, ...) for inputs of shape {x.shape}, got "
            f"{places.shape}"
        )
    dtype = x.dtype
    x = floats(x)
    steps = [int(np.prod(x.shape[axis + 1 :])) for axis in range(x.ndim)]
    flat = _core.reshape(x, shape=(x.size,))
    if order == 0:
        corners = [[(np.round(place).astype("int64"), np.ones(place.shape))] for place in places]
    else:
        low = np.floor(places)
        corners = [
            [(base.astype("int64"), 1 - share), (base.astype("int64") + 1, share)]
            for base, share in zip(low, places - low)
        ]
    total = None
    for chosen in itertools.product(*corners):
        index, weight, inside = 0, 1.0, True
        for (place, share), size, step in zip(chosen, x.shape, steps):
            index = index + _repeated(place, size, fill_mode) * step
            weight = weight * share
            inside = inside & (place >= 0) & (place < size)
        values = _core.take(flat, np.asarray(index), axis=0)
        if fill_mode == "constant":
            values = _core.where(np.asarray(inside), values, float(fill_value))
        term = _core.multiply(values, np.asarray(weight, x.dtype))
        total = term if total is None else _core.add(total, term)
    if dtype != x.dtype:
        total = _core.cast(_core.round(total), dtype=dtype)
    return total


# ---- colours ----


def _colour_axis(function, images, data_format, channels):
    x = tensor(images)
    axis = -1 if config.standardize_data_format(data_format) == "channels_last" else -3
    if x.ndim not in (3, 4) or x.shape[axis] not in channels:
        told = " or ".join(map(str, channels))
        raise ValueError(f"{function}: images must have rank 3 or 4 and {told} channels, got shape {x.shape}")
    return x, axis % x.ndim


@symbolic
def rgb_to_grayscale(images, data_format=None):
    """0.2989 R + 0.5870 G + 0.1140 B, with one channel; grey images as they are."""
    x, axis = _colour_axis("rgb_to_grayscale", images, data_format, (1, 3))
    if x.shape[axis] == 1:
        return x
    shape = [1] * x.ndim
    shape[axis] = 3
    weights = np.array([0.2989, 0.5870, 0.1140]).reshape(shape)
    work = floats(x)
    grey = _core.sum(_core.multiply(work, weights.astype(work.dtype)), axis=(axis,), keepdims=True)
    return grey if x.dtype == grey.dtype else _core.cast(grey, dtype=x.dtype)


def _float_colours(function, images, data_format):
    x, axis = _colour_axis(function, images, data_format, (3,))
    if not x.dtype.startswith("float"):
        raise ValueError(f"{function}: images must be floats from 0 to 1, got dtype {x.dtype}")
    parts = [
        _core.slice(x, begin=[i if k == axis else 0 for k in range(x.ndim)],
                    end=[i + 1 if k == axis else n for k, n in enumerate(x.shape)], stride=[1] * x.ndim)
        for i in range(3)
    ]  # fmt: skip
    return parts, axis


@symbolic
def rgb_to_hsv(images, data_format=None):
    """Hue, saturation and value of red, green and blue, all from 0 to 1."""
    (r, g, b), axis = _float_colours("rgb_to_hsv", images, data_format)
    high = _core.maximum(_core.maximum(r, g), b)
    spread = _core.subtract(high, _core.minimum(_core.minimum(r, g), b))
    grey = _core.equal(spread, 0.0)
    safe = _core.where(grey, 1.0, spread)
    sectors = [
        _core.divide(_core.subtract(g, b), safe),
        _core.add(_core.divide(_core.subtract(b, r), safe), 2.0),
        _core.add(_core.divide(_core.subtract(r, g), safe), 4.0),
    ]
    hue = _core.where(_core.equal(r, high), sectors[0], _core.where(_core.equal(g, high), sectors[1], sectors[2]))
    hue = _core.where(grey, 0.0, _core.multiply(hue, 1 / 6))
    hue = _core.where(_core.less(hue, 0.0), _core.add(hue, 1.0), hue)
    bright = _core.greater(high, 0.0)
    saturation = _core.where(bright, _core.divide(spread, _core.where(bright, high, 1.0)), 0.0)
    return _core.concatenate([hue, saturation, high], axis=axis)


@symbolic
def hsv_to_rgb(images, data_format=None):
    """Red, green and blue of hue, saturation and value, all from 0 to 1."""
    (hue, saturation, value), axis = _float_colours("hsv_to_rgb", images, data_format)
    six = _core.multiply(hue, 6.0)

    def part(offset, sign):
        """How much of a colour the hue has: |6 h - offset| - 1 or its opposite, from 0 to 1."""
        distance = _core.subtract(_core.abs(_core.subtract(six, float(offset))), 1.0 if sign > 0 else 2.0)
        share = _core.clip(distance if sign > 0 else _core.negative(distance), min=0.0, max=1.0)
        return _core.multiply(value, _core.add(_core.multiply(_core.subtract(share, 1.0), saturation), 1.0))

    return _core.concatenate([part(3, 1), part(2, -1), part(4, -1)], axis=axis)


@symbolic
def gaussian_blur(images, kernel_size=(3, 3), sigma=(1.0, 1.0), data_format=None):
    """Images blurred by a Gaussian of SIGMA, cut off at KERNEL_SIZE pixels (of the height, of the width)."""
    x, back = batch_of("gaussian_blur", images, data_format)
    x = floats(x)

    def window(size, deviation):
        place = np.arange(size) - (size - 1) / 2
        weights = np.exp(-0.5 * (place / deviation) ** 2)
        return weights / weights.sum()

    kernel = np.outer(window(kernel_size[1], sigma[1]), window(kernel_size[0], sigma[0]))
    channels = x.shape[-1]
    kernel = np.repeat(kernel.reshape(kernel_size[0], kernel_size[1], 1, 1), channels, axis=3).astype(x.dtype)
    return back(_core.conv2d(x, kernel, padding="same", groups=channels))
