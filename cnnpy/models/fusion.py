"""Neighbouring layers whose work the core does in one pass.

`fused(layers)` says over how many layers, from the first of LAYERS on, such a pass goes, and gives the function that
does it. The table below is all there is to it: what the layers must be, one after the other, and who makes it. A plan
asks for layers whose outputs nobody else sees; results stay the same up to rounding.
"""

from cnnpy import _core, activations
from cnnpy.layers.activation import Activation, ReLU
from cnnpy.layers.batch_normalization import BatchNormalization
from cnnpy.layers.calling import label
from cnnpy.layers.convolution import Conv1D, Conv2D, Conv3D
from cnnpy.layers.convolution_transpose import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
from cnnpy.layers.core import Dense
from cnnpy.layers.pooling import MaxPooling2D
from cnnpy.layers.reshaping import UpSampling2D

_WINDOWS = ((2, 2), (3, 3))  # that the core pools in the convolution's own pass
_MOST_REPEATED = 64  # times

# Subclasses may compute something else, so types are compared exactly.
_CONVOLUTIONS = {Conv1D, Conv2D, Conv3D, Conv1DTranspose, Conv2DTranspose, Conv3DTranspose}


def _activation_of(layer):
    """The core's name for the activation that LAYER has or is, None if the core has none such."""
    return layer._fused_name if type(layer) is ReLU else activations.fused_name(layer.activation)


def _is_image_convolution(layer):
    return type(layer) is Conv2D and not layer._first and _activation_of(layer) in ("linear", "relu")


def _is_linear_image_convolution(layer):
    return _is_image_convolution(layer) and _activation_of(layer) == "linear"


def _is_repetition(layer):
    return (
        type(layer) is UpSampling2D
        and not layer._first
        and layer.interpolation == "nearest"
        and layer.size[0] == layer.size[1] <= _MOST_REPEATED
    )


def _is_ungrouped_convolution(layer):
    return type(layer) is Conv2D and not layer._first and layer.groups == 1 and _activation_of(layer) is not None


def _is_linear_ungrouped_convolution(layer):
    return _is_ungrouped_convolution(layer) and _activation_of(layer) == "linear"


def _is_linear(layer):
    if type(layer) in _CONVOLUTIONS:
        return not layer._first and _activation_of(layer) == "linear"
    return type(layer) is Dense and _activation_of(layer) == "linear"


def _is_activation(layer):
    return type(layer) in (Activation, ReLU) and _activation_of(layer) is not None


def _is_relu(layer):
    return _is_activation(layer) and _activation_of(layer) == "relu"


def _is_max_pooling(layer):
    return (
        type(layer) is MaxPooling2D
        and not layer._first
        and layer.padding == "valid"
        and layer.pool_size in _WINDOWS
        and layer.strides == layer.pool_size
    )


def _is_normalization(layer):
    return type(layer) is BatchNormalization and not layer.renorm


def _is_normalization_of_filters(layer):
    return _is_normalization(layer) and layer.axis in (-1, 3)


def _weighed(layer, op):
    """OP on an input with the weights of LAYER, whatever these are at the time."""

    def call(inputs):
        return op(inputs, layer.kernel, layer.bias)

    return call


def _convolve_and_pool(convolution, *rest):
    """Neither the convolution's output nor its gradient is ever written."""
    op = _core.conv2d_pool.bind(
        f"{label(convolution)} with {label(rest[-1])}",
        **convolution._window(),
        activation=_activation_of(rest[0]) if len(rest) == 2 else _activation_of(convolution),
        pool_size=rest[-1].pool_size[0],
    )
    return _weighed(convolution, op)


def _repeat_and_convolve(repetition, convolution, *activation):
    """The larger image is never written, nor kept for going back."""
    op = _core.conv2d.bind(
        f"{label(convolution)} after {label(repetition)}",
        **convolution._window(),
        activation=_activation_of(*activation) if activation else _activation_of(convolution),
        upsample=repetition.size[0],
    )
    return _weighed(convolution, op)


def _activate(layer, activation):
    """The activation is computed while the results are in registers."""
    if type(layer) is Dense:
        return _weighed(layer, _core.dense.bind(label(layer), activation=_activation_of(activation)))
    return _weighed(layer, layer._bind(**layer._window(), activation=_activation_of(activation)))


def _normalize_and_activate(normalization, _):
    """ReLU takes no pass of its own, neither forward nor back."""
    train_op, infer_op = normalization._bound("relu")

    def call(inputs, training):
        return normalization._normalize(inputs, training, train_op, infer_op)

    call.takes_training = True
    return call


def _convolve_and_normalize(convolution, normalization, *activation):
    """Where the normalisation infers and no tape follows, in prediction and in frozen parts of a model that trains, it
    is folded into the convolution's weights; else the layers go one by one, and only the activation is part of the
    normalisation."""
    if activation:
        normalize = _normalize_and_activate(normalization, *activation)
    else:
        normalize = normalization.call
    op = _core.conv2d_batch_norm.bind(
        f"{label(convolution)} with {label(normalization)}",
        **convolution._window(),
        activation=_activation_of(*activation) if activation else "linear",
        epsilon=normalization.epsilon,
    )

    def call(inputs, training):
        kernel, bias, n = convolution.kernel, convolution.bias, normalization
        if (training and n._trainable) or _core.is_followed(inputs, kernel, bias, n.gamma, n.beta):
            return normalize(convolution.call(inputs), training=training)
        return op(inputs, kernel, n.moving_mean, n.moving_variance, bias, n.gamma, n.beta)

    call.takes_training = True
    return call


# (what each layer must be, ..., the function of these layers), the longest first.
_TABLE = (
    (_is_linear_image_convolution, _is_normalization_of_filters, _is_relu, _convolve_and_normalize),
    (_is_linear_image_convolution, _is_normalization_of_filters, _convolve_and_normalize),
    (_is_linear_image_convolution, _is_relu, _is_max_pooling, _convolve_and_pool),
    (_is_image_convolution, _is_max_pooling, _convolve_and_pool),
    (_is_repetition, _is_linear_ungrouped_convolution, _is_activation, _repeat_and_convolve),
    (_is_repetition, _is_ungrouped_convolution, _repeat_and_convolve),
    (_is_linear, _is_activation, _activate),
    (_is_normalization, _is_relu, _normalize_and_activate),
)


def fused(layers):
    """(count, function): what does the work of the first COUNT of LAYERS, as `layer.call` would; (1, None) if none. A
    function with an attribute `takes_training` wants that argument, too."""
    for *kinds, make in _TABLE:
        if len(kinds) <= len(layers) and all(fits(layer) for fits, layer in zip(kinds, layers)):
            return len(kinds), make(*layers[: len(kinds)])
    return 1, None
