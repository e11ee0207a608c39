"""Convolutions that keep channels apart, alone and with one across the channels after them."""

from cnnpy.layers import arguments
from cnnpy.layers.base_convolution import BaseConvolution


class _Depthwise(BaseConvolution):
    _kinds = ("depthwise", "bias")

    def __init__(
        self,
        kernel_size,
        strides=1,
        padding="valid",
        depth_multiplier=1,
        data_format=None,
        dilation_rate=1,
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        depthwise_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        depthwise_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        window = kernel_size, strides, padding, data_format, dilation_rate
        output = activation, use_bias, activity_regularizer
        depthwise = depthwise_initializer, depthwise_regularizer, depthwise_constraint
        bias = bias_initializer, bias_regularizer, bias_constraint
        super().__init__(window, output, (depthwise, bias), **kwargs)
        self.depth_multiplier = arguments.positive(type(self).__name__, "depth_multiplier", depth_multiplier)
        self.kernel = None

    def _outputs(self, channels):
        return None if channels is None else channels * self.depth_multiplier

    def _add_weights(self, channels):
        self.kernel = self._add_weight("kernel", "depthwise", (*self.kernel_size, channels, self.depth_multiplier))
        self._add_bias(channels * self.depth_multiplier)

    def _window(self):
        return {**super()._window(), "groups": self._input_channels}

    def call(self, inputs):
        if self._first:
            inputs = arguments.to_last(inputs)
        y = self._op(inputs, arguments.grouped_kernel(self.kernel), self.bias)
        return self._finish(y) if self._ends else y

    def get_config(self):
        return {**super().get_config(), "depth_multiplier": self.depth_multiplier}


class DepthwiseConv1D(_Depthwise):
    """A convolution of each channel of sequences with kernels of its own.

    x is [N,L,C] (or [N,C,L] with data_format='channels_first'), the kernel [K,C,depth_multiplier], y
    [N,OL,C * depth_multiplier]: channel c makes the outputs from c * depth_multiplier. PADDING is 'valid' or 'same'.
    STRIDES and DILATION_RATE may both be above 1.
    """

    _rank = 1


class DepthwiseConv2D(_Depthwise):
    """A convolution of each channel of images with kernels of its own.

    x is [N,H,W,C] (or [N,C,H,W] with data_format='channels_first'), the kernel [KH,KW,C,depth_multiplier], y
    [N,OH,OW,C * depth_multiplier]: channel c makes the outputs from c * depth_multiplier. STRIDES and DILATION_RATE may
    both be above 1.
    """

    _rank = 2


class _Separable(BaseConvolution):
    _kinds = ("depthwise", "pointwise", "bias")

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        depth_multiplier=1,
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        pointwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        depthwise_regularizer=None,
        pointwise_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        depthwise_constraint=None,
        pointwise_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        window = kernel_size, strides, padding, data_format, dilation_rate
        output = activation, use_bias, activity_regularizer
        depthwise = depthwise_initializer, depthwise_regularizer, depthwise_constraint
        pointwise = pointwise_initializer, pointwise_regularizer, pointwise_constraint
        bias = bias_initializer, bias_regularizer, bias_constraint
        super().__init__(window, output, (depthwise, pointwise, bias), **kwargs)
        owner = type(self).__name__
        self.filters = arguments.positive(owner, "filters", filters)
        self.depth_multiplier = arguments.positive(owner, "depth_multiplier", depth_multiplier)
        self.depthwise_kernel = self.pointwise_kernel = None

    def _outputs(self, channels):
        return self.filters

    def _add_weights(self, channels):
        multiplier = self.depth_multiplier
        self.depthwise_kernel = self._add_weight(
            "depthwise_kernel", "depthwise", (*self.kernel_size, channels, multiplier)
        )
        self.pointwise_kernel = self._add_weight(
            "pointwise_kernel", "pointwise", (*(1,) * self._rank, channels * multiplier, self.filters)
        )
        self._add_bias(self.filters)

    def _bind_ops(self):
        self._op = self._bind(activation=self._fused_activation())
        self._depthwise_op = self._bind(**self._window(), groups=self._input_channels)

    def call(self, inputs):
        if self._first:
            inputs = arguments.to_last(inputs)
        y = self._depthwise_op(inputs, arguments.grouped_kernel(self.depthwise_kernel))
        y = self._op(y, self.pointwise_kernel, self.bias)
        return self._finish(y) if self._ends else y

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "depth_multiplier": self.depth_multiplier}


class SeparableConv1D(_Separable):
    """A depthwise convolution over sequences, then one across the channels: activation(conv1(depthwise(x)) + bias).

    x is [N,L,C] (or [N,C,L] with data_format='channels_first'), the depthwise kernel [K,C,depth_multiplier], the
    pointwise one [1,C * depth_multiplier,filters], y [N,OL,filters]. PADDING is 'valid' or 'same'. STRIDES and
    DILATION_RATE may both be above 1.
    """

    _rank = 1


class SeparableConv2D(_Separable):
    """A depthwise convolution over images, then one across the channels: activation(conv1x1(depthwise(x)) + bias).

    x is [N,H,W,C] (or [N,C,H,W] with data_format='channels_first'), the depthwise kernel [KH,KW,C,depth_multiplier],
    the pointwise one [1,1,C * depth_multiplier,filters], y [N,OH,OW,filters]. STRIDES and DILATION_RATE may both be
    above 1.
    """

    _rank = 2


SeparableConvolution1D = SeparableConv1D
SeparableConvolution2D = SeparableConv2D
