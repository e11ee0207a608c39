"""Activation functions, by name ('relu') or as functions of a Tensor.

All take and return float Tensors of any shape, are differentiable, and work on symbolic tensors. Layers fuse `linear`,
`relu` and `tanh` into their own op; the others are a second step.
"""

import math
from types import FunctionType

import numpy as np

from cnnpy import _core, config
from cnnpy._core import Tensor
from cnnpy.layers.symbolic import KerasTensor, symbolic
from cnnpy.utils.suggest import unknown


def _floats(x):
    """X as a float Tensor."""
    if isinstance(x, Tensor):
        return x if x.dtype.startswith("float") else _core.cast(x, dtype=config.floatx())
    x = np.asarray(x)
    return Tensor(x, None if x.dtype in ("float32", "float64") else config.floatx())


@symbolic
def relu(x, negative_slope=0.0, max_value=None, threshold=0.0):
    """max(x, 0); below THRESHOLD negative_slope * (x - threshold), above MAX_VALUE that."""
    if negative_slope == 0.0 and max_value is None and threshold == 0.0:
        return _core.relu(_floats(x))
    limit = math.inf if max_value is None else max_value
    return _core.relu(_floats(x), negative_slope=negative_slope, max_value=limit, threshold=threshold)


@symbolic
def leaky_relu(x, negative_slope=0.2):
    """x where positive, else negative_slope * x."""
    return _core.leaky_relu(_floats(x), negative_slope=negative_slope)


@symbolic
def relu6(x):
    """min(max(x, 0), 6)."""
    return _core.relu(_floats(x), max_value=6.0)


@symbolic
def sigmoid(x):
    """1 / (1 + exp(-x))."""
    return _core.sigmoid(_floats(x))


@symbolic
def tanh(x):
    """The hyperbolic tangent."""
    return _core.tanh(_floats(x))


@symbolic
def softmax(x, axis=-1):
    """exp(x) / sum(exp(x)) over AXIS (an integer or several)."""
    x = _floats(x)
    if not isinstance(axis, (tuple, list)):
        return _core.softmax(x, axis=axis)
    axes = tuple(a % len(x.shape) for a in axis)
    powers = _core.exp(_core.subtract(x, _core.max(x, axis=axes, keepdims=True)))
    return _core.divide(powers, _core.sum(powers, axis=axes, keepdims=True))


@symbolic
def log_softmax(x, axis=-1):
    """log(softmax(x)) over AXIS, without its loss of precision."""
    return _core.log_softmax(_floats(x), axis=axis)


def linear(x):
    """x itself."""
    return x


@symbolic
def elu(x, alpha=1.0):
    """x where positive, else alpha * (exp(x) - 1). Clevert et al., 2016."""
    return _core.elu(_floats(x), alpha=alpha)


@symbolic
def celu(x, alpha=1.0):
    """max(x, 0) + alpha * (exp(min(x, 0) / alpha) - 1). Barron, 2017."""
    x = _floats(x)
    low = _core.divide(_core.minimum(x, 0.0), alpha)
    return _core.add(_core.relu(x), _core.multiply(_core.expm1(low), alpha))


@symbolic
def selu(x):
    """The scaled ELU that keeps mean and variance. Klambauer et al., 2017."""
    return _core.selu(_floats(x))


@symbolic
def softplus(x):
    """log(exp(x) + 1)."""
    return _core.softplus(_floats(x))


@symbolic
def softsign(x):
    """x / (|x| + 1)."""
    return _core.softsign(_floats(x))


@symbolic
def silu(x):
    """x * sigmoid(x), also known as swish. Ramachandran et al., 2017."""
    return _core.silu(_floats(x))


swish = silu


@symbolic
def mish(x):
    """x * tanh(softplus(x)). Misra, 2019."""
    x = _floats(x)
    return _core.multiply(x, _core.tanh(_core.softplus(x)))


@symbolic
def gelu(x, approximate=False):
    """x * P(X <= x) for a standard normal X; by its tanh formula if APPROXIMATE. Hendrycks and Gimpel, 2016."""
    return _core.gelu(_floats(x), approximate=bool(approximate))


@symbolic
def exponential(x):
    """exp(x)."""
    return _core.exp(_floats(x))


@symbolic
def hard_sigmoid(x):
    """x / 6 + 0.5, clipped to 0..1."""
    return _core.hard_sigmoid(_floats(x))


@symbolic
def hard_silu(x):
    """x * hard_sigmoid(x), also known as hard swish. Howard et al., 2019."""
    x = _floats(x)
    return _core.multiply(x, _core.hard_sigmoid(x))


hard_swish = hard_silu


@symbolic
def hard_tanh(x):
    """x clipped to -1..1."""
    return _core.clip(_floats(x), min=-1.0, max=1.0)


@symbolic
def hard_shrink(x, threshold=0.5):
    """x where |x| > threshold, else 0."""
    x = _floats(x)
    return _core.where(_core.greater(_core.abs(x), threshold), x, 0.0)


@symbolic
def soft_shrink(x, threshold=0.5):
    """x drawn towards 0 by THRESHOLD, 0 where |x| <= threshold."""
    x = _floats(x)
    return _core.subtract(x, _core.clip(x, min=-threshold, max=threshold))


@symbolic
def tanh_shrink(x):
    """x - tanh(x)."""
    x = _floats(x)
    return _core.subtract(x, _core.tanh(x))


