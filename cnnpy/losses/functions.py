"""Losses as functions of (y_true, y_pred): one value per sample, the last axis (or that of the classes) being
reduced.

y_pred is a float Tensor or array; y_true may have any dtype. Gradients flow to y_pred; to y_true only where a
docstring says so.
"""

import functools
import operator
import warnings

import numpy as np

from cnnpy import _core, config
from cnnpy._core import Tensor
from cnnpy.losses.loss import float_tensor, match_ranks


def _labels(y_true):
    return y_true if isinstance(y_true, (Tensor, np.ndarray)) else np.asarray(y_true)


def pair(y_true, y_pred):
    """Both as float Tensors of one dtype and, where a last axis of 1 makes the difference, rank."""
    y_pred = float_tensor(y_pred)
    return match_ranks(float_tensor(y_true, y_pred.dtype), y_pred)


def _mean(x):
    return _core.mean(x, axis=(-1,))


def _last(x, axis):
    """X with AXIS moved to the end."""
    ndim = len(x.shape)
    if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)):
        raise ValueError(f"axis must be an integer, got {axis!r}")
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis {axis} is out of range for shape {tuple(x.shape)}")
    axis %= ndim
    if axis == ndim - 1:
        return x
    order = (*(i for i in range(ndim) if i != axis), axis)
    return _core.transpose(x, axes=order) if isinstance(x, Tensor) else np.transpose(x, order)


def is_last(axis):
    """Whether AXIS is plainly the last one."""
    return axis == -1 and not isinstance(axis, bool)


def core_attributes(axis=-1, ignore_class=None, **arguments):
    """The attributes of the core's op behind one of these functions, from the function's arguments; None if the
    function does more than call it, the AXIS not being the last."""
    if not is_last(axis):
        return None
    if "from_logits" in arguments:
        arguments["epsilon"] = config.epsilon()
    if ignore_class is not None:
        arguments.update(ignores=True, ignore_class=int(ignore_class))
    return arguments


def warn_of_one_class(name, y_pred):
    if y_pred.shape and y_pred.shape[-1] == 1:
        warnings.warn(
            f"{name}: y_pred has shape {tuple(y_pred.shape)}, one class only, so the loss is always 0. "
            "Use binary_crossentropy for two classes with one output.",
            SyntaxWarning,
            stacklevel=3,
        )


# How a tensor that went through a softmax or sigmoid gives its logits, for the ops that can start from these.
_LOGITS = {
    "binary_crossentropy": operator.attrgetter("_sigmoid_logits"),
    "categorical_crossentropy": operator.attrgetter("_softmax_logits"),
    "sparse_categorical_crossentropy": operator.attrgetter("_softmax_logits"),
}


def _known_logits(name, y_pred):
    """The logits that the op NAME shall start from instead of Y_PRED; None if none are known.

    As in Keras on TensorFlow: a probability that was rounded to 0 or 1 would end the gradient.
    """
    return _LOGITS[name](y_pred) if isinstance(y_pred, Tensor) else None


def _warn_of_probabilities(label):
    warnings.warn(
        f"{label}: from_logits=True, but y_pred went through a softmax or sigmoid: leave out one of the two. "
        "Its logits are used",
        stacklevel=4,
    )


def _crossentropy(name, y_true, y_pred, from_logits, **arguments):
    """The op NAME of the core."""
    logits = _known_logits(name, y_pred)
    if logits is not None:
        if from_logits:
            _warn_of_probabilities(name)
        y_pred, from_logits = logits, True
    return getattr(_core, name)(y_true, y_pred, **core_attributes(from_logits=from_logits, **arguments))


def bound(function, label, arguments, op_name=None):
    """FUNCTION with ARGUMENTS as a function of (y_true, y_pred), by the core's op (of the same name unless OP_NAME says
    another), whose attributes are parsed once; LABEL begins its errors."""
    attributes = core_attributes(**arguments)
    if attributes is None:
        return functools.partial(function, **arguments)
    name = op_name or function.__name__
    plain = getattr(_core, name).bind(label, **attributes)
    if name not in _LOGITS:
        return plain
    of_logits = getattr(_core, name).bind(label, **{**attributes, "from_logits": True})

    warns = attributes["from_logits"]

    def call(y_true, y_pred):
        nonlocal warns
        logits = _known_logits(name, y_pred)
        if logits is None:
            return plain(y_true, y_pred)
        if warns:  # once, not at every step
            warns = False
            _warn_of_probabilities(label)
        return of_logits(y_true, logits)

    return call


