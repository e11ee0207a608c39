"""Layers that bring images to the size and the range that a network takes."""

import numpy as np

from cnnpy import _core, config
from cnnpy._core import Tensor
from cnnpy.layers import arguments
from cnnpy.layers.calling import label
from cnnpy.layers.layer import Layer


class Rescaling(Layer):
    """x * scale + offset, as floats. SCALE and OFFSET are numbers or arrays that broadcast to the input."""

    _plain = True
    _float_inputs = True
    supports_masking = True

    def __init__(self, scale, offset=0.0, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset
        self.built = True

    def _term(self, value):
        return float(value) if np.ndim(value) == 0 else np.asarray(value, dtype=self._compute_dtype)

    def call(self, inputs):
        y = _core.multiply(inputs, self._term(self.scale))
        offset = self._term(self.offset)
        return y if isinstance(offset, float) and offset == 0 else _core.add(y, offset)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        from cnnpy.saving import serialize_keras_object

        return {
            **super().get_config(),
            "scale": serialize_keras_object(self.scale),
            "offset": serialize_keras_object(self.offset),
        }


class PictureLayer(Layer):
    """The base of layers on one image [H,W,C] or a batch [N,H,W,C], in either layout."""

    _plain = True
    _float_inputs = True

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = arguments.data_format(type(self).__name__, data_format)
        self.built = True

    @property
    def _axes(self):
        """The axes of height and width, counted from the end."""
        return (-2, -1) if self.data_format == "channels_first" else (-3, -2)

    def _check_shape(self, shape):
        if len(shape) not in (3, 4):
            raise ValueError(
                f"{label(self)}: input must be one image (height, width, channels) or a batch of them, got shape "
                f"{tuple(shape)}"
            )

    def compute_output_shape(self, input_shape):
        self._check_shape(input_shape)
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format}


