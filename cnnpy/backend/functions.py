"""Keras 2's backend functions, `K.mean(x)` and its kin, by way of `cnnpy.ops`.

They take Tensors and symbolic tensors, so that old Lambda layers, losses and metrics run. New code says `cnnpy.ops`.
"""

import numpy as np

from cnnpy import config, ops
from cnnpy import random as cnnpy_random
from cnnpy._core import Tensor, Variable
from cnnpy.layers.symbolic import KerasTensor

# Functions of cnnpy.ops that have the same name and arguments.
_SAME = """
    abs all any arange cast ceil cos equal exp eye floor greater greater_equal hard_sigmoid leaky_relu less less_equal
    log logical_and logical_not logical_or logsumexp max maximum mean min minimum not_equal ones_like prod round selu
    shape sigmoid sign silu sin softplus softsign sqrt square stack std stop_gradient sum tanh tile transpose var
    zeros_like
"""
SAME = frozenset(_SAME.split())


def argmax(x, axis=-1):
    """The place of the largest value along AXIS."""
    return ops.argmax(x, axis=axis)


def argmin(x, axis=-1):
    """The place of the smallest value along AXIS."""
    return ops.argmin(x, axis=axis)


def relu(x, alpha=0.0, max_value=None, threshold=0.0):
    """x above THRESHOLD (no more than MAX_VALUE), ALPHA (x - threshold) below."""
    from cnnpy import activations

    return activations.relu(x, negative_slope=alpha, max_value=max_value, threshold=threshold)


def elu(x, alpha=1.0):
    """x above 0, ALPHA (exp(x) - 1) below."""
    return ops.elu(x, alpha=alpha)


def softmax(x, axis=-1):
    """exp(x) over its sum along AXIS."""
    return ops.softmax(x, axis=axis)


def concatenate(tensors, axis=-1):
    """TENSORS joined along AXIS, by default the last."""
    return ops.concatenate(tensors, axis=axis)


def expand_dims(x, axis=-1):
    """X with a dimension of 1 at AXIS, by default the last."""
    return ops.expand_dims(x, axis)


def squeeze(x, axis):
    """X without the dimension AXIS, whose size is 1."""
    return ops.squeeze(x, axis)


def reshape(x, shape):
    """The elements of X in another SHAPE."""
    return ops.reshape(x, tuple(shape))


def clip(x, min_value=None, max_value=None):
    """X held between MIN_VALUE and MAX_VALUE; None leaves a side open."""
    return ops.clip(x, -np.inf if min_value is None else min_value, np.inf if max_value is None else max_value)


def cumsum(x, axis=0):
    """Running sums along AXIS."""
    return ops.cumsum(x, axis=axis)


def cumprod(x, axis=0):
    """Running products along AXIS."""
    return ops.cumprod(x, axis=axis)


def one_hot(indices, num_classes):
    """Class numbers as vectors."""
    return ops.one_hot(indices, num_classes)


def gather(reference, indices):
    """The rows of REFERENCE that INDICES name."""
    return ops.take(reference, indices, axis=0)


def permute_dimensions(x, pattern):
    """X with its dimensions in the order of PATTERN."""
    return ops.transpose(x, pattern)


def reverse(x, axes):
    """X turned round along AXES."""
    return ops.flip(x, axes)


def pow(x, a):
    """x to the power of A."""
    return ops.power(x, a)


def flatten(x):
    """All elements in one row."""
    return ops.reshape(x, (-1,))


def batch_flatten(x):
    """The elements of each sample in one row."""
    return ops.reshape(x, (-1, int(np.prod(x.shape[1:]))))


def dot(x, y):
    """The sum of products over the last axis of X and the last but one of Y."""
    if len(y.shape) == 2:
        return ops.matmul(x, y)
    return ops.tensordot(x, y, axes=[[len(x.shape) - 1], [max(len(y.shape) - 2, 0)]])


def batch_dot(x, y, axes=None):
    """Products of the samples of X with those of Y over AXES, a number or two."""
    from cnnpy.layers import Dot

    if axes is None:
        axes = (len(x.shape) - 1, max(len(y.shape) - 2, 1))
    return Dot(axes=tuple(axes) if isinstance(axes, list) else axes)([x, y])


