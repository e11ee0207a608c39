"""Layers around another layer."""

from cnnpy.layers.layer import Layer


class Wrapper(Layer):
    """The base of layers that hold another one, LAYER, and build it with them.

    Raises ValueError if LAYER is no layer.
    """

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
