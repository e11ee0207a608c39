"""Activations and one-hot classes as functions."""

from cnnpy import _core, activations, config
from cnnpy.activations import (
    celu,
    elu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
)
from cnnpy.layers.symbolic import symbolic
from cnnpy.ops._convert import floats, is_float, one_axis, tensor
from cnnpy.utils.suggest import no_attribute

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "multi_hot",
    "one_hot",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]

swish = silu
hard_swish = hard_silu


@symbolic
def relu(x):
    """max(x, 0); integers stay integers."""
    x = tensor(x)
    return _core.relu(floats(x)) if is_float(x) or x.dtype == "bool" else _core.maximum(x, 0)


@symbolic
def gelu(x, approximate=True):
    """x times the normal distribution function of x; APPROXIMATE by the tanh formula (unlike `activations.gelu`)."""
    return activations.gelu(x, approximate=approximate)


def _dense(name, sparse):
    if sparse:
        raise NotImplementedError(f"{name}: there are no sparse tensors here; leave sparse=False")


@symbolic
def one_hot(x, num_classes, axis=-1, dtype=None, sparse=False):
    """Class numbers as vectors along AXIS of the result, with 1 at the class; a class out of range gives zeros."""
    _dense("one_hot", sparse)
    x = tensor(x)
    y = _core.one_hot(x, num_classes=num_classes, dtype=dtype or config.floatx())
    place = one_axis(axis, y.ndim)
    if place == x.ndim:
        return y
    order = list(range(x.ndim))
    order.insert(place, x.ndim)
    return _core.transpose(y, axes=order)


@symbolic
def multi_hot(inputs, num_classes=None, axis=-1, dtype=None, sparse=False, **kwargs):
    """Sets of class numbers (along axis 1, of a vector along axis 0) as vectors along AXIS of the result, with 1 at
    each class; a class out of range is left out. NUM_TOKENS is an old name of num_classes."""
    _dense("multi_hot", sparse)
    num_classes = kwargs.pop("num_tokens", num_classes)
    if kwargs:
        raise TypeError(f"multi_hot: unknown arguments {sorted(kwargs)}")
    if num_classes is None:
        raise ValueError("multi_hot: pass num_classes, the length of the vectors")
    x = tensor(inputs)
    y = one_hot(x, num_classes, axis, dtype)
    return _core.max(y, axis=1 if x.ndim > 1 else 0)


def __getattr__(name):
    """`keras.ops.nn` has the losses, convolutions, pooling and blocks of the neighbouring files, too."""
    from cnnpy import ops

    if name in ops.__all__:
        return getattr(ops, name)
    raise no_attribute(__name__, name, ops.why_absent(__name__, name))
