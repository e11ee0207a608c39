"""Batch, layer and group normalisation in NumPy."""

import numpy as np


def along(vector, x, axis):
    """VECTOR shaped to broadcast against x along AXIS."""
    shape = [1] * x.ndim
    shape[axis] = -1
    return np.reshape(vector, shape)


def batch_norm_inference(x, mean, variance, gamma=None, beta=None, axis=-1, epsilon=1e-3):
    y = (x - along(mean, x, axis)) / np.sqrt(along(variance, x, axis) + epsilon)
    y = y if gamma is None else y * along(gamma, x, axis)
    return y if beta is None else y + along(beta, x, axis)


def batch_norm_training(x, gamma=None, beta=None, axis=-1, epsilon=1e-3):
    others = tuple(i for i in range(x.ndim) if i != axis % x.ndim)
    mean, variance = x.mean(axis=others), x.var(axis=others)
    return batch_norm_inference(x, mean, variance, gamma, beta, axis, epsilon), mean, variance


def layer_norm(x, gamma=None, beta=None, dims=1, epsilon=1e-3, rms=False):
    axes = tuple(range(x.ndim - dims, x.ndim))
    centre = 0 if rms else x.mean(axis=axes, keepdims=True)
    y = (x - centre) / np.sqrt(((x - centre) ** 2).mean(axis=axes, keepdims=True) + epsilon)
    y = y if gamma is None else y * gamma
    return y if beta is None else y + beta


def group_norm(x, gamma=None, beta=None, groups=1, axis=-1, epsilon=1e-3):
    last = np.moveaxis(x, axis, -1)
    parts = last.reshape(len(x), -1, groups, last.shape[-1] // groups)
    mean, variance = parts.mean(axis=(1, 3), keepdims=True), parts.var(axis=(1, 3), keepdims=True)
    y = ((parts - mean) / np.sqrt(variance + epsilon)).reshape(last.shape)
    y = y if gamma is None else y * gamma
    y = y if beta is None else y + beta
    return np.moveaxis(y, -1, axis)
