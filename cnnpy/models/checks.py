"""Mistakes in labels and inputs, named before the first batch.

Only losses of this library are judged: what a loss of the user's takes is his own affair (it may, for instance, read
NaN as "no label").
"""

import numpy as np

CATEGORICAL, SPARSE, BINARY = "categoricalcrossentropy", "sparsecategoricalcrossentropy", "binarycrossentropy"
_ONE_HOT = {CATEGORICAL, "categoricalfocalcrossentropy", "categoricalhinge", "kldivergence"}
_PROBABILITY = {BINARY, "binaryfocalcrossentropy"}
_DISTRIBUTION = {CATEGORICAL, "categoricalfocalcrossentropy"}
_ELEMENTWISE = {
    *_PROBABILITY,
    "meansquarederror",
    "meanabsoluteerror",
    "meanabsolutepercentageerror",
    "meansquaredlogarithmicerror",
    "huber",
    "logcosh",
    "poisson",
    "hinge",
    "squaredhinge",
    "dice",
    "tversky",
    "cosinesimilarity",
}
OVERSHOOT = 0.5  # resampled images overshoot [0, 1] a little; labels 2, -1 or 255 are a mistake


def loss_kind(loss):
    """The loss's name in small letters without underscores, '' for one that is not of this library."""
    thing = getattr(loss, "fn", None) if type(loss).__name__ == "LossFunctionWrapper" else type(loss)
    if not getattr(thing, "__module__", "").startswith("cnnpy.losses"):
        return ""
    return thing.__name__.replace("_", "").lower()


def _where(output):
    return f'output "{output}": ' if output else ""


def _squeezes(a, b):
    """True if shapes A and B are equal but for a last dimension of 1 that one of them lacks."""
    return (len(a) == len(b) + 1 and a[-1] == 1 and tuple(a[:-1]) == tuple(b)) or (
        len(b) == len(a) + 1 and b[-1] == 1 and tuple(b[:-1]) == tuple(a)
    )


def _same(a, b):
    """True if the shapes agree where both are known."""
    return len(a) == len(b) and all(m is None or n is None or m == n for m, n in zip(a, b))


def check_shapes(loss, y_shape, output_shape, output=None):
    """Raises a ValueError if labels of Y_SHAPE cannot belong to outputs of OUTPUT_SHAPE under LOSS.

    The first dimension of both is the batch; None stands for an unknown dimension. OUTPUT is the output's name.
    """
    kind = loss_kind(loss)
    if not kind or len(output_shape) < 1 or getattr(loss, "axis", -1) not in (-1, len(output_shape) - 1):
        return
    y, out = tuple(y_shape[1:]), tuple(output_shape[1:])
    told = f"labels of shape {(None, *y)}, output of shape {(None, *out)}"
    where = _where(output)
    if kind == SPARSE:
        _check_sparse(y, out, where, told)
    elif kind in _ONE_HOT:
        _check_one_hot(y, out, where, told, kind)
    elif kind in _ELEMENTWISE and not (_same(y, out) or _squeezes(y, out)):
        hint = "labels and output must have the same shape"
        if out[-1:] == (1,) and y and y[-1] is not None and y[-1] > 1:
            hint = f"the labels have {y[-1]} columns: give the last layer {y[-1]} units, or labels one column"
        elif len(y) < len(out) and out and out[-1] not in (None, 1):
            hint = (
                f"for class numbers use the loss 'sparse_categorical_crossentropy', "
                f"or give the last layer 1 unit instead of {out[-1]}"
            )
        raise ValueError(f"{where}{told} do not fit {_pretty(loss)}: {hint}")


def _pretty(loss):
    return f"the loss '{getattr(loss, 'name', None) or type(loss).__name__}'"


def _check_sparse(y, out, where, told):
    if not out:
        return
    if out[-1] == 1:
        raise ValueError(
            f"{where}sparse_categorical_crossentropy needs one output per class, but the last layer has 1 unit "
            f"({told}); for two classes with one unit use 'binary_crossentropy'"
        )
    if _same(y, out[:-1]) or (y[-1:] == (1,) and _same(y[:-1], out[:-1])):
        return
    if _same(y, out):
        raise ValueError(
            f"{where}sparse_categorical_crossentropy takes class numbers, but the labels look one-hot ({told}); "
            "use the loss 'categorical_crossentropy', or labels y.argmax(-1)"
        )
    if len(y) == len(out):
        raise ValueError(
            f"{where}sparse_categorical_crossentropy takes class numbers ({told}); if the labels are one-hot over "
            f"{y[-1]} classes, use y.argmax(-1) and give the last layer {y[-1]} units"
        )
    raise ValueError(f"{where}sparse_categorical_crossentropy: {told}; labels must have shape {(None, *out[:-1])}")


