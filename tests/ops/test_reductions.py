"""Reductions, running sums, places of extremes and matrix products against NumPy; the accuracy of sums."""

import itertools

import numpy as np
import pytest
from arrays import DTYPES, FLOATS, INTEGERS, make, same

import cnnpy
from cnnpy import _core

SHAPES = [
    (3, 4, 5),
    (2, 1, 3, 4),
    (300, 70),
    (70, 300),
    (1,),
    (20000, 3),
    (3, 20000),
    (2, 3, 2, 3, 2),
    (2, 600, 300),
    (100000,),
]


def axes_of(shape):
    for n in range(1, len(shape) + 1):
        yield from itertools.combinations(range(len(shape)), n)


def reference(name, x, axis, keepdims):
    if name in ("mean", "variance"):
        y = (np.var if name == "variance" else np.mean)(x.astype("float64"), axis=axis, keepdims=keepdims)
        return np.asarray(y).astype(x.dtype if str(x.dtype) in FLOATS else "float32")
    if str(x.dtype) in FLOATS and name in ("sum", "prod"):
        return np.asarray(getattr(np, name)(x.astype("float64"), axis=axis, keepdims=keepdims)).astype(x.dtype)
    y = np.asarray(getattr(np, name)(x, axis=axis, keepdims=keepdims))
    return y.astype("int64") if name in ("sum", "prod") else y


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["sum", "mean", "variance", "max", "min", "all", "any", "prod"])
def test_reduction(name, dtype):
    for shape in SHAPES:
        x = make(shape, dtype)
        if name == "prod":
            if x.size > 10000:
                continue
            x = (x / 50 + 1).astype(dtype) if dtype in FLOATS else np.asarray(x % 3).astype(dtype)
        if name in ("all", "any"):
            x = np.where(make(shape, "float64", 3) < (2 if name == "all" else -2), x, 0).astype(dtype)
        for axis, keepdims in zip(axes_of(shape), itertools.cycle([False, True])):
            got = getattr(_core, name)(cnnpy.Tensor(x), axis=axis, keepdims=keepdims)
            expected = reference(name, x, axis, keepdims)
            assert got.shape == expected.shape and got.dtype == str(expected.dtype)
            scale = float(np.sqrt(x.size)) if name == "sum" and dtype in FLOATS else 1
            rtol = {"float32": 3e-6, "float64": 1e-13}.get(got.dtype, 0)
            np.testing.assert_allclose(
                np.asarray(got), expected, rtol=rtol, atol=rtol * scale, err_msg=f"{shape} over {axis}"
            )


@pytest.mark.parametrize("name", ["sum", "mean", "max", "all", "prod"])
def test_reduction_of_a_number_and_over_all_axes(name):
    for x in (np.array(3.0), np.array(2, "int32"), make((2, 3), "float32")):
        expected = reference(name, x, None, False)
        same(getattr(_core, name)(cnnpy.Tensor(x)), expected, 1e-6)
        same(getattr(_core, name)(cnnpy.Tensor(x), keepdims=True), reference(name, x, None, True), 1e-6)


def test_a_view_of_the_result_is_not_the_input():
    x = cnnpy.Tensor(np.float32([1, 2]))
    with cnnpy.GradientTape() as tape:
        tape.watch([x])
        y = _core.max(_core.reshape(x, shape=(1, 2)), axis=0)
    np.testing.assert_array_equal(tape.gradient(y, [x])[0], [1, 1])


def test_empty():
    x = np.zeros((0, 3), "float32")
    assert np.asarray(_core.sum(x)).item() == 0 and np.asarray(_core.prod(x)).item() == 1
    assert _core.max(x, axis=1).shape == (0,) and _core.argmax(x, axis=1).shape == (0,)
    assert np.isnan(np.asarray(_core.mean(x, axis=0))).all()
    assert np.asarray(_core.all(x)).item() is True and np.asarray(_core.any(x)).item() is False
    assert _core.cumsum(x, axis=0).shape == (0, 3)
    assert np.asarray(_core.matmul(np.ones((2, 0)), np.ones((0, 3)))).tolist() == [[0] * 3] * 2


def test_nan_goes_through():
    x = make((500, 40), "float32")
    x[77, 3] = np.nan
    for name in ("max", "min", "sum", "mean", "prod", "variance"):
        for axis in (0, 1, (0, 1)):
            got = np.isnan(np.asarray(getattr(_core, name)(x, axis=axis)))
            assert (got == np.isnan(x).any(axis)).all(), (name, axis)
    assert np.asarray(_core.argmax(x, axis=0))[3] == 77 and np.asarray(_core.argmin(x, axis=1))[77] == 3


