"""Dense, identity, input and the layer that wraps a function."""

from cnnpy import _core, activations, constraints, initializers, regularizers
from cnnpy.dtype_policies import standardize_dtype
from cnnpy.layers import arguments
from cnnpy.layers.calling import label, probing_call
from cnnpy.layers.layer import Layer
from cnnpy.layers.symbolic import KerasTensor, Node, infer_outputs
from cnnpy.utils.old_paths import moved


class Dense(Layer):
    """y = activation(x @ kernel + bias), in one pass. x is [..., inputs], the kernel [inputs, units], y [..., units].

    Raises ValueError for an input of fewer than 2 dimensions, or of another last size than the kernel was built for.
    """

    _plain = True
    _float_inputs = True
    supports_masking = True

    def __init__(
        self,
        units,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        lora_rank=None,
        lora_alpha=None,
        quantization_config=None,
        **kwargs,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if lora_rank is not None or quantization_config is not None:
            raise NotImplementedError("Dense: lora_rank and quantization_config are not offered; leave them None")
        self.units = arguments.positive(type(self).__name__, "units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.kernel = self.bias = None

    def _check_shape(self, shape):
        if len(shape) < 2:
            raise ValueError(
                f"{label(self)}: input must have at least 2 dimensions (batch, ..., features), got shape "
                f"{tuple(shape)}; did you forget the batch dimension, x[None]?"
            )
        if self.kernel is not None and shape[-1] is not None and shape[-1] != self.kernel.shape[0]:
            hint = ". Put a Flatten() before it?" if len(shape) > 2 else ""
            raise ValueError(
                f"{label(self)}: input has {shape[-1]} features, its kernel expects {self.kernel.shape[0]}; got shape "
                f"{tuple(shape)}{hint}"
            )

    def build(self, input_shape):
        self._check_shape(input_shape)
        inputs = input_shape[-1]
        if inputs is None:
            raise ValueError(
                f"{label(self)}: the last size of its input must be known, got {tuple(input_shape)}. Give the "
                "model's Input a full shape, or use GlobalAveragePooling2D() in place of Flatten()"
            )
        self.kernel = self.add_weight(
            name="kernel",
            shape=(inputs, self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.units,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def _bind_ops(self):
        fused = activations.fused_name(self.activation)
        self._after = None if fused else activations.bound(self.activation, label(self))
        self._op = _core.dense.bind(label(self), activation=fused or "linear")

    def call(self, inputs):
        y = self._op(inputs, self.kernel, self.bias)
        return y if self._after is None else self._after(y)

    def compute_output_shape(self, input_shape):
        self._check_shape(input_shape)
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }


class Identity(Layer):
    """The input itself."""

    _plain = True
    supports_masking = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.built = True

    def call(self, inputs):
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def compute_output_dtype(self, inputs):
        return inputs.dtype if isinstance(inputs, KerasTensor) else self._compute_dtype


class InputLayer(Layer):
    """Where data enters a model. SHAPE is without the batch; BATCH_SHAPE with it."""

    _plain = True

    def __init__(
        self, shape=None, batch_size=None, dtype=None, sparse=None, ragged=None, batch_shape=None, input_tensor=None,
        optional=False, name=None, **kwargs,
    ):  # fmt: skip
        if sparse or ragged:
            raise NotImplementedError("InputLayer: sparse and ragged inputs are not offered; use dense arrays")
        if input_tensor is not None and shape is None and batch_shape is None:
            batch_shape, dtype = input_tensor.shape, dtype or input_tensor.dtype
        given = kwargs.pop("input_shape", None)
        batch_shape = kwargs.pop("batch_input_shape", batch_shape)
        shape = given if shape is None else shape
        if batch_shape is None:
            if shape is None:
                raise ValueError("InputLayer: pass shape=(...), the sizes without the batch, like (28, 28, 1)")
            shape = (shape,) if hasattr(shape, "__index__") else shape
            batch_shape = (batch_size, *shape)
        elif shape is not None:
            raise ValueError("InputLayer: pass shape or batch_shape, not both")
        for d in batch_shape:
            if d is not None and (isinstance(d, bool) or not hasattr(d, "__index__") or d < 0):
                raise ValueError(f"InputLayer: a shape holds integers >= 0 and None, got {tuple(batch_shape)!r}")
        self_dtype = standardize_dtype(dtype)
        super().__init__(name=name, dtype=self_dtype, **kwargs)
        self.batch_shape = tuple(None if d is None else int(d) for d in batch_shape)
        self.optional = optional
        self.built = True
        self._make_output()

    def _make_output(self):
        Node(self, (), {}, KerasTensor(self.batch_shape, dtype=self.dtype, name=self.name))

    def __setstate__(self, state):
        super().__setstate__(state)
        self._make_output()

    def call(self, inputs=None):
        return inputs

    def __call__(self, inputs=None):
        raise TypeError(
            f"{label(self)}: an input is not called; use cnnpy.Input(shape), which returns a symbolic tensor"
        )

    def compute_output_shape(self, input_shape=None):
        return self.batch_shape

    def get_config(self):
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
            "optional": self.optional,
        }


def Input(
    shape=None, batch_size=None, dtype=None, sparse=None, ragged=None, batch_shape=None, name=None, tensor=None,
    optional=False,
):  # fmt: skip
    """A symbolic tensor that stands for data of SHAPE (without the batch), to draw a model with."""
    layer = InputLayer(shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional, name)
    return layer.output


class Lambda(Layer):
    """FUNCTION(inputs, **ARGUMENTS) as a layer.

    OUTPUT_SHAPE, a tuple without the batch or a function of the input shape, is only needed where running the function
    on zeros cannot tell it. MASK, a Tensor or a function of the inputs and their mask, gives the output a mask; a
    function with a parameter `mask` is passed that of the inputs. Variables used inside are not tracked: write a Layer
    for that.
    """

    def __init__(self, function, output_shape=None, mask=None, arguments=None, **kwargs):
        super().__init__(**kwargs)
        if not callable(function):
            raise ValueError(f"Lambda: function must be callable, got {function!r}")
        self.function = function
        self.mask = mask
        self.supports_masking = self._makes_masks = mask is not None
        self.arguments = dict(arguments or {})
        self._output_shape = output_shape
        self._gives = [name for name in ("training", "mask") if name in _function_names(function)]
        self.built = True

    def call(self, inputs, mask=None, training=None):
        given = {"training": training, "mask": mask}
        return self.function(inputs, **{name: given[name] for name in self._gives}, **self.arguments)

    def compute_mask(self, inputs, mask=None):
        """What the argument `mask` says."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def compute_output_spec(self, inputs, mask=None, training=None):
        if self._output_shape is None:
            return infer_outputs(probing_call(self), (inputs,), {})
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=self._compute_dtype)

    def compute_output_shape(self, input_shape):
        if self._output_shape is None:
            return super().compute_output_shape(input_shape)
        if callable(self._output_shape):
            return tuple(self._output_shape(input_shape))
        return (input_shape[0], *self._output_shape)

    def get_config(self):
        from cnnpy.saving import serialize_keras_object

        config = {
            **super().get_config(),
            "function": serialize_keras_object(self.function),
            "arguments": self.arguments,
        }
        for key, value in (("output_shape", self._output_shape), ("mask", self.mask)):
            if value is not None:
                config[key] = serialize_keras_object(value)
        return config

    @classmethod
    def from_config(cls, config):
        """A Lambda of this configuration. The code of a lambda in it is not run: the function then is the custom object
        called like the layer, OUTPUT_SHAPE and MASK those called "name/output_shape" and "name/mask"."""
        keys = {"function": "", "output_shape": "/output_shape", "mask": "/mask"}
        read = {
            key: _function_of(config[key], f"{config.get('name')}{ending}")
            for key, ending in keys.items()
            if key in config
        }
        if isinstance(read["function"], str):
            read["function"] = activations.get(read["function"])
        return cls(**{**config, **read})


def _function_of(config, name):
    """What CONFIG describes; for the code of a lambda the custom object NAME, if there is one."""
    from cnnpy.saving.serialization import deserialize_keras_object, get_registered_object, is_lambda

    passed = get_registered_object(name) if is_lambda(config) else None
    return deserialize_keras_object(config) if passed is None else passed


def _function_names(function):
    import inspect

    try:
        return tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return ()


__getattr__ = moved("cnnpy.layers.core", "cnnpy.layers")
