"""Normalisation by given or own moments, and vectors of unit length."""

from cnnpy import _core, config
from cnnpy.layers.axes import checked_axes, over_axes, scale_by_deviation, warn_of_rms_scaling
from cnnpy.layers.axes import unit_length as _unit_length
from cnnpy.layers.symbolic import symbolic
from cnnpy.ops._convert import axes, floats, tensor

__all__ = ["batch_normalization", "layer_normalization", "normalize", "rms_normalization"]


def _vectors(x, *vectors):
    return [None if v is None else tensor(v, x.dtype) for v in vectors]


@symbolic
def batch_normalization(x, mean, variance, axis, offset=None, scale=None, epsilon=1e-3):
    """(x - mean) / sqrt(variance + epsilon) * scale + offset, with vectors along AXIS."""
    x = floats(x)
    return _core.batch_norm_inference(x, *_vectors(x, mean, variance, scale, offset), axis=axis, epsilon=epsilon)


@symbolic
def layer_normalization(x, gamma=None, beta=None, axis=-1, epsilon=None, **kwargs):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, with the moments over AXIS, an integer or several, whose
    sizes GAMMA and BETA have.

    EPSILON is `config.epsilon()` by default. `rms_scaling=True`, deprecated, divides x itself by that square root.
    """
    rms_scaling = kwargs.pop("rms_scaling", False)
    if kwargs:
        raise TypeError(f"layer_normalization: unknown arguments {sorted(kwargs)}")
    x, axis, epsilon = _prepare("layer_normalization", x, axis, epsilon)
    if rms_scaling:
        warn_of_rms_scaling("rms_normalization")
    dims = len(axis) if isinstance(axis, list) else 1
    gamma, beta = _vectors(x, gamma, beta)

    def op(x, gamma, beta):
        if rms_scaling:
            return scale_by_deviation(x, gamma, dims, epsilon)
        return _core.layer_norm(x, gamma, beta, dims=dims, epsilon=epsilon)

    return over_axes(op, "layer_normalization", axis, x, gamma, beta)


@symbolic
def rms_normalization(x, scale=None, axis=-1, epsilon=None):
    """x / sqrt(mean(x^2) + epsilon) * scale, with the mean over AXIS, an integer or several, whose sizes SCALE has.

    EPSILON is `config.epsilon()` by default.
    """
    x, axis, epsilon = _prepare("rms_normalization", x, axis, epsilon)
    dims = len(axis) if isinstance(axis, list) else 1

    def op(x, scale):
        return _core.layer_norm(x, scale, dims=dims, epsilon=epsilon, rms=True)

    return over_axes(op, "rms_normalization", axis, x, *_vectors(x, scale))


def _prepare(what, x, axis, epsilon):
    return floats(x), checked_axes(what, axis), config.epsilon() if epsilon is None else epsilon


@symbolic
def normalize(x, axis=-1, order=2, epsilon=None):
    """x / max(norm, epsilon), with the norm sum(|x|^order)^(1/order) over AXIS: an integer, several, or None for all.

    EPSILON is `config.epsilon()` by default. (Over several axes Keras takes norms of matrices for an ORDER other than
    2, and refuses most of these.) Raises ValueError for an ORDER that is no integer of at least 1.
    """
    if isinstance(order, bool) or not isinstance(order, int) or order < 1:
        raise ValueError(f"normalize: order must be an integer of at least 1, got {order!r}")
    x, epsilon = floats(x), config.epsilon() if epsilon is None else epsilon
    x = _core.reshape(x, shape=(1,)) if x.ndim == 0 else x
    if order == 2:
        return _unit_length(x, axes(axis), epsilon)
    powers = _core.sum(_core.power(_core.abs(x), order), axis=axes(axis), keepdims=True)
    return _core.divide(x, _core.power(_core.maximum(powers, epsilon**order), 1 / order))
