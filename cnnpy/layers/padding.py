"""Margins put around sequences, images and volumes, and cut off them."""

from cnnpy import _core
from cnnpy.layers import arguments
from cnnpy.layers.calling import label
from cnnpy.layers.image_layer import ImageLayer


class _ZeroPadding(ImageLayer):
    """Zeros around the places of the input; PADDING as `arguments.margins` takes it."""

    def __init__(self, padding, data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.padding = arguments.margins(type(self).__name__, "padding", padding, self._rank)
        self.built = True
        self._bind_ops()

    def _bind_ops(self):
        if self._rank == 2:
            self._op = _core.zero_pad2d.bind(label(self), padding=(*self.padding[0], *self.padding[1]))
            return
        self._op = _core.pad.bind(label(self), padding=(0, 0, *(side for pair in self.padding for side in pair), 0, 0))

    def call(self, inputs):
        if self._first:
            return arguments.to_first(self._op(arguments.to_last(inputs)))
        return self._op(inputs)

    def _image_shape(self, shape):
        places = (None if d is None else d + sum(p) for d, p in zip(shape[1:-1], self.padding))
        return (shape[0], *places, shape[-1])

    def get_config(self):
        return {**super().get_config(), "padding": self.padding[0] if self._rank == 1 else self.padding}


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after sequences [N,L,C]. PADDING is an integer or (left, right)."""

    _rank = 1

    def __init__(self, padding=1, data_format=None, **kwargs):
        super().__init__(padding, data_format, **kwargs)


class ZeroPadding2D(_ZeroPadding):
    """Zeros around images [N,H,W,C]. PADDING is an integer, (rows, columns), or ((top, bottom), (left, right))."""

    def __init__(self, padding=(1, 1), data_format=None, **kwargs):
        super().__init__(padding, data_format, **kwargs)


class ZeroPadding3D(_ZeroPadding):
    """Zeros around volumes [N,D,H,W,C]. PADDING is an integer, three, or three pairs (before, after)."""

    _rank = 3

    def __init__(self, padding=((1, 1), (1, 1), (1, 1)), data_format=None, **kwargs):
        super().__init__(padding, data_format, **kwargs)


class _Cropping(ImageLayer):
    """The input without its margins; CROPPING as `arguments.margins` takes it."""

    def __init__(self, cropping, data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.cropping = arguments.margins(type(self).__name__, "cropping", cropping, self._rank)
        self.built = True

    def call(self, inputs):
        shape = inputs.shape
        begin, end = [0] * len(shape), list(shape)
        for axis, (before, after) in enumerate(self.cropping, 2 if self._first else 1):
            begin[axis], end[axis] = before, shape[axis] - after
            if begin[axis] >= end[axis]:
                raise ValueError(f"{label(self)}: cropping {self.cropping} leaves nothing of shape {tuple(shape)}")
        return _core.slice(inputs, begin=begin, end=end, stride=(1,) * len(shape))

    def _image_shape(self, shape):
        places = (None if d is None else d - sum(c) for d, c in zip(shape[1:-1], self.cropping))
        return (shape[0], *places, shape[-1])

    def get_config(self):
        return {**super().get_config(), "cropping": self.cropping[0] if self._rank == 1 else self.cropping}


class Cropping1D(_Cropping):
    """Sequences [N,L,C] without their ends. CROPPING is an integer or (left, right)."""

    _rank = 1

    def __init__(self, cropping=(1, 1), **kwargs):
        super().__init__(cropping, "channels_last", **kwargs)

    def get_config(self):
        config = super().get_config()
        del config["data_format"]
        return config


class Cropping2D(_Cropping):
    """Images without their margins. CROPPING is an integer, (rows, columns), or ((top, bottom), (left, right))."""

    def __init__(self, cropping=((0, 0), (0, 0)), data_format=None, **kwargs):
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(_Cropping):
    """Volumes [N,D,H,W,C] without their margins. CROPPING is an integer, three, or three pairs (before, after)."""

    _rank = 3

    def __init__(self, cropping=((1, 1), (1, 1), (1, 1)), data_format=None, **kwargs):
        super().__init__(cropping, data_format, **kwargs)