@pytest.mark.parametrize("case", ["all", "rows", "columns"])
def test_long_sums_are_accurate(case):
    """0.1 sums to within 3e-7, where adding one after another in float32 is off by percents."""
    n = 1 << 24
    x = np.full(n, 0.1, "float32")
    exact = float(np.float32(0.1))
    if case == "all":
        assert abs(np.asarray(_core.sum(x)) / (n * exact) - 1) < 3e-7
    elif case == "rows":
        np.testing.assert_allclose(np.asarray(_core.sum(x.reshape(2, -1), axis=1)), n // 2 * exact, rtol=3e-7)
    else:
        np.testing.assert_allclose(np.asarray(_core.sum(x.reshape(-1, 16), axis=0)), n // 16 * exact, rtol=3e-7)
        np.testing.assert_allclose(np.asarray(_core.cumsum(x.reshape(-1, 16), axis=0))[-1], n // 16 * exact, rtol=3e-7)


def test_long_sums_of_random_numbers_are_accurate():
    x = np.random.default_rng(0).random(3_000_001).astype("float32")
    assert abs(np.asarray(_core.sum(x)) / x.sum(dtype="float64") - 1) < 1e-7
    assert abs(np.asarray(_core.variance(x)) / x.var(dtype="float64") - 1) < 1e-6


@pytest.mark.parametrize("dtype", DTYPES)
def test_arg(dtype):
    for shape in [(3, 4, 5), (200, 300), (1,), (4, 70, 130)]:
        x = make(shape, dtype)
        for name in ("argmax", "argmin"):
            for axis in range(-1, len(shape)):
                for keepdims in (False, True):
                    expected = np.asarray(getattr(np, name)(x, axis=axis, keepdims=keepdims))
                    same(getattr(_core, name)(x, axis=axis, keepdims=keepdims), expected, dtype="int64")
            same(getattr(_core, name)(x), np.asarray(getattr(np, name)(x)), dtype="int64")


@pytest.mark.parametrize("dtype", DTYPES)
def test_cumsum(dtype):
    for shape in [(3, 4, 5), (1000, 130), (7,), (1, 1)]:
        x = make(shape, dtype)
        for axis in range(-1, len(shape)):
            wide = x.astype("float64") if dtype in FLOATS else x.astype("int64")
            kept = dtype if dtype in FLOATS else "int64"
            same(
                _core.cumsum(x, axis=axis),
                np.cumsum(wide, axis=axis).astype(kept),
                1e-5 if dtype == "float32" else 1e-12,
            )
            backwards = np.flip(np.cumsum(np.flip(wide, axis), axis=axis), axis).astype(kept)
            same(_core.cumsum(x, axis=axis, reverse=True), backwards, 1e-5 if dtype == "float32" else 1e-12)


PRODUCTS = [((3, 4), (4, 2)), ((4,), (4,)), ((4,), (4, 2)), ((3, 4), (4,)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5))]
PRODUCTS += [
    ((3, 4), (2, 4, 5)),
    ((2, 1, 3, 4), (5, 4, 2)),
    ((1, 1), (1, 1)),
    ((0, 4), (4, 2)),
    ((2, 0, 4), (4, 2)),
    ((200, 300), (300, 150)),
]
PRODUCTS += [((4,), (2, 4, 3)), ((2, 3, 4), (4,)), ((30, 5, 6), (30, 6, 7)), ((3, 1, 4, 2), (1, 5, 2, 3))]


@pytest.mark.parametrize("shapes", PRODUCTS, ids=str)
@pytest.mark.parametrize("dtype", FLOATS)
def test_matmul(shapes, dtype):
    a, b = make(shapes[0], dtype, 1), make(shapes[1], dtype, 2)
    expected = np.asarray(np.matmul(a.astype("float64"), b.astype("float64"))).astype(dtype)
    got = _core.matmul(a, b)
    assert got.shape == expected.shape and got.dtype == dtype
    np.testing.assert_allclose(np.asarray(got), expected, atol=1e-4 if dtype == "float32" else 1e-11)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_matmul_of_integers_is_real(dtype):
    a, b = make((3, 4), dtype, 1), make((4, 5), dtype, 2)
    same(_core.matmul(a, b), (a.astype("int64") @ b.astype("int64")).astype("float32"))


BAD = [
    (
        "sum",
        (np.ones((2, 3)),),
        {"axis": 2},
        ValueError,
        "axis 2 for a tensor of 2 dimensions; it must be from -2 to 1",
    ),
    ("sum", (np.ones((2, 3)),), {"axis": (0, -2)}, ValueError, "axis -2 is given twice"),
    ("sum", (np.array(1.0),), {"axis": 0}, ValueError, "without dimensions"),
    ("max", (np.ones((0, 3)),), {"axis": 0}, ValueError, r"no elements to take the max of: x has shape \(0, 3\)"),
    ("argmin", (np.ones((0, 3)),), {}, ValueError, r"no elements to take the argmin of"),
    ("argmax", (np.ones((2, 3)),), {"axis": (0, 1)}, ValueError, "axis must be one integer"),
    ("cumsum", (np.ones((2, 3)),), {"axis": -3}, ValueError, "axis -3"),
    ("matmul", (np.ones((2, 3)), np.ones((2, 3))), {}, ValueError, r"shapes \(2, 3\) and \(2, 3\) do not fit"),
    ("matmul", (np.ones((2, 3)), np.ones(2)), {}, ValueError, r"\(2, 3\) and \(2,\) do not fit.*the only one"),
    ("matmul", (np.ones((2, 2, 3)), np.ones((3, 3, 4))), {}, ValueError, r"\(2,\) and \(3,\) cannot be broadcast"),
    ("matmul", (np.ones((2, 3)), 2.0), {}, ValueError, "at least one dimension"),
    ("mean", (np.ones(2),), {"axis": 0.5}, TypeError, "axis must be an integer"),
]


@pytest.mark.parametrize("name, inputs, attrs, error, message", BAD)
def test_bad_input(name, inputs, attrs, error, message):
    with pytest.raises(error, match=message):
        getattr(_core, name)(*inputs, **attrs)
