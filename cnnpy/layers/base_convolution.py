"""What all convolutions share: arguments and their checks, weights, the bound op, shapes and configuration."""

from cnnpy import _core, activations, constraints, initializers, regularizers
from cnnpy.layers import arguments
from cnnpy.layers.calling import label
from cnnpy.layers.image_layer import ImageLayer


class BaseConvolution(ImageLayer):
    """A window of KERNEL_SIZE that moves by STRIDES over sequences, images or volumes, and what is done with the sums.

    Subclasses set `_rank`, name their weights' kinds in `_kinds` ('kernel' for `kernel_initializer` and so on), and
    define `_add_weights(channels)`, `_outputs(channels)` and, if `_op` is not all of it, `call`.
    """

    _paddings = ("valid", "same")
    _suffix = ""  # of the op's name
    _kinds = ("kernel", "bias")

    def __init__(self, window, output, treatments, **kwargs):
        """WINDOW: kernel_size, strides, padding, data_format, dilation_rate. OUTPUT: activation, use_bias,
        activity_regularizer. TREATMENTS: the initializer, regularizer and constraint of each of `_kinds`."""
        kernel_size, strides, padding, data_format, dilation_rate = window
        activation, use_bias, activity_regularizer = output
        super().__init__(data_format=data_format, activity_regularizer=activity_regularizer, **kwargs)
        owner = type(self).__name__
        self.kernel_size = arguments.tuple_of(owner, "kernel_size", kernel_size, self._rank)
        self.strides = arguments.tuple_of(owner, "strides", strides, self._rank)
        self.padding = arguments.padding_name(owner, padding, self._paddings)
        self.dilation_rate = arguments.tuple_of(owner, "dilation_rate", dilation_rate, self._rank)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        for kind, (initializer, regularizer, constraint) in zip(self._kinds, treatments, strict=True):
            setattr(self, f"{kind}_initializer", initializers.get(initializer))
            setattr(self, f"{kind}_regularizer", regularizers.get(regularizer))
            setattr(self, f"{kind}_constraint", constraints.get(constraint))
        self.bias = None
        self._input_channels = None

    def _refuse_strides_with_dilation(self):
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{type(self).__name__}: strides above 1 cannot be combined with a dilation_rate above 1, got "
                f"strides={self.strides} and dilation_rate={self.dilation_rate}. Set one of them to 1"
            )

    # ---- weights ----

    def _channels(self, shape):
        return shape[1 if self._first else -1]

    def _check_shape(self, shape):
        super()._check_shape(shape)
        channels, expected = self._channels(shape), self._input_channels
        if expected is not None and channels is not None and channels != expected:
            plural = "" if channels == 1 else "s"
            raise ValueError(
                f"{label(self)}: input has {channels} channel{plural}, its kernel expects {expected}; got shape "
                f"{tuple(shape)}. Pass input_shape={tuple(shape[1:])} when building the model"
            )

    def build(self, input_shape):
        self._input_channels = None
        self._check_shape(input_shape)
        channels = self._channels(input_shape)
        if channels is None:
            raise ValueError(
                f"{label(self)}: the number of channels must be known, got input shape {tuple(input_shape)}"
            )
        self.compute_output_shape(input_shape)
        self._add_weights(channels)
        self._input_channels = channels

    def _add_weight(self, name, kind, shape):
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=getattr(self, f"{kind}_initializer"),
            regularizer=getattr(self, f"{kind}_regularizer"),
            constraint=getattr(self, f"{kind}_constraint"),
        )

    def _add_bias(self, size):
        if self.use_bias:
            self.bias = self._add_weight("bias", "bias", (size,))

    # ---- computation ----

    def _window(self):
        """What the core is told about the window."""
        return {"strides": self.strides, "padding": self.padding, "dilation": self.dilation_rate}

    def _bind(self, **attributes):
        """The core's convolution of this rank."""
        return getattr(_core, f"conv{self._rank}d{self._suffix}").bind(label(self), **attributes)

    def _fused_activation(self):
        """The name of the activation if the core takes it on; `_finish` does what is left."""
        fused = activations.fused_name(self.activation)
        self._after = None if fused else activations.bound(self.activation, label(self))
        self._ends = self._first or self._after is not None
        return fused or "linear"

    def _bind_ops(self):
        self._op = self._bind(**self._window(), activation=self._fused_activation())

    def call(self, inputs):
        if self._first:
            inputs = arguments.to_last(inputs)
        y = self._op(inputs, self.kernel, self.bias)
        return self._finish(y) if self._ends else y

    def _finish(self, y):
        if self._first:
            y = arguments.to_first(y)
        return y if self._after is None else self._after(y)

    def _image_shape(self, shape):
        axes = zip(shape[1:-1], self.kernel_size, self.strides, self.dilation_rate)
        places = (arguments.window_size(size, k, s, self.padding, d) for size, k, s, d in axes)
        return (shape[0], *places, self._outputs(shape[-1]))

    # ---- configuration ----

    def get_config(self):
        config = {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "dilation_rate": self.dilation_rate,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
        }
        for kind in self._kinds:
            for treatment, module in (
                ("initializer", initializers),
                ("regularizer", regularizers),
                ("constraint", constraints),
            ):
                config[f"{kind}_{treatment}"] = module.serialize(getattr(self, f"{kind}_{treatment}"))
        return config
