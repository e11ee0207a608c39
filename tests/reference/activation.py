"""Activations by their formulas, in NumPy."""

import math

import numpy as np


def linear(x):
    return x


def relu(x, negative_slope=0.0, max_value=np.inf, threshold=0.0):
    below = negative_slope * (x - threshold) if negative_slope else np.zeros_like(x)
    return np.minimum(np.where(x < threshold, below, x), max_value)


def leaky_relu(x, negative_slope=0.2):
    return np.where(x < 0, negative_slope * x, x)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


tanh = np.tanh


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def selu(x):
    return 1.0507009873554805 * elu(x, 1.6732632423543772)


def gelu(x, approximate=True):
    if approximate:
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return x * 0.5 * np.vectorize(math.erfc, otypes=[float])(-x / math.sqrt(2))


def softplus(x):
    return np.logaddexp(x, 0)


def softsign(x):
    return x / (1 + np.abs(x))


def silu(x):
    return x * sigmoid(x)


def hard_sigmoid(x):
    return np.clip(x / 6 + 0.5, 0, 1)


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True, initial=-np.inf))
    return e / e.sum(axis=axis, keepdims=True)


def log_softmax(x, axis=-1):
    z = x - x.max(axis=axis, keepdims=True, initial=-np.inf)
    with np.errstate(divide="ignore"):  # the sum over no entries is 0
        return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))
