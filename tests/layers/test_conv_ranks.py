"""conv1d, conv3d and the transposed convolutions against plain NumPy, finite differences, and bad input."""

import conditions
import numpy as np
import pytest
from conditions import LEVELS, results_and_gradients
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cnnpy
from cnnpy import _core
from gradients import check_gradients
from reference.convolution import conv, conv_gradients, conv_transpose

TOLERANCE = {"float32": 2e-5, "float64": 1e-12}

# (x shape, kernel sizes, filters, attributes)
CONV1D = [
    ((2, 9, 4), (3,), 6, {}),
    ((3, 50, 1), (7,), 33, {"padding": "same", "strides": 2}),
    ((2, 20, 6), (3,), 4, {"padding": "causal", "dilation": 4}),
    ((2, 20, 6), (4,), 9, {"padding": "causal", "strides": 3, "groups": 3}),
    ((1, 3, 2), (5,), 2, {"padding": "causal"}),
    ((2, 300, 40), (1,), 20, {}),
    ((2, 31, 24), (5,), 24, {"groups": 24, "padding": "same"}),
    ((2, 31, 4), (3,), 5, {"strides": 2, "dilation": 4, "padding": "same"}),
]
CONV3D = [
    ((2, 5, 6, 7, 3), (3, 3, 3), 8, {}),
    ((2, 5, 4, 7, 3), (2, 3, 1), 5, {"padding": "same"}),
    ((1, 7, 6, 5, 4), (3, 2, 2), 6, {"padding": "same", "strides": (2, 1, 3)}),
    ((2, 9, 6, 6, 4), (3, 2, 3), 6, {"padding": "same", "dilation": (3, 1, 2), "groups": 2}),
    ((2, 5, 5, 5, 6), (2, 2, 2), 6, {"groups": 6}),
    ((2, 4, 5, 6, 3), (1, 3, 3), 4, {"padding": "same"}),
    ((2, 7, 3, 3, 2), (1, 1, 1), 4, {"strides": (3, 2, 1)}),
    ((1, 9, 5, 5, 2), (3, 1, 1), 3, {"strides": (2, 1, 1), "dilation": (2, 1, 1), "padding": "same"}),
    ((1, 1, 1, 1, 1), (1, 1, 1), 1, {}),
    ((2, 2, 3, 3, 2), (5, 3, 3), 4, {"padding": "same"}),
]
TRANSPOSED = [
    ((2, 9, 4), (3,), 6, {}),
    ((2, 9, 4), (4,), 5, {"strides": 2, "padding": "same"}),
    ((2, 5, 3), (2,), 40, {"strides": 5}),
    ((2, 5, 3), (3,), 4, {"dilation": 3, "padding": "same"}),
    ((2, 5, 6, 4), (3, 3), 8, {"strides": 2, "padding": "same"}),
    ((2, 5, 6, 4), (3, 2), 8, {"strides": (2, 3), "output_padding": (1, 2)}),
    ((2, 5, 6, 4), (3, 5), 33, {"strides": (3, 4), "padding": "same", "output_padding": (2, 0)}),
    ((2, 5, 6, 4), (2, 4), 3, {"strides": 2, "padding": "same", "output_padding": 0}),
    ((2, 5, 6, 4), (2, 3), 3, {"dilation": (2, 3)}),
    ((2, 5, 6, 4), (2, 3), 3, {"dilation": (3, 2), "strides": (3, 4), "padding": "same"}),
    ((2, 7, 5, 3), (1, 1), 8, {}),
    ((1, 1, 1, 70), (4, 4), 64, {}),
    ((2, 9, 9, 32), (3, 3), 1, {"strides": 2, "padding": "same"}),
    ((2, 3, 4, 3, 4), (3, 3, 3), 5, {}),
    ((2, 3, 4, 3, 4), (3, 2, 3), 5, {"strides": (2, 1, 2), "padding": "same"}),
    ((1, 3, 2, 3, 4), (2, 3, 2), 5, {"strides": (3, 2, 1), "output_padding": (2, 1, 0)}),
    ((1, 4, 2, 3, 2), (2, 3, 1), 3, {"dilation": (2, 1, 1), "padding": "same"}),
    ((1, 4, 2, 3, 2), (1, 3, 3), 3, {"strides": (1, 2, 2), "padding": "same"}),
]


@pytest.fixture(params=LEVELS)
def level(request):
    with conditions.level(request.param):
        yield request.param


def op_of(shape, transposed=False):
    return getattr(_core, f"conv{len(shape) - 2}d{'_transpose' if transposed else ''}")


