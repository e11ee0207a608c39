"""Model: a layer that can be trained and printed."""

from cnnpy import tree
from cnnpy.layers import calling
from cnnpy.layers.layer import Layer
from cnnpy.layers.symbolic import KerasTensor, infer_outputs
from cnnpy.models.old_spellings import OldSpellings
from cnnpy.models.saving_methods import SavingMethods
from cnnpy.models.trainer import Trainer


def _is_functional(args, kwargs):
    """True if these are the arguments of Model(inputs, outputs)."""
    return len(args) >= 2 or (len(args) == 1 and "outputs" in kwargs) or ("inputs" in kwargs and "outputs" in kwargs)


class Model(Trainer, SavingMethods, OldSpellings, Layer):
    """A network.

    `Model(inputs, outputs)` makes one of symbolic tensors; a subclass makes its layers in `__init__` and uses them in
    `call(inputs, training=None)`; `Sequential` is a stack of layers.
    """

    def __new__(cls, *args, **kwargs):
        if cls is Model:
            for wrong in ("input", "output"):
                if wrong in kwargs:
                    raise ValueError(f"Model: unknown argument '{wrong}'; write Model(inputs=..., outputs=...)")
            if _is_functional(args, kwargs):
                from cnnpy.models.functional import Functional

                return Layer.__new__(Functional)
        return Layer.__new__(cls, *args, **kwargs)

    def __init__(self, *args, **kwargs):
        from cnnpy.models.functional import Functional

        if _is_functional(args, kwargs) and not isinstance(self, Functional):
            # A subclass that calls super().__init__(inputs, outputs) is a functional model from here on.
            cls = type(self)
            while Model not in cls.__bases__:
                cls = next(base for base in cls.__bases__ if issubclass(base, Model))
            cls.__bases__ = tuple(Functional if base is Model else base for base in cls.__bases__)
            Functional.__init__(self, *args, **kwargs)
            return
        if args:
            raise TypeError(
                f"{type(self).__name__}: takes (inputs, outputs), or only keywords like name=...; got {args!r}"
            )
        Trainer.__init__(self)
        Layer.__init__(self, **kwargs)

    # ---- structure ----

    @property
    def layers(self):
        """The layers of the model, not those inside of them."""
        from cnnpy.layers.symbolic_op import SymbolicOp

        return [layer for layer in self._held()[2] if not isinstance(layer, SymbolicOp)]

    @layers.setter
    def layers(self, value):
        raise AttributeError("model.layers cannot be set; use add() and pop() of Sequential, or make a new model")

    inputs = None
    outputs = None

    def get_layer(self, name=None, index=None):
        """The layer of this NAME, or at this INDEX of `layers`."""
        if (name is None) == (index is None):
            raise ValueError("get_layer: pass either name or index")
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(f"get_layer: index {index} is out of range; the model has {len(layers)} layers")
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        from cnnpy.utils.suggest import suggestion

        names = [layer.name for layer in layers]
        raise ValueError(
            f"get_layer: no layer is called {name!r}.{suggestion(name, names)} There are: {', '.join(names)}"
        )

    # ---- building and calling ----

    def build(self, input_shape):
        """Makes the weights of a subclassed model by running `call` on zeros of INPUT_SHAPE (the batch may be None)."""
        specs = tree.map_shapes(lambda shape: KerasTensor(shape, dtype=self._compute_dtype), input_shape)
        infer_outputs(calling.probing_call(self), (specs,), {})

    def _build_for(self, args, kwargs):
        if type(self).build is Model.build:  # the layers are built when `call` comes to them
            shapes = calling.shapes_of(args[0] if args else next(iter(kwargs.values())))
            self.__dict__["built"] = True
            self.__dict__["_build_shapes"] = tree.map_shapes(lambda s: None if s is None else (None, *s[1:]), shapes)
        else:
            calling.build_for(self, args, kwargs)

    def call(self, *args, **kwargs):
        raise NotImplementedError(
            f"{type(self).__name__} must define call(self, inputs, training=None), or be made as Model(inputs, outputs)"
        )

    # ---- configuration ----

    def summary(
        self,
        line_length=None,
        positions=None,
        print_fn=None,
        expand_nested=False,
        show_trainable=False,
        layer_range=None,
        batch_size=None,
    ):
        """Prints the layers with their output shapes and numbers of parameters.

        LINE_LENGTH is the width in characters; POSITIONS the relative ends of the columns; PRINT_FN gets the text
        instead of the terminal; EXPAND_NESTED shows the layers of models inside; SHOW_TRAINABLE adds a column;
        LAYER_RANGE is a pair of names (or patterns) to print from and to. With a BATCH_SIZE (which Keras has not) the
        last line tells the memory that training and prediction take for it, see `cnnpy.utils.memory_estimate`.
        """
        from cnnpy.models.summary import print_summary

        print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range, batch_size)

    def _repr_html_(self):
        """The layers as a table, which Jupyter shows."""
        from cnnpy.models.summary import html_summary

        return html_summary(self)

    def get_config(self):
        return super().get_config()

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model that CONFIG describes, with fresh weights. `Model` itself reads those of functional models."""
        from cnnpy.saving import CustomObjectScope

        if cls is Model and "output_layers" in config:
            from cnnpy.models.functional import Functional

            return Functional.from_config(config, custom_objects)
        with CustomObjectScope(custom_objects):
            return super().from_config(config)

    def to_json(self, **kwargs):
        """The architecture and the compile settings as JSON text; KWARGS go to json.dumps."""
        import json

        from cnnpy.saving.archive import serialize_model

        return json.dumps(serialize_model(self), **kwargs)


def model_from_json(json_string, custom_objects=None):
    """The model whose architecture `to_json`, or Keras 2 or 3, wrote, with fresh weights, compiled if it was."""
    import json

    from cnnpy.saving import deserialize_keras_object
    from cnnpy.saving.old_configs import modern

    return deserialize_keras_object(modern(json.loads(json_string)), custom_objects)
