"""Batch normalisation in NumPy."""

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
