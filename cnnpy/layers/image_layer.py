"""The base of layers on images, in either layout. The core computes on NHWC; NCHW is transposed."""

from cnnpy.layers import arguments
from cnnpy.layers.calling import label
from cnnpy.layers.layer import Layer


class ImageLayer(Layer):
    """A layer on (batch, height, width, channels), or (batch, channels, height, width) with 'channels_first'.

    Subclasses define `_image_shape(shape)`, the output shape for an input shape in NHWC.
    """

    _plain = True
    _float_inputs = True

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = arguments.data_format(type(self).__name__, data_format)
        self._first = self.data_format == "channels_first"

    def _check_shape(self, shape):
        if len(shape) == 4:
            return
        axes = "(batch, channels, height, width)" if self._first else "(batch, height, width, channels)"
        hint = ""
        if len(shape) == 3:
            axis = 1 if self._first else -1
            single_image = shape[0] is not None and shape[axis] in (1, 3, 4) and shape[-1] != shape[-2]
            hint = (
                "; did you forget the batch dimension, x[None]?"
                if single_image
                else f"; did you forget np.expand_dims(x, {axis})?"
            )
        raise ValueError(f"{label(self)}: input must have 4 dimensions {axes}, got shape {tuple(shape)}{hint}")

    def compute_output_shape(self, input_shape):
        self._check_shape(input_shape)
        shape = arguments.shape_to_last(input_shape) if self._first else tuple(input_shape)
        result = self._image_shape(shape)
        if any(d is not None and d < 1 for d in result[1:]):
            raise ValueError(
                f"{label(self)}: input shape {tuple(input_shape)} is too small: the output would have shape {result}. "
                "Use padding='same', fewer or smaller windows, or larger images"
            )
        return arguments.shape_to_first(result) if self._first and len(result) == 4 else result

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format}
