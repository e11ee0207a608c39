"""Layers around another layer."""

from cnnpy import _core, tree
from cnnpy.layers.calling import label
from cnnpy.layers.layer import Layer


class Wrapper(Layer):
    """The base of layers that hold another one, LAYER, and build it with them.

    Raises ValueError if LAYER is no layer.
    """

    _only_tensors = True

    def __init__(self, layer, **kwargs):
        if not isinstance(layer, Layer):
            hint = f"; write {layer.__name__}(...)" if isinstance(layer, type) and issubclass(layer, Layer) else ""
            raise ValueError(f"{type(self).__name__}: layer must be a Layer, got {layer!r}{hint}")
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape=None):
        if not self.layer.built:
            self.layer.build(input_shape)

    def get_config(self):
        from cnnpy.saving import serialize_keras_object

        return {**super().get_config(), "layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A wrapper of this configuration around a fresh layer of the configuration in it."""
        from cnnpy.saving import deserialize_keras_object

        config = dict(config)
        return cls(deserialize_keras_object(config.pop("layer"), custom_objects), **config)


class TimeDistributed(Wrapper):
    """LAYER on each step of [N,T,...] by itself: [N,T,...] to [N,T,*output of the layer].

    Where the steps do not depend on one another all are done in one call. What draws random numbers, or takes
    statistics of the batch, is called step by step, as in Keras. A MASK [N,T] goes to layers whose call takes one.
    """

    def __init__(self, layer, **kwargs):
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def _step_shape(self, shape):
        if not isinstance(shape, (tuple, list)) or len(shape) < 3:
            raise ValueError(
                f"{label(self)}: input must have at least 3 dimensions (batch, steps, ...), got shape {shape}"
            )
        return (shape[0], *shape[2:])

    def _check_shape(self, shape):
        self._step_shape(shape)

    def build(self, input_shape):
        super().build(self._step_shape(input_shape))

    def _independent(self, training):
        """True if one call for all steps gives what a call a step gives."""
        for layer in self.layer._flatten_layers():
            ours = type(layer).__module__.startswith("cnnpy.")
            if not ours or (training and (hasattr(layer, "seed_generator") or hasattr(layer, "moving_mean"))):
                return False
        return True

    def call(self, inputs, training=None, mask=None):
        if mask is not None and tuple(mask.shape[:2]) != tuple(inputs.shape[:2]):
            raise ValueError(
                f"{label(self)}: the mask's shape {tuple(mask.shape)} must begin with the input's batch and steps, "
                f"{tuple(inputs.shape[:2])}"
            )
        takes_mask = mask is not None and "mask" in self.layer._call_names
        options = {"training": training} if self.layer._takes_training else {}
        n, steps = inputs.shape[:2]
        if not takes_mask and self._independent(training):
            together = self.layer(_core.reshape(inputs, shape=(n * steps, *inputs.shape[2:])), **options)
            return tree.map_structure(lambda y: _core.reshape(y, shape=(n, steps, *y.shape[1:])), together)
        outputs = []
        for step in range(steps):
            if takes_mask:
                options["mask"] = mask[:, step]
            outputs.append(self.layer(inputs[:, step], **options))
        return tree.map_structure(lambda *parts: _core.stack(parts, axis=1), *outputs)

    def compute_output_shape(self, input_shape):
        inner = self.layer.compute_output_shape(self._step_shape(input_shape))
        return tree.map_shapes(lambda shape: (shape[0], input_shape[1], *shape[1:]), inner)
