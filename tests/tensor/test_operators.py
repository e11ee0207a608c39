"""Operators and methods of Tensor: values, dtypes, what stands on the left, what is refused."""

import operator

import numpy as np
import pytest

import cnnpy
from gradients import check_gradients

A = np.array([[1.5, -2.0, 3.0], [0.5, 4.0, -1.0]])
B = np.array([[2.0, 0.5, -1.5], [3.0, 1.0, 2.0]])

ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod]
COMPARISON = [operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge]


@pytest.mark.parametrize("op", [*ARITHMETIC, *COMPARISON], ids=lambda op: op.__name__)
def test_with_everything_on_either_side(op):
    a = cnnpy.array(A)
    for other in (B, 2.0, 2, True, np.float64(2), np.float32(2), np.int64(2), B[0], B[:, :1], B.tolist(), [2.0]):
        for x, y in ((a, other), (other, a)):
            got = op(x, y)
            expected = op(np.asarray(x), np.asarray(y))
            assert type(got) is cnnpy.Tensor, (type(x), type(y))
            np.testing.assert_allclose(got.numpy(), expected, err_msg=f"{x} {y}")
    np.testing.assert_allclose(op(a, cnnpy.array(B)).numpy(), op(A, B))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_take_the_tensors_dtype(dtype):
    a = cnnpy.array(A, dtype=dtype)
    for other in (2, 2.5, True, np.float64(2.5), np.float32(2.5), np.int64(2), 10**30, [1, 2, 3], [1.0, 2.0, 3.0]):
        for op in ARITHMETIC:
            assert op(a, other).dtype == op(other, a).dtype == dtype, (other, op)
    i = cnnpy.array([1, 2], "int32")
    assert (i + 1).dtype == "int32" and (i + 1.5).dtype == "float32" and (i * True).dtype == "int32"
    u = cnnpy.array([1, 2], "uint8")
    assert (u + 1).dtype == "uint8" and (u / 255).dtype == "float32"
    with pytest.raises(ValueError, match="the integer 300 does not fit into uint8"):
        u + 300


def test_powers():
    a = cnnpy.array(np.abs(A))
    for exponent in (2, 3, 0.5, -1, np.float64(2), B):
        np.testing.assert_allclose((a**exponent).numpy(), np.abs(A) ** exponent)
    np.testing.assert_allclose((2**a).numpy(), 2 ** np.abs(A))
    assert (cnnpy.array([2, 3]) ** 2).tolist() == [4, 9]
    with pytest.raises(TypeError, match="modulus"):
        pow(a, 2, 3)
    with pytest.raises(ValueError, match="negative integer power"):
        cnnpy.array([2]) ** -1


def test_matrix_products():
    a, b = cnnpy.array(A), cnnpy.array(B.T)
    for product in (a @ b, a @ B.T, A @ b, a.dot(b)):
        np.testing.assert_allclose(product.numpy(), A @ B.T)
    with pytest.raises(ValueError, match="matmul"):
        a @ a


