"""The base of layers on sequences, images and volumes, in either layout.

The core computes on channels last, and on a sequence as on an image of one row; `_to_core` and `_from_core` are the
way there and back.
"""

from cnnpy import _core
from cnnpy.layers import arguments
from cnnpy.layers.calling import label
from cnnpy.layers.layer import Layer

_AXES = {1: "steps", 2: "height, width", 3: "depth, height, width"}


class ImageLayer(Layer):
    """A layer on (batch, height, width, channels), or (batch, channels, height, width) with 'channels_first'.

    Subclasses define `_image_shape(shape)`, the output shape for an input shape with channels last, and `_rank`: 1 for
    sequences (batch, steps, channels), 2 for images, 3 for volumes (batch, depth, height, width, channels).
    """

    _plain = True
    _float_inputs = True
    _rank = 2

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = arguments.data_format(type(self).__name__, data_format)
        self._first = self.data_format == "channels_first"

    def _check_shape(self, shape):
        if len(shape) == self._rank + 2:
            return
        places = _AXES[self._rank]
        axes = f"(batch, channels, {places})" if self._first else f"(batch, {places}, channels)"
        hint = ""
        if len(shape) == self._rank + 1:
            axis = 1 if self._first else -1
            single_image = (
                self._rank > 1 and shape[0] is not None and shape[axis] in (1, 3, 4) and shape[-1] != shape[-2]
            )
            hint = (
                "; did you forget the batch dimension, x[None]?"
                if single_image
                else f"; did you forget np.expand_dims(x, {axis})?"
            )
        raise ValueError(
            f"{label(self)}: input must have {self._rank + 2} dimensions {axes}, got shape {tuple(shape)}{hint}"
        )

    def _to_core(self, x):
        """X with channels last, a sequence as an image of one row."""
        if self._first:
            x = arguments.to_last(x)
        return _core.expand_dims(x, axis=1) if self._rank == 1 else x

    def _from_core(self, y):
        """The layer's output from the core's."""
        if self._rank == 1:
            y = _core.squeeze(y, axis=1)
        return arguments.to_first(y) if self._first else y

    def _for_core(self, sizes):
        """One integer an axis as `_core` takes them: those of a sequence with a 1 for its row."""
        return (1, *sizes) if self._rank == 1 else tuple(sizes)

    def compute_output_shape(self, input_shape):
        self._check_shape(input_shape)
        shape = arguments.shape_to_last(input_shape) if self._first else tuple(input_shape)
        result = self._image_shape(shape)
        if any(d is not None and d < 1 for d in result[1:]):
            raise ValueError(
                f"{label(self)}: input shape {tuple(input_shape)} is too small: the output would have shape {result}. "
                "Use padding='same', fewer or smaller windows, or larger images"
            )
        return arguments.shape_to_first(result) if self._first and len(result) == self._rank + 2 else result

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format}
