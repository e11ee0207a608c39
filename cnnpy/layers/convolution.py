"""Convolutions."""

from cnnpy import _core, activations, constraints, initializers, regularizers
from cnnpy.layers import arguments
from cnnpy.layers.calling import label
from cnnpy.layers.image_layer import ImageLayer


class Conv2D(ImageLayer):
    """Convolution over images: y = activation(conv(x, kernel) + bias), in one pass.

    x is [N,H,W,C] (or [N,C,H,W] with data_format='channels_first'), the kernel [KH,KW,C/groups,filters], y
    [N,OH,OW,filters]. PADDING 'valid' keeps windows inside the image; 'same' pads so that OH = ceil(H / stride), the
    odd pixel at the bottom and right. DILATION_RATE spreads the kernel; GROUPS splits channels and filters into
    independent parts. Raises ValueError for inputs of other rank or channels than the kernel was built for.
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        data_format=None,
        dilation_rate=(1, 1),
        groups=1,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(data_format=data_format, activity_regularizer=activity_regularizer, **kwargs)
        owner = type(self).__name__
        self.filters = arguments.positive(owner, "filters", filters)
        self.kernel_size = arguments.tuple_of(owner, "kernel_size", kernel_size, 2)
        self.strides = arguments.tuple_of(owner, "strides", strides, 2)
        self.padding = arguments.padding_name(owner, padding)
        self.dilation_rate = arguments.tuple_of(owner, "dilation_rate", dilation_rate, 2)
        self.groups = arguments.positive(owner, "groups", groups)
        if self.filters % self.groups:
            raise ValueError(f"{owner}: filters must be a multiple of groups, got filters={filters}, groups={groups}")
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.kernel = self.bias = None

    def _channels(self, shape):
        return shape[1 if self._first else -1]

    def _check_shape(self, shape):
        super()._check_shape(shape)
        channels = self._channels(shape)
        if self.kernel is not None and channels is not None:
            expected = self.kernel.shape[2] * self.groups
            if channels != expected:
                plural = "" if channels == 1 else "s"
                raise ValueError(
                    f"{label(self)}: input has {channels} channel{plural}, its kernel expects {expected}; got shape "
                    f"{tuple(shape)}. Pass input_shape={tuple(shape[1:])} when building the model"
                )

    def build(self, input_shape):
        self._check_shape(input_shape)
        channels = self._channels(input_shape)
        if channels is None:
            raise ValueError(
                f"{label(self)}: the number of channels must be known, got input shape {tuple(input_shape)}"
            )
        if channels % self.groups:
            raise ValueError(f"{label(self)}: {channels} input channels cannot be split into {self.groups} groups")
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, channels // self.groups, self.filters),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.filters,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def _bind_ops(self):
        fused = activations.fused_name(self.activation)
        self._after = None if fused else activations.bound(self.activation, label(self))
        self._op = _core.conv2d.bind(
            label(self),
            strides=self.strides,
            padding=self.padding,
            dilation=self.dilation_rate,
            groups=self.groups,
            activation=fused or "linear",
        )

    def call(self, inputs):
        if self._first:
            inputs = arguments.to_last(inputs)
        y = self._op(inputs, self.kernel, self.bias)
        if self._first:
            y = arguments.to_first(y)
        return y if self._after is None else self._after(y)

    def _image_shape(self, shape):
        places = (
            arguments.window_size(size, k, s, self.padding, d)
            for size, k, s, d in zip(shape[1:-1], self.kernel_size, self.strides, self.dilation_rate)
        )
        return (shape[0], *places, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "dilation_rate": self.dilation_rate,
            "groups": self.groups,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }


Convolution2D = Conv2D
