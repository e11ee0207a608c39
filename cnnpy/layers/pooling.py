"""Pooling over windows, over everything, and into a given number of bins; of sequences, images and volumes.

Volumes are pooled over height and width first, then over depth: the largest of largests and, since all windows of a
plane have the same counts, the mean of means are those of the whole window.
"""

import numpy as np

from cnnpy import _core
from cnnpy.layers import arguments
from cnnpy.layers.calling import label
from cnnpy.layers.image_layer import ImageLayer


class _Pooling(ImageLayer):
    """Windows of POOL_SIZE moved by STRIDES (by default the size of the window)."""

    _core_op = None

    def __init__(self, pool_size, strides=None, padding="valid", data_format=None, name=None, **kwargs):
        super().__init__(data_format=data_format, name=name, **kwargs)
        owner = type(self).__name__
        self.pool_size = arguments.tuple_of(owner, "pool_size", pool_size, self._rank)
        self.strides = self.pool_size
        if strides is not None:
            self.strides = arguments.tuple_of(owner, "strides", strides, self._rank)
        self.padding = arguments.padding_name(owner, padding)

    def _bind_ops(self):
        op = getattr(_core, self._core_op)
        sizes, strides = self._for_core(self.pool_size), self._for_core(self.strides)
        self._op = op.bind(label(self), pool_size=sizes[-2:], strides=strides[-2:], padding=self.padding)
        if self._rank == 3:
            depth = {"pool_size": (sizes[0], 1), "strides": (strides[0], 1)}
            self._depth_op = op.bind(label(self), padding=self.padding, **depth)

    def build(self, input_shape):
        self._check_shape(input_shape)

    def call(self, inputs):
        if self._rank == 2 and not self._first:
            return self._op(inputs)
        x = self._to_core(inputs)
        return self._from_core(self._op(x) if self._rank < 3 else self._volume(x))

    def _volume(self, x):
        n, depth, height, width, channels = x.shape
        planes = self._op(_core.reshape(x, shape=(n * depth, height, width, channels)))
        _, height, width, _ = planes.shape
        y = self._depth_op(_core.reshape(planes, shape=(n, depth, height * width, channels)))
        return _core.reshape(y, shape=(n, y.shape[1], height, width, channels))

    def _image_shape(self, shape):
        places = (
            arguments.window_size(size, window, stride, self.padding)
            for size, window, stride in zip(shape[1:-1], self.pool_size, self.strides)
        )
        return (shape[0], *places, shape[-1])

    def get_config(self):
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "padding": self.padding,
            "strides": self.strides,
        }


class MaxPooling1D(_Pooling):
    """The largest value of each window: [N,L,C] to [N,OL,C]; see MaxPooling2D."""

    _rank = 1
    _core_op = "max_pool2d"

    def __init__(self, pool_size=2, strides=None, padding="valid", data_format=None, name=None, **kwargs):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class MaxPooling2D(_Pooling):
    """The largest value of each window. [N,H,W,C] to [N,OH,OW,C].

    POOL_SIZE is moved by STRIDES, by default its own size. PADDING 'valid' keeps windows inside, 'same' gives
    OH = ceil(H / stride) and never takes the padding for the largest.
    """

    _core_op = "max_pool2d"

    def __init__(self, pool_size=(2, 2), strides=None, padding="valid", data_format=None, name=None, **kwargs):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class MaxPooling3D(_Pooling):
    """The largest value of each window: [N,D,H,W,C] to [N,OD,OH,OW,C]; see MaxPooling2D."""

    _rank = 3
    _core_op = "max_pool2d"

    def __init__(self, pool_size=(2, 2, 2), strides=None, padding="valid", data_format=None, name=None, **kwargs):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class AveragePooling1D(_Pooling):
    """The mean of each window: [N,L,C] to [N,OL,C]; see AveragePooling2D."""

    _rank = 1
    _core_op = "average_pool2d"


class AveragePooling2D(_Pooling):
    """The mean of each window. [N,H,W,C] to [N,OH,OW,C].

    POOL_SIZE is moved by STRIDES, by default its own size. PADDING 'valid' keeps windows inside, 'same' gives
    OH = ceil(H / stride) and leaves the padding out of the mean.
    """

    _core_op = "average_pool2d"


class AveragePooling3D(_Pooling):
    """The mean of each window: [N,D,H,W,C] to [N,OD,OH,OW,C]; see AveragePooling2D."""

    _rank = 3
    _core_op = "average_pool2d"


# ---- over all places ----


class _GlobalPooling(ImageLayer):
    """One value per channel."""

    _core_op = None

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.keepdims = bool(keepdims)

    def _bind_ops(self):
        self._op = getattr(_core, self._core_op).bind(label(self), keepdims=self.keepdims)

    def build(self, input_shape):
        self._check_shape(input_shape)

    def call(self, inputs):
        if self._rank == 2 and not self._first:
            return self._op(inputs)
        x = self._to_core(inputs)
        if self._rank == 3:
            n, depth, height, width, channels = x.shape
            y = self._op(_core.reshape(x, shape=(n, depth * height, width, channels)))
            y = _core.reshape(y, shape=(n, 1, 1, 1, channels)) if self.keepdims else y
        else:
            y = self._op(x)
        return self._from_core(y) if self.keepdims else y

    def _image_shape(self, shape):
        ones = (1,) * self._rank if self.keepdims else ()
        return (shape[0], *ones, shape[-1])

    def get_config(self):
        return {**super().get_config(), "keepdims": self.keepdims}


