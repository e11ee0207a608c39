"""Affine transforms, shifts of channels and brightness, as Keras's ImageDataGenerator has them.

Angles are in degrees. Pixels equal those of SciPy's `affine_transform`, which Keras calls channel by channel; here
whole batches go through one call of the core. Orders of interpolation above 1 need SciPy.
"""

import numpy as np

from cnnpy import _core, config
from cnnpy.preprocessing.image.files import array_to_img, img_to_array

FILL_MODES = ("nearest", "constant", "reflect", "wrap")


def affine_numbers(theta, tx, ty, shear, zx, zy, height, width, swap=True):
    """The core's transforms[n, 9] for arrays of n parameters each; the last three numbers say: nothing else.

    As in Keras the centre is (height, width) before rows and columns are exchanged, which SWAP does.
    """
    theta, tx, ty, shear, zx, zy = np.broadcast_arrays(*(np.asarray(v, float) for v in (theta, tx, ty, shear, zx, zy)))
    turn, slant = np.deg2rad(theta), np.deg2rad(shear)
    cosine, sine = np.cos(turn), np.sin(turn)
    upright, slanted = np.cos(slant), -np.sin(slant)
    # rotation @ shift @ shear @ zoom, from the left as Keras multiplies; the last rows are (0, 0, 1)
    a, b, c = cosine * zx, (cosine * slanted - sine * upright) * zy, cosine * tx - sine * ty
    d, e, f = sine * zx, (sine * slanted + cosine * upright) * zy, sine * tx + cosine * ty
    x, y = height / 2 - 0.5, width / 2 - 0.5
    c, f = a * -x + b * -y + (c + x), d * -x + e * -y + (f + y)
    moved = np.stack([e, d, f, b, a, c] if swap else [a, b, c, d, e, f], -1).reshape(-1, 6)
    still = (theta == 0) & (tx == 0) & (ty == 0) & (shear == 0) & (zx == 1) & (zy == 1)
    moved[still.reshape(-1)] = (1, 0, 0, 0, 1, 0)
    numbers = np.zeros((len(moved), 9))
    numbers[:, :6] = moved
    numbers[:, 6] = np.nan
    return numbers


def transform_batch(x, numbers, order, fill_mode, cval, scale=1.0):
    """Images x[n, height, width, channels], uint8 or float, under NUMBERS of `affine_numbers`; floats, times SCALE."""
    if order in (0, 1):
        return _core.image_affine(np.ascontiguousarray(x), numbers, order, fill_mode, float(cval), float(scale))
    result = np.stack([_by_scipy(image, t, order, fill_mode, cval) for image, t in zip(x, numbers)])
    if scale != 1:
        result *= scale
    return result


def _by_scipy(image, t, order, fill_mode, cval):
    image = image if image.dtype.kind == "f" else image.astype("float32")
    if not np.array_equal(t[:6], (1, 0, 0, 0, 1, 0)):
        try:
            from scipy.ndimage import affine_transform
        except ImportError:
            raise ImportError(
                f"interpolation_order={order} needs scipy (pip install scipy); without it there are 0 and 1"
            ) from None
        matrix, offset = t[:6].reshape(2, 3)[:, :2], t[[2, 5]]
        channels = [
            affine_transform(channel, matrix, offset, order=order, mode=fill_mode, cval=cval)
            for channel in np.moveaxis(image, -1, 0)
        ]
        image = np.stack(channels, -1)
    if not np.isnan(t[6]):
        image = apply_channel_shift(image, t[6], 2)
    return image[:: -1 if t[8] else 1, :: -1 if t[7] else 1]


def check_fill(fill_mode, order):
    if fill_mode not in FILL_MODES:
        raise ValueError(f"fill_mode must be one of {', '.join(FILL_MODES)}, got {fill_mode!r}")
    if order not in range(6):
        raise ValueError(f"the order of interpolation must be from 0 to 5, got {order!r}")


def apply_affine_transform(
    x, theta=0, tx=0, ty=0, shear=0, zx=1, zy=1, row_axis=1, col_axis=2, channel_axis=0, fill_mode="nearest", cval=0.0,
    order=1,
):  # fmt: skip
    """One image, an array of three dimensions, rotated by THETA, shifted by (TX, TY) pixels, sheared and zoomed.

    CHANNEL_AXIS is 0 or 2. FILL_MODE: 'nearest', 'constant' (CVAL), 'reflect' or 'wrap'. Raises ValueError.
    """
    x = np.asarray(x)
    check_fill(fill_mode, order)
    if x.ndim != 3:
        raise ValueError(f"apply_affine_transform: x must be one image with 3 dimensions, got shape {x.shape}")
    if sorted((row_axis, col_axis, channel_axis)) != [0, 1, 2] or channel_axis == 1:
        raise ValueError(
            "apply_affine_transform: row_axis, col_axis and channel_axis must be 0, 1 and 2 in some order with the "
            f"channels first or last, got {(row_axis, col_axis, channel_axis)}"
        )
    numbers = affine_numbers(
        theta, tx, ty, shear, zx, zy, x.shape[row_axis], x.shape[col_axis], swap=col_axis > row_axis
    )
    last = x if channel_axis == 2 else np.moveaxis(x, 0, 2)
    work = last if last.dtype in ("uint8", "float32", "float64") else last.astype(config.floatx())
    result = transform_batch(work[None], numbers, order, fill_mode, cval)[0]
    if x.dtype.kind in "iu":  # rounded as SciPy does
        limits = np.iinfo(x.dtype)
        result = np.clip(np.trunc(result + np.copysign(0.5, result)), limits.min, limits.max)
    result = result.astype(x.dtype, copy=False)
    return result if channel_axis == 2 else np.moveaxis(result, 2, 0)


