"""conv2d against its plain NumPy version, finite differences, itself with other threads, and bad input."""

import conditions
import numpy as np
import pytest
from conditions import LEVELS
from hypothesis import given, settings
from hypothesis import strategies as st

import cnnpy
from cnnpy import _core
from gradients import check_gradients
from reference.convolution import conv, conv_gradients

TOLERANCE = {"float32": 2e-5, "float64": 1e-12}

# (x shape, kernel height and width, filters, attributes)
CASES = [
    ((2, 5, 5, 1), (3, 3), 4, {}),
    ((1, 1, 1, 3), (1, 1), 5, {}),
    ((1, 1, 1, 2), (3, 3), 4, {"padding": "same"}),
    ((2, 9, 8, 3), (3, 3), 32, {"padding": "same"}),
    ((3, 14, 14, 16), (3, 3), 48, {"padding": "same"}),
    ((2, 11, 12, 4), (2, 3), 6, {"padding": "same", "strides": (2, 2)}),
    ((2, 11, 12, 4), (4, 2), 6, {"padding": "same"}),
    ((2, 13, 10, 6), (5, 4), 10, {"strides": (3, 2), "groups": 2}),
    ((4, 7, 9, 8), (1, 1), 70, {}),
    ((2, 7, 9, 8), (1, 1), 20, {"strides": (2, 3)}),
    ((2, 12, 12, 4), (3, 3), 8, {"padding": "same", "dilation": (2, 2), "groups": 4}),
    ((2, 12, 12, 4), (3, 2), 5, {"dilation": (1, 3)}),
    ((2, 12, 12, 5), (3, 2), 3, {"dilation": (4, 1), "padding": "same"}),
    ((2, 6, 6, 3), (2, 2), 5, {"strides": (4, 4)}),
    ((1, 4, 5, 3), (1, 2), 2, {"strides": (7, 9), "padding": "same"}),
    ((33, 4, 4, 5), (3, 3), 33, {"padding": "same"}),
    ((1, 3, 700, 2), (1, 5), 3, {}),
    ((1, 2, 300, 3), (3, 3), 17, {"padding": "same"}),
    ((2, 28, 28, 1), (5, 5), 16, {}),
    ((2, 28, 28, 1), (7, 7), 1, {"padding": "same"}),
    ((2, 10, 10, 7), (3, 3), 1, {"padding": "same"}),
    ((2, 10, 10, 40), (3, 3), 2, {}),
    ((2, 9, 9, 40), (3, 3), 3, {"strides": (2, 2), "padding": "same"}),
    ((2, 9, 9, 24), (3, 3), 24, {"groups": 24, "padding": "same"}),
    ((2, 9, 9, 5), (3, 3), 5, {"groups": 5, "strides": (2, 2), "padding": "same"}),
    ((2, 9, 9, 37), (2, 3), 37, {"groups": 37, "dilation": (2, 1)}),
    ((2, 9, 9, 6), (3, 3), 18, {"groups": 6, "padding": "same"}),
    ((2, 9, 9, 18), (3, 3), 6, {"groups": 6}),
    ((2, 9, 9, 20), (3, 3), 40, {"groups": 20, "strides": (2, 2), "padding": "same"}),
    ((1, 9, 9, 7), (3, 2), 35, {"groups": 7, "dilation": (2, 2)}),
    ((2, 5, 6, 3), (3, 3), 27, {"groups": 3}),
    ((3, 21, 19, 32), (3, 3), 64, {}),
    ((2, 26, 26, 32), (3, 3), 40, {"strides": (2, 2), "padding": "same"}),
    ((2, 23, 22, 5), (3, 4), 20, {"strides": (2, 3), "dilation": (2, 2), "padding": "same"}),
    ((2, 23, 22, 9), (3, 3), 9, {"strides": (4, 3), "dilation": (6, 3), "groups": 9}),
]


@pytest.fixture(params=LEVELS)
def level(request):
    with conditions.level(request.param):
        yield request.param


def make(shape, size, filters, attributes, dtype, seed=0):
    """Random (x, kernel, bias) whose products stay near 1."""
    rng = np.random.default_rng(seed)
    inputs = shape[3] // attributes.get("groups", 1)
    x = rng.normal(size=shape)
    kernel = rng.normal(size=(*size, inputs, filters)) / np.sqrt(size[0] * size[1] * inputs)
    return [a.astype(dtype) for a in (x, kernel, rng.normal(size=filters))]


def run(x, kernel, bias, dy=None, **attributes):
    """(y, dx, dkernel, dbias) of the op as NumPy arrays; dy is drawn at random if it is not given."""
    inputs = [cnnpy.Tensor(a) for a in (x, kernel, bias)]
    with cnnpy.GradientTape() as tape:
        tape.watch(inputs)
        y = _core.conv2d(*inputs, **attributes)
    if dy is None:
        dy = np.random.default_rng(1).normal(size=y.shape).astype(x.dtype)
    gradients = tape.gradient(y, inputs, output_gradients=cnnpy.Tensor(dy))
    return [np.asarray(a) for a in (y, *gradients)]


