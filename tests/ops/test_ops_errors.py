"""What cnnpy.ops refuses, and how it says so; results for empty, zero-dimensional and unusual arguments."""

import numpy as np
import pytest

import cnnpy
from cnnpy import ops

X = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
CUBE = np.random.default_rng(1).normal(size=(2, 3, 4)).astype("float32")
WHOLE = np.array([[3, -2, 5], [0, 7, -1]], "int32")
SINGULAR = np.zeros((2, 2), "float32")

BAD = {
    "dot": (lambda: ops.dot(CUBE, X), ValueError, "do not fit"),
    "tensordot axes": (lambda: ops.tensordot(X, X, 3), ValueError, "3 axes of shapes"),
    "tensordot sizes": (lambda: ops.tensordot(X, X, [[0], [1]]), ValueError, "differ in size"),
    "tensordot twice": (lambda: ops.tensordot(X, X, [[0, 0], [0, 1]]), ValueError, "as many different axes"),
    "vdot": (lambda: ops.vdot(X, X[0]), ValueError, "12 and 4 elements"),
    "cross": (lambda: ops.cross(X, X), ValueError, "must be 2 or 3"),
    "kron": (lambda: ops.kron(np.ones((1,) * 5), 1.0), ValueError, "at most 4 dimensions"),
    "vander": (lambda: ops.vander(X), ValueError, "takes a vector"),
    "einsum terms": (lambda: ops.einsum("ij,jk->ik", X), ValueError, "2 terms for 1 operands"),
    "einsum dimensions": (lambda: ops.einsum("ijk->i", X), ValueError, "does not name 2 dimensions"),
    "einsum sizes": (lambda: ops.einsum("ij,jk->ik", X, X), ValueError, "'j' has sizes 4 and 3"),
    "einsum result": (lambda: ops.einsum("ij->iz", X), ValueError, "'z' of the result is in no operand"),
    "einsum twice": (lambda: ops.einsum("ij->ii", X), ValueError, "twice in the result"),
    "einsum letter": (lambda: ops.einsum("i1->i", X), ValueError, "'1' is no letter"),
    "einsum dots": (lambda: ops.einsum("i..->i", X), ValueError, "no other dots"),
    "einsum argument": (lambda: ops.einsum("ij->i", X, order="C"), TypeError, "unknown arguments"),
    "diagonal": (lambda: ops.diagonal(X[0]), ValueError, "at least 2 dimensions"),
    "diagonal axes": (lambda: ops.diagonal(X, axis1=1, axis2=-1), ValueError, "both 1"),
    "diag": (lambda: ops.diag(CUBE), ValueError, "vector or a matrix"),
    "quantile": (lambda: ops.quantile(X, 1.5), ValueError, "inside their range"),
    "quantile method": (lambda: ops.quantile(X, 0.5, method="best"), ValueError, "method must be one of linear"),
    "median of nothing": (lambda: ops.median(X[:0]), ValueError, "no elements"),
    "axis twice": (lambda: ops.median(X, axis=(0, -2)), ValueError, "twice"),
    "correlate": (lambda: ops.correlate(X, X), ValueError, "two vectors"),
    "correlate mode": (lambda: ops.correlate(X[0], X[0], mode="all"), ValueError, "mode must be"),
    "histogram": (lambda: ops.histogram(X, bins=0), ValueError, "positive integer"),
    "bincount": (lambda: ops.bincount(WHOLE), ValueError, "whole numbers from 0"),
    "bincount sparse": (lambda: ops.bincount([1], sparse=True), NotImplementedError, "sparse"),
    "digitize": (lambda: ops.digitize(X, [1.0, 0.0]), ValueError, "rising"),
    "searchsorted": (lambda: ops.searchsorted(X, 1.0), ValueError, "must be a vector"),
    "searchsorted side": (lambda: ops.searchsorted(X[0], 1.0, side="middle"), ValueError, "side"),
    "in_top_k": (lambda: ops.in_top_k([1], X, 1), ValueError, r"\(1,\)"),
    "argpartition": (lambda: ops.argpartition(X, 4), ValueError, "kth is 4 for 4"),
    "scatter index": (lambda: ops.scatter([[5]], [1.0], (3,)), IndexError, "outside"),
    "scatter depth": (lambda: ops.scatter([[0, 0]], [1.0], (3,)), ValueError, "from 1 to 1"),
    "scatter values": (lambda: ops.scatter([[0]], [1.0, 2.0], (3,)), ValueError, r"must have shape \(1,\)"),
    "scatter dtype": (lambda: ops.scatter([[0.0]], [1.0], (3,)), TypeError, "integers"),
    "scatter_update": (lambda: ops.scatter_update(X, [[0]], X[:1], "div"), ValueError, "reduction must be"),
    "slice_update": (lambda: ops.slice_update(X, [2, 0], X), ValueError, "does not lie inside"),
    "segment ids": (lambda: ops.segment_sum(X, [0, 1]), ValueError, "as long as"),
    "segment order": (lambda: ops.segment_sum(X, [1, 0, 1], sorted=True), ValueError, "fall somewhere"),
    "segment count": (lambda: ops.segment_sum(X, [1, 0, 5], num_segments=3), ValueError, "num_segments is 3"),
    "unravel_index": (lambda: ops.unravel_index([9], (2, 3)), ValueError, "outside"),
    "rot90": (lambda: ops.rot90(X, axes=(0, -2)), ValueError, "one and the same"),
    "view": (lambda: ops.view(X[:, :3], "float64"), ValueError, "no multiple"),
    "fliplr": (lambda: ops.fliplr(X[0]), ValueError, "axis 1"),
    "array_split": (lambda: ops.array_split(X, 0), ValueError, "at least 1"),
    "dsplit": (lambda: ops.dsplit(X, 2), ValueError, "at least 3"),
    "meshgrid": (lambda: ops.meshgrid([1], indexing="yx"), ValueError, "'xy' or 'ij'"),
    "space_to_depth": (lambda: ops.space_to_depth(CUBE[None, ..., :3], 2), ValueError, "do not divide"),
    "depth_to_space": (lambda: ops.depth_to_space(CUBE[None], 3), ValueError, "4 channels"),
    "unfold": (lambda: ops.unfold(CUBE[None], 5), ValueError, "no window of 5"),
    "fold": (lambda: ops.fold(CUBE, 4, 2), ValueError, r"x must be \(N, C \* 4, 9\)"),
    "extract_sequences": (lambda: ops.extract_sequences(X, 0, 1), ValueError, "at least 1"),
    "bits of reals": (lambda: ops.bitwise_and(X, 1), TypeError, "takes integers"),
    "gcd of reals": (lambda: ops.gcd(X, 2), TypeError, "takes integers"),
    "ldexp": (lambda: ops.ldexp(X, 0.5), TypeError, "x2 must be integers"),
    "select": (lambda: ops.select([], []), ValueError, "one length"),
    "where": (lambda: ops.where(X > 0, X), ValueError, "both"),
    "trapezoid": (lambda: ops.trapezoid(X, axis=2), ValueError, "axis 2"),
    "diff": (lambda: ops.diff(X, n=-1), ValueError, "negative"),
    "one_hot": (lambda: ops.one_hot([1], 3, sparse=True), NotImplementedError, "sparse"),
    "multi_hot": (lambda: ops.multi_hot([1]), ValueError, "num_classes"),
    "convert": (lambda: ops.convert_to_tensor([1], sparse=True), NotImplementedError, "sparse"),
    "binary shapes": (lambda: ops.binary_crossentropy(X, X[0]), ValueError, "one shape"),
    "sparse class": (lambda: ops.sparse_categorical_crossentropy([0, 4, 1], X), ValueError, "outside of 0..3"),
    "sparse negative": (lambda: ops.sparse_categorical_crossentropy([0, -1, 1], X), ValueError, "outside of 0..3"),
    "sparse axis": (lambda: ops.sparse_categorical_crossentropy([0], X, axis=0), ValueError, "last axis"),
    "sparse shape": (lambda: ops.sparse_categorical_crossentropy([0], X), ValueError, r"must have shape \(3,\)"),
    "inv": (lambda: ops.inv(X), ValueError, "square"),
    "inv singular": (lambda: ops.inv(SINGULAR), ValueError, "inv: singular matrix"),
    "solve": (lambda: ops.solve(SINGULAR, [1.0, 2.0, 3.0]), ValueError, "b must have shape"),
    "cholesky": (lambda: ops.cholesky(-np.eye(2)), ValueError, "not positive definite"),
    "qr": (lambda: ops.qr(X, mode="full"), ValueError, "'reduced' or 'complete'"),
    "norm": (lambda: ops.norm(CUBE, ord=1), ValueError, "one axis or two"),
    "norm ord": (lambda: ops.norm(X, ord=7, axis=(0, 1)), ValueError, "ord of matrices"),
    "norm word": (lambda: ops.norm(X, ord="fro", axis=1), ValueError, "one of matrices"),
    "matrices": (lambda: ops.det(X[0]), ValueError, "at least 2 dimensions"),
    "lstsq": (lambda: ops.lstsq(X, X[0]), ValueError, "3 rows"),
    "cdist": (lambda: ops.cdist(X, X[:, :2]), ValueError, "rows of one length"),
}


