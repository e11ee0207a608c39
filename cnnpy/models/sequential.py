"""A stack of layers."""

from cnnpy import tree
from cnnpy.layers import calling
from cnnpy.layers.core import InputLayer
from cnnpy.layers.layer import Layer
from cnnpy.layers.symbolic import KerasTensor, call_state
from cnnpy.models.graph_model import _OWN_CALLS, GraphModel
from cnnpy.models.trainer import Trainer


class Sequential(GraphModel):
    """Layers one after the other.

    The weights are made as soon as the input's shape is known: from an `Input(shape)` as the first entry, from the
    first layer's `input_shape=`, by `build(input_shape)`, or from the first data, whose batch size stays
    open (Keras 3 keeps it in the shapes it shows). `layers` leaves the input out.
    """

    def __init__(self, layers=None, trainable=True, name=None, **kwargs):
        Trainer.__init__(self)
        Layer.__init__(self, trainable=True, name=name, **kwargs)
        self._stack = []
        self.__dict__["_tail"] = None  # the symbolic output so far; None before the input's shape is known
        self.__dict__["_eager"] = False  # a layer's output shape cannot be known beforehand
        if layers is not None:
            if isinstance(layers, (Layer, KerasTensor)) or not hasattr(layers, "__iter__"):
                raise TypeError(f"Sequential: takes a list of layers, got {layers!r}")
            for layer in layers:
                self._append(layer)
            self._finish()
        if not trainable:
            self.trainable = False

    # ---- the stack ----

    @property
    def layers(self):
        """The layers, without the input."""
        return [layer for layer in self._stack if not isinstance(layer, InputLayer)]

    @layers.setter
    def layers(self, value):
        raise AttributeError("model.layers cannot be set; use add() and pop()")

    def _check_entry(self, layer):
        if isinstance(layer, KerasTensor):
            origin = layer._keras_history[0]
            if not isinstance(origin, InputLayer):
                raise ValueError(
                    f"{calling.label(self)}: takes layers and an Input, not the result of calling {origin!r}"
                )
            layer = origin
        if isinstance(layer, type) and issubclass(layer, Layer):
            raise ValueError(
                f"{calling.label(self)}: takes layers, got the class {layer.__name__}; write {layer.__name__}(...)"
            )
        if not isinstance(layer, Layer):
            raise ValueError(f"{calling.label(self)}: takes layers, got {layer!r}; for a function use Lambda(function)")
        if isinstance(layer, InputLayer) and self._stack:
            raise ValueError(
                f"{calling.label(self)}: an Input must come first, but there is {self._stack[-1]!r} before it"
            )
        if any(layer.name == other.name for other in self._stack):
            raise ValueError(
                f"{calling.label(self)}: there is a layer called {layer.name!r} already; give this one another name="
            )
        return layer

    def _append(self, layer):
        """Puts LAYER on the stack and, if the input's shape is known, calls it on what is there."""
        layer = self._check_entry(layer)
        if not self._stack and not isinstance(layer, InputLayer):
            shape = layer._batch_input_shape
            dtype = layer.compute_dtype
            if shape is None and getattr(layer, "inputs", None) and len(layer.inputs) == 1:
                shape, dtype = layer.inputs[0].shape, layer.inputs[0].dtype
            if shape is not None:
                self._append(InputLayer(batch_shape=shape, dtype=dtype))
        if isinstance(layer, InputLayer):
            self.__dict__["_tail"] = layer.output
        elif self._tail is not None:
            self._extend(layer)
        self._stack.append(layer)
        if not self._trainable:
            layer.trainable = False

    def _extend(self, layer):
        """Calls LAYER on the symbolic output so far."""
        scope = call_state.scope
        call_state.scope = (*scope, self._name)
        try:
            tail = layer(self._tail)
        except NotImplementedError:  # no shape rule, and it cannot be run on zeros
            tail = None
            self.__dict__["_eager"] = True
        finally:
            call_state.scope = scope
        if tail is not None and not isinstance(tail, KerasTensor):
            raise ValueError(
                f"{calling.label(self)}: {layer!r} has several outputs; a Sequential needs one. Use Model(inputs, "
                "outputs)"
            )
        self.__dict__["_tail"] = tail

    def _finish(self):
        """Makes the graph of what is on the stack."""
        known = self._tail is not None and len(self._stack) > 1
        if known:
            self._set_graph(self._stack[0].output, self._tail)
        else:
            self.__dict__.update(_graph=None, _plan=None, _inputs_struct=None, _outputs_struct=None)
        self.__dict__["built"] = known

    def add(self, layer, rebuild=True):
        """Puts LAYER (or an `Input(shape)`, first) on top."""
        self._append(layer)
        self._finish()

    def pop(self, rebuild=True):
        """Takes the last layer off and returns it."""
        if not self.layers:
            raise ValueError(f"{calling.label(self)}: has no layers to take off")
        layer = self._stack.pop()
        if self._tail is not None:
            call = next(node for node in layer._inbound_nodes if self._tail in node.output_tensors)
            self.__dict__["_tail"] = call.input_tensors[0]
        self.__dict__["_eager"] = self._eager and self._tail is None
        self._finish()
        return layer

    # ---- building and calling ----

    def build(self, input_shape=None):
        """Makes the weights for inputs of INPUT_SHAPE, which has the batch (None) first."""
        if not self._stack:
            raise ValueError(f"{calling.label(self)}: has no layers; add some before building it")
        if self._tail is not None or self._eager:
            self._finish()
            return
        if input_shape is None:
            raise ValueError(f"{calling.label(self)}: build needs input_shape, like (None, 28, 28, 1)")
        if not tree.is_shape(input_shape) or not input_shape:
            raise ValueError(
                f"{calling.label(self)}: input_shape must be one shape, like (None, 28, 28, 1), got {input_shape!r}"
            )
        layers = list(self._stack)
        entry = InputLayer(batch_shape=(None, *input_shape[1:]), dtype=layers[0].compute_dtype)
        self.__dict__["_tail"] = entry.output
        try:
            for layer in layers:
                if self._tail is not None:
                    self._extend(layer)
        except BaseException:
            self.__dict__["_tail"] = None
            raise
        if self._tail is not None:
            self._stack.insert(0, entry)
        self._finish()

    def _build_for(self, args, kwargs):
        self.build(calling.shapes_of(args[0] if args else next(iter(kwargs.values()))))
        self.__dict__["built"] = True

    def _full_call(self, args, kwargs):
        if self._graph is None and not self._eager and self._stack and type(self).call in _OWN_CALLS:
            given, _ = calling.convert_arguments(self, *self._one_structure(args, kwargs))
            x = given[0]
            if isinstance(x, (list, tuple, dict)):
                leaves = tree.flatten(x)
                if len(leaves) != 1:
                    raise ValueError(f"{calling.label(self)}: takes one input, got {len(leaves)}")
                x = leaves[0]
            self.build(x.shape)
        return super()._full_call(args, kwargs)

    def call(self, inputs, training=None, mask=None):
        if self._graph is not None:
            return GraphModel.call(self, inputs, training, mask)
        if not self._stack:
            raise ValueError(f"{calling.label(self)}: has no layers")
        x = inputs if mask is None else calling.with_mask(inputs, mask)
        for layer in self.layers:  # layers take `training` from the call around them
            x = layer(x)
        return x

    def compute_output_shape(self, input_shape):
        if self._graph is not None:
            return super().compute_output_shape(input_shape)
        for layer in self.layers:
            if not layer.built:
                layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    # ---- copies ----

    def __getstate__(self):
        state = super().__getstate__()
        state.pop("_tail")
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        tail = self._outputs_struct
        if tail is None and self._stack and isinstance(self._stack[0], InputLayer):
            tail = self._stack[0].output
        self.__dict__["_tail"] = tail

    # ---- configuration ----

    def get_config(self):
        from cnnpy.saving import serialize_keras_object

        layers = []
        for layer in self._stack:
            config = serialize_keras_object(layer)
            if self._graph is not None:
                config.pop("build_config", None)  # building the model builds them
            layers.append(config)
        return {"name": self.name, "trainable": self.trainable, "dtype": self._dtype_policy.name, "layers": layers}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model that CONFIG describes, with fresh weights."""
        from cnnpy.saving import CustomObjectScope, deserialize_keras_object
        from cnnpy.saving.old_configs import modern_model

        config = modern_model(config)
        with CustomObjectScope(custom_objects):
            layers = [deserialize_keras_object(layer) for layer in config["layers"]]
        model = cls(layers, name=config.get("name"), trainable=config.get("trainable", True), dtype=config.get("dtype"))
        shape = config.get("build_input_shape")
        if shape and not model.built:
            model.build(tuple(shape))
        return model


_OWN_CALLS.add(Sequential.call)