def assert_near(got, expected, dtype):
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(got, expected, rtol=0, atol=TOLERANCE[dtype] * scale)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_equals_reference(case, dtype, level):
    attributes = case[3]
    x, kernel, bias = make(*case, dtype)
    y, dx, dkernel, dbias = run(x, kernel, bias, **attributes)
    assert y.dtype == dx.dtype == dkernel.dtype == dbias.dtype == dtype
    expected = conv(x, kernel, bias, **attributes)
    assert y.shape == expected.shape
    assert_near(y, expected, dtype)
    dy = np.random.default_rng(1).normal(size=y.shape).astype(dtype)
    for got, wanted in zip((dx, dkernel, dbias), conv_gradients(x, kernel, dy, **attributes)):
        assert_near(got, wanted, dtype)
    assert_near(np.asarray(_core.conv2d(x, kernel, **attributes)), conv(x, kernel, **attributes), dtype)


def activation_gradient(activation, y, dy):
    match activation:
        case "relu":
            return dy * (y > 0)
        case "sigmoid":
            return dy * y * (1 - y)
        case "tanh":
            return dy * (1 - y * y)
        case "softmax":
            return y * (dy - (y * dy).sum(axis=-1, keepdims=True))
    return dy


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh", "softmax"])
@pytest.mark.parametrize(
    "case",
    [
        ((2, 8, 8, 3), (3, 3), 21, {"padding": "same"}),
        ((2, 8, 8, 32), (3, 3), 1, {}),
        ((2, 8, 8, 6), (3, 3), 6, {"groups": 6, "padding": "same"}),
        ((3, 8, 8, 5), (1, 1), 33, {}),
        ((2, 9, 8, 4), (3, 2), 32, {"strides": (2, 2)}),
    ],
    ids=str,
)
def test_activation(case, activation, dtype, level):
    attributes = case[3]
    x, kernel, bias = make(*case, dtype)
    y, dx, dkernel, dbias = run(x, kernel, bias, activation=activation, **attributes)
    expected = conv(x, kernel, bias, activation=activation, **attributes)
    assert_near(y, expected, dtype)
    dy = np.random.default_rng(1).normal(size=y.shape).astype(dtype)
    dz = activation_gradient(activation, y.astype("float64"), dy)
    for got, wanted in zip((dx, dkernel, dbias), conv_gradients(x, kernel, dz, **attributes)):
        assert_near(got, wanted, dtype)


@pytest.mark.parametrize(
    "case",
    [
        ((1, 1, 1, 1), (1, 1), 1, {}),
        ((2, 5, 4, 2), (3, 2), 3, {"padding": "same"}),
        ((1, 6, 7, 4), (2, 4), 2, {"padding": "same", "strides": (2, 3), "groups": 2}),
        ((2, 5, 5, 3), (2, 2), 3, {"groups": 3}),
        ((1, 7, 6, 2), (3, 2), 3, {"dilation": (2, 1), "padding": "same"}),
        ((1, 5, 5, 1), (2, 1), 2, {"strides": (3, 4)}),
    ],
    ids=str,
)
@pytest.mark.parametrize("activation", ["linear", "sigmoid", "softmax", "tanh"])
def test_gradients(case, activation):
    x, kernel, bias = make(*case, "float64")
    check_gradients(lambda *a: _core.conv2d(*a, activation=activation, **case[3]), [x, kernel, bias])


@settings(max_examples=150, deadline=None)
@given(
    st.tuples(st.integers(1, 3), st.integers(1, 12), st.integers(1, 40)),
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    st.sampled_from([1, 1, 2, 3, 5]),
    st.tuples(st.integers(1, 20), st.integers(1, 40)),
    st.sampled_from(["valid", "same"]),
    st.tuples(st.integers(1, 6), st.integers(1, 4)),
    st.tuples(st.integers(1, 6), st.integers(1, 4)),
    st.sampled_from(["float32", "float64"]),
)
def test_any_shape(images, size, groups, channels, padding, strides, dilation, dtype):
    attributes = {"padding": padding, "groups": groups, "strides": strides, "dilation": dilation}
    spans = [(k - 1) * d + 1 for k, d in zip(size, dilation)]
    shape = (*images, channels[0] * groups)
    x, kernel, bias = make(shape, size, channels[1] * groups, attributes, dtype)
    if padding == "valid" and (spans[0] > shape[1] or spans[1] > shape[2]):
        with pytest.raises(ValueError, match="larger than the input's"):
            _core.conv2d(x, kernel, bias, **attributes)
        return
    y, *gradients = run(x, kernel, bias, **attributes)
    assert_near(y, conv(x, kernel, bias, **attributes), dtype)
    dy = np.random.default_rng(1).normal(size=y.shape).astype(dtype)
    for got, wanted in zip(gradients, conv_gradients(x, kernel, dy, **attributes)):
        assert_near(got, wanted, dtype)