@pytest.mark.parametrize("call, error, message", BAD.values(), ids=BAD)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("name", ["bincount", "nonzero", "unique"])
def test_shapes_that_depend_on_values_are_no_steps_of_a_model(name):
    with pytest.raises(ValueError, match=f"{name}: the shape of the result depends on values"):
        getattr(ops, name)(cnnpy.Input((3,), dtype="int32"))


@pytest.mark.parametrize(
    "module, name", [("ops", "fft"), ("ops.nn", "ctc_loss"), ("ops.numpy", "angle"), ("ops.linalg", "eig")]
)
def test_absent_names_say_why(module, name):
    room = cnnpy.ops if module == "ops" else getattr(cnnpy.ops, module.partition(".")[2])
    with pytest.raises(AttributeError, match=f"cnnpy.{module}.{name} is not offered: "):
        getattr(room, name)
    with pytest.raises(AttributeError, match="Did you mean 'tensordot'"):
        _ = room.tensordott


EMPTY = np.zeros((0, 3), "float32")
SAME = {
    "sum of nothing": (ops.sum(EMPTY, axis=0), EMPTY.sum(0)),
    "cumprod of nothing": (ops.cumprod(EMPTY, axis=0), EMPTY),
    "cumsum of a number": (ops.cumsum(2.0), np.float32([2])),
    "sort of nothing": (ops.sort(EMPTY, axis=0), EMPTY),
    "diff of nothing": (ops.diff(EMPTY, axis=0), EMPTY),
    "diff of one": (ops.diff(X[:1], axis=0), EMPTY[:, :1].repeat(4, 1)),
    "diff of bools": (ops.diff(np.array([True, False, False])), np.array([True, False])),
    "matmul of nothing": (ops.matmul(EMPTY.T, EMPTY), np.zeros((3, 3), "float32")),
    "einsum of nothing": (ops.einsum("ij,ik->jk", EMPTY, EMPTY), np.zeros((3, 3), "float32")),
    "einsum of numbers": (ops.einsum(",->", 2.0, 3.0), np.float32(6)),
    "einsum of one number": (ops.einsum("...->...", 2.0), np.float32(2)),
    "einsum broadcasts both ways": (
        ops.einsum("...i,...i->...", CUBE[:1], CUBE[:, :1]),
        np.einsum("...i,...i->...", CUBE[:1], CUBE[:, :1]),
    ),
    "einsum of thrice": (ops.einsum("iii->i", np.arange(27.0).reshape(3, 3, 3)), np.float64([0, 13, 26])),
    "tensordot of numbers": (ops.tensordot(2.0, X, 0), 2 * X),
    "diagonal beyond": (ops.diagonal(X, 9), np.zeros(0, "float32")),
    "diagonal of nothing": (ops.diagonal(EMPTY), np.zeros(0, "float32")),
    "meshgrid of nothing": (ops.meshgrid()[:1] or ops.zeros(0), np.zeros(0, "float32")),
    "segments of nothing": (ops.segment_sum(EMPTY, np.zeros(0, "int32"), 2), np.zeros((2, 3), "float32")),
    "negative segments": (ops.segment_sum([1.0, 2.0, 4.0], [0, -1, 0]), np.float32([5])),
    "empty segments": (ops.segment_max(np.int32([3]), [1]), np.int32([-(2**31), 3])),
    "scatter adds": (ops.scatter([[1], [1]], [2.0, 3.0], (3,)), np.float32([0, 5, 0])),
    "the last update counts": (ops.scatter_update([1.0, 2.0], [[0], [0]], [5.0, 6.0]), np.float32([6, 2])),
    "bincount of nothing": (ops.bincount(np.zeros(0, "int32")), np.zeros(0, "int32")),
    "unique of nothing": (ops.unique(np.zeros(0, "int32")), np.zeros(0, "int32")),
    "nansum of NaN": (ops.nansum([np.nan, 1.0, np.nan]), np.float32(1)),
    "nanmax of nothing but NaN": (ops.nanmax([np.nan]), np.float32(np.nan)),
    "median with NaN": (ops.median([[1.0, np.nan], [2.0, 4.0]], axis=1), np.float32([np.nan, 3])),
    "nanmedian": (ops.nanmedian([[1.0, np.nan], [np.nan, np.nan]], axis=1), np.float32([1, np.nan])),
    "quantile with infinities": (ops.quantile([np.inf, np.inf, 1.0], 0.75), np.float32(np.inf)),
    "quantiles of a number": (ops.quantile(3.0, [0.0, 1.0]), np.float32([3, 3])),
    "median of integers": (ops.median(np.int32([1, 2, 4, 9])), np.float32(3)),
    "longer filter": (
        ops.correlate([1.0, 2.0], [1.0, 0.0, 2.0]),
        np.correlate([1.0, 2.0], [1.0, 0.0, 2.0]).astype("f4"),
    ),
    "det of nothing": (ops.det(np.zeros((0, 0), "float32")), np.float32(1)),
    "slices": (ops.get_item(X, (slice(None, None, 2), -1)), X[::2, -1]),
    "divide_no_nan": (ops.divide_no_nan([1.0, 2.0], [0.0, 4.0]), np.float32([0, 0.5])),
    "product of integers": (
        ops.matmul(np.full((1, 3), 2**25, "int64"), np.ones((3, 1), "int64")),
        np.int64([[3 * 2**25]]),
    ),
    "bytes wrap around": (ops.matmul(np.uint8([[200, 100]]), np.uint8([[1], [1]])), np.uint8([[44]])),
    "sums of bytes": (ops.sum(np.full(300, 255, "uint8")), np.int64(76500)),
    "histogram of integers": (ops.histogram(np.int32([0, 1, 5]), bins=2)[1], np.float32([0, 2.5, 5])),
    "view as bytes": (ops.view(np.int32([1]), "uint8"), np.uint8([1, 0, 0, 0])),
    "gradient-free zeros": (ops.empty((2,)), np.zeros(2, "float32")),
    "where alone": (ops.where(np.array([False, True]))[0], np.int32([1])),
}