def mean_squared_error(y_true, y_pred):
    """mean((y_true - y_pred)^2) over the last axis: [..., N] gives [...]. Differentiable by both."""
    return _core.mean_squared_error(_labels(y_true), float_tensor(y_pred))


def mean_absolute_error(y_true, y_pred):
    """mean(|y_true - y_pred|) over the last axis: [..., N] gives [...]. Differentiable by both."""
    return _core.mean_absolute_error(_labels(y_true), float_tensor(y_pred))


def categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """-sum(y_true ln q) over the classes along AXIS, for one-hot or soft labels: [..., C] gives [...].

    From logits q is their softmax; from probabilities q is y_pred / sum(y_pred), clipped to [1e-7, 1 - 1e-7].
    Smoothed labels are y_true (1 - s) + s / C.
    """
    y_true, y_pred = _labels(y_true), float_tensor(y_pred)
    warn_of_one_class("categorical_crossentropy", y_pred)
    if not is_last(axis):
        y_true, y_pred = _last(y_true, axis), _last(y_pred, axis)
    return _crossentropy("categorical_crossentropy", y_true, y_pred, from_logits, label_smoothing=label_smoothing)


def sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, ignore_class=None, axis=-1):
    """-ln q[label], for class numbers: labels [...] or [..., 1] of any dtype and scores [..., C] give [...].

    From logits q is their softmax; from probabilities, y_pred clipped to [1e-7, 1 - 1e-7] and divided by its sum.
    Rows whose label is IGNORE_CLASS give 0. A label that is not a whole number in [0, C) is a ValueError that names
    it, its row and C.
    """
    y_true, y_pred = _labels(y_true), float_tensor(y_pred)
    if not is_last(axis):
        if y_true.ndim == y_pred.ndim:
            y_true = _last(y_true, axis)
        y_pred = _last(y_pred, axis)
    return _crossentropy("sparse_categorical_crossentropy", y_true, y_pred, from_logits, ignore_class=ignore_class)


def binary_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """mean(-(t ln p + (1 - t) ln(1 - p))) along AXIS: [..., N] gives [...].

    From logits p is their sigmoid, else y_pred clipped to [1e-7, 1 - 1e-7]. Smoothed labels are y_true (1 - s) + s / 2.
    """
    y_true, y_pred = _labels(y_true), float_tensor(y_pred)
    if not is_last(axis):
        y_true, y_pred = _last(y_true, axis), _last(y_pred, axis)
    return _crossentropy("binary_crossentropy", y_true, y_pred, from_logits, label_smoothing=label_smoothing)


def categorical_focal_crossentropy(
    y_true, y_pred, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1
):
    """sum(-alpha (1 - q)^gamma y_true ln q) over the classes (Lin et al. 2017), with q and labels as in
    categorical_crossentropy."""
    y_pred = float_tensor(y_pred)
    y_true = float_tensor(y_true, y_pred.dtype)
    warn_of_one_class("categorical_focal_crossentropy", y_pred)
    if label_smoothing:
        y_true = _smoothed(y_true, label_smoothing, y_true.shape[-1])
    if from_logits:
        y_pred = _core.softmax(y_pred, axis=axis)
    q = _core.divide(y_pred, _core.sum(y_pred, axis=(axis,), keepdims=True))
    q = _core.clip(q, min=config.epsilon(), max=1 - config.epsilon())
    entropy = _core.multiply(_core.negative(y_true), _core.log(q))
    weight = _core.multiply(_core.power(_core.subtract(1.0, q), float(gamma)), alpha)
    return _core.sum(_core.multiply(weight, entropy), axis=(axis,))


def _smoothed(y_true, smoothing, classes):
    return _core.add(_core.multiply(y_true, 1.0 - smoothing), smoothing / classes)