def l2_normalize(x, axis=None):
    """X over its Euclidean norm along AXIS (over all, if None), which is held above 1e-6."""
    squares = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return ops.multiply(x, ops.rsqrt(ops.maximum(squares, 1e-12)))


def bias_add(x, bias, data_format=None):
    """X plus BIAS [C] along its channels."""
    if config.standardize_data_format(data_format) == "channels_first" and len(x.shape) > 2:
        bias = ops.reshape(bias, (1, -1, *[1] * (len(x.shape) - 2)))
    return ops.add(x, bias)


def repeat(x, n):
    """x[N,C] N times in a row: [N,n,C]."""
    return ops.repeat(ops.expand_dims(x, 1), n, axis=1)


def repeat_elements(x, rep, axis):
    """Each element REP times along AXIS, like `np.repeat`."""
    return ops.repeat(x, rep, axis=axis)


def switch(condition, then_expression, else_expression):
    """THEN_EXPRESSION where CONDITION is true, else the other; either may be a function without arguments."""
    then, other = (e() if callable(e) else e for e in (then_expression, else_expression))
    return ops.where(condition, then, other)


def in_train_phase(x, alt, training=None):
    """X while training (TRAINING, or the call that goes on, says so), else ALT; either may be a function."""
    from cnnpy.layers.symbolic import call_state

    chosen = x if (call_state.training if training is None else training) else alt
    return chosen() if callable(chosen) else chosen


def in_test_phase(x, alt, training=None):
    """X in inference, else ALT."""
    return in_train_phase(alt, x, training)


def in_top_k(predictions, targets, k):
    """Whether the class TARGETS is among the K highest of PREDICTIONS."""
    return ops.in_top_k(targets, predictions, k)


def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """The cross-entropy of one-hot TARGET and OUTPUT."""
    return ops.categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """The cross-entropy of class numbers TARGET and OUTPUT."""
    return ops.sparse_categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


def binary_crossentropy(target, output, from_logits=False):
    """The cross-entropy of labels 0 and 1 and OUTPUT, element by element."""
    return ops.binary_crossentropy(target, output, from_logits=from_logits)


# ---- images ----


def resize_images(x, height_factor, width_factor, data_format, interpolation="nearest"):
    """Images enlarged by whole factors."""
    from cnnpy.layers import UpSampling2D

    return UpSampling2D((height_factor, width_factor), data_format, interpolation)(x)


def spatial_2d_padding(x, padding=((1, 1), (1, 1)), data_format=None):
    """Images with zeros around them."""
    from cnnpy.layers import ZeroPadding2D

    return ZeroPadding2D(padding, data_format)(x)


def temporal_padding(x, padding=(1, 1)):
    """Sequences with zeros before and after them."""
    return ops.pad(x, ((0, 0), tuple(padding), (0, 0)))


