"""Convolutions of any rank in plain NumPy: a loop over the taps of the kernel, and one over the groups."""

import numpy as np


def per_axis(value, rank):
    """VALUE, one integer or RANK of them, as a tuple of RANK integers."""
    value = (value,) if isinstance(value, int) else tuple(value)
    return value * rank if len(value) == 1 else value


def same_padding(size, kernel, stride, dilation):
    """(before, after) along one axis, as Keras and TensorFlow pad: the odd pixel comes after."""
    out = -(-size // stride)
    total = max((out - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def paddings(sizes, kernel, strides, padding, dilation):
    """(before, after) along each axis."""
    if padding == "same":
        return [same_padding(*axis) for axis in zip(sizes, kernel, strides, dilation)]
    return [((k - 1) * d if padding == "causal" else 0, 0) for k, d in zip(kernel, dilation)]


def places_of(sizes, kernel, strides, dilation):
    """How many windows fit along each axis."""
    return [(n - (k - 1) * d - 1) // s + 1 for n, k, s, d in zip(sizes, kernel, strides, dilation)]


def taps(kernel, places, strides, dilation):
    """(index of a tap, the slices of the places it sees) for all taps."""
    for tap in np.ndindex(*kernel):
        axes = zip(tap, places, strides, dilation)
        yield tap, tuple(slice(t * d, t * d + (n - 1) * s + 1, s) for t, n, s, d in axes)


def activate(y, activation):
    match activation:
        case "relu":
            return np.maximum(y, 0)
        case "sigmoid":
            return 1 / (1 + np.exp(-y))
        case "tanh":
            return np.tanh(y)
        case "softmax":
            e = np.exp(y - y.max(axis=-1, keepdims=True))
            return e / e.sum(axis=-1, keepdims=True)
    return y


def conv(x, kernel, bias=None, strides=1, padding="valid", dilation=1, groups=1, activation="linear"):
    """y[N, places, F] of x[N, sizes, C] and kernel[taps, C / groups, F], computed in float64."""
    x, kernel = np.asarray(x, "float64"), np.asarray(kernel, "float64")
    *size, _, filters = kernel.shape
    strides, dilation = per_axis(strides, len(size)), per_axis(dilation, len(size))
    x = np.pad(x, [(0, 0), *paddings(x.shape[1:-1], size, strides, padding, dilation), (0, 0)])
    places = places_of(x.shape[1:-1], size, strides, dilation)
    y = np.zeros((x.shape[0], *places, filters))
    for g, (xg, kg) in enumerate(zip(np.split(x, groups, axis=-1), np.split(kernel, groups, axis=-1))):
        part = slice(g * (filters // groups), (g + 1) * (filters // groups))
        for tap, window in taps(size, places, strides, dilation):
            y[..., part] += xg[(slice(None), *window)] @ kg[tap]
    return activate(y if bias is None else y + bias, activation)


def conv_gradients(x, kernel, dy, strides=1, padding="valid", dilation=1, groups=1):
    """(dx, dkernel, dbias) of the linear convolution for the gradient dy[N, places, F], in float64."""
    x, kernel, dy = (np.asarray(a, "float64") for a in (x, kernel, dy))
    *size, _, _ = kernel.shape
    sizes, axes = x.shape[1:-1], tuple(range(x.ndim - 1))
    strides, dilation = per_axis(strides, len(size)), per_axis(dilation, len(size))
    pads = paddings(sizes, size, strides, padding, dilation)
    x = np.pad(x, [(0, 0), *pads, (0, 0)])
    dx, dkernel = np.zeros_like(x), np.zeros_like(kernel)
    inputs, outputs = x.shape[-1] // groups, dy.shape[-1] // groups
    for g in range(groups):
        ins, outs = slice(g * inputs, (g + 1) * inputs), slice(g * outputs, (g + 1) * outputs)
        for tap, window in taps(size, dy.shape[1:-1], strides, dilation):
            seen = (slice(None), *window, ins)
            dx[seen] += dy[..., outs] @ kernel[tap][:, outs].T
            dkernel[tap][:, outs] += np.tensordot(x[seen], dy[..., outs], (axes, axes))
    inside = tuple(slice(before, before + n) for (before, _), n in zip(pads, sizes))
    return dx[(slice(None), *inside)], dkernel, dy.sum(axis=axes)


def conv_transpose(
    x, kernel, bias=None, strides=1, padding="valid", output_padding=None, dilation=1, activation="linear"
):
    """y[N, sizes, F] of x[N, places, C] and kernel[taps, F, C]: each place adds the kernel, spread, to y."""
    x, kernel = np.asarray(x, "float64"), np.asarray(kernel, "float64")
    *size, filters, _ = kernel.shape
    rank, places = len(size), x.shape[1:-1]
    strides, dilation = per_axis(strides, rank), per_axis(dilation, rank)
    extra = (None,) * rank if output_padding in (None, ()) else per_axis(output_padding, rank)
    full, kept = [], []
    for n, k, s, d, e in zip(places, size, strides, dilation, extra):
        span = (k - 1) * d + 1
        if padding == "valid":
            length, before = (n - 1) * s + (max(span, s) if e is None else span + e), 0
        else:
            length = n * s if e is None else (n - 1) * s + span % 2 + e
            before = max((n - 1) * s + span - length, 0) // 2
        full.append(max((n - 1) * s + span, before + length))
        kept.append(slice(before, before + length))
    y = np.zeros((x.shape[0], *full, filters))
    for tap, window in taps(size, places, strides, dilation):
        y[(slice(None), *window)] += x @ kernel[tap].T
    y = y[(slice(None), *kept)]
    return activate(y if bias is None else y + bias, activation)
