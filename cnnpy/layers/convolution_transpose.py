"""Transposed convolutions."""

from cnnpy.layers import arguments
from cnnpy.layers.base_convolution import BaseConvolution


class _Transpose(BaseConvolution):
    _suffix = "_transpose"

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        output_padding=None,
        data_format=None,
        dilation_rate=1,
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
        window = kernel_size, strides, padding, data_format, dilation_rate
        output = activation, use_bias, activity_regularizer
        kernel = kernel_initializer, kernel_regularizer, kernel_constraint
        bias = bias_initializer, bias_regularizer, bias_constraint
        super().__init__(window, output, (kernel, bias), **kwargs)
        owner = type(self).__name__
        self._refuse_strides_with_dilation()
        self.filters = arguments.positive(owner, "filters", filters)
        self.output_padding = output_padding
        if output_padding is not None:
            self.output_padding = arguments.tuple_of(owner, "output_padding", output_padding, self._rank, minimum=0)
            if any(extra >= stride for extra, stride in zip(self.output_padding, self.strides)):
                raise ValueError(
                    f"{owner}: output_padding must be below strides along each axis, got "
                    f"output_padding={self.output_padding} and strides={self.strides}"
                )
        self.kernel = None

    def _outputs(self, channels):
        return self.filters

    def _add_weights(self, channels):
        self.kernel = self._add_weight("kernel", "kernel", (*self.kernel_size, self.filters, channels))
        self._add_bias(self.filters)

    def _window(self):
        return {**super()._window(), "output_padding": self.output_padding or ()}

    def _image_shape(self, shape):
        extras = self.output_padding or (None,) * self._rank
        axes = zip(shape[1:-1], self.kernel_size, self.strides, self.dilation_rate, extras)
        return (
            shape[0],
            *(arguments.transposed_size(size, k, s, self.padding, d, extra) for size, k, s, d, extra in axes),
            self.filters,
        )

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "output_padding": self.output_padding}


class Conv1DTranspose(_Transpose):
    """Transposed convolution over sequences: from the shape of a Conv1D's output to that of its input.

    x is [N,L,C] (or [N,C,L] with data_format='channels_first'), the kernel [K,filters,C], y [N,OL,filters]. With
    PADDING 'valid' OL = (L - 1) * stride + max(K, stride); with 'same' OL = L * stride. OUTPUT_PADDING, below the
    strides, sets the length instead: (L - 1) * stride + K + output_padding, and with 'same' (L - 1) * stride + K % 2 +
    output_padding, K with its dilation. DILATION_RATE above 1 excludes STRIDES above 1.
    """

    _rank = 1


class Conv2DTranspose(_Transpose):
    """Transposed convolution over images: from the shape of a Conv2D's output to that of its input.

    x is [N,H,W,C] (or [N,C,H,W] with data_format='channels_first'), the kernel [KH,KW,filters,C], y [N,OH,OW,filters].
    With PADDING 'valid' OH = (H - 1) * stride + max(KH, stride); with 'same' OH = H * stride. OUTPUT_PADDING, below the
    strides, sets the size instead: (H - 1) * stride + KH + output_padding, and with 'same' (H - 1) * stride + KH % 2 +
    output_padding, KH with its dilation. DILATION_RATE above 1 excludes STRIDES above 1.
    """

    _rank = 2


class Conv3DTranspose(_Transpose):
    """Transposed convolution over volumes: from the shape of a Conv3D's output to that of its input.

    x is [N,D,H,W,C] (or [N,C,D,H,W] with data_format='channels_first'), the kernel [KD,KH,KW,filters,C], y
    [N,OD,OH,OW,filters]; sizes as Conv2DTranspose. The order of the arguments is Keras's: DATA_FORMAT comes before
    OUTPUT_PADDING here alone.
    """

    _rank = 3

    def __init__(
        self, filters, kernel_size, strides=1, padding="valid", data_format=None, output_padding=None, *args, **kwargs
    ):
        super().__init__(filters, kernel_size, strides, padding, output_padding, data_format, *args, **kwargs)


Convolution1DTranspose = Conv1DTranspose
Convolution2DTranspose = Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
