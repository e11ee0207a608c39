"""Pooling of x[batch, height, width, channels] in NumPy, window by window."""

import numpy as np


def slices(size, window, stride, padding):
    """The part of the axis that each window covers."""
    if padding == "same":
        count = -(-size // stride)
        before = max((count - 1) * stride + window - size, 0) // 2
    else:
        count, before = (size - window) // stride + 1, 0
    return [slice(max(i * stride - before, 0), min(i * stride - before + window, size)) for i in range(count)]


def pool2d(x, reduce, pool_size=(2, 2), strides=(2, 2), padding="valid"):
    rows = slices(x.shape[1], pool_size[0], strides[0], padding)
    columns = slices(x.shape[2], pool_size[1], strides[1], padding)
    y = np.empty((x.shape[0], len(rows), len(columns), x.shape[3]), x.dtype)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            y[:, i, j] = reduce(x[:, row, column], axis=(1, 2))
    return y


def max_pool2d(x, **arguments):
    return pool2d(x, np.max, **arguments)


def average_pool2d(x, **arguments):
    return pool2d(x, np.mean, **arguments)


def max_pool2d_gradient(x, dy, pool_size=(2, 2), strides=(2, 2), padding="valid"):
    """Each entry of dy goes to the first place in its window that holds the maximum, or to the first NaN."""
    dx = np.zeros_like(x)
    rows = slices(x.shape[1], pool_size[0], strides[0], padding)
    columns = slices(x.shape[2], pool_size[1], strides[1], padding)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            window = x[:, row, column].reshape(x.shape[0], -1, x.shape[3])
            place = np.argmax(window, axis=1)  # argmax takes the first of equals, and the first NaN
            into = dx[:, row, column].reshape(window.shape)
            at = np.expand_dims(place, 1)
            np.put_along_axis(into, at, np.take_along_axis(into, at, 1) + np.expand_dims(dy[:, i, j], 1), 1)
            dx[:, row, column] = into.reshape(dx[:, row, column].shape)
    return dx


def global_max_pool2d(x, keepdims=False):
    return x.max(axis=(1, 2), keepdims=keepdims)


def global_average_pool2d(x, keepdims=False):
    return x.mean(axis=(1, 2), keepdims=keepdims)
