"""Losses in NumPy, per sample, by their formulas."""

import numpy as np


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def categorical_crossentropy(t, y, from_logits=False, label_smoothing=0.0, epsilon=1e-7):
    t = t.astype(y.dtype) * (1 - label_smoothing) + label_smoothing / y.shape[-1]
    if from_logits:
        return -(t * np.log(softmax(y))).sum(-1)
    q = y / y.sum(-1, keepdims=True)
    return -(t * np.log(np.clip(q, epsilon, 1 - epsilon))).sum(-1)


def sparse_categorical_crossentropy(labels, y, from_logits=False, epsilon=1e-7):
    labels = labels.astype("int64").reshape(y.shape[:-1])
    q = softmax(y) if from_logits else np.clip(y, epsilon, 1 - epsilon)
    q = q / q.sum(-1, keepdims=True)
    return -np.log(np.take_along_axis(q, labels[..., None], -1)[..., 0])


def binary_crossentropy(t, y, from_logits=False, label_smoothing=0.0, epsilon=1e-7):
    t = t.astype(y.dtype) * (1 - label_smoothing) + label_smoothing / 2
    p = sigmoid(y) if from_logits else np.clip(y, epsilon, 1 - epsilon)
    return -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean(-1)


def mean_squared_error(t, y):
    return ((t.astype(y.dtype) - y) ** 2).mean(-1)


def mean_absolute_error(t, y):
    return np.abs(t.astype(y.dtype) - y).mean(-1)


def reduce_loss(values, weights=None, reduction="sum_over_batch_size"):
    """Weights have the axes of the values' first ones."""
    if weights is not None:
        weights = np.asarray(weights, values.dtype)
        values = values * weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim))
    if reduction == "none":
        return values
    if reduction == "sum":
        return values.sum()
    if reduction == "mean_with_sample_weight" and weights is not None:
        return values.sum() / weights.sum() if weights.sum() else 0.0
    return values.sum() / values.size if values.size else 0.0
