"""Arithmetic, comparisons, logic and functions of elements against NumPy: dtypes, broadcasting, special values."""

import math

import numpy as np
import pytest
from arrays import DTYPES, FLOATS, INTEGERS, make, same

import cnnpy
from cnnpy import _core

SHAPES = [
    ((3, 4), (3, 4)),
    ((3, 4), ()),
    ((), (3, 4)),
    ((5, 7, 3), (3,)),
    ((5, 7, 3), (5, 1, 3)),
    ((5, 1, 3), (1, 7, 1)),
]
SHAPES += [((0, 3), (3,)), ((), ()), ((1,), (4, 1)), ((130, 400), (130, 1)), ((130, 400), (400,)), ((40000,), (40000,))]
SHAPES += [((2, 1, 2, 1, 2, 1, 2, 1), (1, 3, 1, 2, 1, 2, 1, 2)), ((7, 5000), (1,))]
ARITHMETIC = ["add", "subtract", "multiply", "maximum", "minimum", "mod", "floor_divide", "power", "divide"]
ARITHMETIC += ["fmod", "fmax", "fmin"]
# Of two operands, which integers and bools become float32 for.
REAL = ["divide", "arctan2", "hypot", "heaviside", "nextafter"]
COMPARISONS = ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]
LOGIC = ["logical_and", "logical_or", "logical_xor"]
NOT_FOR_BOOLS = {"subtract", "mod", "fmod", "floor_divide", "power"}
SMOOTH = [
    "exp",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "sqrt",
    "sin",
    "cos",
    "reciprocal",
    "tan",
    "arcsin",
    "arccos",
]
SMOOTH += ["arctan", "sinh", "cosh", "arcsinh", "arccosh", "arctanh", "exp2", "cbrt", "sinc", "i0"]
TESTS = ["isnan", "isfinite", "isinf", "isposinf", "isneginf", "signbit", "logical_not"]
SIGNED = ["negative", "abs", "square", "sign", "floor", "ceil", "round", "trunc"]
# The later one holds the result of both; the one table is in csrc/ops/shared.h.
ORDER = ["bool", "uint8", "int32", "int64", "float32", "float64"]
NUMPY_NAMES = {"round": "rint"}
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 2.5, -2.5, 1e-30, 3e38, 0.5]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", list(dict.fromkeys(ARITHMETIC + REAL + COMPARISONS + LOGIC)))
def test_two_operands(name, dtype):
    if dtype == "bool" and name in NOT_FOR_BOOLS:
        pytest.skip("not defined for bools")
    for shapes in SHAPES:
        a, b = make(shapes[0], dtype, 1), make(shapes[1], dtype, 2)
        if name == "power":
            a, b = np.asarray(abs(a)), np.asarray(abs(b))
        if name in REAL:
            wide = [x if dtype in FLOATS else x.astype("float32") for x in (a, b)]
            expected, rtol = np.asarray(getattr(np, name)(*wide)), 1e-6
        else:
            expected, rtol = np.asarray(getattr(np, name)(a, b)), 1e-6 if name == "power" else None
        if name in ("mod", "fmod", "floor_divide") and dtype in FLOATS:
            expected, rtol = expected.astype(dtype), 1e-5
        same(getattr(_core, name)(cnnpy.Tensor(a), cnnpy.Tensor(b)), expected, rtol, message=f"{name} of {shapes}")