def test_unary():
    a = cnnpy.array(A)
    np.testing.assert_array_equal((-a).numpy(), -A)
    np.testing.assert_array_equal(abs(a).numpy(), abs(A))
    assert +a is a
    q, r = divmod(a, 2)
    np.testing.assert_array_equal(q.numpy(), A // 2)
    np.testing.assert_array_equal(r.numpy(), A % 2)


def test_logic_of_bools():
    x, y = np.array([True, True, False, False]), np.array([True, False, True, False])
    a, b = cnnpy.array(x), cnnpy.array(y)
    for op in (operator.and_, operator.or_, operator.xor):
        for got in (op(a, b), op(a, y), op(x, b)):
            np.testing.assert_array_equal(got.numpy(), op(x, y))
        assert op(a, True).dtype == "bool"
        with pytest.raises(TypeError, match=r"bool tensors only, got float32; compare first"):
            op(cnnpy.array([1.0]), cnnpy.array([1.0]))
    np.testing.assert_array_equal((~a).numpy(), ~x)
    with pytest.raises(TypeError, match="~ is defined for bool tensors only, got int64"):
        ~cnnpy.array([1])


def test_in_place_operators_make_new_tensors():
    a = b = cnnpy.array([1.0])
    a += 1
    assert a.item() == 2 and b.item() == 1
    x = y = np.ones(2, "float32")
    x += cnnpy.array([1.0, 2.0])  # NumPy gives way here too
    assert type(x) is cnnpy.Tensor and x.tolist() == [2, 3] and y.tolist() == [1, 1]
    v = w = cnnpy.Variable([1.0])
    v *= 3.0
    assert type(v) is cnnpy.Tensor and w.tolist() == [1]


@pytest.mark.parametrize("other", [None, "a", {}, object(), 1j])
def test_strangers(other):
    a = cnnpy.array([1.0])
    for op in (operator.add, operator.lt, operator.matmul):
        with pytest.raises(TypeError, match=r"not supported between|unsupported operand|can only concatenate"):
            op(a, other)
        with pytest.raises(TypeError, match=r"not supported between|unsupported operand|can only concatenate"):
            op(other, a)
    assert (a == other) is False and (a != other) is True


def test_others_may_know_us():
    class Other:
        def __radd__(self, tensor):
            return "known"

        __rmatmul__ = __eq__ = __radd__

    a = cnnpy.array([1.0])
    assert a + Other() == "known" and a @ Other() == "known" and (a == Other()) == "known"


def test_shapes_that_do_not_broadcast():
    with pytest.raises(ValueError, match=r"add: .*\(2, 3\).*\(2,\)"):
        cnnpy.array(A) + np.ones(2)


def test_nan_and_infinity_pass():
    a = np.array([np.nan, np.inf, -np.inf, 0.0, 1.0])
    t = cnnpy.array(a)
    with np.errstate(all="ignore"):
        for op in (operator.add, operator.mul, operator.truediv, operator.eq, operator.lt, operator.ne):
            np.testing.assert_array_equal(op(t, t[::-1]).numpy(), op(a, a[::-1]))
    assert np.isnan(t.sum().item()) and np.isnan(t.max().item()) and np.isnan(t.mean().item())


REDUCTIONS = ["sum", "mean", "max", "min", "prod", "var", "std", "any", "all"]


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name):
    t = cnnpy.array(A)
    for options in (
        {},
        {"axis": 0},
        {"axis": -1, "keepdims": True},
        {"axis": (0, 1)},
        {"axis": None, "keepdims": True},
        {"axis": [1]},
    ):
        numpy_options = {k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}
        expected = getattr(A, name)(**numpy_options)
        got = getattr(t, name)(**options)
        assert got.shape == np.shape(expected)
        np.testing.assert_allclose(got.numpy(), expected)
    np.testing.assert_allclose(getattr(t, name)(0).numpy(), getattr(A, name)(0))
    with pytest.raises(ValueError, match=r"axis=\(\) names no axis"):
        getattr(t, name)(axis=())
    with pytest.raises(ValueError):
        getattr(t, name)(axis=2)


@pytest.mark.parametrize("name", ["argmax", "argmin", "cumsum"])
def test_along_an_axis(name):
    t = cnnpy.array(A)
    for options in ({}, {"axis": 0}, {"axis": -1}):
        np.testing.assert_allclose(getattr(t, name)(**options).numpy(), getattr(A, name)(**options))


def test_shapes():
    a = np.arange(24.0).reshape(2, 3, 4)
    t = cnnpy.array(a)
    assert t.reshape(4, 6).shape == t.reshape((4, 6)).shape == t.reshape([4, -1]).shape == (4, 6)
    np.testing.assert_array_equal(t.T.numpy(), a.T)
    np.testing.assert_array_equal(t.transpose().numpy(), a.T)
    np.testing.assert_array_equal(t.transpose(None).numpy(), a.T)
    np.testing.assert_array_equal(t.transpose(1, 0, 2).numpy(), a.transpose(1, 0, 2))
    np.testing.assert_array_equal(t.transpose((2, 0, 1)).numpy(), a.transpose(2, 0, 1))
    assert t.ravel().shape == t.flatten().shape == (24,)
    assert cnnpy.array(np.zeros((1, 2, 1))).squeeze().shape == (2,)
    assert cnnpy.array(np.zeros((1, 2, 1))).squeeze(0).shape == (2, 1)
    assert cnnpy.array(5.0).reshape(1, 1).shape == (1, 1) and cnnpy.array([[5.0]]).reshape(()).shape == ()
    for bad in ((5, 5), (-1, -1), ("a",)):
        with pytest.raises((ValueError, TypeError), match="reshape"):
            t.reshape(*bad)
    with pytest.raises(TypeError, match="reshape: takes the new shape"):
        t.reshape()


def test_values():
    t = cnnpy.array(A)
    assert (
        t.astype("float64") is t
        and t.astype("float32").dtype == "float32"
        and t.astype(int).tolist() == A.astype(int).tolist()
    )
    np.testing.assert_array_equal(t.clip(-1, 2).numpy(), A.clip(-1, 2))
    np.testing.assert_array_equal(t.clip(min=0).numpy(), A.clip(0))
    np.testing.assert_array_equal(t.clip(max=0.5).numpy(), A.clip(max=0.5))
    with pytest.raises(TypeError, match="dtype must be one of"):
        t.astype("complex64")


def test_gradients_of_operators_and_methods():
    positive = np.abs(A) + 0.5
    for function in (
        lambda x: (x + 1) * x - 2 / x,
        lambda x: x**2 + x**1.5 + 2**x,
        lambda x: -x + abs(x),
        lambda x: (x @ x.T).sum(),
        lambda x: x.std(axis=1) + x.mean(),
        lambda x: x.reshape(3, 2).transpose().ravel(),
        lambda x: x.cumsum(axis=0) * x.max(axis=0),
        lambda x: (np.ones(3) - x) * np.float64(2),
    ):
        check_gradients(function, [positive])