@pytest.mark.parametrize(
    "case",
    [
        ((16, 28, 28, 1), (3, 3), 32, {"activation": "relu"}),
        ((16, 26, 26, 32), (3, 3), 64, {"activation": "relu"}),
        ((16, 26, 26, 32), (3, 3), 64, {"strides": (2, 2), "padding": "same"}),
        ((8, 20, 20, 16), (1, 1), 96, {}),
        ((8, 32, 32, 48), (3, 3), 48, {"groups": 48, "padding": "same", "activation": "tanh"}),
        ((8, 32, 32, 64), (3, 3), 1, {"padding": "same", "activation": "sigmoid"}),
        ((8, 32, 32, 20), (3, 3), 60, {"groups": 20, "padding": "same"}),
    ],
    ids=str,
)
def test_thread_count_does_not_change_bits(case):
    attributes = case[3]
    x, kernel, bias = make(*case, "float32")
    results = []
    for count in (1, 2, 5):
        with conditions.threads(count):
            results.append(run(x, kernel, bias, **attributes))
    for other in results[1:]:
        for a, b in zip(results[0], other):
            assert np.array_equal(a, b)


@pytest.mark.parametrize("size", [(3, 3), (1, 1)])
def test_empty_batch(size):
    x, kernel, bias = make((0, 8, 8, 3), size, 4, {}, "float32")
    y, dx, dkernel, dbias = run(x, kernel, bias, activation="relu")
    assert y.shape == (0, 9 - size[0], 9 - size[1], 4) and dx.shape == x.shape
    assert not dkernel.any() and not dbias.any() and dkernel.shape == kernel.shape


def test_only_wanted_gradients():
    x, kernel, bias = (cnnpy.Tensor(a) for a in make((2, 6, 6, 3), (3, 3), 5, {}, "float32"))
    wanted = run(np.asarray(x), np.asarray(kernel), np.asarray(bias), np.ones((2, 4, 4, 5), "float32"))[1:]
    for i, watched in enumerate((x, kernel, bias)):
        with cnnpy.GradientTape() as tape:
            tape.watch(watched)
            y = _core.conv2d(x, kernel, bias)
        gradients = tape.gradient(y, [x, kernel, bias])
        assert [g is not None for g in gradients] == [i == k for k in range(3)]
        assert np.array_equal(np.asarray(gradients[i]), wanted[i])


def test_nan_passes_through_relu(level):
    x = np.zeros((1, 4, 20, 1), "float32")
    x[0, 1, 3, 0] = np.nan
    y = np.asarray(_core.conv2d(x, np.ones((1, 1, 1, 9), "float32"), activation="relu"))
    assert np.isnan(y[0, 1, 3]).all() and np.isnan(y).sum() == 9


def test_incoming_gradient_is_not_changed():
    x, kernel, bias = make((2, 6, 6, 3), (3, 3), 5, {}, "float32")
    for activation in ("relu", "softmax"):
        dy = np.ones((2, 4, 4, 5), "float32")
        run(x, kernel, bias, dy, activation=activation)
        assert (dy == 1).all()


def test_failed_allocation_leaves_nothing_behind():
    x, kernel, bias = (cnnpy.Tensor(a) for a in make((2, 6, 6, 3), (3, 3), 5, {}, "float32"))
    dy = cnnpy.Tensor(np.ones((2, 4, 4, 5), "float32"))
    before = _core.memory_stats()["in_use"]
    for n in range(1, 40):
        try:
            _core.memory_fail_at(n)
            with cnnpy.GradientTape() as tape:
                tape.watch([x, kernel, bias])
                y = _core.conv2d(x, kernel, bias, activation="softmax")
            tape.gradient(y, [x, kernel, bias], output_gradients=dy)
        except MemoryError:
            pass
        finally:
            _core.memory_fail_at(0)
        y = tape = None
    assert _core.memory_stats()["in_use"] == before


def zeros(*shape):
    return np.zeros(shape, "float32")


IMAGES, KERNEL = (1, 8, 8, 4), (3, 3, 4, 8)


