"""Helpers on NumPy arrays: one-hot labels, normalised vectors."""

import numpy as np

from cnnpy._core import Tensor


def to_categorical(x, num_classes=None):
    """One-hot rows for integer classes.

    X has any shape (a last dimension of 1 is dropped) and holds whole numbers from 0 to num_classes - 1; num_classes
    is by default the highest plus one. Returns a float64 array of shape (*x.shape, num_classes), a Tensor if X is one.
    Raises ValueError for classes out of range or that are not whole.
    """
    is_tensor = isinstance(x, Tensor)
    x = np.asarray(x)
    if x.dtype.kind not in "iub" and not np.array_equal(x, np.floor(x)):
        raise ValueError("to_categorical: classes must be whole numbers; for scores use argmax first")
    classes = x.astype("int64")
    shape = classes.shape
    if len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    classes = classes.reshape(-1)
    if not num_classes:
        num_classes = int(classes.max(initial=-1)) + 1
    bad = (classes < 0) | (classes >= num_classes)
    if bad.any():
        raise ValueError(
            f"to_categorical: class {int(classes[bad][0])} is outside of 0..{num_classes - 1}; pass a higher "
            "num_classes, or shift the labels so that they start at 0"
        )
    rows = np.zeros((classes.size, num_classes))
    rows[np.arange(classes.size), classes] = 1
    rows = rows.reshape((*shape, num_classes))
    return Tensor(rows, "float32") if is_tensor else rows


def normalize(x, axis=-1, order=2):
    """X divided by its norm of ORDER along AXIS (1 where the norm is 0). Returns an array, a Tensor if X is one."""
    is_tensor = isinstance(x, Tensor)
    array = np.asarray(x)
    if array.dtype.kind != "f":
        array = array.astype("float64")
    norm = np.atleast_1d(np.linalg.norm(array, order, axis))
    norm[norm == 0] = 1
    result = array / np.expand_dims(norm, axis)
    return Tensor(result) if is_tensor else result
