"""Pooling."""

from cnnpy import _core
from cnnpy.layers import arguments
from cnnpy.layers.calling import label
from cnnpy.layers.image_layer import ImageLayer


class _Pooling2D(ImageLayer):
    """Windows of POOL_SIZE moved by STRIDES (by default the size of the window)."""

    _core_op = None

    def __init__(self, pool_size=(2, 2), strides=None, padding="valid", data_format=None, name=None, **kwargs):
        super().__init__(data_format=data_format, name=name, **kwargs)
        owner = type(self).__name__
        self.pool_size = arguments.tuple_of(owner, "pool_size", pool_size, 2)
        self.strides = self.pool_size if strides is None else arguments.tuple_of(owner, "strides", strides, 2)
        self.padding = arguments.padding_name(owner, padding)

    def _bind_ops(self):
        op = getattr(_core, self._core_op)
        self._op = op.bind(label(self), pool_size=self.pool_size, strides=self.strides, padding=self.padding)

    def build(self, input_shape):
        self._check_shape(input_shape)

    def call(self, inputs):
        if self._first:
            return arguments.to_first(self._op(arguments.to_last(inputs)))
        return self._op(inputs)

    def _image_shape(self, shape):
        places = (
            arguments.window_size(size, window, stride, self.padding)
            for size, window, stride in zip(shape[1:3], self.pool_size, self.strides)
        )
        return (shape[0], *places, shape[3])

    def get_config(self):
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "padding": self.padding,
            "strides": self.strides,
        }


class MaxPooling2D(_Pooling2D):
    """The largest value of each window. [N,H,W,C] to [N,OH,OW,C].

    POOL_SIZE is moved by STRIDES, by default its own size. PADDING 'valid' keeps windows inside, 'same' gives
    OH = ceil(H / stride) and never takes the padding for the largest.
    """

    _core_op = "max_pool2d"


class AveragePooling2D(_Pooling2D):
    """The mean of each window. [N,H,W,C] to [N,OH,OW,C].

    POOL_SIZE is moved by STRIDES, by default its own size. PADDING 'valid' keeps windows inside, 'same' gives
    OH = ceil(H / stride) and leaves the padding out of the mean.
    """

    _core_op = "average_pool2d"


class _GlobalPooling2D(ImageLayer):
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
        if not self._first:
            return self._op(inputs)
        y = self._op(arguments.to_last(inputs))
        return arguments.to_first(y) if self.keepdims else y

    def _image_shape(self, shape):
        return (shape[0], 1, 1, shape[3]) if self.keepdims else (shape[0], shape[3])

    def get_config(self):
        return {**super().get_config(), "keepdims": self.keepdims}


class GlobalMaxPooling2D(_GlobalPooling2D):
    """The largest value of each channel. [N,H,W,C] to [N,C], or [N,1,1,C] with KEEPDIMS."""

    _core_op = "global_max_pool2d"


class GlobalAveragePooling2D(_GlobalPooling2D):
    """The mean of each channel. [N,H,W,C] to [N,C], or [N,1,1,C] with KEEPDIMS."""

    _core_op = "global_average_pool2d"


MaxPool2D = MaxPooling2D
AvgPool2D = AveragePooling2D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalAvgPool2D = GlobalAveragePooling2D
