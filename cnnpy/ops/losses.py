"""Losses per element or per sample, without any mean: what custom losses are made of."""

import math

import numpy as np

from cnnpy import _core, config
from cnnpy.activations import log_softmax, softplus
from cnnpy.layers.symbolic import symbolic
from cnnpy.ops._convert import axes, floats, one_axis, tensor

__all__ = ["binary_crossentropy", "categorical_crossentropy", "psnr", "sparse_categorical_crossentropy"]


def _same_shape(name, target, output):
    if target.shape != output.shape:
        raise ValueError(
            f"{name}: target and output must have one shape, got {target.shape} and {output.shape}; reshape one of them"
        )


def _log_of_clipped(x):
    epsilon = config.epsilon()
    return _core.log(_core.clip(x, min=epsilon, max=1 - epsilon))


@symbolic
def binary_crossentropy(target, output, from_logits=False):
    """-target log(p) - (1 - target) log(1 - p), element by element, where p is OUTPUT clipped to epsilon..1 - epsilon,
    or with FROM_LOGITS sigmoid(output)."""
    output = floats(output)
    target = tensor(target, output.dtype)
    _same_shape("binary_crossentropy", target, output)
    if from_logits:
        losses = softplus(_core.negative(output)), softplus(output)
    else:
        losses = [_core.negative(_log_of_clipped(p)) for p in (output, _core.subtract(1, output))]
    return _core.add(_core.multiply(target, losses[0]), _core.multiply(_core.subtract(1, target), losses[1]))


@symbolic
def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-sum(target log(p)) over the classes along AXIS, where p is OUTPUT divided by its sum and clipped to epsilon..
    1 - epsilon, or with FROM_LOGITS softmax(output)."""
    output = floats(output)
    target = tensor(target, output.dtype)
    _same_shape("categorical_crossentropy", target, output)
    axis = one_axis(axis, output.ndim)
    if from_logits:
        logs = log_softmax(output, axis=axis)
    else:
        logs = _log_of_clipped(_core.divide(output, _core.sum(output, axis=axis, keepdims=True)))
    return _core.negative(_core.sum(_core.multiply(target, logs), axis=axes(axis)))


@symbolic
def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-log(p[target]) for class numbers TARGET, where p is OUTPUT, its classes along the last axis, clipped to
    epsilon..1 - epsilon and divided by its sum, or with FROM_LOGITS softmax(output). A last dimension of 1 of TARGET
    is dropped."""
    output, target = floats(output), tensor(target)
    if output.ndim < 1 or one_axis(axis, output.ndim) != output.ndim - 1:
        raise ValueError(
            f"sparse_categorical_crossentropy: the classes must be along the last axis, got axis {axis} of shape "
            f"{output.shape}; transpose output"
        )
    if target.ndim == output.ndim and target.shape[-1] == 1:
        target = _core.squeeze(target, axis=-1)
    if target.shape != output.shape[:-1]:
        raise ValueError(
            f"sparse_categorical_crossentropy: target must have shape {output.shape[:-1]} for output of shape "
            f"{output.shape}, got {target.shape}"
        )
    classes = np.asarray(target).astype("int64")
    if np.any((classes < 0) | (classes >= output.shape[-1])):
        raise ValueError(
            f"sparse_categorical_crossentropy: a class of target is outside of 0..{output.shape[-1] - 1}, the classes "
            "of output"
        )
    logs = log_softmax(output if from_logits else _log_of_clipped(output))
    return _core.negative(_core.squeeze(_core.take_along_axis(logs, classes[..., None], axis=-1), axis=-1))


@symbolic
def psnr(x1, x2, max_val):
    """The peak signal-to-noise ratio of images in decibels, 20 log10(MAX_VAL) - 10 log10(mean square error), one number
    for all; infinite for equal images."""
    x1, x2 = floats(x1), floats(x2)
    _same_shape("psnr", x1, x2)
    error = _core.mean(_core.square(_core.subtract(x1, x2)))
    return _core.subtract(20 * math.log10(max_val), _core.multiply(_core.log10(error), 10.0))
