"""Layers that move elements about and compute nothing."""

import math

from cnnpy import _core
from cnnpy.layers import arguments
from cnnpy.layers.calling import label
from cnnpy.layers.image_layer import ImageLayer
from cnnpy.layers.layer import Layer
from cnnpy.layers.symbolic import KerasTensor


class _Moving(Layer):
    """A layer whose output has its input's dtype."""

    _plain = True

    def compute_output_dtype(self, inputs):
        if isinstance(inputs, KerasTensor) and not inputs.dtype.startswith("float"):
            return inputs.dtype
        return self._compute_dtype


def _known(shape):
    """The product of the sizes of SHAPE, None if one is open."""
    return None if None in shape else math.prod(shape)


class Flatten(_Moving):
    """[N, ...] to [N, all other sizes multiplied]. With 'channels_first' the channels are moved last before."""

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = arguments.data_format("Flatten", data_format)
        self._first = self.data_format == "channels_first"
        self._op = None

    def build(self, input_shape):
        self._check_shape(input_shape)

    def _check_shape(self, shape):
        if len(shape) < 1:
            raise ValueError(f"{label(self)}: input must have a batch dimension, got a scalar")

    def _bind_ops(self):
        shape = self._build_shapes
        size = None if shape is None else _known(shape[1:])
        self._op = _core.reshape.bind(label(self), shape=(-1, size)) if size else None

    def call(self, inputs):
        if self._first and len(inputs.shape) > 2:
            inputs = _core.transpose(inputs, axes=(0, *range(2, len(inputs.shape)), 1))
        if self._op is not None:
            return self._op(inputs)
        shape = inputs.shape
        return _core.reshape(inputs, shape=(shape[0], math.prod(shape[1:])))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], _known(input_shape[1:]))

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format}


class Reshape(_Moving):
    """Each sample in TARGET_SHAPE (without the batch); one size may be -1, which takes what is left."""

    def __init__(self, target_shape, **kwargs):
        super().__init__(**kwargs)
        target = (target_shape,) if hasattr(target_shape, "__index__") else tuple(target_shape)
        self.target_shape = tuple(int(d) for d in target)
        if self.target_shape.count(-1) > 1 or any(d < -1 for d in self.target_shape):
            raise ValueError(f"Reshape: target_shape holds sizes >= 0 and at most one -1, got {target_shape!r}")
        self.built = True
        self._bind_ops()

    def _bind_ops(self):
        fixed = all(d > 0 for d in self.target_shape)
        self._op = _core.reshape.bind(label(self), shape=(-1, *self.target_shape)) if fixed else None

    def _resolve(self, shape):
        """The target for one sample of SHAPE."""
        size = _known(shape)
        rest = math.prod(d for d in self.target_shape if d != -1)
        if -1 not in self.target_shape:
            if size is not None and size != rest:
                self._refuse(shape)
            return self.target_shape
        if size is not None and (rest == 0 or size % rest):
            self._refuse(shape)
        left = None if size is None else size // rest
        return tuple(left if d == -1 else d for d in self.target_shape)

    def _refuse(self, shape):
        raise ValueError(
            f"{label(self)}: samples of shape {tuple(shape)} ({_known(shape)} elements) cannot be reshaped to "
            f"{self.target_shape}"
        )

    def _check_shape(self, shape):
        self._resolve(shape[1:])

    def call(self, inputs):
        if self._op is not None:
            return self._op(inputs)
        shape = inputs.shape
        return _core.reshape(inputs, shape=(shape[0], *self._resolve(shape[1:])))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self._resolve(input_shape[1:]))

    def get_config(self):
        return {**super().get_config(), "target_shape": self.target_shape}


class Permute(_Moving):
    """Dimensions in another order: DIMS counts from 1, the batch stays first. Permute((2, 1)) swaps two."""

    def __init__(self, dims, **kwargs):
        super().__init__(**kwargs)
        self.dims = tuple(int(d) for d in dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"Permute: dims must hold each of 1..{len(self.dims)} once, got {dims!r}")
        self.built = True
        self._bind_ops()

    def _bind_ops(self):
        self._op = _core.transpose.bind(label(self), axes=(0, *self.dims))

    def _check_shape(self, shape):
        if len(shape) != len(self.dims) + 1:
            raise ValueError(
                f"{label(self)}: dims {self.dims} need {len(self.dims) + 1} dimensions, got shape {tuple(shape)}"
            )

    def call(self, inputs):
        return self._op(inputs)

    def compute_output_shape(self, input_shape):
        self._check_shape(input_shape)
        return (input_shape[0], *(input_shape[d] for d in self.dims))

    def get_config(self):
        return {**super().get_config(), "dims": self.dims}