@symbolic
def threshold(x, threshold, default_value):
    """x where x > threshold, else DEFAULT_VALUE."""
    x = _floats(x)
    return _core.where(_core.greater(x, threshold), x, float(default_value))


@symbolic
def squareplus(x, b=4):
    """(x + sqrt(x**2 + b)) / 2. Barron, 2021."""
    x = _floats(x)
    return _core.multiply(_core.add(x, _core.sqrt(_core.add(_core.square(x), float(b)))), 0.5)


@symbolic
def log_sigmoid(x):
    """log(sigmoid(x)), without its loss of precision."""
    return _core.negative(softplus(_core.negative(_floats(x))))


@symbolic
def sparse_plus(x):
    """0 up to -1, (x + 1)**2 / 4 up to 1, then x."""
    x = _floats(x)
    curve = _core.multiply(_core.square(_core.add(x, 1.0)), 0.25)
    return _core.where(_core.less_equal(x, -1.0), 0.0, _core.where(_core.less(x, 1.0), curve, x))


@symbolic
def sparse_sigmoid(x):
    """(x + 1) / 2, clipped to 0..1."""
    return _core.clip(_core.multiply(_core.add(_floats(x), 1.0), 0.5), min=0.0, max=1.0)


@symbolic
def sparsemax(x, axis=-1):
    """The nearest point of the probability simplex, which has many zeros. Martins and Astudillo, 2016.

    (Keras 3 adds up the wrong sums for the threshold: its results do not sum to 1. These do.)
    """
    x = _floats(x)
    values = np.asarray(x)
    count = values.shape[axis]
    ordered = -np.sort(-values, axis=axis)
    ranks = np.arange(1, count + 1).reshape([count if a == axis % values.ndim else 1 for a in range(values.ndim)])
    support = ordered - (np.cumsum(ordered, axis=axis) - 1) / ranks > 0
    size = support.sum(axis=axis, keepdims=True)
    lowest = np.take_along_axis(ordered, size - 1, axis=axis)
    chosen = (values >= lowest).astype(x.dtype)
    shift = _core.divide(
        _core.subtract(_core.sum(_core.multiply(x, chosen), axis=axis, keepdims=True), 1.0),
        chosen.sum(axis=axis, keepdims=True),
    )
    return _core.relu(_core.subtract(x, shift))


@symbolic
def glu(x, axis=-1):
    """The first half of AXIS times the sigmoid of the second. Dauphin et al., 2017."""
    x = _floats(x)
    shape, axis = x.shape, axis % len(x.shape)
    if shape[axis] % 2:
        raise ValueError(f"glu: axis {axis} must have an even size, got shape {shape}")
    half = shape[axis] // 2
    begin, end, stride = [0] * len(shape), list(shape), [1] * len(shape)
    end[axis] = half
    first = _core.slice(x, begin=begin, end=end, stride=stride)
    begin[axis], end[axis] = half, shape[axis]
    return _core.multiply(first, _core.sigmoid(_core.slice(x, begin=begin, end=end, stride=stride)))


_FUNCTIONS = {
    function.__name__: function
    for function in (
        celu, elu, exponential, gelu, glu, hard_shrink, hard_sigmoid, hard_silu, hard_tanh, leaky_relu, linear,
        log_sigmoid, log_softmax, mish, relu, relu6, selu, sigmoid, silu, soft_shrink, softmax, softplus, softsign,
        sparse_plus, sparse_sigmoid, sparsemax, squareplus, tanh, tanh_shrink, threshold,
    )
} | {"swish": silu, "hard_swish": hard_silu}  # fmt: skip
# What layers compute in one pass with their own op, by the core's name. Softmax and sigmoid stay apart: their results
# then know the logits, from which a cross-entropy starts.
_FUSED = {linear: "linear", relu: "relu", tanh: "tanh"}

__all__ = sorted({*_FUNCTIONS, "deserialize", "get", "serialize"})


def fused_name(activation):
    """The core's name for ACTIVATION if layers can fuse it, else None."""
    own = getattr(activation, "_fused_name", None)
    if own is not None:
        return own
    try:
        return _FUSED.get(activation)
    except TypeError:
        return None


def bound(activation, label):
    """ACTIVATION for a layer that calls it in a step of its own, on Tensors only; LABEL begins the errors."""
    name = {softmax: "softmax", sigmoid: "sigmoid"}.get(activation) if isinstance(activation, FunctionType) else None
    return activation if name is None else _core.activation.bind(label, activation=name)


def serialize(activation):
    """ACTIVATION as a name, or a config if it is none of ours."""
    from cnnpy.saving import serialize_keras_object

    return serialize_keras_object(activation)


def deserialize(config, custom_objects=None):
    """The activation that CONFIG (a name or a dict) describes."""
    from cnnpy.saving import deserialize_keras_object

    return deserialize_keras_object(config, custom_objects, module_objects=_FUNCTIONS)


def get(identifier):
    """The function IDENTIFIER means: a name, a function, a layer (class or instance), a config; None is `linear`."""
    if identifier is None:
        return linear
    if isinstance(identifier, str):
        from cnnpy.saving import get_registered_object

        found = get_registered_object(identifier, None, _FUNCTIONS)
        if found is None:
            raise unknown("activation", identifier, _FUNCTIONS)
        return found
    if isinstance(identifier, dict):
        return get(deserialize(identifier))
    if isinstance(identifier, type):
        return identifier()
    if callable(identifier) and not isinstance(identifier, (Tensor, KerasTensor)):
        return identifier
    raise ValueError(f"an activation is a name, a function or a layer; got {identifier!r}")