def _check_one_hot(y, out, where, told, kind):
    if _same(y, out) or not out:
        return
    name = {CATEGORICAL: "categorical_crossentropy"}.get(kind, kind)
    if out[-1] != 1 and (_same(y, out[:-1]) or (y[-1:] == (1,) and _same(y[:-1], out[:-1]))):
        raise ValueError(
            f"{where}{name} takes one-hot labels, but these look like class numbers ({told}); "
            f"use the loss 'sparse_categorical_crossentropy', or cnnpy.utils.to_categorical(y, {out[-1]})"
        )
    if len(y) == len(out) and _same(y[:-1], out[:-1]):
        raise ValueError(
            f"{where}the labels have {y[-1]} classes, the last layer has {out[-1]} units ({told}); "
            f"give it {y[-1]} units"
        )
    raise ValueError(f"{where}{name}: {told}; they must have the same shape")


def check_values(loss, y, output_shape, output=None):
    """Raises a ValueError for NaN labels and labels that LOSS cannot mean; Y is a NumPy array of all labels.

    A memory-mapped file larger than 256 MB is not read for this.
    """
    kind = loss_kind(loss)
    if not kind or y.size == 0 or (isinstance(y, np.memmap) and y.nbytes > 2**28):
        return
    where = _where(output)
    if y.dtype.kind == "f":
        check_nan(y, where)
    if kind == SPARSE and output_shape[-1:] != (None,):
        _check_classes(y, output_shape[-1], getattr(loss, "ignore_class", None), where)
    elif kind in _PROBABILITY or kind in _DISTRIBUTION:
        low, high = y.min(), y.max()
        if low < -OVERSHOOT or high > 1 + OVERSHOOT:
            name = "binary crossentropy" if kind in _PROBABILITY else _pretty(loss)
            raise ValueError(
                f"{where}{name} takes labels from 0 to 1, these go from {low} to {high}; "
                "scale them (pixels: y / 255), or for class numbers use 'sparse_categorical_crossentropy'"
            )


def nan_message(array):
    """'N NaN values, the first at index I' of a float array, None if there are none."""
    if not np.isnan(array.min()):  # min passes NaN on, and needs no memory
        return None
    bad = np.isnan(array)
    index = tuple(int(i) for i in np.unravel_index(int(bad.argmax()), array.shape))
    return f"{int(bad.sum())} NaN values, the first at index {index if len(index) > 1 else index[0]}"


def check_nan(y, where=""):
    """Raises a ValueError that counts the NaN values of the float array Y and gives the first one's index."""
    message = nan_message(y)
    if message:
        raise ValueError(f"{where}the labels have {message}; remove or replace these samples (np.isnan(y))")


def _check_classes(y, classes, ignored, where):
    low, high = y.min(), y.max()
    if y.dtype.kind == "f" and not (y == np.rint(y)).all():
        value = y[y != np.rint(y)][0]
        raise ValueError(
            f"{where}sparse_categorical_crossentropy takes class numbers, the labels have {value}; "
            "for numbers to predict use 'mean_squared_error'"
        )
    if low >= 0 and high < classes:
        return
    bad = (y < 0) | (y >= classes)
    if ignored is not None:
        bad &= y != ignored
    if not bad.any():
        return
    index = np.unravel_index(int(bad.argmax()), y.shape)
    at = int(index[0]) if len(index) == 1 else tuple(int(i) for i in index)
    if low >= 1 and high == classes:
        remedy = "the labels seem to count from 1: use y - 1"
    elif high >= classes:
        remedy = f"give the last layer {int(high) + 1} units, or correct the labels"
    else:
        remedy = "correct the labels"
    raise ValueError(
        f"{where}label {y[index]} at index {at} is out of range: the last layer has {classes} units, "
        f"for classes 0 to {classes - 1}; {remedy}"
    )


def check_inputs(arrays, specs, names):
    """Raises a ValueError if input arrays do not fit the model's inputs.

    Arguments:
        arrays: NumPy arrays, in the order of SPECS; None where an optional input is missing.
        specs: the model's symbolic inputs, with shapes.
        names: names for messages, one per array.
    """
    if len(arrays) != len(specs):
        hint = "pass a list of one array per input"
        if len(specs) == 1:
            hint = "pass one array; np.stack() makes one of a list of samples"
        raise ValueError(f"x: {len(arrays)} arrays for a model with {len(specs)} input(s); {hint}")
    for array, spec, name in zip(arrays, specs, names):
        if array is None or spec is None or spec.shape is None:
            continue
        want, got = tuple(spec.shape[1:]), array.shape[1:]
        if _same(got, want) or _squeezes(got, want):
            continue
        told = f"{name} has shape {array.shape}, the model takes {(None, *want)}"
        if len(got) == len(want) - 1 and array.shape == want:
            hint = "this is one sample without the batch dimension: use x[None]"
        elif len(got) == len(want) - 1:
            hint = "a dimension is missing; did you forget np.expand_dims(x, -1)?"
        elif len(got) != len(want):
            hint = f"it must have {len(want) + 1} dimensions, the first one the samples"
        elif len(want) > 1 and _same(got[:-1], want[:-1]):
            hint = f"it has {got[-1]} channel(s), the model {want[-1]}; build the model with input shape {got}"
        elif len(want) == 3 and _same((got[1], got[2], got[0]), want):
            hint = "the channels come first: use np.transpose(x, (0, 2, 3, 1))"
        else:
            hint = f"resize the data, or build the model with input shape {got}"
        raise ValueError(f"{told}; {hint}")