def binary_focal_crossentropy(
    y_true,
    y_pred,
    apply_class_balancing=False,
    alpha=0.25,
    gamma=2.0,
    from_logits=False,
    label_smoothing=0.0,
    axis=-1,
):
    """mean((1 - p_t)^gamma bce) along AXIS (Lin et al. 2017), p_t being the probability given to the label; with
    class balancing times alpha where the label is 1 and 1 - alpha where it is 0."""
    y_pred = float_tensor(y_pred)
    y_true = float_tensor(y_true, y_pred.dtype)
    if label_smoothing:
        y_true = _smoothed(y_true, label_smoothing, 2)
    if from_logits:
        y_pred = _core.sigmoid(y_pred)
    rest_true, rest_pred = _core.subtract(1.0, y_true), _core.subtract(1.0, y_pred)
    logits = y_pred._sigmoid_logits
    if logits is not None:
        entropy = _core.subtract(_core.softplus(logits), _core.multiply(y_true, logits))
    else:
        p = _core.clip(y_pred, min=config.epsilon(), max=1 - config.epsilon())
        rest = _core.multiply(rest_true, _core.log(_core.subtract(1.0, p)))
        entropy = _core.negative(_core.add(_core.multiply(y_true, _core.log(p)), rest))
    given = _core.add(_core.multiply(y_true, y_pred), _core.multiply(rest_true, rest_pred))
    focal = _core.multiply(_core.power(_core.subtract(1.0, given), float(gamma)), entropy)
    if apply_class_balancing:
        weight = _core.add(_core.multiply(y_true, alpha), _core.multiply(rest_true, 1 - alpha))
        focal = _core.multiply(weight, focal)
    return _core.mean(focal, axis=(axis,))


def mean_absolute_percentage_error(y_true, y_pred):
    """100 mean(|y_true - y_pred| / max(|y_true|, 1e-7)) over the last axis."""
    y_true, y_pred = pair(y_true, y_pred)
    scale = _core.maximum(_core.abs(y_true), config.epsilon())
    return _core.multiply(_mean(_core.abs(_core.divide(_core.subtract(y_true, y_pred), scale))), 100.0)


def mean_squared_logarithmic_error(y_true, y_pred):
    """mean((ln(1 + y_true) - ln(1 + y_pred))^2) over the last axis; values below 1e-7 count as that."""
    y_true, y_pred = pair(y_true, y_pred)
    first = _core.log(_core.add(_core.maximum(y_pred, config.epsilon()), 1.0))
    second = _core.log(_core.add(_core.maximum(y_true, config.epsilon()), 1.0))
    return _mean(_core.square(_core.subtract(first, second)))


def _normalized(x, axis):
    """X by its length along AXIS; no length counts as less than 1e-7."""
    squares = _core.sum(_core.square(x), axis=(axis,), keepdims=True)
    return _core.divide(x, _core.sqrt(_core.maximum(squares, config.epsilon() ** 2)))


def cosine_similarity(y_true, y_pred, axis=-1):
    """-sum(y_true y_pred) of both scaled to length 1 along AXIS: -1 for the same direction, 1 for opposite ones."""
    y_true, y_pred = pair(y_true, y_pred)
    product = _core.multiply(_normalized(y_true, axis), _normalized(y_pred, axis))
    return _core.negative(_core.sum(product, axis=(axis,)))


def huber(y_true, y_pred, delta=1.0):
    """mean(e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2) over the last axis, e = y_pred - y_true."""
    y_true, y_pred = pair(y_true, y_pred)
    error = _core.subtract(y_pred, y_true)
    size = _core.abs(error)
    near = _core.multiply(_core.square(error), 0.5)
    far = _core.subtract(_core.multiply(size, float(delta)), 0.5 * delta * delta)
    return _mean(_core.where(_core.less_equal(size, float(delta)), near, far))


def log_cosh(y_true, y_pred):
    """mean(ln(cosh(y_pred - y_true))) over the last axis, as |e| + ln(1 + exp(-2 |e|)) - ln 2, which does not
    overflow."""
    y_true, y_pred = pair(y_true, y_pred)
    size = _core.abs(_core.subtract(y_pred, y_true))
    soft = _core.log1p(_core.exp(_core.multiply(size, -2.0)))
    return _mean(_core.subtract(_core.add(size, soft), float(np.log(2.0))))


def kl_divergence(y_true, y_pred):
    """sum(y_true ln(y_true / y_pred)) over the last axis, both clipped to [1e-7, 1]."""
    y_pred = float_tensor(y_pred)
    y_true = _core.clip(float_tensor(y_true, y_pred.dtype), min=config.epsilon(), max=1.0)
    y_pred = _core.clip(y_pred, min=config.epsilon(), max=1.0)
    return _core.sum(_core.multiply(y_true, _core.log(_core.divide(y_true, y_pred))), axis=(-1,))


