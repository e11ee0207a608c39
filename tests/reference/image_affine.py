"""Images under affine transforms, pixel by pixel in float64, as SciPy's affine_transform reads them."""

import numpy as np


def _mapped(edge, x, n):
    """The place in [0, n - 1] that X stands for; None for the filling."""
    last = n - 1
    if 0 <= x <= last:
        return x
    if edge == "constant":
        return None
    if edge == "nearest" or n == 1:
        return min(max(x, 0), last)
    if edge == "reflect":
        x %= 2 * n
        x = 2 * n - 1 - x if x > last else x
        return min(max(x, 0), last)
    return x % last


def _pixel(image, row, column, order):
    h, w = image.shape[:2]
    if order == 0:
        return image[int(row + 0.5), int(column + 0.5)]
    top, left = int(row), int(column)
    low, right = row - top, column - left
    down, aside = min(top + 1, h - 1), min(left + 1, w - 1)
    upper = (1 - right) * image[top, left] + right * image[top, aside]
    lower = (1 - right) * image[down, left] + right * image[down, aside]
    return (1 - low) * upper + low * lower


def image_affine(x, transforms, order, edge, fill, scale):
    """What `_core.image_affine` gives, in float64."""
    _, h, w, _ = x.shape
    y = np.empty(x.shape, np.float64)
    for image, t, result in zip(x.astype(np.float64), transforms, y):
        for r in range(h):
            for q in range(w):
                row, column = h - 1 - r if t[8] else r, w - 1 - q if t[7] else q
                at = [_mapped(edge, t[i] + row * t[i - 2] + column * t[i - 1], s) for i, s in ((2, h), (5, w))]
                result[r, q] = fill if None in at else _pixel(image, *at, order)
        if not np.isnan(t[6]):
            result[:] = np.clip(result + t[6], result.min(), result.max())
    return y * scale
