"""Convolutions in plain NumPy: a loop over the taps of the kernel, and one over the groups."""

import numpy as np


def same_padding(size, kernel, stride, dilation):
    """(before, after) along one axis, as Keras and TensorFlow pad: the odd pixel comes after."""
    out = -(-size // stride)
    total = max((out - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


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


def conv2d(x, kernel, bias=None, strides=(1, 1), padding="valid", dilation=(1, 1), groups=1, activation="linear"):
    """y[N, OH, OW, F] of x[N, H, W, C] and kernel[KH, KW, C / groups, F], computed in float64."""
    x, kernel = np.asarray(x, "float64"), np.asarray(kernel, "float64")
    (kh, kw, _, filters), (sh, sw), (dh, dw) = kernel.shape, strides, dilation
    if padding == "same":
        pads = [same_padding(x.shape[1], kh, sh, dh), same_padding(x.shape[2], kw, sw, dw)]
        x = np.pad(x, [(0, 0), *pads, (0, 0)])
    oh, ow = (x.shape[1] - (kh - 1) * dh - 1) // sh + 1, (x.shape[2] - (kw - 1) * dw - 1) // sw + 1
    y = np.zeros((x.shape[0], oh, ow, filters))
    for g, (xg, kg) in enumerate(zip(np.split(x, groups, axis=3), np.split(kernel, groups, axis=3))):
        part = slice(g * (filters // groups), (g + 1) * (filters // groups))
        for i in range(kh):
            for j in range(kw):
                window = xg[:, i * dh : i * dh + (oh - 1) * sh + 1 : sh, j * dw : j * dw + (ow - 1) * sw + 1 : sw]
                y[..., part] += window @ kg[i, j]
    return activate(y if bias is None else y + bias, activation)


def conv2d_gradients(x, kernel, dy, strides=(1, 1), padding="valid", dilation=(1, 1), groups=1):
    """(dx, dkernel, dbias) of the linear convolution for the gradient dy[N, OH, OW, F], in float64."""
    x, kernel, dy = (np.asarray(a, "float64") for a in (x, kernel, dy))
    (kh, kw, _, _), (sh, sw), (dh, dw) = kernel.shape, strides, dilation
    height, width = x.shape[1:3]
    pads = [(0, 0), (0, 0)]
    if padding == "same":
        pads = [same_padding(height, kh, sh, dh), same_padding(width, kw, sw, dw)]
    x = np.pad(x, [(0, 0), *pads, (0, 0)])
    oh, ow = dy.shape[1:3]
    dx, dkernel = np.zeros_like(x), np.zeros_like(kernel)
    inputs, outputs = x.shape[3] // groups, dy.shape[3] // groups
    for g in range(groups):
        ins, outs = slice(g * inputs, (g + 1) * inputs), slice(g * outputs, (g + 1) * outputs)
        for i in range(kh):
            for j in range(kw):
                rows, columns = (
                    slice(i * dh, i * dh + (oh - 1) * sh + 1, sh),
                    slice(j * dw, j * dw + (ow - 1) * sw + 1, sw),
                )
                dx[:, rows, columns, ins] += dy[..., outs] @ kernel[i, j, :, outs].T
                dkernel[i, j, :, outs] += np.einsum("nhwc,nhwf->cf", x[:, rows, columns, ins], dy[..., outs])
    (top, _), (left, _) = pads
    return dx[:, top : top + height, left : left + width], dkernel, dy.sum(axis=(0, 1, 2))