@pytest.mark.parametrize("left", DTYPES)
@pytest.mark.parametrize("right", DTYPES)
def test_dtype_of_two(left, right):
    a, b = cnnpy.Tensor(make((3,), left)), cnnpy.Tensor(make((3,), right))
    later = max(left, right, key=ORDER.index)
    assert _core.add(a, b).dtype == later
    assert _core.where(np.array([True, False, True]), a, b).dtype == later
    assert _core.concatenate([a, b]).dtype == later
    assert _core.divide(a, b).dtype == (later if later in FLOATS else "float32")
    assert _core.less(a, b).dtype == "bool"
    expected = np.add(np.asarray(a).astype(later), np.asarray(b).astype(later))
    np.testing.assert_allclose(np.asarray(_core.add(a, b)), expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_python_numbers_take_the_dtype_of_their_neighbour(dtype):
    x = cnnpy.Tensor(make((3,), dtype))
    if dtype != "bool":
        assert _core.multiply(x, 2).dtype == dtype
    assert _core.multiply(x, 2.5).dtype == (dtype if dtype in FLOATS else "float32")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", list(dict.fromkeys(ARITHMETIC + REAL + COMPARISONS)))
def test_special_values_of_two(name, dtype):
    a, b = (v.reshape(-1).copy() for v in np.meshgrid(np.array(SPECIAL, dtype), np.array(SPECIAL, dtype)))
    if name in ("mod", "fmod", "floor_divide"):  # huge quotients round as they like
        usual = np.abs(a) < 1e6
        a, b = a[usual & (np.abs(b) > 1e-3)], b[usual & (np.abs(b) > 1e-3)]
    expected = getattr(np, name)(a, b)
    got = np.asarray(getattr(_core, name)(cnnpy.Tensor(a), cnnpy.Tensor(b)))
    np.testing.assert_allclose(got, expected, rtol=1e-6, err_msg=str((a, b)))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", [*SMOOTH, *SIGNED, *TESTS])
def test_special_values_of_one(name, dtype):
    x = np.array([*SPECIAL, 1.5, -0.5, 3.5, 1e-7, -0.9, 100.0, -100.0], dtype)
    if name in ("tan", "sinc", "i0"):  # of huge numbers a matter of the last bit of x
        x = x[~(np.abs(x) > 1e4)]
    same(getattr(_core, name)(cnnpy.Tensor(x)), getattr(np, NUMPY_NAMES.get(name, name))(x), 6e-7)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*SMOOTH, *SIGNED, *TESTS])
def test_one_operand(name, dtype):
    if dtype == "bool" and name in SIGNED:
        pytest.skip("not defined for bools")
    for shape in [(3, 4), (), (0, 2), (40001,)]:
        x = make(shape, dtype)
        wide = x if dtype in FLOATS else x.astype("float32")
        reference = getattr(np, NUMPY_NAMES.get(name, name))
        expected = np.asarray(reference(x if name in SIGNED or name == "logical_not" else wide))
        if name in SIGNED:
            expected = expected.astype(dtype)
        if name == "i0":  # in float32 NumPy's own is infinite too early
            expected = np.i0(wide.astype("float64")).astype(wide.dtype)
        same(getattr(_core, name)(cnnpy.Tensor(x)), expected, 3e-6 if dtype != "float64" else 1e-13, message=name)


@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_error_function(name):
    x = np.array([*SPECIAL, 1e-9, 3.9, -3.9, 9.0])
    expected = np.array([getattr(math, name)(v) for v in x])
    same(getattr(_core, name)(x), expected, 1e-15)
    same(getattr(_core, name)(x.astype("float32")), expected.astype("float32"), 1e-6)


@pytest.mark.parametrize("name", [*SMOOTH, "erf", "erfc", "erfinv"])
def test_float32_is_right_to_a_few_units_in_the_last_place(name):
    x = np.random.default_rng(0).uniform(-0.999, 0.999, 20000).astype("float32")
    if name in ("log", "log2", "log10", "sqrt"):
        x = np.abs(x) + np.float32(1e-6)
    if name == "arccosh":
        x = np.abs(x) + np.float32(1.1)
    exact = np.asarray(getattr(_core, name)(x.astype("float64")))
    got = np.asarray(getattr(_core, name)(x)).astype("float64")
    assert np.max(np.abs(got - exact) / np.spacing(np.abs(exact).astype("float32"))) < 3.5


def test_divide_no_nan():
    a, b = np.float32([1, 2, np.nan, 3]), np.float32([0, 4, 0, -0.0])
    assert np.asarray(_core.divide_no_nan(a, b)).tolist() == [0, 0.5, 0, 0]


def test_rsqrt():
    x = make((1000,), "float32") ** 2 + 0.1
    same(_core.rsqrt(x), 1 / np.sqrt(x), 1e-6)


@pytest.mark.parametrize("source", DTYPES)
@pytest.mark.parametrize("target", DTYPES)
def test_cast(source, target):
    x = np.abs(make((3, 333), source)) if target == "uint8" and source != "bool" else make((3, 333), source)
    same(_core.cast(x, dtype=target), x.astype(target))


