"""cnnpy.ops against keras.ops: arguments of every function; values, shapes and dtypes of the calls of one table."""

import inspect

import numpy as np
import op_cases
import pytest

from cnnpy import ops

keras = pytest.importorskip("keras")

LINALG_LEFT = {"svd", "qr", "eigh"}  # the signs of vectors are LAPACK's own


def flat(result):
    return [x for part in result for x in flat(part)] if isinstance(result, (list, tuple)) else [result]


ROWS = [pytest.param(*row[:3], id=name) for row, name in zip(op_cases.TABLE, op_cases.IDS) if row[-1]]


@pytest.mark.parametrize("name, args, kwargs", ROWS)
def test_same_as_keras(name, args, kwargs):
    got = flat(getattr(ops, name)(*args, **kwargs))
    if name.startswith("adaptive"):  # these of Keras take no arrays
        args = (keras.ops.convert_to_tensor(args[0]), *args[1:])
    expected = flat(getattr(keras.ops, name)(*args, **kwargs))
    for a, b in zip(got, expected, strict=True):
        b = keras.ops.convert_to_numpy(b)
        assert a.shape == b.shape and a.dtype == b.dtype.name
        a = np.asarray(a)
        if name in LINALG_LEFT:
            a, b = np.abs(a), np.abs(b)
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=3e-6)


def test_arguments_are_those_of_keras():
    """Each function has Keras's arguments with Keras's defaults."""
    for name in ops.__all__:
        theirs = inspect.signature(getattr(keras.ops, name)).parameters
        expected = [(p.name, p.default) for p in theirs.values()]
        got = [(p.name, p.default) for p in inspect.signature(getattr(ops, name)).parameters.values()]
        assert got[: len(expected)] == expected, name


def test_every_name_of_keras_is_there_or_says_why_not():
    missing = []
    for theirs, ours in [(keras.ops, ops), *((getattr(keras.ops, m), getattr(ops, m)) for m in ("numpy", "linalg"))]:
        for name in dir(theirs):
            try:
                getattr(ours, name)
            except AttributeError as error:
                if not name.startswith("_") and "is not offered: " not in str(error):
                    missing.append(f"{ours.__name__}.{name}")
    assert not missing