def apply_channel_shift(x, intensity, channel_axis=0):
    """X plus INTENSITY, kept within the range of X. As in Keras all channels are shifted alike."""
    x = np.asarray(x)
    return np.clip(x + intensity, x.min(), x.max()).astype(np.result_type(x, np.float32), copy=False)


def apply_brightness_shift(x, brightness, scale=True, data_format=None):
    """An image times BRIGHTNESS, computed by Pillow with 8 bits.

    SCALE stretches the values to 0 to 255 before; without it only values outside of that are, and back afterwards.
    """
    from PIL import ImageEnhance

    low, high = np.min(x), np.max(x)
    outside = bool(low < 0 or high > 255)
    image = array_to_img(x, data_format, scale=outside or scale)
    result = img_to_array(ImageEnhance.Brightness(image).enhance(brightness), data_format)
    return result / 255 * (high - low) + low if outside and not scale else result


def flip_axis(x, axis):
    """X mirrored along AXIS."""
    return np.flip(np.asarray(x), axis)


def random_rotation(
    x, rg, row_axis=1, col_axis=2, channel_axis=0, fill_mode="nearest", cval=0.0, interpolation_order=1
):
    """An image rotated by up to RG degrees to either side. Random values come from NumPy's global generator."""
    theta = np.random.uniform(-rg, rg)
    return apply_affine_transform(
        x, theta=theta, row_axis=row_axis, col_axis=col_axis, channel_axis=channel_axis, fill_mode=fill_mode, cval=cval,
        order=interpolation_order,
    )  # fmt: skip


def random_shift(
    x, wrg, hrg, row_axis=1, col_axis=2, channel_axis=0, fill_mode="nearest", cval=0.0, interpolation_order=1
):
    """An image shifted by up to these fractions of its width (WRG) and height (HRG)."""
    tx = np.random.uniform(-hrg, hrg) * np.shape(x)[row_axis]
    ty = np.random.uniform(-wrg, wrg) * np.shape(x)[col_axis]
    return apply_affine_transform(
        x, tx=tx, ty=ty, row_axis=row_axis, col_axis=col_axis, channel_axis=channel_axis, fill_mode=fill_mode,
        cval=cval, order=interpolation_order,
    )  # fmt: skip


def random_shear(
    x, intensity, row_axis=1, col_axis=2, channel_axis=0, fill_mode="nearest", cval=0.0, interpolation_order=1
):
    """An image sheared by up to INTENSITY degrees."""
    shear = np.random.uniform(-intensity, intensity)
    return apply_affine_transform(
        x, shear=shear, row_axis=row_axis, col_axis=col_axis, channel_axis=channel_axis, fill_mode=fill_mode, cval=cval,
        order=interpolation_order,
    )  # fmt: skip


def random_zoom(
    x, zoom_range, row_axis=1, col_axis=2, channel_axis=0, fill_mode="nearest", cval=0.0, interpolation_order=1
):
    """An image zoomed by factors between the two of ZOOM_RANGE, one for each axis."""
    if len(zoom_range) != 2:
        raise ValueError(f"random_zoom: zoom_range must be two numbers, got {zoom_range!r}")
    zx, zy = (1, 1) if tuple(zoom_range) == (1, 1) else np.random.uniform(zoom_range[0], zoom_range[1], 2)
    return apply_affine_transform(
        x, zx=zx, zy=zy, row_axis=row_axis, col_axis=col_axis, channel_axis=channel_axis, fill_mode=fill_mode,
        cval=cval, order=interpolation_order,
    )  # fmt: skip


def random_channel_shift(x, intensity_range, channel_axis=0):
    """`apply_channel_shift` by up to INTENSITY_RANGE."""
    return apply_channel_shift(x, np.random.uniform(-intensity_range, intensity_range), channel_axis)


def random_brightness(x, brightness_range, scale=True):
    """`apply_brightness_shift` by a factor between the two of BRIGHTNESS_RANGE."""
    if len(brightness_range) != 2:
        raise ValueError(f"random_brightness: brightness_range must be two numbers, got {brightness_range!r}")
    return apply_brightness_shift(x, np.random.uniform(brightness_range[0], brightness_range[1]), scale)