class Sized(PictureLayer):
    """A layer whose images have HEIGHT and WIDTH."""

    def __init__(self, height, width, data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.height = arguments.positive(type(self).__name__, "height", height)
        self.width = arguments.positive(type(self).__name__, "width", width)

    def compute_output_shape(self, input_shape):
        shape = list(super().compute_output_shape(input_shape))
        for axis, size in zip(self._axes, (self.height, self.width)):
            shape[axis] = size
        return tuple(shape)

    def _window(self, x, top, left):
        """HEIGHT rows and WIDTH columns of X from there on."""
        begin, end = [0] * x.ndim, list(x.shape)
        for axis, first, size in zip(self._axes, (top, left), (self.height, self.width)):
            begin[axis], end[axis] = first, first + size
        return _core.slice(x, begin=begin, end=end, stride=[1] * x.ndim)

    def get_config(self):
        return {**super().get_config(), "height": self.height, "width": self.width}


class Resizing(Sized):
    """Images in another size; see `ops.image.resize` for the arguments.

    CROP_TO_ASPECT_RATIO and PAD_TO_ASPECT_RATIO keep the shapes of things. Whole numbers become floats.
    """

    def __init__(
        self,
        height,
        width,
        interpolation="bilinear",
        crop_to_aspect_ratio=False,
        pad_to_aspect_ratio=False,
        fill_mode="constant",
        fill_value=0.0,
        antialias=False,
        data_format=None,
        **kwargs,
    ):
        from cnnpy.ops import image

        super().__init__(height, width, data_format, **kwargs)
        self.interpolation = image.choose("Resizing", "interpolation", interpolation, image.INTERPOLATIONS)
        self.fill_mode = image.choose("Resizing", "fill_mode", fill_mode, ("constant",))
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError("Resizing: crop_to_aspect_ratio and pad_to_aspect_ratio cannot both be True")
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_value = fill_value
        self.antialias = bool(antialias)

    def call(self, inputs):
        from cnnpy.ops import image

        return image.resize(
            inputs,
            (self.height, self.width),
            self.interpolation,
            self.antialias,
            self.crop_to_aspect_ratio,
            self.pad_to_aspect_ratio,
            self.fill_mode,
            self.fill_value,
            self.data_format,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "interpolation": self.interpolation,
            "crop_to_aspect_ratio": self.crop_to_aspect_ratio,
            "pad_to_aspect_ratio": self.pad_to_aspect_ratio,
            "fill_mode": self.fill_mode,
            "fill_value": self.fill_value,
            "antialias": self.antialias,
        }


class CenterCrop(Sized):
    """The middle HEIGHT rows and WIDTH columns; images that are smaller are enlarged, cut to the ratio first."""

    def call(self, inputs):
        rows, columns = (inputs.shape[axis] for axis in self._axes)
        if rows >= self.height and columns >= self.width:
            return self._window(inputs, (rows - self.height) // 2, (columns - self.width) // 2)
        from cnnpy.ops import image

        return image.resize(inputs, (self.height, self.width), crop_to_aspect_ratio=True, data_format=self.data_format)


class Normalization(Layer):
    """(x - mean) / sqrt(variance), with means and variances for each place along AXIS (None: one for all).

    They are given, or found by `adapt(data)`, and kept as weights then. INVERT goes the other way.
    """

    _plain = True
    _float_inputs = True
    supports_masking = True

    def __init__(self, axis=-1, mean=None, variance=None, invert=False, **kwargs):
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if hasattr(axis, "__index__") else tuple(axis)
        if (mean is None) != (variance is None):
            raise ValueError(f"Normalization: give both mean and variance, or neither; got {mean!r} and {variance!r}")
        if np.shape(mean) != np.shape(variance) or np.ndim(mean) > len(self.axis):
            raise ValueError(
                f"Normalization: mean and variance must have the same shape, of at most {len(self.axis)} dimensions "
                f"for axis {self.axis}; got {np.shape(mean)} and {np.shape(variance)}"
            )
        self.input_mean, self.input_variance = mean, variance
        self.invert = bool(invert)
        self.adapt_mean = self.adapt_variance = self.count = None
        self._terms = None  # (mean, deviation) in the shape that broadcasts

    def build(self, input_shape):
        rank = len(input_shape)
        if any(not -rank <= axis < rank for axis in self.axis):
            raise ValueError(f"{label(self)}: axis {self.axis} for an input of shape {tuple(input_shape)}")
        self._kept = tuple(sorted(axis % rank for axis in self.axis))
        if any(input_shape[axis] is None for axis in self._kept):
            raise ValueError(
                f"{label(self)}: the sizes along axis {self.axis} must be known, got shape {tuple(input_shape)}"
            )
        sizes = tuple(input_shape[axis] for axis in self._kept)
        self._broadcast = tuple(size if axis in self._kept else 1 for axis, size in enumerate(input_shape))
        if self.input_mean is None:
            kept = {"shape": sizes, "trainable": False}
            self.adapt_mean = self.add_weight(name="mean", initializer="zeros", **kept)
            self.adapt_variance = self.add_weight(name="variance", initializer="ones", **kept)
            self.count = self.add_weight(name="count", shape=(), dtype="int32", initializer="zeros", trainable=False)
        self._terms = None

    def _check_shape(self, shape):
        if self.built and (
            len(shape) != len(self._broadcast)
            or any(shape[axis] not in (None, self._broadcast[axis]) for axis in self._kept)
        ):
            raise ValueError(
                f"{label(self)}: was built for sizes {self._broadcast} along axis {self.axis}, got shape {tuple(shape)}"
            )

    def adapt(self, data):
        """Finds mean and variance of DATA: an array, or an iterable of batches (or of pairs whose first is one).

        Sums are taken in double precision. Raises ValueError for no batches, or shapes that do not fit.
        """
        if self.input_mean is not None:
            raise ValueError(f"{label(self)}: has a mean and a variance given; leave them out to adapt it")
        batches = [data] if isinstance(data, (np.ndarray, Tensor)) else _batches(data)
        total, mean, squares = 0, None, None
        for batch in batches:
            batch = np.asarray(batch)
            if not self.built:
                self.build((None, *batch.shape[1:]))
            self._check_shape(batch.shape)
            reduced = tuple(axis for axis in range(batch.ndim) if axis not in self._kept)
            count = int(np.prod([batch.shape[axis] for axis in reduced]))
            one = batch.mean(axis=reduced, dtype="float64")
            other = batch.var(axis=reduced, dtype="float64") * count
            if mean is None:
                total, mean, squares = count, one, other
                continue
            delta = one - mean  # Chan et al., 1979: sums of squares around a moving mean
            squares = squares + other + delta**2 * total * count / (total + count)
            mean = mean + delta * count / (total + count)
            total += count
        if mean is None:
            raise ValueError(f"{label(self)}: adapt got no batches")
        self.adapt_mean.assign(mean.astype(self.dtype))
        self.adapt_variance.assign((squares / total).astype(self.dtype))
        self._terms = None

    def _statistics(self):
        if self.input_mean is None:
            return self.adapt_mean.numpy(), self.adapt_variance.numpy()
        return np.asarray(self.input_mean, "float64"), np.asarray(self.input_variance, "float64")

    def finalize_state(self):
        """Takes the weights as they are now."""
        self._terms = None

    def _bind_ops(self):
        self._terms = None

    def call(self, inputs):
        if self._terms is None:
            mean, variance = self._statistics()
            shape = list(self._broadcast)
            if mean.ndim < len(self._kept):  # given means of fewer dimensions lie along the last axes
                for axis in self._kept[: len(self._kept) - mean.ndim]:
                    shape[axis] = 1
            shape = shape if mean.ndim else [1] * len(shape)
            deviation = np.maximum(np.sqrt(variance), config.epsilon())
            dtype = self._compute_dtype
            self.__dict__["_terms"] = tuple(Tensor(v.reshape(shape).astype(dtype)) for v in (mean, deviation))
        mean, deviation = self._terms
        if self.invert:
            return _core.add(mean, _core.multiply(inputs, deviation))
        return _core.divide(_core.subtract(inputs, mean), deviation)

    def load_own_variables(self, store):
        super().load_own_variables(store)
        self.finalize_state()

    def set_weights(self, weights):
        super().set_weights(weights)
        self.finalize_state()

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        given = {"mean": self.input_mean, "variance": self.input_variance}
        return {
            **super().get_config(),
            "axis": self.axis,
            "invert": self.invert,
            **{name: None if value is None else np.asarray(value).tolist() for name, value in given.items()},
        }


def _batches(data):
    if not hasattr(data, "__iter__") and not hasattr(data, "__getitem__"):
        raise TypeError(f"Normalization: adapt takes an array or an iterable of batches, got {type(data).__name__}")
    source = data if hasattr(data, "__iter__") else (data[i] for i in range(len(data)))
    for batch in source:
        yield batch[0] if isinstance(batch, (tuple, list)) and hasattr(batch[0], "shape") else batch