def make(shape, size, filters, attributes, dtype, transposed=False, seed=0):
    """Random (x, kernel, bias) whose products stay near 1."""
    rng = np.random.default_rng(seed)
    inputs = shape[-1] // attributes.get("groups", 1)
    kernel = rng.normal(size=(*size, *((filters, inputs) if transposed else (inputs, filters))))
    arrays = rng.normal(size=shape), kernel / np.sqrt(np.prod(size) * inputs), rng.normal(size=filters)
    return [a.astype(dtype) for a in arrays]


def assert_near(got, expected, dtype):
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=0, atol=TOLERANCE[dtype] * scale)


def check_conv(case, dtype):
    shape, *_, attributes = case
    x, kernel, bias = make(*case, dtype)
    y, *gradients = results_and_gradients(lambda *a: op_of(shape)(*a, **attributes), [x, kernel, bias])
    assert_near(y, conv(x, kernel, bias, **attributes), dtype)
    dy = np.random.default_rng(0).normal(size=y.shape).astype(dtype)
    for got, wanted in zip(gradients, conv_gradients(x, kernel, dy, **attributes)):
        assert_near(got, wanted, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", [*CONV1D, *CONV3D], ids=str)
def test_equals_reference(case, dtype, level):
    check_conv(case, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["linear", "relu", "sigmoid", "softmax"])
@pytest.mark.parametrize("case", TRANSPOSED, ids=str)
def test_transposed_equals_reference(case, activation, dtype, level):
    shape, *_, attributes = case
    x, kernel, bias = make(*case, dtype, transposed=True)
    op = op_of(shape, transposed=True)
    how = {**attributes, "activation": activation}
    assert_near(np.asarray(op(x, kernel, bias, **how)), conv_transpose(x, kernel, bias, **how), dtype)
    assert_near(np.asarray(op(x, kernel, **how)), conv_transpose(x, kernel, **how), dtype)


@pytest.mark.parametrize("activation", ["linear", "tanh", "softmax"])
@pytest.mark.parametrize("case", [case for case in TRANSPOSED if np.prod(case[0]) < 200 and case[2] < 10], ids=str)
def test_gradients_of_transposed(case, activation):
    shape, *_, attributes = case
    op = op_of(shape, transposed=True)
    arrays = make(*case, "float64", transposed=True)
    check_gradients(lambda *a: op(*a, activation=activation, **attributes), arrays)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize(
    "case",
    [
        ((2, 6, 4), (3,), 4, {"padding": "causal", "dilation": 2, "groups": 2}),
        ((1, 7, 2), (3,), 3, {"strides": 2, "dilation": 4, "padding": "same"}),
        ((1, 4, 3, 3, 2), (3, 2, 2), 4, {"padding": "same", "groups": 2}),
        ((1, 5, 3, 4, 2), (2, 2, 1), 3, {"strides": (2, 1, 3)}),
        ((1, 5, 2, 3, 1), (3, 1, 2), 2, {"dilation": (2, 1, 1)}),
    ],
    ids=str,
)
def test_gradients(case, activation):
    shape, *_, attributes = case
    check_gradients(lambda *a: op_of(shape)(*a, activation=activation, **attributes), make(*case, "float64"))


def test_float32_gradients_of_transposed(level):
    for case in TRANSPOSED:
        shape, *_, attributes = case
        op = op_of(shape, transposed=True)
        arrays = make(*case, "float64", transposed=True)
        wide = results_and_gradients(lambda *a, op=op, how=attributes: op(*a, **how), arrays)
        narrow = results_and_gradients(
            lambda *a, op=op, how=attributes: op(*a, **how), [a.astype("float32") for a in arrays]
        )
        for a, b in zip(narrow, wide):
            assert_near(a, b, "float32")


sizes = st.integers(1, 5)
steps = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))


@settings(max_examples=100, deadline=None)
@given(
    st.tuples(sizes, sizes, sizes),
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3)),
    steps,
    steps,
    st.integers(1, 3),
    st.sampled_from(["valid", "same"]),
    st.tuples(sizes, st.integers(1, 20)),
)
def test_any_volume(size, kernel, strides, dilation, groups, padding, channels):
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
    assume(padding == "same" or all(s <= n for s, n in zip(spans, size)))
    how = {"strides": strides, "dilation": dilation, "groups": groups, "padding": padding}
    check_conv(((2, *size, channels[0] * groups), kernel, channels[1] * groups, how), "float64")