@pytest.mark.parametrize(
    "x, kernel, attributes, message",
    [
        (
            (32, 28, 28, 1),
            (3, 3, 3, 8),
            {},
            r"input has 1 channel, its kernel expects 3; got shape \(32, 28, 28, 1\)\. Pass",
        ),
        (
            (28, 28, 1),
            KERNEL,
            {},
            r"input must have 4 dimensions \(batch, height, width, channels\), got shape \(28, 28",
        ),
        (IMAGES, (3, 3, 8), {}, r"kernel must have 4 dimensions"),
        (IMAGES, (0, 3, 4, 8), {}, r"no dimension of the kernel"),
        ((1, 2, 8, 4), KERNEL, {}, r"kernel of height 3 is larger than the input's height of 2 with padding 'valid'"),
        ((1, 8, 4, 4), KERNEL, {"dilation": (1, 2)}, r"kernel of width 5 \(dilation included\) is larger"),
        (IMAGES, KERNEL, {"strides": (0, 1)}, r"strides must be positive.*got \(0, 1\)"),
        (IMAGES, KERNEL, {"strides": -1}, r"strides must be positive"),
        (IMAGES, KERNEL, {"strides": (1, 1, 1)}, r"strides must be one integer or two \(height, width\), got 3"),
        (IMAGES, KERNEL, {"dilation": 0}, r"dilation must be positive"),
        (IMAGES, KERNEL, {"dilation": 1 << 20}, r"spans more than"),
        (IMAGES, (3, 3, 2, 9), {"groups": 2}, r"9 filters cannot be divided into 2 groups"),
        ((1, 8, 8, 5), (3, 3, 2, 8), {"groups": 2}, r"5 channels, which cannot be divided into 2 groups"),
        (IMAGES, KERNEL, {"groups": 2}, r"input has 4 channels, its kernel expects 8"),
        (IMAGES, KERNEL, {"groups": 0}, r"groups must be positive, got 0"),
        (IMAGES, KERNEL, {"padding": "full"}, r"padding must be one of 'valid', 'same', got 'full'"),
        (IMAGES, KERNEL, {"activation": "gelu"}, r"activation must be one of"),
    ],
)
def test_bad_input(x, kernel, attributes, message):
    with pytest.raises(ValueError, match=message):
        _core.conv2d(zeros(*x), zeros(*kernel), **attributes)


def test_bad_bias():
    with pytest.raises(ValueError, match=r"bias must have shape \(8,\)"):
        _core.conv2d(zeros(*IMAGES), zeros(*KERNEL), zeros(7))


def test_bad_dtypes():
    x, kernel, bias = zeros(*IMAGES), zeros(*KERNEL), zeros(8)
    with pytest.raises(TypeError, match="input must be float32 or float64, got int32"):
        _core.conv2d(x.astype("int32"), kernel, bias)
    with pytest.raises(TypeError, match="input is float32 but kernel is float64"):
        _core.conv2d(x, kernel.astype("float64"), bias)
    with pytest.raises(TypeError, match="bias is float64"):
        _core.conv2d(x, kernel, bias.astype("float64"))


def test_label_goes_before_the_message():
    op = _core.conv2d.bind('Conv2D "conv2d_3"', padding="same")
    with pytest.raises(ValueError, match=r'Conv2D "conv2d_3": input has 1 channel, its kernel expects 3'):
        op(zeros(32, 28, 28, 1), zeros(3, 3, 3, 8))


@pytest.mark.parametrize("attributes", [{"strides": (1 << 20, 1 << 20)}, {"strides": (1 << 20, 1), "padding": "same"}])
def test_huge_strides(attributes):
    x, kernel, bias = make((2, 40, 30, 3), (3, 3), 5, {}, "float64")
    y, *gradients = run(x, kernel, bias, **attributes)
    assert_near(y, conv(x, kernel, bias, **attributes), "float64")
    dy = np.random.default_rng(1).normal(size=y.shape)
    for got, wanted in zip(gradients, conv_gradients(x, kernel, dy, **attributes)):
        assert_near(got, wanted, "float64")


@pytest.mark.parametrize("algorithm", ["direct", "winograd"])
def test_large_result_is_written_whole(algorithm, level):
    """Results beyond 32 MiB take another path to memory. The parts hold whole patches of Winograd's."""
    x, kernel, bias = make((1, 304, 452, 1), (3, 3), 64, {}, "float32")
    before = cnnpy.config.conv_algorithm()
    cnnpy.config.set_conv_algorithm(algorithm)
    try:
        y = np.asarray(_core.conv2d(x, kernel, bias, activation="relu"))
        for rows in (slice(0, 14), slice(292, 304)):
            part = np.asarray(_core.conv2d(x[:, rows], kernel, bias, activation="relu"))
            assert np.array_equal(y[:, rows.start : rows.stop - 2], part)
    finally:
        cnnpy.config.set_conv_algorithm(before)


def test_an_unknown_argument_listed_arguments_of_the_private_base_class():
    with pytest.raises(ValueError, match=r"unknown argument 'colour'.*It takes: filters, kernel_size") as caught:
        cnnpy.layers.Conv2D(2, 3, colour=1)
    assert not any(name in str(caught.value) for name in ("window", "treatments"))
