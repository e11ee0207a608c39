"""Figures that belong to nobody but the caller, and images in the form in which matplotlib draws them."""

import functools
import io

import numpy as np


@functools.cache
def _figure_class():
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('cnnpy.visualize: needs matplotlib; pip install "cnnpy[visualize]"') from error

    class OwnFigure(Figure):
        """A Figure that Jupyter can draw although pyplot does not know it."""

        def _repr_png_(self):
            buffer = io.BytesIO()
            self.savefig(buffer, format="png")
            return buffer.getvalue()

    OwnFigure.__name__ = OwnFigure.__qualname__ = "Figure"
    return OwnFigure


def new_figure(width, height):
    """A Figure of WIDTH x HEIGHT inches whose parts make room for each other."""
    return _figure_class()(figsize=(width, height), dpi=90, layout="constrained")


def as_pictures(images, name="images"):
    """IMAGES as float32 (count, height, width, channels) in [0, 1].

    Grey images may lack the axis of channels. uint8 and other values up to 255 are divided by 255.

    Raises:
        ValueError: other shapes, values below 0 or above 255, NaN.
    """
    if isinstance(images, (list, tuple)):
        images = [np.asarray(image) for image in images]
        if len({image.shape for image in images}) > 1:
            raise ValueError(f"{name} must be of one size, got shapes {sorted({image.shape for image in images})}")
    images = np.asarray(images)
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[-1] not in (1, 3, 4) or 0 in images.shape:
        raise ValueError(
            f"{name} must have the shape (count, height, width) or (count, height, width, channels) with 1, 3 or 4"
            f" channels and not be empty, got {images.shape}"
        )
    if images.dtype.kind not in "fiub":
        raise ValueError(f"{name} must be numbers, got dtype {images.dtype}")
    images = images.astype("float32")
    if not np.isfinite(images).all():
        raise ValueError(f"{name} contain NaN or infinite values")
    low, high = images.min(), images.max()
    if low < -1e-3 or high > 255:
        raise ValueError(
            f"{name} must lie in [0, 1] or [0, 255], got values from {low:.4g} to {high:.4g}; undo their normalisation"
            " first, for example by (x - x.min()) / (x.max() - x.min())"
        )
    return np.clip(images / 255 if high > 1 + 1e-3 else images, 0, 1)


def one_picture(image, name="image"):
    """IMAGE, (height, width, channels) or a batch of one, for a model and as a picture to draw under heat maps."""
    image = np.asarray(image)
    if image.ndim == 4 and len(image) == 1:
        image = image[0]
    if image.ndim != 3:
        raise ValueError(f"{name} must have the shape (height, width, channels), got {image.shape}")
    if not np.isfinite(image.astype("float32")).all():
        raise ValueError(f"{name} contains NaN or infinite values")
    spread = image.astype("float32")
    low, high = spread.min(), spread.max()
    if low < 0 or high > 255:  # normalised for the network: any picture that keeps its order of brightness will do
        spread = (spread - low) / max(high - low, 1e-12)
    if image.shape[-1] not in (1, 3, 4):
        spread = spread.mean(-1, keepdims=True)
    return image[None], as_pictures(spread[None])[0]


def draw(axes, picture):
    """One picture of `as_pictures` without ticks and frame."""
    grey = picture.shape[-1] == 1
    axes.imshow(picture[..., 0] if grey else picture, cmap="gray" if grey else None, vmin=0, vmax=1)
    axes.set_axis_off()


def mosaic(planes, columns):
    """Equal PLANES (count, height, width[, channels]) side by side in one array, with lines of NaN between them."""
    rows = -(-len(planes) // columns)
    height, width = planes.shape[1:3]
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1, *planes.shape[3:]), np.nan, "float32")
    for i, plane in enumerate(planes):
        y, x = i // columns * (height + 1), i % columns * (width + 1)
        sheet[y : y + height, x : x + width] = plane
    return sheet


def check_names(class_names, count):
    """CLASS_NAMES as a list of str; numbers where there are none."""
    if class_names is None:
        return [str(i) for i in range(count)]
    names = [str(name) for name in class_names]
    if len(names) != count:
        raise ValueError(f"class_names must name {count} classes, got {len(names)}")
    return names