@settings(max_examples=100, deadline=None)
@given(
    st.tuples(sizes, sizes, sizes),
    st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4)),
    steps,
    steps,
    st.sampled_from(["valid", "same"]),
    st.sampled_from([None, 0, 1, 2]),
    st.integers(1, 3),
    st.tuples(sizes, st.integers(1, 20)),
)
def test_any_transposed(size, kernel, strides, dilation, padding, extra, rank, channels):
    """The transposed convolution and its gradient with respect to x are each other's adjoints."""
    how = {"strides": strides[:rank], "dilation": dilation[:rank], "padding": padding}
    if extra is not None:
        how["output_padding"] = tuple(min(extra, s - 1) for s in strides[:rank])
    case = (2, *size[:rank], channels[0]), kernel[:rank], channels[1], how
    x, weights, _ = make(*case, "float64", transposed=True)
    expected = conv_transpose(x, weights, **how)
    op = op_of(case[0], transposed=True)
    if expected.size == 0:
        with pytest.raises(ValueError, match="the output would have"):
            op(x, weights, **how)
        return
    y, dx, dweights = results_and_gradients(lambda *a: op(*a, **how), [x, weights])
    assert_near(y, expected, "float64")
    dy = np.random.default_rng(0).normal(size=y.shape)
    product = float((y * dy).sum())
    np.testing.assert_allclose((x * dx).sum(), product, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose((weights * dweights).sum(), product, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "transposed, case",
    [
        (False, ((4, 400, 16), (5,), 48, {"padding": "causal"})),
        (False, ((2, 12, 20, 20, 8), (3, 3, 3), 16, {"padding": "same"})),
        (True, ((8, 14, 14, 32), (3, 3), 16, {"strides": 2, "padding": "same"})),
        (True, ((2, 8, 12, 12, 16), (3, 3, 3), 8, {"strides": 2, "padding": "same"})),
    ],
    ids=str,
)
def test_thread_count_does_not_change_bits(transposed, case):
    op = op_of(case[0], transposed)
    arrays = make(*case, "float32", transposed=transposed)
    conditions.assert_same_bits_for_any_threads(lambda *a: op(*a, activation="relu", **case[3]), arrays)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("shape", [(0, 9, 3), (0, 5, 5, 3), (0, 5, 5, 5, 3)], ids=str)
def test_empty_batch(shape, transposed):
    arrays = make(shape, (3,) * (len(shape) - 2), 4, {}, "float32", transposed)
    y, dx, dkernel, dbias = results_and_gradients(op_of(shape, transposed), arrays)
    assert y.shape == (0, *(n + 2 if transposed else n - 2 for n in shape[1:-1]), 4) and dx.shape == shape
    assert not dkernel.any() and not dbias.any()


@pytest.mark.parametrize("shape", [(2, 6, 3), (2, 6, 5, 3), (2, 4, 5, 3, 3)], ids=str)
def test_only_wanted_gradients(shape):
    for transposed in (False, True):
        op = op_of(shape, transposed)
        tensors = [cnnpy.Tensor(a) for a in make(shape, (2,) * (len(shape) - 2), 4, {}, "float32", transposed)]
        wanted = results_and_gradients(op, [np.asarray(t) for t in tensors])[1:]
        for i, watched in enumerate(tensors):
            with cnnpy.GradientTape() as tape:
                tape.watch(watched)
                y = op(*tensors)
            dy = np.random.default_rng(0).normal(size=y.shape).astype("float32")
            gradients = tape.gradient(y, tensors, output_gradients=cnnpy.Tensor(dy))
            assert [g is not None for g in gradients] == [i == k for k in range(3)]
            np.testing.assert_array_equal(gradients[i], wanted[i])


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("shape", [(2, 6, 5, 3), (2, 4, 5, 3, 3)], ids=str)
def test_failed_allocation_leaves_nothing_behind(shape, transposed):
    op = op_of(shape, transposed)
    tensors = [cnnpy.Tensor(a) for a in make(shape, (2,) * (len(shape) - 2), 4, {}, "float32", transposed)]
    before = _core.memory_stats()["in_use"]
    failures = 0
    for n in range(1, 60):
        try:
            _core.memory_fail_at(n)
            with cnnpy.GradientTape() as tape:
                tape.watch(tensors)
                y = op(*tensors, activation="tanh")
            tape.gradient(y, tensors)
        except MemoryError:
            failures += 1
        finally:
            _core.memory_fail_at(0)
        y = tape = None
    assert failures > 4
    assert _core.memory_stats()["in_use"] == before


def test_a_volume_of_one_plane_is_an_image():
    x, kernel, bias = make((2, 9, 8, 5), (3, 3), 7, {}, "float32")
    y = np.asarray(_core.conv2d(x, kernel, bias, padding="same", activation="relu"))
    deep = np.asarray(_core.conv3d(x[:, None], kernel[None], bias, padding="same", activation="relu"))
    np.testing.assert_array_equal(deep[:, 0], y)


def test_large_result_is_written_whole(level):
    """Results beyond 32 MiB take another path to memory."""
    x, kernel, bias = make((1, 152, 226, 2), (3, 3), 64, {}, "float32", transposed=True)
    how = {"strides": 2, "padding": "same", "activation": "relu"}
    y = np.asarray(_core.conv2d_transpose(x, kernel, bias, **how))
    assert y.shape == (1, 304, 452, 64)
    for first in (0, 140):
        part = np.asarray(_core.conv2d_transpose(x[:, first : first + 12], kernel, bias, **how))
        inside = slice(2 if first else 0, 24)  # all that no row outside of the part reaches
        np.testing.assert_array_equal(y[:, 2 * first : 2 * first + 24][:, inside], part[:, inside])


def zeros(*shape):
    return np.zeros(shape, "float32")


@pytest.mark.parametrize(
    "op, x, kernel, attributes, message",
    [
        (
            "conv1d",
            (2, 9),
            (3, 4, 6),
            {},
            r"input must have 3 dimensions \(batch, steps, channels\), got shape \(2, 9\)",
        ),
        ("conv1d", (2, 9, 4), (3, 4), {}, r"kernel must have 3 dimensions \(length, channels / groups, filters\)"),
        (
            "conv1d",
            (2, 9, 4),
            (3, 5, 6),
            {},
            r"input has 4 channels, its kernel expects 5; got shape \(2, 9, 4\)",
        ),
        ("conv1d", (2, 2, 4), (3, 4, 6), {}, r"kernel of length 3 is larger than the input's length of 2 with padding"),
        ("conv1d", (2, 9, 4), (3, 4, 6), {"strides": (1, 2)}, r"strides must be one integer, got 2"),
        (
            "conv1d",
            (2, 9, 4),
            (3, 4, 6),
            {"strides": 0},
            r"strides must be positive \(and.*got \(0,\)",
        ),
        ("conv2d", (2, 9, 9, 4), (3, 3, 4, 6), {"padding": "causal"}, r"padding must be one of 'valid', 'same', got"),
        (
            "conv3d",
            (2, 9, 9, 4),
            (3, 3, 4, 6),
            {},
            r"input must have 5 dimensions \(batch, depth, height",
        ),
        (
            "conv3d",
            (2, 2, 9, 9, 4),
            (3, 3, 3, 4, 6),
            {},
            r"kernel of depth 3 is larger than the input's depth of 2",
        ),
        (
            "conv3d",
            (2, 9, 9, 9, 4),
            (3, 3, 3, 4, 6),
            {"strides": (1, 2)},
            r"strides must be one integer or three \(depth, height, width\), got 2",
        ),
        (
            "conv3d",
            (2, 9, 9, 9, 4),
            (3, 3, 3, 4, 6),
            {"dilation": (1, 0, 2)},
            r"dilation must be positive .*got \(1, 0, 2\)",
        ),
        (
            "conv2d_transpose",
            (2, 9, 9, 4),
            (3, 3, 4, 6),
            {},
            r"input has 4 channels, its kernel expects 6; got shape \(2, 9, 9, 4\) and kernel "
            r"\(height, width, filters, channels\) \(3, 3, 4, 6\)",
        ),
        (
            "conv2d_transpose",
            (2, 9, 9, 4),
            (3, 3, 6, 4),
            {"strides": 2, "output_padding": (1, 2)},
            r"output_padding must be from 0 to below the strides, got \(1, 2\) with strides \(2,\)",
        ),
        (
            "conv2d_transpose",
            (2, 9, 9, 4),
            (3, 3, 6, 4),
            {"output_padding": -1},
            r"output_padding must be from 0 to below the strides, got \(-1,\)",
        ),
        (
            "conv2d_transpose",
            (2, 9, 9, 4),
            (3, 3, 6, 4),
            {"output_padding": (0, 0, 0)},
            r"output_padding must be one integer or two \(height, width\), got 3",
        ),
        (
            "conv2d_transpose",
            (2, 1, 9, 4),
            (2, 2, 6, 4),
            {"strides": 2, "padding": "same", "output_padding": 0},
            r"the output would have a height of 0; got shape \(2, 1, 9, 4\)\. Raise output_padding",
        ),
        ("conv2d_transpose", (2, 0, 9, 4), (2, 2, 6, 4), {}, r"the input's height must be positive"),
        ("conv1d_transpose", (2, 9, 4), (0, 6, 4), {}, r"no dimension of the kernel \(length, filters, channels\) may"),
    ],
)
def test_bad_input(op, x, kernel, attributes, message):
    with pytest.raises(ValueError, match=message):
        getattr(_core, op)(zeros(*x), zeros(*kernel), **attributes)


def test_a_bias_of_another_length_is_refused():
    for op, kernel in (("conv1d", (3, 4, 6)), ("conv1d_transpose", (3, 6, 4))):
        with pytest.raises(ValueError, match=r"bias must have shape \(6,\), one entry per filter of the kernel"):
            getattr(_core, op)(zeros(2, 9, 4), zeros(*kernel), zeros(4))
