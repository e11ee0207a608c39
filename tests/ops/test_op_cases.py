"""The calls of tests/op_cases.py: gradients in float64, the same inside a functional model, NumPy's values for all
shapes and dtypes, and errors."""

import inspect

import numpy as np
import op_cases
import pytest

import cnnpy
from cnnpy import ops, tree
from gradients import check_gradients

SYMMETRIC = {"cholesky", "eigh", "logdet"}  # these read one triangle; their gradients are symmetric
# Of these NumPy's results or arguments are other ones.
UNLIKE = {"argpartition", "array", "bincount", "cholesky", "copy", "correlate", "cross", "eigh", "empty", "empty_like"}
UNLIKE |= {"expand_dims", "histogram", "lstsq", "nanargmax", "nanargmin", "qr", "select", "size", "slogdet", "split"}
UNLIKE |= {"svd", "unique", "view"}


def arrays_of(args):
    return [x for x in tree.flatten(list(args)) if isinstance(x, np.ndarray)]


def with_arrays(args, arrays):
    """ARGS with these in the places of its arrays."""
    rest = iter(arrays)
    return tree.map_structure(lambda x: next(rest) if isinstance(x, np.ndarray) else x, list(args))


def rows(wanted):
    """The rows of the table for which WANTED(name, args, kwargs, gradient, symbolic, keras) is true, by name."""
    table = zip(op_cases.TABLE, op_cases.IDS)
    return [pytest.param(*row[:3], id=name) for row, name in table if wanted(*row)]


def leaves(result):
    return [x for x in tree.flatten(result) if isinstance(x, cnnpy.Tensor)]


def test_every_name_has_a_row():
    named = {name for name, *_ in op_cases.TABLE}
    assert named <= set(ops.__all__) <= named | op_cases.ELSEWHERE


@pytest.mark.parametrize("name, args, kwargs", rows(lambda name, args, kwargs, gradient, *_: gradient))
def test_gradient(name, args, kwargs):
    arrays = [x.astype("float64", order="C") if x.dtype.kind == "f" else x for x in arrays_of(args)]
    assert any(x.dtype.kind == "f" for x in arrays)

    def function(*tensors):
        if name in SYMMETRIC:
            tensors = [ops.multiply(ops.add(x, ops.swapaxes(x, -1, -2)), 0.5) for x in tensors]
        return leaves(getattr(ops, name)(*with_arrays(args, tensors), **kwargs))

    check_gradients(function, arrays, rtol=1e-5, atol=2e-7)


@pytest.mark.parametrize(
    "name, args, kwargs", rows(lambda name, args, kwargs, gradient, symbolic, same: symbolic and arrays_of(args))
)
def test_step_of_a_model(name, args, kwargs):
    """Called on symbolic tensors it is a step that gives the same."""
    arrays = arrays_of(args)
    inputs = [cnnpy.Input(batch_shape=x.shape, dtype=x.dtype.name) for x in arrays]
    outputs = tree.flatten(getattr(ops, name)(*with_arrays(args, inputs), **kwargs))
    expected = leaves(getattr(ops, name)(*args, **kwargs))
    assert [tuple(y.shape) for y in outputs] == [y.shape for y in expected]
    assert [y.dtype for y in outputs] == [y.dtype for y in expected]
    got = leaves(cnnpy.Model(inputs, outputs)(list(arrays)))
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def takes_reals(name, args, kwargs, *_):
    return any(x.dtype == "float32" for x in arrays_of(args)) and "dtype" not in kwargs


@pytest.mark.parametrize("name, args, kwargs", rows(takes_reals))
def test_float64_stays_and_tensors_equal_arrays(name, args, kwargs):
    arrays = [x.astype("float64") if x.dtype == "float32" else x for x in arrays_of(args)]
    got = leaves(getattr(ops, name)(*with_arrays(args, arrays), **kwargs))
    tensors = leaves(getattr(ops, name)(*with_arrays(args, [cnnpy.Tensor(x) for x in arrays]), **kwargs))
    single = leaves(getattr(ops, name)(*args, **kwargs))
    for a, b, c in zip(got, tensors, single, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype and (c.dtype != "float32" or a.dtype == "float64" or name in ("one_hot", "multi_hot"))


def numpys(name):
    return getattr(np, name, None) or getattr(np.linalg, name, None)


def same_in_numpy(name, args, kwargs, *_):
    function = numpys(name)
    if name in UNLIKE or function is None or isinstance(function, type):
        return False
    if isinstance(function, np.ufunc):
        return not kwargs and len(args) == function.nin
    known = inspect.signature(function).parameters
    return (set(kwargs) <= set(known) and len(args) <= len(known)) or function is np.einsum


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name, args, kwargs", rows(same_in_numpy))
def test_numpy_gives_the_same(name, args, kwargs):
    expected = numpys(name)(*args, **kwargs)
    got = getattr(ops, name)(*args, **kwargs)
    several = isinstance(expected, (list, tuple))
    for a, b in zip(got if several else [got], expected if several else [expected], strict=True):
        assert a.shape == np.shape(b)
        np.testing.assert_allclose(np.asarray(a), b, rtol=1e-5, atol=2e-6)


def test_signatures_have_docstrings():
    for name in ops.__all__:
        function = getattr(ops, name)
        assert inspect.getdoc(function), name
