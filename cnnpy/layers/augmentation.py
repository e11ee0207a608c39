"""Layers that change images at random while training.

A layer draws a transformation with `get_random_transformation` and applies it with `transform_images`; a call does
both. The draws come from a counter-based generator, so they repeat with SEED whatever the number of threads. Called
outside of a model a layer trains unless it is told `training=False`, as in Keras. A dict of `images`, `labels` and
`segmentation_masks` is changed alike.
"""

import numpy as np

from cnnpy import _core, random
from cnnpy.layers.calling import label
from cnnpy.layers.preprocessing import PictureLayer, Sized
from cnnpy.ops import image as image_ops
from cnnpy.utils.random import SeedGenerator


class RandomLayer(PictureLayer):
    """The base of random layers."""

    _interpolation = "nearest"

    def __init__(self, seed=None, data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.seed = seed
        self.generator = SeedGenerator(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        """The draws for DATA, images or a dict with them, as a dict; None in inference."""
        images = data["images"] if isinstance(data, dict) else data
        if not training:
            return None
        batch = images.shape[0] if len(images.shape) == 4 else 1
        sizes = [images.shape[axis] for axis in self._axes]
        return self._draw(batch, *sizes, self.generator if seed is None else seed)

    def transform_images(self, images, transformation, training=True):
        """IMAGES after TRANSFORMATION."""
        return self._apply(images, transformation) if training and transformation is not None else images

    def transform_labels(self, labels, transformation, training=True):
        """Labels stay what they are."""
        return labels

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        """Masks go the way of their images, without mixing values."""
        return self.transform_images(segmentation_masks, transformation, training)

    def call(self, data, training=True):
        transformation = self.get_random_transformation(data, training)
        if not isinstance(data, dict):
            return self.transform_images(data, transformation, training)
        unknown = sorted(set(data) - {"images", "labels", "segmentation_masks"})
        if unknown:
            raise NotImplementedError(
                f"{label(self)}: takes images, labels and segmentation_masks; {', '.join(unknown)} are not offered"
            )
        results = dict(data)
        results["images"] = self.transform_images(data["images"], transformation, training)
        for name in ("labels", "segmentation_masks"):
            if name in data:
                results[name] = getattr(self, f"transform_{name}")(data[name], transformation, training)
        return results

    def _uniform(self, shape, low, high, seed):
        return random.uniform(shape, low, high, "float32", seed).numpy()

    def _draw(self, batch, height, width, seed):
        raise NotImplementedError(f"{type(self).__name__} must define _draw")

    def _apply(self, images, transformation):
        raise NotImplementedError(f"{type(self).__name__} must define _apply")

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


def bounds(owner, name, value, low, high, below_low=False):
    """(lower, upper) of a factor: a number stands for (-number, number). All must lie in [LOW, HIGH] ((LOW, HIGH] if
    BELOW_LOW)."""
    parts = value if isinstance(value, (tuple, list)) else (value,)
    fits = len(parts) in (1, 2) and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in parts)
    if not fits or any(v > high or v < low or (below_low and v == low) for v in parts):
        raise ValueError(f"{owner}: {name} must be a number, or two, from {low} to {high}, got {value!r}")
    if len(parts) == 2:
        return tuple(sorted(parts))
    return -abs(value), abs(value)


class RandomFlip(RandomLayer):
    """Half of the images turned round: MODE 'horizontal' (left is right), 'vertical', or 'horizontal_and_vertical'.

    With 'horizontal_and_vertical' an image is turned both ways or neither, as in Keras.
    """

    def __init__(self, mode="horizontal_and_vertical", seed=None, data_format=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.mode = image_ops.choose("RandomFlip", "mode", mode, ("horizontal", "vertical", "horizontal_and_vertical"))

    def _draw(self, batch, height, width, seed):
        return {"flips": self._uniform((batch, 1, 1, 1), 0.0, 1.0, seed) <= 0.5}

    def _apply(self, images, transformation):
        flips = np.asarray(transformation["flips"])
        flips = flips.reshape(flips.shape[-images.ndim :]) if images.ndim == 4 else flips.reshape(1, 1, 1)
        axes = [self._axes[1]] if "horizontal" in self.mode else []
        axes += [self._axes[0]] if "vertical" in self.mode else []
        return _core.where(flips, _core.flip(images, axis=axes), images)

    def get_config(self):
        return {**super().get_config(), "mode": self.mode}


class _Moved(RandomLayer):
    """Images under affine transforms; see `ops.image.affine_transform`."""

    def __init__(self, fill_mode, interpolation, seed, fill_value, data_format, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        owner = type(self).__name__
        for name, value, allowed in (
            ("fill_mode", fill_mode, ("constant", "nearest", "wrap", "reflect")),
            ("interpolation", interpolation, image_ops.AFFINE_INTERPOLATIONS),
        ):
            if value not in allowed:
                raise NotImplementedError(f"{owner}: {name} must be one of {', '.join(allowed)}, got {value!r}")
        self.fill_mode, self.interpolation, self.fill_value = fill_mode, interpolation, fill_value

    def _matrix(self, transformation, height, width):
        """The transforms [N,8] of a draw for images of this size."""
        raise NotImplementedError(f"{type(self).__name__} must define _matrix")

    def _apply(self, images, transformation, interpolation=None):
        sizes = [images.shape[axis] for axis in self._axes]
        return image_ops.affine_transform(
            images,
            self._matrix(transformation, *sizes),
            interpolation or self.interpolation,
            self.fill_mode,
            self.fill_value,
            self.data_format,
        )

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        if not training or transformation is None:
            return segmentation_masks
        return self._apply(segmentation_masks, transformation, "nearest")

    def get_config(self):
        return {
            **super().get_config(),
            "fill_mode": self.fill_mode,
            "interpolation": self.interpolation,
            "fill_value": self.fill_value,
        }


def _rows(*columns):
    """[N,8] from eight arrays or numbers."""
    return np.stack(np.broadcast_arrays(*columns), axis=-1)


class RandomRotation(_Moved):
    """Images turned about their middle by angles from FACTOR, in whole turns: 0.1 is from -36 to 36 degrees."""

    def __init__(
        self,
        factor,
        fill_mode="reflect",
        interpolation="bilinear",
        seed=None,
        fill_value=0.0,
        data_format=None,
        **kwargs,
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = bounds("RandomRotation", "factor", factor, -1, 1)

    def _draw(self, batch, height, width, seed):
        return {"angle": self._uniform((batch,), self.factor[0] * 360.0, self.factor[1] * 360.0, seed)}

    def _matrix(self, transformation, height, width):
        angle = np.radians(np.asarray(transformation["angle"], "float64"))
        x, y, cos, sin = 0.5 * (width - 1), 0.5 * (height - 1), np.cos(angle), np.sin(angle)
        return _rows(cos, -sin, x - x * cos + y * sin, sin, cos, y - x * sin - y * cos, 0.0, 0.0)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


class RandomZoom(_Moved):
    """Images enlarged or made smaller about their middle. A factor of (-0.2, 0.3) draws from 0.8 to 1.3 of the image
    that is shown; WIDTH_FACTOR None keeps the ratio."""

    def __init__(
        self,
        height_factor,
        width_factor=None,
        fill_mode="reflect",
        interpolation="bilinear",
        seed=None,
        fill_value=0.0,
        data_format=None,
        **kwargs,
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height = bounds("RandomZoom", "height_factor", height_factor, -1, 1, below_low=True)
        self._width = None
        if width_factor is not None:
            self._width = bounds("RandomZoom", "width_factor", width_factor, -1, 1, below_low=True)

    def _draw(self, batch, height, width, seed):
        rows = self._uniform((batch, 1), 1.0 + self._height[0], 1.0 + self._height[1], seed)
        columns = rows
        if self._width is not None:
            columns = self._uniform((batch, 1), 1.0 + self._width[0], 1.0 + self._width[1], seed)
        return {"height_zoom": rows, "width_zoom": columns}

    def _matrix(self, transformation, height, width):
        rows, columns = (np.asarray(transformation[f"{name}_zoom"])[:, 0] for name in ("height", "width"))
        x, y = (width - 1) / 2 * (1 - columns), (height - 1) / 2 * (1 - rows)
        return _rows(columns, 0.0, x, 0.0, rows, y, 0.0, 0.0)

    def get_config(self):
        return {**super().get_config(), "height_factor": self.height_factor, "width_factor": self.width_factor}


class RandomTranslation(_Moved):
    """Images moved by up to HEIGHT_FACTOR of their height and WIDTH_FACTOR of their width."""

    def __init__(
        self,
        height_factor,
        width_factor,
        fill_mode="reflect",
        interpolation="bilinear",
        seed=None,
        fill_value=0.0,
        data_format=None,
        **kwargs,
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height = bounds("RandomTranslation", "height_factor", height_factor, -1, 1)
        self._width = bounds("RandomTranslation", "width_factor", width_factor, -1, 1)

    def _draw(self, batch, height, width, seed):
        rows = self._uniform((batch, 1), *self._height, seed) * height
        columns = self._uniform((batch, 1), *self._width, seed) * width
        return {"translations": np.concatenate([columns, rows], axis=1)}

    def _matrix(self, transformation, height, width):
        columns, rows = np.asarray(transformation["translations"]).T
        return _rows(1.0, 0.0, -columns, 0.0, 1.0, -rows, 0.0, 0.0)

    def get_config(self):
        return {**super().get_config(), "height_factor": self.height_factor, "width_factor": self.width_factor}


class RandomCrop(Sized):
    """HEIGHT rows and WIDTH columns from a place drawn for the whole batch.

    In inference, and for images that are not larger, it is the largest middle part of that ratio, brought to the size.
    (So Keras's documentation has it; its code leaves images as they are in inference.)
    """

    def __init__(self, height, width, seed=None, data_format=None, name=None, **kwargs):
        super().__init__(height, width, data_format, name=name, **kwargs)
        self.seed = seed
        self.generator = SeedGenerator(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        """(first row, first column) of the window; None where it is the middle part."""
        rows, columns = (data.shape[axis] for axis in self._axes)
        if not (training and rows > self.height and columns > self.width):
            return None
        seed = self.generator if seed is None else seed
        limits = rows - self.height + 1, columns - self.width + 1
        return tuple(int(random.uniform((), 0.0, float(limit), "float32", seed).numpy()) for limit in limits)

    def transform_images(self, images, transformation, training=True):
        """The window of IMAGES that TRANSFORMATION names."""
        if transformation is not None:
            return self._window(images, *transformation)
        size = self.height, self.width
        return image_ops.resize(images, size, crop_to_aspect_ratio=True, data_format=self.data_format)

    def call(self, inputs, training=True):
        return self.transform_images(inputs, self.get_random_transformation(inputs, training), training)

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


def _value_range(owner, value):
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(f"{owner}: value_range must be two numbers, the lowest and the highest value, got {value!r}")
    return tuple(sorted(value))


class RandomContrast(RandomLayer):
    """Differences from each channel's mean times factors from 1 - factor[0] to 1 + factor[1], kept in VALUE_RANGE.

    A single number stands for both, as documented (Keras 3.15 takes it for the upper one and 0 for the lower).
    """

    def __init__(self, factor, value_range=(0, 255), seed=None, data_format=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        low, high = bounds("RandomContrast", "factor", factor, 0, 1) if isinstance(factor, (tuple, list)) else (0, 0)
        if not isinstance(factor, (tuple, list)):
            high = low = bounds("RandomContrast", "factor", factor, 0, 1)[1]
        self.factor = low, high
        self.value_range = _value_range("RandomContrast", value_range)

    def _draw(self, batch, height, width, seed):
        return {"contrast_factor": self._uniform((batch, 1, 1, 1), 1.0 - self.factor[0], 1.0 + self.factor[1], seed)}

    def _apply(self, images, transformation):
        factor = np.asarray(transformation["contrast_factor"], images.dtype)
        factor = factor.reshape((-1, 1, 1, 1)[-images.ndim :])
        axes = tuple(axis % images.ndim for axis in self._axes)
        mean = _core.mean(images, axis=axes, keepdims=True)
        changed = _core.add(_core.multiply(_core.subtract(images, mean), factor), mean)
        return _core.clip(changed, min=self.value_range[0], max=self.value_range[1])

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        return segmentation_masks

    def get_config(self):
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range}


class RandomBrightness(RandomLayer):
    """Images brighter or darker by a share of VALUE_RANGE drawn from FACTOR, kept in that range."""

    def __init__(self, factor, value_range=(0, 255), seed=None, data_format=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.factor = bounds("RandomBrightness", "factor", factor, -1, 1)
        self.value_range = _value_range("RandomBrightness", value_range)

    def _draw(self, batch, height, width, seed):
        span = self.value_range[1] - self.value_range[0]
        return {"rgb_delta": self._uniform((batch, 1, 1, 1), *self.factor, seed) * span}

    def _apply(self, images, transformation):
        delta = np.asarray(transformation["rgb_delta"], images.dtype).reshape((-1, 1, 1, 1)[-images.ndim :])
        return _core.clip(_core.add(images, delta), min=self.value_range[0], max=self.value_range[1])

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        return segmentation_masks

    def get_config(self):
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range}