class GlobalMaxPooling1D(_GlobalPooling):
    """The largest value of each channel. [N,L,C] to [N,C], or [N,1,C] with KEEPDIMS."""

    _rank = 1
    _core_op = "global_max_pool2d"


class GlobalMaxPooling2D(_GlobalPooling):
    """The largest value of each channel. [N,H,W,C] to [N,C], or [N,1,1,C] with KEEPDIMS."""

    _core_op = "global_max_pool2d"


class GlobalMaxPooling3D(_GlobalPooling):
    """The largest value of each channel. [N,D,H,W,C] to [N,C], or [N,1,1,1,C] with KEEPDIMS."""

    _rank = 3
    _core_op = "global_max_pool2d"


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean of each channel. [N,L,C] to [N,C], or [N,1,C] with KEEPDIMS.

    With a MASK [N,L] in the call only the steps where it is true are averaged; a sequence without any gives NaN, as in
    Keras.
    """

    _rank = 1
    _core_op = "global_average_pool2d"

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        if mask is None:
            return super().call(inputs)
        steps = 2 if self._first else 1
        shape = (*mask.shape, 1) if steps == 1 else (mask.shape[0], 1, mask.shape[1])
        mask = _core.reshape(_core.cast(mask, dtype="bool"), shape=shape)
        total = _core.sum(_core.where(mask, inputs, 0.0), axis=(steps,), keepdims=self.keepdims)
        count = _core.sum(_core.cast(mask, dtype=inputs.dtype), axis=(steps,), keepdims=self.keepdims)
        return _core.divide(total, count)

    def compute_mask(self, inputs, previous_mask):
        return None


class GlobalAveragePooling2D(_GlobalPooling):
    """The mean of each channel. [N,H,W,C] to [N,C], or [N,1,1,C] with KEEPDIMS."""

    _core_op = "global_average_pool2d"


class GlobalAveragePooling3D(_GlobalPooling):
    """The mean of each channel. [N,D,H,W,C] to [N,C], or [N,1,1,1,C] with KEEPDIMS."""

    _rank = 3
    _core_op = "global_average_pool2d"


# ---- into a given number of bins ----


def bins(size, count):
    """The bins of an axis of SIZE in COUNT parts that may overlap by one: (first, end) of each, as in PyTorch."""
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


def max_of_bins(x, axis, count):
    """The largest of each bin along AXIS."""
    parts = bins(x.shape[axis], count)
    longest = max(end - first for first, end in parts)
    # Short bins have their last place twice.
    places = [min(first + k, end - 1) for first, end in parts for k in range(longest)]
    rows = _core.take(x, np.array(places), axis=axis)
    rows = _core.reshape(rows, shape=(*x.shape[:axis], count, longest, *x.shape[axis + 1 :]))
    return _core.max(rows, axis=(axis + 1,))


def mean_of_bins(x, axis, count):
    """The mean of each bin along AXIS: a product with a matrix of shares."""
    size = x.shape[axis]
    shares = np.zeros((count, size), x.dtype)
    for i, (first, end) in enumerate(bins(size, count)):
        shares[i, first:end] = 1 / (end - first)
    outer, inner = x.shape[:axis], x.shape[axis + 1 :]
    rows = _core.reshape(x, shape=(int(np.prod(outer)), size, int(np.prod(inner))))
    return _core.reshape(_core.matmul(shares, rows), shape=(*outer, count, *inner))


class _AdaptivePooling(ImageLayer):
    """OUTPUT_SIZE bins, an integer or one for each axis."""

    _bin = None

    def __init__(self, output_size, data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.output_size = arguments.tuple_of(type(self).__name__, "output_size", output_size, self._rank)

    def build(self, input_shape):
        self._check_shape(input_shape)

    def call(self, inputs):
        x = arguments.to_last(inputs) if self._first else inputs
        for axis, count in enumerate(self.output_size, 1):
            x = type(self)._bin(x, axis, count)
        return arguments.to_first(x) if self._first else x

    def _image_shape(self, shape):
        return (shape[0], *self.output_size, shape[-1])

    def get_config(self):
        return {**super().get_config(), "output_size": self.output_size}


class AdaptiveMaxPooling1D(_AdaptivePooling):
    """The largest value of each of OUTPUT_SIZE bins: [N,L,C] to [N,output_size,C]."""

    _rank = 1
    _bin = staticmethod(max_of_bins)


class AdaptiveMaxPooling2D(_AdaptivePooling):
    """The largest value of each bin: [N,H,W,C] to [N,*output_size,C]. The bins of an axis cover it, about evenly."""

    _bin = staticmethod(max_of_bins)


class AdaptiveMaxPooling3D(_AdaptivePooling):
    """The largest value of each bin: [N,D,H,W,C] to [N,*output_size,C]."""

    _rank = 3
    _bin = staticmethod(max_of_bins)


class AdaptiveAveragePooling1D(_AdaptivePooling):
    """The mean of each of OUTPUT_SIZE bins: [N,L,C] to [N,output_size,C]."""

    _rank = 1
    _bin = staticmethod(mean_of_bins)


class AdaptiveAveragePooling2D(_AdaptivePooling):
    """The mean of each bin: [N,H,W,C] to [N,*output_size,C]. The bins of an axis cover it, about evenly."""

    _bin = staticmethod(mean_of_bins)


class AdaptiveAveragePooling3D(_AdaptivePooling):
    """The mean of each bin: [N,D,H,W,C] to [N,*output_size,C]."""

    _rank = 3
    _bin = staticmethod(mean_of_bins)


MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D
GlobalAvgPool1D, GlobalAvgPool2D = GlobalAveragePooling1D, GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
