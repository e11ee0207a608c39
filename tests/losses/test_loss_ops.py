"""The loss ops of the core against NumPy, their gradients against finite differences."""

import conditions
import numpy as np
import pytest
from conditions import LEVELS, assert_same_bits_for_any_threads

import cnnpy
from cnnpy import _core
from gradients import check_gradients
from reference import losses as reference

rng = np.random.default_rng(7)
SHAPES = [(1, 1), (1, 2), (3, 10), (7,), (2, 3, 4), (2, 5, 3, 1), (5, 700), (0, 4), (130, 17)]
TOLERANCE = {"float32": dict(rtol=3e-6, atol=1e-6), "float64": dict(rtol=1e-12, atol=1e-12)}


def one_hot(shape):
    return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]


def probabilities(shape):
    return np.clip(reference.softmax(rng.normal(size=shape) * 2), 1e-6, 0.999)


@pytest.fixture(params=LEVELS)
def level(request):
    with conditions.level(request.param):
        yield


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_values(level, shape, dtype):
    tolerance = TOLERANCE[dtype]
    hot, p, x = one_hot(shape), probabilities(shape).astype(dtype), rng.normal(size=shape).astype(dtype) * 4
    labels = hot.argmax(-1) if hot.size else np.zeros(shape[:-1], "int64")

    def check(name, t, y, **attributes):
        got = getattr(_core, name)(t, y, **attributes)
        assert got.shape == shape[:-1] and got.dtype == dtype
        expected = getattr(reference, name)(t, y.astype("float64"), **attributes)
        np.testing.assert_allclose(got.numpy(), expected, **tolerance)

    for y, logits in ((p, False), (x, True)):
        for smoothing in (0.0, 0.2):
            check("categorical_crossentropy", hot, y, from_logits=logits, label_smoothing=smoothing)
            check("binary_crossentropy", hot, y, from_logits=logits, label_smoothing=smoothing)
        for t in (labels, labels[..., None], labels.astype("uint8"), labels.astype("int32"), labels.astype(dtype)):
            check("sparse_categorical_crossentropy", t, y, from_logits=logits)
    for t in (hot, hot.astype("uint8"), hot.astype(bool), hot.astype("float32")):
        check("mean_squared_error", t, x)
        check("mean_absolute_error", t, x)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (4,), (2, 3, 4), (2, 520)])
def test_gradients(shape):
    hot, p, x = one_hot(shape), rng.uniform(0.2, 0.9, shape), rng.normal(size=shape) * 3
    for y, logits in ((p, False), (x, True)):
        for name, t in (
            ("categorical_crossentropy", hot),
            ("binary_crossentropy", hot),
            ("sparse_categorical_crossentropy", hot.argmax(-1)),
        ):
            smoothing = {} if name.startswith("sparse") else {"label_smoothing": 0.1}
            op = getattr(_core, name).bind(from_logits=logits, **smoothing)
            check_gradients(lambda y, op=op, t=t: op(t, y), [y])
    check_gradients(_core.mean_squared_error, [hot, x])
    check_gradients(_core.mean_absolute_error, [hot, x])


def test_soft_labels_that_do_not_sum_to_one_have_their_true_gradient():
    t, x = rng.random((3, 4)), rng.normal(size=(3, 4))
    check_gradients(lambda x: _core.categorical_crossentropy(t, x, from_logits=True), [x])


def test_clipped_probabilities_have_no_gradient():
    y = cnnpy.Tensor(np.array([[0.0, 1.0], [1.0, 0.0]]))
    with cnnpy.GradientTape() as tape:
        tape.watch(y)
        loss = _core.categorical_crossentropy(np.array([[1.0, 0.0], [1.0, 0.0]]), y)
    np.testing.assert_allclose(loss.numpy(), [-np.log(1e-7), 1e-7], rtol=1e-6)
    np.testing.assert_array_equal(tape.gradient(loss, y).numpy(), np.zeros((2, 2)))


def test_extreme_logits_stay_finite(level):
    for dtype in ("float32", "float64"):
        x = np.array([[1e4, -1e4, 0.0], [-80.0, 80.0, 0.0]], dtype)
        for op, t in ((_core.sparse_categorical_crossentropy, [1, 1]), (_core.binary_crossentropy, np.eye(3)[[1, 1]])):
            got = op(np.asarray(t), x, from_logits=True).numpy()
            assert np.isfinite(got).all()
    tiny = _core.binary_crossentropy(np.ones((1, 1)), np.array([[20.0]], "float32"), from_logits=True).numpy()
    np.testing.assert_allclose(tiny, np.log1p(np.exp(-20.0)), rtol=1e-5)


def test_nan_goes_through(level):
    for dtype in ("float32", "float64"):
        y = np.full((2, 3), 0.3, dtype)
        y[1, 1] = np.nan
        for op, t in (
            (_core.categorical_crossentropy, np.eye(3)[:2]),
            (_core.binary_crossentropy, np.eye(3)[:2]),
            (_core.mean_squared_error, np.eye(3)[:2]),
            (_core.mean_absolute_error, np.eye(3)[:2]),
            (_core.sparse_categorical_crossentropy, np.array([0, 1])),
        ):
            tensor = cnnpy.Tensor(y)
            with cnnpy.GradientTape() as tape:
                tape.watch(tensor)
                loss = op(t, tensor)
            assert np.isnan(loss.numpy()).tolist() == [False, True], op
            assert np.isnan(tape.gradient(loss, tensor).numpy()[1]).any(), op