_ENLARGING = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


class UpSampling2D(ImageLayer):
    """Images SIZE times as large: [N,H,W,C] to [N, H*size[0], W*size[1], C].

    INTERPOLATION is 'nearest' (each pixel repeated), 'bilinear', 'bicubic', 'lanczos3' or 'lanczos5' (centres aligned,
    as tf.image.resize does).
    """

    def __init__(self, size=(2, 2), data_format=None, interpolation="nearest", **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.size = arguments.tuple_of("UpSampling2D", "size", size, 2)
        self.interpolation = str(interpolation).lower()
        if self.interpolation not in _ENLARGING:
            raise ValueError(
                f"UpSampling2D: interpolation must be one of {', '.join(_ENLARGING)}, got {interpolation!r}"
            )
        self.built = True
        self._bind_ops()

    def _bind_ops(self):
        self._op = None
        if self.interpolation in ("nearest", "bilinear"):
            self._op = _core.upsample2d.bind(label(self), size=self.size, interpolation=self.interpolation)

    def _enlarge(self, x):
        if self._op is not None:
            return self._op(x)
        sizes = tuple(d * s for d, s in zip(x.shape[1:3], self.size))
        return _core.resize2d(x, size=sizes, interpolation=self.interpolation)

    def call(self, inputs):
        if self._first:
            return arguments.to_first(self._enlarge(arguments.to_last(inputs)))
        return self._enlarge(inputs)

    def _image_shape(self, shape):
        rows, columns = (None if d is None else d * s for d, s in zip(shape[1:3], self.size))
        return (shape[0], rows, columns, shape[3])

    def get_config(self):
        return {**super().get_config(), "size": self.size, "interpolation": self.interpolation}


class UpSampling1D(Layer):
    """Each step SIZE times: [N,L,C] to [N,L*size,C]."""

    _plain = True
    _float_inputs = True

    def __init__(self, size=2, **kwargs):
        super().__init__(**kwargs)
        self.size = arguments.positive("UpSampling1D", "size", size)
        self.built = True
        self._bind_ops()

    def _bind_ops(self):
        self._op = _core.repeat.bind(label(self), repeats=self.size, axis=1)

    def _check_shape(self, shape):
        if len(shape) != 3:
            raise ValueError(
                f"{label(self)}: input must have 3 dimensions (batch, steps, channels), got shape {tuple(shape)}"
            )

    def call(self, inputs):
        return self._op(inputs)

    def compute_output_shape(self, input_shape):
        self._check_shape(input_shape)
        return (input_shape[0], None if input_shape[1] is None else input_shape[1] * self.size, input_shape[2])

    def get_config(self):
        return {**super().get_config(), "size": self.size}


class UpSampling3D(ImageLayer):
    """Each place of a volume repeated: [N,D,H,W,C] to [N, D*size[0], H*size[1], W*size[2], C]."""

    _rank = 3

    def __init__(self, size=(2, 2, 2), data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.size = arguments.tuple_of("UpSampling3D", "size", size, 3)
        self.built = True

    def call(self, inputs):
        for axis, times in enumerate(self.size, 2 if self._first else 1):
            inputs = _core.repeat(inputs, repeats=times, axis=axis)
        return inputs

    def _image_shape(self, shape):
        places = (None if d is None else d * s for d, s in zip(shape[1:-1], self.size))
        return (shape[0], *places, shape[-1])

    def get_config(self):
        return {**super().get_config(), "size": self.size}


class RepeatVector(_Moving):
    """Each vector N times in a row: [batch, features] to [batch, n, features]."""

    def __init__(self, n, **kwargs):
        super().__init__(**kwargs)
        if not hasattr(n, "__index__") or isinstance(n, bool):
            raise TypeError(f"RepeatVector: n must be an integer, got {n!r}")
        self.n = arguments.positive("RepeatVector", "n", n)
        self.built = True

    def _check_shape(self, shape):
        if len(shape) != 2:
            raise ValueError(f"{label(self)}: input must have 2 dimensions (batch, features), got shape {tuple(shape)}")

    def call(self, inputs):
        return _core.repeat(_core.expand_dims(inputs, axis=1), repeats=self.n, axis=1)

    def compute_output_shape(self, input_shape):
        self._check_shape(input_shape)
        return (input_shape[0], self.n, input_shape[1])

    def get_config(self):
        return {**super().get_config(), "n": self.n}