def conv2d(x, kernel, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1)):
    """2D convolution of images with KERNEL (height, width, input channels, filters)."""
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def conv1d(x, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """1D convolution of sequences with KERNEL (width, input channels, filters)."""
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def pool2d(x, pool_size, strides=(1, 1), padding="valid", data_format=None, pool_mode="max"):
    """The largest ('max') or the mean ('avg') of each window of images."""
    if pool_mode not in ("max", "avg"):
        raise ValueError(f"pool2d: pool_mode must be 'max' or 'avg', got {pool_mode!r}")
    return (ops.max_pool if pool_mode == "max" else ops.average_pool)(x, pool_size, strides, padding, data_format)


# ---- random numbers ----


def random_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normally distributed numbers."""
    return cnnpy_random.normal(shape, mean, stddev, dtype, seed)


def random_uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Evenly distributed numbers."""
    return cnnpy_random.uniform(shape, minval, maxval, dtype, seed)


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normally distributed numbers within two deviations."""
    return cnnpy_random.truncated_normal(shape, mean, stddev, dtype, seed)


def random_bernoulli(shape, p=0.0, dtype=None, seed=None):
    """1 with probability P, else 0."""
    return ops.cast(cnnpy_random.uniform(shape, seed=seed) < p, dtype or config.floatx())


random_binomial = random_bernoulli


def dropout(x, level, noise_shape=None, seed=None):
    """Zeros with probability LEVEL; the rest is scaled up."""
    return cnnpy_random.dropout(x, level, noise_shape, seed)


# ---- variables and values ----


def variable(value, dtype=None, name=None, constraint=None):
    """A Variable that holds VALUE."""
    made = Variable(np.asarray(value), dtype=dtype or config.floatx(), name=name or "variable")
    made.constraint = constraint
    return made


def constant(value, dtype=None, shape=None, name=None):
    """A Tensor of VALUE, filled up to SHAPE."""
    array = np.asarray(value, dtype=dtype or config.floatx())
    return Tensor(array if shape is None else np.broadcast_to(array, shape))


def zeros(shape, dtype=None, name=None):
    """A Variable of zeros."""
    return variable(np.zeros(shape), dtype, name)


def ones(shape, dtype=None, name=None):
    """A Variable of ones."""
    return variable(np.ones(shape), dtype, name)


def is_variable(x):
    """True for a Variable."""
    return isinstance(x, Variable)


def eval(x):
    """The value of X as a NumPy array."""
    return np.array(x)


def get_value(x):
    """The value of a variable as a NumPy array."""
    return np.array(x)


def batch_get_value(tensors):
    """The values of several variables."""
    return [np.array(x) for x in tensors]


def set_value(x, value):
    """Gives a variable a new value."""
    x.assign(np.asarray(value, dtype=x.dtype))


def batch_set_value(tuples):
    """Gives new values to several variables, pairs of (variable, value)."""
    for x, value in tuples:
        set_value(x, value)


def update(x, new_x):
    """Gives the variable X a new value."""
    return x.assign(new_x)


def update_add(x, increment):
    """Adds to the variable X."""
    return x.assign_add(increment)


def update_sub(x, decrement):
    """Takes from the variable X."""
    return x.assign_sub(decrement)


def int_shape(x):
    """The shape as a tuple, None where a size is open."""
    return tuple(x.shape)


def ndim(x):
    """The number of dimensions."""
    return len(x.shape)


def dtype(x):
    """The name of the dtype."""
    return str(x.dtype)


def count_params(x):
    """The number of elements."""
    return int(np.prod(x.shape))


def cast_to_floatx(x):
    """X in the default float dtype."""
    if isinstance(x, (Tensor, KerasTensor)):
        return ops.cast(x, config.floatx())
    return np.asarray(x, dtype=config.floatx())


def identity(x, name=None):
    """X itself."""
    return x


def print_tensor(x, message="", summarize=3):
    """Prints a Tensor's value and returns it; SUMMARIZE entries of each side are shown."""
    with np.printoptions(edgeitems=summarize, threshold=2 * summarize):
        print(message, np.asarray(x))
    return x


def placeholder(shape=None, ndim=None, dtype=None, sparse=False, name=None):
    """A symbolic tensor of SHAPE, the batch included, or of NDIM open sizes."""
    from cnnpy.layers import Input

    if shape is None:
        if not ndim:
            raise ValueError("placeholder: pass shape or ndim")
        shape = (None,) * ndim
    return Input(batch_shape=tuple(shape), dtype=dtype, sparse=sparse, name=name)


def map_fn(fn, elems, name=None, dtype=None):
    """FN of each element of ELEMS along its first axis, stacked, as DTYPE if it is given."""
    y = ops.stack([fn(elems[i]) for i in range(elems.shape[0])])
    return y if dtype is None else ops.cast(y, dtype)


def batch_normalization(x, mean, var, beta, gamma, axis=-1, epsilon=1e-3):
    """(x - mean) / sqrt(var + epsilon) * gamma + beta, all of them [C] along AXIS or of a shape that broadcasts."""

    def along(v):
        if len(v.shape) != 1 or axis in (-1, len(x.shape) - 1):
            return v
        sizes = [1] * len(x.shape)
        sizes[axis] = -1
        return ops.reshape(v, sizes)

    y = ops.multiply(ops.subtract(x, along(mean)), ops.rsqrt(ops.add(along(var), epsilon)))
    y = y if gamma is None else ops.multiply(y, along(gamma))
    return y if beta is None else ops.add(y, along(beta))


def manual_variable_initialization(value):
    """Nothing to do: variables have their values from the start."""
    if value:
        raise NotImplementedError("manual_variable_initialization: variables always have values here; leave this out")


NAMES = tuple(
    name for name, value in list(globals().items()) if callable(value) and getattr(value, "__module__", "") == __name__
)