def poisson(y_true, y_pred):
    """mean(y_pred - y_true ln(y_pred + 1e-7)) over the last axis."""
    y_pred = float_tensor(y_pred)
    y_true = float_tensor(y_true, y_pred.dtype)
    log = _core.log(_core.add(y_pred, config.epsilon()))
    return _mean(_core.subtract(y_pred, _core.multiply(y_true, log)))


def _signs(y_true):
    """Labels 0 and 1 become -1 and 1; others stay."""
    values = np.asarray(y_true)
    if ((values == 0) | (values == 1)).all():
        return _core.subtract(_core.multiply(y_true, 2.0), 1.0)
    return y_true


def _hinges(y_true, y_pred):
    y_pred = float_tensor(y_pred)
    y_true = _signs(float_tensor(y_true, y_pred.dtype))
    return _core.maximum(_core.subtract(1.0, _core.multiply(y_true, y_pred)), 0.0)


def hinge(y_true, y_pred):
    """mean(max(1 - y_true y_pred, 0)) over the last axis; labels are -1 and 1, or 0 and 1."""
    return _mean(_hinges(y_true, y_pred))


def squared_hinge(y_true, y_pred):
    """mean(max(1 - y_true y_pred, 0)^2) over the last axis; labels are -1 and 1, or 0 and 1."""
    return _mean(_core.square(_hinges(y_true, y_pred)))


def categorical_hinge(y_true, y_pred):
    """max(neg - pos + 1, 0) with pos = sum(y_true y_pred) and neg = max((1 - y_true) y_pred) over the last axis."""
    y_pred = float_tensor(y_pred)
    y_true = float_tensor(y_true, y_pred.dtype)
    positive = _core.sum(_core.multiply(y_true, y_pred), axis=(-1,))
    negative = _core.max(_core.multiply(_core.subtract(1.0, y_true), y_pred), axis=(-1,))
    return _core.maximum(_core.add(_core.subtract(negative, positive), 1.0), 0.0)


def _axes(axis):
    return () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)


def dice(y_true, y_pred, axis=None):
    """1 - 2 sum(y_true y_pred) / (sum(y_true) + sum(y_pred) + 1e-7), over AXIS (None: all)."""
    y_pred = float_tensor(y_pred)
    y_true, axes = float_tensor(y_true, y_pred.dtype), _axes(axis)
    both = _core.sum(_core.multiply(y_true, y_pred), axis=axes)
    total = _core.add(_core.sum(y_true, axis=axes), _core.sum(y_pred, axis=axes))
    return _core.subtract(1.0, _core.divide(_core.multiply(both, 2.0), _core.add(total, config.epsilon())))


def tversky(y_true, y_pred, alpha=0.5, beta=0.5, axis=None):
    """1 - both / (both + alpha a + beta b + 1e-7), over AXIS (None: all) (Salehi et al. 2017).

    both = sum(y_true y_pred), a = sum(y_true (1 - y_pred)), b = sum((1 - y_true) y_pred): alpha weighs what y_pred
    misses.
    """
    y_pred = float_tensor(y_pred)
    y_true, axes = float_tensor(y_true, y_pred.dtype), _axes(axis)
    both = _core.sum(_core.multiply(y_true, y_pred), axis=axes)
    missed = _core.sum(_core.multiply(_core.subtract(1.0, y_pred), y_true), axis=axes)
    wrong = _core.sum(_core.multiply(y_pred, _core.subtract(1.0, y_true)), axis=axes)
    rest = _core.add(_core.multiply(missed, alpha), _core.multiply(wrong, beta))
    return _core.subtract(1.0, _core.divide(both, _core.add(_core.add(both, rest), config.epsilon())))


def _log_sum_exp(x, mask):
    """ln(sum(exp(x))) over the last axis, of what MASK (an array of 0 and 1) picks; some number where that is none."""
    lowest = float(np.finfo(x.dtype).min)
    top = _core.stop_gradient(_core.max(_core.where(mask > 0, x, lowest), axis=(-1,), keepdims=True))
    top = _core.maximum(top, -1e30)
    powers = _core.multiply(_core.exp(_core.minimum(_core.subtract(x, top), 0.0)), mask)
    total = _core.sum(powers, axis=(-1,))
    some = mask.any(-1)
    return _core.add(_core.log(_core.where(some, total, 1.0)), _core.squeeze(top, axis=-1))


