"""Up-sampling and padding of x[batch, height, width, channels] in NumPy."""

import numpy as np


def blend(size, scale):
    """[size * scale, size]: how much of each pixel goes into each result, taking pixels as areas, edges repeated."""
    matrix = np.zeros((size * scale, size))
    for o in range(size * scale):
        centre = (o + 0.5) / scale - 0.5
        low = int(np.floor(centre))
        matrix[o, max(low, 0)] += 1 - (centre - low)
        matrix[o, min(low + 1, size - 1)] += centre - low
    return matrix


def upsample2d(x, size=(2, 2), interpolation="nearest"):
    if interpolation == "nearest":
        return x.repeat(size[0], axis=1).repeat(size[1], axis=2)
    return np.einsum("ph,qw,nhwc->npqc", blend(x.shape[1], size[0]), blend(x.shape[2], size[1]), x)


def zero_pad2d(x, padding):
    top, bottom, left, right = padding
    return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