def test_cast_of_what_does_not_fit_does_not_crash():
    x = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 300.0, -1.0])
    for dtype in INTEGERS:
        assert _core.cast(x, dtype=dtype).dtype == dtype
    assert np.asarray(_core.cast(x, dtype="bool")).tolist() == [True] * 7
    assert np.asarray(_core.cast(np.array([300, -1]), dtype="uint8")).tolist() == [44, 255]


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_never_trap(dtype):
    info = np.iinfo(dtype)
    a = np.array([info.min, info.max, 0, 7], dtype)
    b = np.array([info.max if dtype == "uint8" else -1, 0, 0, 0], dtype)
    assert np.asarray(_core.floor_divide(a, b))[1:].tolist() == [0, 0, 0]
    assert np.asarray(_core.mod(a, b))[1:].tolist() == [0, 0, 0]
    with np.errstate(all="ignore"):
        same(_core.floor_divide(a[:1], b[:1]), a[:1] // b[:1])
        same(_core.mod(a[:1], b[:1]), a[:1] % b[:1])
        for name in ("add", "subtract", "multiply", "power"):
            other = np.array([3, 3, 3, 3], dtype)
            same(getattr(_core, name)(a, other), getattr(np, name)(a, other))
        for name in ("negative", "abs", "square"):
            same(getattr(_core, name)(a), getattr(np, name)(a))


def test_floor_divide_and_mod_of_reals_agree_with_numpy():
    a = np.array([1.0, -1.0, 7.0, -7.0, 0.3, 6.0, -0.0, 5.5])
    b = np.array([0.1, 0.1, 2.0, 2.0, -0.1, -3.0, 2.0, 1.1])
    same(_core.floor_divide(a, b), a // b)
    same(_core.mod(a, b), a % b)


@pytest.mark.parametrize("dtype", DTYPES)
def test_where(dtype):
    for shapes in [
        ((3, 4), (3, 4), (3, 4)),
        ((4,), (3, 1), ()),
        ((), (2,), (3, 1)),
        ((3, 1), (), ()),
        ((1, 0), (3, 1), ()),
    ]:
        c, a, b = make(shapes[0], "bool"), make(shapes[1], dtype, 1), make(shapes[2], dtype, 2)
        same(_core.where(c, cnnpy.Tensor(a), cnnpy.Tensor(b)), np.where(c, a, b))
    assert np.asarray(_core.where(np.float32([0, -2, np.nan]), 1.0, 0.0)).tolist() == [0, 1, 1]


@pytest.mark.parametrize("dtype", DTYPES[1:])
def test_clip(dtype):
    x = make((50, 50), dtype)
    same(_core.clip(x, min=-2, max=30), np.clip(x, 0 if dtype == "uint8" else -2, 30))
    same(_core.clip(x, max=1), np.minimum(x, np.array(1, dtype)))
    same(_core.clip(x), x)
    if dtype in INTEGERS:
        same(_core.clip(x, min=1.5, max=3.5), np.clip(x, 2, 3))
    else:
        assert np.isnan(np.asarray(_core.clip(np.array([np.nan], dtype), min=0, max=1)))[0]


BAD = [
    (
        "add",
        (np.ones((2, 3)), np.ones((2, 4))),
        {},
        ValueError,
        r"add: shapes \(2, 3\) and \(2, 4\) cannot be broadcast",
    ),
    ("equal", (np.ones((2, 3)), np.ones(2)), {}, ValueError, r"\(2, 3\) and \(2,\)"),
    ("where", (np.ones(2, bool), np.ones(3), 1.0), {}, ValueError, r"\(2,\) and \(3,\)"),
    ("subtract", (np.ones(2, bool), np.ones(2, bool)), {}, TypeError, "both operands are bool"),
    ("negative", (np.ones(2, bool),), {}, TypeError, "x is bool"),
    ("power", (np.array([2]), np.array([-1])), {}, ValueError, "negative integer power"),
    ("clip", (np.ones(2),), {"min": 2, "max": 1}, ValueError, "min is 2 and max is 1"),
    ("clip", (np.ones(2),), {"min": float("nan")}, ValueError, "NaN"),
    ("cast", (np.ones(2),), {"dtype": "complex64"}, TypeError, "dtype must be one of"),
    ("add", (np.ones(2),), {}, TypeError, "takes 2 tensors"),
    ("exp", (np.ones(2),), {"axis": 1}, TypeError, "unknown argument 'axis'"),
    ("exp", (["a"],), {}, TypeError, "cannot become tensors"),
]


@pytest.mark.parametrize("name, inputs, attrs, error, message", BAD)
def test_bad_input(name, inputs, attrs, error, message):
    with pytest.raises(error, match=message):
        getattr(_core, name)(*inputs, **attrs)
