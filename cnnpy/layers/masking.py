"""Masks for steps of a sequence that do not count."""

from cnnpy import _core
from cnnpy.layers.calling import label
from cnnpy.layers.layer import Layer


class Masking(Layer):
    """Masks the steps of x, [batch, steps, ..., features], whose features all equal MASK_VALUE, and makes them 0.

    The mask, [batch, steps, ...], goes along with the output: later layers that support masks leave these steps out,
    and so do losses and metrics of an output that it reaches.
    """

    _plain = True
    _float_inputs = True
    _makes_masks = True

    def __init__(self, mask_value=0.0, **kwargs):
        super().__init__(**kwargs)
        if isinstance(mask_value, dict) and "class_name" in mask_value:
            from cnnpy.saving import deserialize_keras_object

            mask_value = deserialize_keras_object(mask_value)
        self.mask_value = mask_value
        self.built = True

    def _check_shape(self, shape):
        if len(shape) < 2:
            raise ValueError(
                f"{label(self)}: input must have at least 2 dimensions (batch, ..., features), got shape {tuple(shape)}"
            )

    def compute_mask(self, inputs, mask=None):
        """Which steps of INPUTS have a feature other than MASK_VALUE."""
        from cnnpy import ops

        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs):
        mask = _core.any(_core.not_equal(inputs, self.mask_value), axis=-1)
        y = _core.where(_core.expand_dims(mask, axis=-1), inputs, 0.0)
        y._keras_mask = mask
        return y

    def compute_output_shape(self, input_shape):
        self._check_shape(input_shape)
        return tuple(input_shape)

    def get_config(self):
        from cnnpy.saving import serialize_keras_object

        return {**super().get_config(), "mask_value": serialize_keras_object(self.mask_value)}