def test_ignored_rows_give_nothing():
    labels, x = np.array([0, -1, 2]), rng.normal(size=(3, 4))
    op = _core.sparse_categorical_crossentropy.bind(from_logits=True, ignores=True, ignore_class=-1)
    got = op(labels, x).numpy()
    expected = reference.sparse_categorical_crossentropy(np.array([0, 0, 2]), x, from_logits=True)
    np.testing.assert_allclose(got, expected * [1, 0, 1])
    check_gradients(lambda x: op(labels, x), [x])


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none"])
@pytest.mark.parametrize(
    ("shape", "weights"),
    [((5,), None), ((5,), (5,)), ((4, 3), (4,)), ((2, 3, 4), (2, 3)), ((2, 3), (2, 3)), ((0,), (0,))],
)
def test_reduction(shape, weights, reduction):
    w = None if weights is None else rng.random(weights)
    for dtype in ("float32", "float64"):
        values = rng.normal(size=shape).astype(dtype)
        got = _core.reduce_loss(values, w, reduction=reduction)
        np.testing.assert_allclose(got.numpy(), reference.reduce_loss(values, w, reduction), rtol=2e-6, atol=1e-6)
        assert got.dtype == dtype and got.shape == (shape if reduction == "none" else ())
    check_gradients(lambda x: _core.reduce_loss(x, w, reduction=reduction), [rng.normal(size=shape)])


@pytest.mark.parametrize(
    ("shape", "weights", "full"),
    [
        ((4, 3), (4, 1), lambda w: w),
        ((4, 3), (1, 3), lambda w: w),
        ((4, 3), (3,), lambda w: w[None]),
        ((3, 3), (3,), lambda w: w[:, None]),
        ((2, 3, 4), (2, 1, 4), lambda w: w),
        ((4,), (4, 1), lambda w: w[:, 0]),
        ((4, 3), (), lambda w: w),
    ],
)
def test_weights_are_stretched(shape, weights, full):
    values, w = rng.normal(size=shape), rng.random(weights)
    np.testing.assert_allclose(_core.reduce_loss(values, w, reduction="none").numpy(), values * full(w))
    np.testing.assert_allclose(_core.reduce_loss(values, w).numpy(), (values * full(w)).mean())
    check_gradients(lambda x: _core.reduce_loss(x, w), [values])


def test_sum_of_a_large_batch_is_exact():
    values = rng.random(300_000).astype("float32")
    np.testing.assert_allclose(float(_core.reduce_loss(values).numpy()), values.astype("float64").mean(), rtol=1e-7)


def test_bits_do_not_depend_on_threads():
    hot, p = one_hot((6000, 10)), probabilities((6000, 10)).astype("float32")
    images = rng.random((30, 100, 100, 1)).astype("float32")

    for op, t, y in (
        (_core.categorical_crossentropy, hot, p),
        (_core.sparse_categorical_crossentropy, hot.argmax(-1), p),
        (_core.binary_crossentropy, images, images * 0.9),
        (_core.mean_squared_error, images, images * 0.9),
        (_core.mean_absolute_error, images, images * 0.9),
    ):
        assert_same_bits_for_any_threads(lambda y, op=op, t=t: _core.reduce_loss(op(t, y)), [y])


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (10, r"label 10 in row 2 is not a class number: y_pred has 4 classes"),
        (-1, r"label -1 in row 2"),
        (np.nan, r"label -?nan in row 2"),
        (np.inf, r"label inf in row 2"),
        (1.5, r"label 1.5 in row 2 is not a whole number"),
    ],
)
def test_bad_labels_are_named(label, message):
    with pytest.raises(ValueError, match=message):
        _core.sparse_categorical_crossentropy(np.array([0, 1, label]), np.full((3, 4), 0.25))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: _core.categorical_crossentropy(np.zeros(3), np.zeros((3, 4))), ValueError, "use sparse_categorical"),
        (lambda: _core.sparse_categorical_crossentropy(np.eye(3), np.eye(3)), ValueError, "For one-hot labels use"),
        (lambda: _core.mean_squared_error(np.zeros((2, 3)), np.zeros((2, 4))), ValueError, r"\(2, 3\).*\(2, 4\)"),
        (lambda: _core.mean_squared_error(np.zeros((2, 3)), np.zeros((2, 3), int)), TypeError, "float32 or float64"),
        (lambda: _core.mean_squared_error(np.zeros(()), np.zeros(())), ValueError, "at least 1 dimension"),
        (lambda: _core.mean_squared_error(np.zeros((2, 0)), np.zeros((2, 0))), ValueError, "is empty"),
        (lambda: _core.binary_crossentropy(np.zeros(3), np.zeros(3), label_smoothing=2), ValueError, "label_smoothing"),
        (lambda: _core.binary_crossentropy(np.zeros(3), np.zeros(3), epsilon=0), ValueError, "epsilon"),
        (lambda: _core.reduce_loss(np.zeros((3, 4)), np.zeros(5)), ValueError, r"\(5,\) do not fit values of shape"),
        (lambda: _core.reduce_loss(np.zeros(3), reduction="median"), ValueError, "reduction must be one of"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_failed_allocations_leave_nothing_behind():
    y = cnnpy.Tensor(probabilities((3, 4)).astype("float32"))
    labels, weights = np.array([0, 1, 2], "uint8"), np.ones((1, 4))

    def step():
        with cnnpy.GradientTape() as tape:
            tape.watch(y)
            loss = _core.reduce_loss(_core.sparse_categorical_crossentropy(labels, y))
            other = _core.reduce_loss(y, weights)
        return tape.gradient([loss, other], y)

    step()
    before = _core.memory_stats()["in_use"]
    for n in range(1, 400):
        _core.memory_fail_at(n)
        try:
            step()
        except MemoryError:
            pass
        else:
            break
        finally:
            _core.memory_fail_at(0)
        assert _core.memory_stats()["in_use"] == before
    else:
        pytest.fail("there was no end to the failures")
