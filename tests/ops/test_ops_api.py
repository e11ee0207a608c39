"""cnnpy.ops: names and arguments as keras.ops, values as NumPy."""

import numpy as np
import pytest

import cnnpy
from cnnpy import ops

X = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
CUBE = np.random.default_rng(1).normal(size=(2, 3, 4)).astype("float32")
POSITIVE = np.abs(X) + 0.5
WHOLE = np.array([[3, -2, 5], [0, 7, -1]], "int32")
TRUTH = X > 0
NEAR = [1.0 + 1e-7, 1.1, np.inf, np.nan]
ALONG = np.array([[1], [0], [2]])


def like_numpy(names, *args, **kwargs):
    """Rows for functions that have NumPy's name and arguments."""
    return {name: (getattr(ops, name)(*args, **kwargs), getattr(np, name)(*args, **kwargs)) for name in names.split()}


CASES = {
    **like_numpy("add subtract multiply maximum minimum", X, X[0]),
    **like_numpy("abs negative square exp sin cos tan sign floor ceil trunc", X),
    **like_numpy("log log1p log2 log10 sqrt expm1 exp2 reciprocal", POSITIVE),
    **like_numpy("sum mean var std max min prod amax amin cumsum", X, axis=1),
    **{f"{name} of all": row for name, row in like_numpy("sum mean var std max min any all", X).items()},
    "argmax": (ops.argmax(X, keepdims=True), X.argmax(keepdims=True).astype("int32")),
    "argmin": (ops.argmin(X, axis=-1), X.argmin(-1).astype("int32")),
    "divide": (ops.divide(WHOLE, 2), (WHOLE / 2).astype("float32")),
    "true_divide": (ops.true_divide(X, POSITIVE), X / POSITIVE),
    "floor_divide": (ops.floor_divide(WHOLE, 2), WHOLE // 2),
    "mod": (ops.mod(WHOLE, 3), WHOLE % 3),
    "power": (ops.power(X, 3), X**3),
    "rsqrt": (ops.rsqrt(POSITIVE), 1 / np.sqrt(POSITIVE)),
    "round": (ops.round(X, 2), np.round(X, 2)),
    "round to tens": (ops.round(WHOLE * 7, -1), np.round(WHOLE * 7, -1)),
    "clip": (ops.clip(X, -0.5, 0.5), np.clip(X, -0.5, 0.5)),
    "clip by tensors": (
        ops.clip(X, X[0] - 0.1, X[0] + 0.1),
        np.clip(X, X[0] - np.float32(0.1), X[0] + np.float32(0.1)),
    ),
    "where": (ops.where(TRUTH, X, 0), np.where(TRUTH, X, 0)),
    "equal": (ops.equal(WHOLE, 5), WHOLE == 5),
    "not_equal": (ops.not_equal(WHOLE, [5, 7, 9]), WHOLE != [5, 7, 9]),
    "less": (ops.less(0, X), X > 0),
    "logical_and": (ops.logical_and(TRUTH, X), TRUTH & (X != 0)),
    "logical_or": (ops.logical_or(TRUTH, False), TRUTH),
    "logical_xor": (ops.logical_xor(TRUTH, True), ~TRUTH),
    "logical_not": (ops.logical_not(WHOLE), WHOLE == 0),
    "isnan": (ops.isnan([1.0, float("nan")]), np.array([False, True])),
    "isfinite": (ops.isfinite([1.0, float("inf")]), np.array([True, False])),
    "isinf": (ops.isinf([1.0, float("-inf")]), np.array([False, True])),
    "isclose": (ops.isclose(NEAR, [1.0, 1.0, np.inf, np.nan], equal_nan=True), np.array([1, 0, 1, 1], bool)),
    "nan_to_num": (ops.nan_to_num(np.float32([np.nan, np.inf, 1]), nan=2, posinf=3), np.float32([2, 3, 1])),
    "logaddexp": (ops.logaddexp(X, X[0]), np.logaddexp(X, X[0])),
    "logsumexp": (ops.logsumexp(X + 100), np.float32(100) + np.log(np.exp(X).sum())),
    "count_nonzero": (ops.count_nonzero(WHOLE, axis=0), np.int32(np.count_nonzero(WHOLE, axis=0))),
    "average": (ops.average(X, axis=1, weights=POSITIVE[0]), np.average(X, axis=1, weights=POSITIVE[0])),
    "max with initial": (ops.max(X, axis=0, initial=0.5), np.max(X, axis=0, initial=0.5)),
    "max of nothing": (ops.max(X[:0], axis=0, initial=-1.0), np.full(4, -1, "float32")),
    "prod in another dtype": (ops.prod(WHOLE[:, :1] + 1, dtype="float32"), np.float32(4)),
    "matmul": (ops.matmul(X, X.T), X @ X.T),
    "dot": (ops.dot(X, 2.0), X * 2),
    "outer": (ops.outer(X[0], X[1]), np.outer(X[0], X[1])),
    "reshape": (ops.reshape(X, (2, -1)), X.reshape(2, -1)),
    "ravel": (ops.ravel(X), X.ravel()),
    "transpose": (ops.transpose(CUBE, (1, 2, 0)), CUBE.transpose(1, 2, 0)),
    "swapaxes": (ops.swapaxes(CUBE, 0, -1), CUBE.swapaxes(0, -1)),
    "moveaxis": (ops.moveaxis(CUBE, (0, 1), (-1, 0)), np.moveaxis(CUBE, (0, 1), (-1, 0))),
    "expand_dims": (ops.expand_dims(X, (0, -1)), np.expand_dims(X, (0, -1))),
    "squeeze": (ops.squeeze(X[:, :1], 1), X[:, 0]),
    "broadcast_to": (ops.broadcast_to(X[0], (2, 4)), np.broadcast_to(X[0], (2, 4))),
    "concatenate": (ops.concatenate([X, X[:1]]), np.concatenate([X, X[:1]])),
    "stack": (ops.stack([X, X], axis=-1), np.stack([X, X], axis=-1)),
    "hstack": (ops.hstack([X, X]), np.hstack([X, X])),
    "vstack": (ops.vstack([X[0], X[1]]), np.vstack([X[0], X[1]])),
    "flip": (ops.flip(X, 1), np.flip(X, 1)),
    "roll": (ops.roll(X, (1, -2), (0, 1)), np.roll(X, (1, -2), (0, 1))),
    "roll flattened": (ops.roll(X, 5), np.roll(X, 5)),
    "repeat": (ops.repeat(X, 2), np.repeat(X, 2)),
    "repeat each": (ops.repeat(X, [1, 0, 2], axis=0), np.repeat(X, [1, 0, 2], axis=0)),
    "tile": (ops.tile(X, (2, 1, 2)), np.tile(X, (2, 1, 2))),
    "pad": (ops.pad(X, ((1, 0), (2, 1)), constant_values=9), np.pad(X, ((1, 0), (2, 1)), constant_values=9)),
    "pad by reflection": (ops.pad(X, 2, mode="reflect"), np.pad(X, 2, mode="reflect")),
    "pad symmetric": (ops.pad(X, (1, 2), mode="symmetric"), np.pad(X, (1, 2), mode="symmetric")),
    "take": (ops.take(X, [1, -1], axis=1), X.take([1, -1], 1)),
    "take flattened": (ops.take(X, [[1, 5]]), X.take([[1, 5]])),
    "take_along_axis": (ops.take_along_axis(X, ALONG, 1), np.take_along_axis(X, ALONG, 1)),
    "slice": (ops.slice(CUBE, (0, 1, 2), (2, -1, 1)), CUBE[:, 1:, 2:3]),
    "sort": (ops.sort(X, axis=0), np.sort(X, axis=0)),
    "argsort": (ops.argsort(X), np.argsort(X).astype("int32")),
    "top_k": (ops.top_k(X, 2)[0], -np.sort(-X)[:, :2]),
    "top_k indices": (ops.top_k([1.0, 3.0, 3.0, 2.0], 3)[1], np.int32([1, 2, 3])),
    "top_k unsorted": (ops.top_k([1.0, 3.0, 2.0, 3.0], 3, sorted=False)[1], np.int32([1, 2, 3])),
    "tril": (ops.tril(CUBE, 1), np.tril(CUBE, 1)),
    "triu": (ops.triu(CUBE, 1), np.triu(CUBE, 1)),
    "zeros": (ops.zeros((2, 3)), np.zeros((2, 3), "float32")),
    "ones": (ops.ones(3, "uint8"), np.ones(3, "uint8")),
    "full": (ops.full((2,), 7, "int64"), np.full(2, 7)),
    "zeros_like": (ops.zeros_like(WHOLE), np.zeros_like(WHOLE)),
    "ones_like": (ops.ones_like(X, "bool"), np.ones((3, 4), bool)),
    "full_like": (ops.full_like(X, 2), np.full_like(X, 2)),
    "arange": (ops.arange(2, 9, 3), np.int32([2, 5, 8])),
    "arange of reals": (ops.arange(1.5), np.float32([0, 1])),
    "linspace": (ops.linspace(0, 1, 5, endpoint=False), np.linspace(0, 1, 5, endpoint=False).astype("float32")),
    "eye": (ops.eye(3, 4, 1), np.eye(3, 4, 1, "float32")),
    "identity": (ops.identity(2, "int32"), np.eye(2, dtype="int32")),
    "tri": (ops.tri(3), np.tri(3, dtype="float32")),
    "cast": (ops.cast(X, "int32"), X.astype("int32")),
    "saturate_cast": (ops.saturate_cast([-5.0, 300.0, 7.0], "uint8"), np.uint8([0, 255, 7])),
    "saturate_cast of large": (ops.saturate_cast(np.float32([1e20, -1e20]), "int32"), np.int32([2**31 - 1, -(2**31)])),
    "copy": (ops.copy(X), X),
    "one_hot": (ops.one_hot([1, 0], 3), np.float32([[0, 1, 0], [1, 0, 0]])),
    "one_hot in front": (ops.one_hot([1, 0], 3, axis=0, dtype="int32"), np.int32([[0, 1], [1, 0], [0, 0]])),
    "relu": (ops.relu(X), np.maximum(X, 0)),
    "sigmoid": (ops.sigmoid(X), 1 / (1 + np.exp(-X))),
    "tanh": (ops.tanh(X), np.tanh(X)),
    "softmax": (ops.softmax(X, axis=0), np.exp(X) / np.exp(X).sum(0)),
    "log_softmax": (ops.log_softmax(X), np.log(np.exp(X) / np.exp(X).sum(-1, keepdims=True))),
    "stop_gradient": (ops.stop_gradient(X), X),
}


@pytest.mark.parametrize("got, expected", CASES.values(), ids=CASES)
def test_values(got, expected):
    expected = np.asarray(expected)
    assert isinstance(got, cnnpy.Tensor) and got.shape == expected.shape and got.dtype == str(expected.dtype)
    np.testing.assert_allclose(np.asarray(got), expected, rtol=3e-6, atol=1e-6)


def test_lists_of_results():
    for got, expected in zip(ops.split(X, 2, axis=1), np.split(X, 2, axis=1)):
        np.testing.assert_array_equal(got, expected)
    for got, expected in zip(ops.split(X, [1, -1, 9]), np.split(X, [1, -1, 9]), strict=True):
        np.testing.assert_array_equal(got, expected)
    assert [np.asarray(x).tolist() for x in ops.unstack(WHOLE, axis=1)] == WHOLE.T.tolist()
    mean, variance = ops.moments(X, axes=0, keepdims=True)
    np.testing.assert_allclose(mean, X.mean(0, keepdims=True), atol=1e-6)
    np.testing.assert_allclose(variance, X.var(0, keepdims=True), atol=1e-6)
    for got, expected in zip(ops.where(TRUTH), np.nonzero(TRUTH)):
        np.testing.assert_array_equal(got, expected)
    values, step = ops.linspace(0, 1, 3, retstep=True)
    assert values.shape == (3,) and float(np.asarray(step)) == 0.5


def test_conversion():
    assert ops.convert_to_tensor(1).dtype == "int32" and ops.convert_to_tensor(2**40).dtype == "int64"
    assert ops.convert_to_tensor([1.0, 2.0]).dtype == "float32" and ops.convert_to_tensor(True).dtype == "bool"
    assert ops.convert_to_tensor(np.float64(1)).dtype == "float64" and ops.convert_to_tensor([]).dtype == "float32"
    assert ops.convert_to_tensor(X, "float64").dtype == "float64"
    t = ops.ones(3)
    assert ops.convert_to_tensor(t) is t and ops.is_tensor(t) and not ops.is_tensor(X)
    a = ops.convert_to_numpy(t)
    a[0] = 5  # the user's own copy
    assert np.asarray(t)[0] == 1
    assert ops.shape(X) == (3, 4) and ops.ndim(X) == 2 and ops.size([1, 2]) == 2 and ops.dtype(1.0) == "float32"
    assert ops.add(np.float64([1]), 2.5).dtype == "float64" and ops.add(np.uint8([1]), 2).dtype == "uint8"


def test_gradients_flow_through_compositions_and_lists():
    x = cnnpy.Tensor(X)
    with cnnpy.GradientTape() as tape:
        tape.watch([x])
        parts = ops.split(ops.roll(x, 1, 1), 2, axis=1)
        y = ops.sum(ops.convert_to_tensor([ops.sum(parts[0]), ops.sum(ops.multiply(parts[1], 2.0))]))
    np.testing.assert_array_equal(np.asarray(tape.gradient(y, [x])[0]), np.tile(np.float32([1, 2, 2, 1]), (3, 1)))


def test_stop_gradient():
    x = cnnpy.Variable(np.float32([1, 2]))
    with cnnpy.GradientTape() as tape:
        y = ops.sum(ops.multiply(x, ops.stop_gradient(x)))
    np.testing.assert_array_equal(tape.gradient(y, [x])[0], [1, 2])


def test_functions_become_steps_of_a_model():
    inputs = cnnpy.Input((4,))
    y = ops.concatenate([ops.maximum(inputs, 0.0), ops.exp(inputs)], axis=1)
    assert y.shape == (None, 8)
    got = cnnpy.Model(inputs, y)(X)
    np.testing.assert_allclose(np.asarray(got), np.concatenate([np.maximum(X, 0), np.exp(X)], 1), rtol=1e-6)


def test_images():
    images = np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype("float32")
    pooled = ops.max_pool(images, 2)
    np.testing.assert_array_equal(pooled, images.reshape(2, 3, 2, 3, 2, 3).max((2, 4)))
    pooled = ops.average_pool(images.transpose(0, 3, 1, 2), 2, data_format="channels_first")
    np.testing.assert_allclose(pooled, images.reshape(2, 3, 2, 3, 2, 3).mean((2, 4)).transpose(0, 3, 1, 2), atol=1e-6)
    kernel = np.zeros((3, 3, 3, 3), "float32")
    kernel[1, 1] = np.eye(3)
    np.testing.assert_allclose(ops.conv(images, kernel, padding="same"), images, atol=1e-5)


BAD = [
    (lambda: ops.sum(X, axis=()), "axis is empty"),
    (lambda: ops.sum(X, axis=2), "axis 2"),
    (lambda: ops.split(X, 3, axis=1), r"dimension 1 of shape \(3, 4\) does not divide into 3"),
    (lambda: ops.unstack(X, num=2), "num is 2"),
    (lambda: ops.slice(X, (0, 0), (4, 1)), "does not lie inside"),
    (lambda: ops.slice(X, (0,), (1,)), "must have 2 entries"),
    (lambda: ops.pad(X, 1, mode="wrap"), "mode must be"),
    (lambda: ops.pad(X, 1, mode="reflect", constant_values=1), "constant_values goes with"),
    (lambda: ops.repeat(X, [1, 2], axis=0), "2 repeats for a dimension of 3"),
    (lambda: ops.roll(X, (1, 2, 3), (0, 1)), "3 shifts for 2 axes"),
    (lambda: ops.moveaxis(CUBE, (0, 1), 0), "2 sources for 1"),
    (lambda: ops.where(TRUTH, X), "both x1 and x2"),
    (lambda: ops.dot(CUBE, X), "do not fit"),
    (lambda: ops.average(X, weights=X[0]), "do not fit"),
    (lambda: ops.top_k(X, 5), "k is 5"),
    (lambda: ops.tril(X[0]), "at least 2 dimensions"),
    (lambda: ops.cast(X, "complex64"), "complex64"),
    (lambda: ops.add(X, np.ones(3)), r"\(3, 4\) and \(3,\)"),
]


@pytest.mark.parametrize("call, message", BAD)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
