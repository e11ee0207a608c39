"""Convolutions."""

from cnnpy.layers import arguments
from cnnpy.layers.base_convolution import BaseConvolution
from cnnpy.layers.calling import label


class _Convolution(BaseConvolution):
    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
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
        window = kernel_size, strides, padding, data_format, dilation_rate
        output = activation, use_bias, activity_regularizer
        kernel = kernel_initializer, kernel_regularizer, kernel_constraint
        bias = bias_initializer, bias_regularizer, bias_constraint
        super().__init__(window, output, (kernel, bias), **kwargs)
        owner = type(self).__name__
        self._refuse_strides_with_dilation()
        self.filters = arguments.positive(owner, "filters", filters)
        self.groups = arguments.positive(owner, "groups", groups)
        if self.filters % self.groups:
            raise ValueError(f"{owner}: filters must be a multiple of groups, got filters={filters}, groups={groups}")
        self.kernel = None

    def _outputs(self, channels):
        return self.filters

    def _add_weights(self, channels):
        if channels % self.groups:
            raise ValueError(f"{label(self)}: {channels} input channels cannot be split into {self.groups} groups")
        self.kernel = self._add_weight("kernel", "kernel", (*self.kernel_size, channels // self.groups, self.filters))
        self._add_bias(self.filters)

    def _window(self):
        return {**super()._window(), "groups": self.groups}

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "groups": self.groups}


class Conv1D(_Convolution):
    """Convolution over sequences: y = activation(conv(x, kernel) + bias), in one pass.

    x is [N,L,C] (or [N,C,L] with data_format='channels_first'), the kernel [K,C/groups,filters], y [N,OL,filters].
    PADDING 'valid' keeps windows inside the sequence; 'same' pads both ends so that OL = ceil(L / stride); 'causal'
    pads the beginning alone to the same length, so that no step sees later ones. DILATION_RATE spreads the kernel (not
    together with STRIDES above 1); GROUPS splits channels and filters into independent parts. Raises ValueError for
    inputs of other rank or channels than the kernel was built for.
    """

    _rank = 1
    _paddings = ("valid", "same", "causal")


class Conv2D(_Convolution):
    """Convolution over images: y = activation(conv(x, kernel) + bias), in one pass.

    x is [N,H,W,C] (or [N,C,H,W] with data_format='channels_first'), the kernel [KH,KW,C/groups,filters], y
    [N,OH,OW,filters]. PADDING 'valid' keeps windows inside the image; 'same' pads so that OH = ceil(H / stride), the
    odd pixel at the bottom and right. DILATION_RATE spreads the kernel (not together with STRIDES above 1); GROUPS
    splits channels and filters into independent parts. Raises ValueError for inputs of other rank or channels than the
    kernel was built for.
    """

    _rank = 2


class Conv3D(_Convolution):
    """Convolution over volumes: y = activation(conv(x, kernel) + bias).

    x is [N,D,H,W,C] (or [N,C,D,H,W] with data_format='channels_first'), the kernel [KD,KH,KW,C/groups,filters], y
    [N,OD,OH,OW,filters]; all else as Conv2D. While it computes it takes KD times the memory of x besides.
    """

    _rank = 3


Convolution1D = Conv1D
Convolution2D = Conv2D
Convolution3D = Conv3D