@pytest.mark.parametrize("got, expected", SAME.values(), ids=SAME)
def test_unusual_arguments(got, expected):
    assert got.shape == np.shape(expected) and got.dtype == expected.dtype
    np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-6, atol=1e-7)


def test_no_gradient_of_zero_divisors_and_masked_elements():
    x, y = cnnpy.Variable([1.0, 2.0]), cnnpy.Variable([0.0, 4.0])
    with cnnpy.GradientTape() as tape:
        z = ops.sum(ops.divide_no_nan(x, y))
    gx, gy = tape.gradient(z, [x, y])
    np.testing.assert_allclose(gx, [0, 0.25])
    np.testing.assert_allclose(gy, [0, -0.125])
    x = cnnpy.Variable([[1.0, np.nan, 3.0]])
    with cnnpy.GradientTape() as tape:
        z = ops.sum(ops.nanvar(x, axis=1) + ops.nanmean(x, axis=1))
    np.testing.assert_allclose(tape.gradient(z, x), [[-0.5, 0, 1.5]])


def test_gradient_of_products_with_zeros():
    """The gradient of running and segment products divides by nothing."""
    x = cnnpy.Variable([2.0, 0.0, 3.0, 0.0])
    with cnnpy.GradientTape(persistent=True) as tape:
        running = ops.cumprod(x)
        segments = ops.segment_prod(x, [0, 0, 0, 1])
    np.testing.assert_array_equal(tape.gradient(running, x), [1, 8, 0, 0])
    np.testing.assert_array_equal(tape.gradient(segments, x), [0, 6, 0, 1])


def test_gradient_of_the_determinant_of_a_singular_matrix():
    x = cnnpy.Variable(np.array([[1.0, 2.0], [2.0, 4.0]]))
    with cnnpy.GradientTape() as tape:
        y = ops.det(x)
    np.testing.assert_allclose(tape.gradient(y, x), [[4, -2], [-2, 1]], atol=1e-12)


def test_erfinv_is_exact_everywhere():
    for x in (1e-300, 1e-12, 9e-7, 1.1e-6, 0.3, 0.5, 0.50001, 0.999, 1 - 1e-12):
        y = ops.erfinv(np.array([x, -x]))
        np.testing.assert_allclose(ops.erf(y), [x, -x], rtol=4e-16)
    assert np.asarray(ops.erfinv(np.array([1.0, -1.0, 0.0]))).tolist() == [np.inf, -np.inf, 0]
    assert np.isnan(np.asarray(ops.erfinv([1.5, np.nan]))).all()