def circle(y_true, y_pred, ref_labels=None, ref_embeddings=None, remove_diagonal=True, gamma=80, margin=0.4):
    """ln(1 + sum exp(p) sum exp(n)) over the pairs of each sample with the references (Sun et al. 2020): [N].

    y_true: class numbers [N] or [N, 1]; y_pred: embeddings of length 1, [N, D]; the references are REF_LABELS [M] and
    REF_EMBEDDINGS [M, D], by default the samples themselves, without the pair of a sample with itself if
    REMOVE_DIAGONAL. With d = 1 - cosine: p = -gamma (margin + d) (margin - d) for pairs of one class, n = gamma (1 +
    margin - d) (1 - margin - d) for others. 0 for a sample that lacks one of the two kinds.
    """
    y_pred = float_tensor(y_pred)
    labels = np.asarray(y_true).astype("int64").reshape(-1, 1)
    others = labels if ref_labels is None else np.asarray(ref_labels).astype("int64").reshape(-1, 1)
    references = y_pred if ref_embeddings is None else float_tensor(ref_embeddings, y_pred.dtype)
    if len(y_pred.shape) != 2 or len(labels) != y_pred.shape[0] or len(others) != references.shape[0]:
        raise ValueError(
            f"circle: takes embeddings (samples, size) with a class number each; got y_pred {tuple(y_pred.shape)} with "
            f"{len(labels)} labels, references {tuple(references.shape)} with {len(others)}"
        )
    same = labels == others.T
    alike = same & ~np.eye(*same.shape, dtype=bool) if remove_diagonal else same
    alike, other = alike.astype(y_pred.dtype), (~same).astype(y_pred.dtype)
    distance = _core.maximum(_core.subtract(1.0, _core.matmul(y_pred, _core.transpose(references))), 0.0)
    pull = _core.multiply(_core.add(distance, margin), _core.subtract(distance, margin))
    push = _core.multiply(
        _core.maximum(_core.subtract(1 + margin, distance), 0.0), _core.subtract(1 - margin, distance)
    )
    both = _core.add(
        _log_sum_exp(_core.multiply(pull, float(gamma)), alike), _log_sum_exp(_core.multiply(push, float(gamma)), other)
    )
    return _core.where(alike.any(1) & other.any(1), _core.softplus(both), 0.0)


def categorical_generalized_cross_entropy(y_true, y_pred, q):
    """(1 - p^q) / q, with p the probability of the labelled class (Zhang and Sabuncu 2018): between cross-entropy (q
    near 0) and absolute error (q near 1), robust to wrong labels.

    Class numbers [...] or [..., 1] and probabilities [..., C] give [...]. (Keras makes a matrix of labels [N, 1].)
    """
    y_pred = float_tensor(y_pred)
    labels = np.asarray(y_true)
    if labels.ndim == len(y_pred.shape) and labels.shape[-1] == 1:
        labels = labels[..., 0]
    classes = y_pred.shape[-1]
    if labels.shape != tuple(y_pred.shape[:-1]):
        raise ValueError(
            f"categorical_generalized_cross_entropy: y_true has shape {labels.shape} but y_pred "
            f"{tuple(y_pred.shape)}; it takes one class number for each row"
        )
    if labels.size and not ((labels >= 0) & (labels < classes)).all():
        raise ValueError(f"categorical_generalized_cross_entropy: labels must be whole numbers in [0, {classes})")
    p = _core.take_along_axis(y_pred, labels.astype("int64")[..., None], axis=-1)
    return _core.divide(_core.subtract(1.0, _core.power(_core.squeeze(p, axis=-1), float(q))), float(q))


def ctc(y_true, y_pred):
    """-ln of the probability of label sequences, whatever their alignment (Graves et al. 2006): [B].

    y_true: labels [B, L], 0 being the blank that fills up shorter sequences; y_pred: logits [B, T, C]. inf where a
    sequence does not fit into T steps.
    """
    from cnnpy.losses.sequences import ctc_loss

    labels, y_pred = np.asarray(y_true), float_tensor(y_pred)
    if labels.ndim != 2 or len(y_pred.shape) != 3 or len(labels) != y_pred.shape[0]:
        raise ValueError(
            "ctc: takes labels (batch, length) and logits (batch, steps, classes); got y_true of shape "
            f"{labels.shape} and y_pred of shape {tuple(y_pred.shape)}"
        )
    steps = np.full(len(labels), y_pred.shape[1])
    return ctc_loss(labels, y_pred, (labels != 0).sum(-1), steps)
