"""Branches, loops, mapped functions, and gradients of one's own."""

import gc
import weakref

import numpy as np
import pytest

import cnnpy
from cnnpy import _core, ops
from gradients import check_gradients

X = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")


def test_cond_and_switch():
    assert float(ops.cond(ops.greater(2, 1), lambda: ops.array(1.0), lambda: ops.array(2.0))) == 1
    assert float(ops.cond(False, lambda: 1.0, lambda: 2.0)) == 2
    branches = [lambda x: x, lambda x: x * 2, lambda x: x * 3]
    assert [float(ops.switch(i, branches, ops.array(1.0))) for i in (-3, 0, 1, 2, 9)] == [1, 1, 2, 3, 3]
    x = cnnpy.Input((3,))
    model = cnnpy.Model(x, ops.switch(1, branches, x))
    np.testing.assert_array_equal(model(X), X * 2)


def test_while_loop():
    i, total = ops.while_loop(lambda i, s: i < 5, lambda i, s: (i + 1, s + i), (0, 0.0))
    assert (int(i), float(total)) == (5, 10)
    assert isinstance(ops.while_loop(lambda i: i < 5, lambda i: [i + 1], [0]), list)
    assert int(ops.while_loop(lambda i: i < 5, lambda i: i + 1, 0, maximum_iterations=3)) == 3
    nested = ops.while_loop(lambda s: s["n"] < 3, lambda s: {"n": s["n"] + 1}, {"n": 0})
    assert int(nested["n"]) == 3
    with pytest.raises(ValueError, match="must return 2 values, got 3"):
        ops.while_loop(lambda a, b: True, lambda a, b: (a, b, a), (0, 0))
    check_gradients(
        lambda x: ops.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x), (0, x))[1], [np.ones(3) * 1.5]
    )
    x = cnnpy.Input((3,))
    y = ops.while_loop(lambda a: ops.all(a < 100), lambda a: a * 2, x)  # zeros would never end it
    assert y.shape == (None, 3)
    np.testing.assert_array_equal(cnnpy.Model(x, y)(np.float32([[1, 2, 3]])), [[64, 128, 192]])


def test_fori_loop():
    assert int(ops.fori_loop(2, 5, lambda i, s: s + i, 0)) == 9
    assert float(ops.fori_loop(3, 3, lambda i, s: s + i, 1.0)) == 1
    check_gradients(lambda x: ops.fori_loop(0, 3, lambda i, y: y * x, x), [np.ones(3) * 1.5])


def test_scan():
    carry, ys = ops.scan(lambda c, x: (c + x, c * x), np.zeros(3, "float32"), X)
    np.testing.assert_allclose(carry, X.sum(0), rtol=1e-5)
    before = np.concatenate([np.zeros((1, 3)), X.cumsum(0)[:-1]])
    np.testing.assert_allclose(ys, before * X, rtol=1e-4, atol=1e-6)
    carry, ys = ops.scan(lambda c, x: (c + x, c), np.zeros(3, "float32"), X, reverse=True)
    np.testing.assert_allclose(ys[0], X[1:].sum(0), rtol=1e-5)
    carry, ys = ops.scan(lambda c, _: (c * 2, None), 1.0, length=4)
    assert float(carry) == 16 and ys is None
    carry, ys = ops.scan(lambda c, x: ({"a": c["a"] + x[0]}, (x[1], c["a"])), {"a": 0.0}, (X[:, 0], X[:, 1]))
    assert ys[0].shape == ys[1].shape == (5,) and float(carry["a"]) == pytest.approx(X[:, 0].sum(), rel=1e-5)
    carry, ys = ops.scan(lambda c, x: (c, x), 1.0, X[:0])
    assert ys.shape == (0,)
    check_gradients(lambda x: ops.scan(lambda c, r: (c * r, c), x[0], x), [X.astype("float64")])
    for call, message in [
        (lambda: ops.scan(lambda c, x: (c, x), 0.0), "length says"),
        (lambda: ops.scan(lambda c, x: (c, x), 0.0, X, length=2), "length is 2, but xs have 5"),
        (lambda: ops.scan(lambda c, x: (c, x), 0.0, (X, X[:2])), r"one size along axis 0, got \[2, 5\]"),
        (lambda: ops.scan(lambda c, x: (c, x), 0.0, X, unroll=0), "unroll"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="f must be a function"):
        ops.scan(3, 0.0, X)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 13])
def test_associative_scan(n):
    x = np.random.default_rng(n).normal(size=(2, n)).astype("float32")
    np.testing.assert_allclose(ops.associative_scan(ops.add, x, axis=1), x.cumsum(1), rtol=1e-5, atol=1e-6)
    backwards = ops.associative_scan(ops.multiply, x, reverse=True, axis=-1)
    np.testing.assert_allclose(backwards, x[:, ::-1].cumprod(1)[:, ::-1], rtol=1e-5, atol=1e-6)
    # 2 x 2 matrices do not commute: the order is kept
    m = np.random.default_rng(n).normal(size=(n, 2, 2))
    expected = [m[0]]
    for one in m[1:]:
        expected.append(expected[-1] @ one)
    np.testing.assert_allclose(ops.associative_scan(ops.matmul, m), expected, rtol=1e-10)
    sums = ops.associative_scan(lambda a, b: {"k": a["k"] + b["k"]}, {"k": x[0]})
    np.testing.assert_allclose(sums["k"], x[0].cumsum(), rtol=1e-5, atol=1e-6)


def test_map_and_vectorized_map():
    for function in (ops.map, ops.vectorized_map):
        np.testing.assert_allclose(function(lambda r: ops.sum(r), X), X.sum(1), rtol=1e-5, atol=1e-6)
        y = function(lambda pair: {"d": pair[0] - pair[1], "s": (pair[0],)}, (X, X * 2))
        np.testing.assert_allclose(y["d"], -X)
        np.testing.assert_array_equal(y["s"][0], X)
        check_gradients(lambda x, f=function: f(lambda r: r * ops.sum(r), x), [X.astype("float64")])
        x = cnnpy.Input(batch_shape=(5, 3))
        np.testing.assert_allclose(cnnpy.Model(x, function(ops.square, x))(X), X**2)
        with pytest.raises(ValueError, match="no slices"):
            function(ops.square, X[:0])


def test_vectorize():
    larger = ops.vectorize(lambda a, b: ops.maximum(a, b))
    np.testing.assert_array_equal(larger(X, X[:1]), np.maximum(X, X[:1]))
    product = ops.vectorize(ops.matmul, signature="(m,n),(n)->(m)")
    m, v = np.ones((4, 1, 2, 3), "float32"), X
    np.testing.assert_allclose(product(m, v), (m @ v[..., None])[..., 0])
    power = ops.vectorize(lambda a, n: a**n, excluded={1})
    np.testing.assert_allclose(power(X, 2), X**2, rtol=1e-6)
    two = ops.vectorize(lambda a: (ops.sum(a), a), signature="(n)->(),(n)")
    total, same = two(X)
    assert total.shape == (5,) and same.shape == (5, 3)
    check_gradients(lambda a, b: ops.vectorize(lambda p, q: p * q)(a, b), [X.astype("float64"), np.ones(3)])
    for call, message in [
        (lambda: ops.vectorize(ops.matmul, signature="mn->m"), "no signature"),
        (lambda: product(m), "2 arguments in the signature"),
        (lambda: product(X[0], X), "fewer than 2 dimensions"),
        (lambda: larger(X[:0], X[:1]), "no elements"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()


def test_symbolic_tensor_from_outside_is_refused():
    x = cnnpy.Input((3,))
    with pytest.raises(ValueError, match="uses a symbolic tensor from outside"):
        ops.cond(True, lambda: x, lambda: x)


# ---- custom_gradient ----


@ops.custom_gradient
def doubled(x, scale=1.0):
    """x * scale, with the gradient 7."""

    def gradient(*args, upstream=None):
        upstream = args[0] if upstream is None else upstream
        return ops.multiply(upstream, 7.0)

    return x * scale, gradient


def test_custom_gradient():
    x = cnnpy.Variable([1.0, 2.0])
    with cnnpy.GradientTape() as tape:
        y = ops.sum(ops.square(doubled(x, scale=3.0)))
    np.testing.assert_array_equal(tape.gradient(y, x), [2 * 3 * 7, 2 * 6 * 7])
    inputs = cnnpy.Input((2,))
    model = cnnpy.Model(inputs, doubled(inputs))
    with cnnpy.GradientTape() as tape:
        t = ops.array([[1.0, 2.0]])
        tape.watch(t)
        y = model(t)
    np.testing.assert_array_equal(tape.gradient(y, t), [[7, 7]])
    np.testing.assert_array_equal(doubled(np.float32([1, 2])), [1, 2])  # without a tape


def test_custom_gradient_of_several_tensors():
    @ops.custom_gradient
    def function(a, b, flag):
        assert flag == "as it is"
        return (a * b, a + b), lambda ga, gb: (ga * b + gb, None)

    a, b = cnnpy.Variable([1.0, 2.0]), cnnpy.Variable([3.0, 4.0])
    with cnnpy.GradientTape(persistent=True) as tape:
        product, total = function(a, b, "as it is")
        y = ops.sum(product)
    ga, gb = tape.gradient(y, [a, b])
    np.testing.assert_array_equal(ga, [3, 4])
    assert gb is None
    np.testing.assert_array_equal(tape.gradient(total, a), [1, 1])


def test_custom_gradient_checks_what_comes_back():
    x = cnnpy.Variable([1.0, 2.0])
    for gradient, error, message in [
        (lambda g: ops.sum(g), ValueError, r"gave shape \(\) for input 0, whose shape is \(2,\)"),
        (lambda g: [g, g], ValueError, "must return 1 gradients, one for each input, got 2"),
        (lambda g: 1 / 0, ZeroDivisionError, "division"),
    ]:
        with cnnpy.GradientTape() as tape:
            y = ops.custom_gradient(lambda x, gradient=gradient: (x * 1.0, gradient))(x)
        with pytest.raises(error, match=message):
            tape.gradient(y, x)
    with pytest.raises(TypeError, match="must return"):
        ops.custom_gradient(lambda x: x)(x)
    with pytest.raises(ValueError, match="1 to 4 outputs"):
        ops.custom_gradient(lambda x: ([x] * 5, lambda *g: g[0]))(x)
    with pytest.raises(TypeError, match="outputs must be Tensors"):
        _core.custom_gradient([x], [1.0], max)
    with pytest.raises(TypeError, match="the last a function"):
        _core.custom_gradient([x], [x], 3)


def test_custom_gradient_is_forgotten_with_its_tape():
    class Gradient:
        def __call__(self, g):
            return [g]

    gradient = Gradient()
    gone = weakref.ref(gradient)
    x = cnnpy.Variable([1.0])
    with cnnpy.GradientTape() as tape:
        (y,) = _core.custom_gradient([x], [ops.array([2.0])], gradient)
    del gradient
    assert gone() is not None
    tape.gradient(y, x)
    gc.collect()
    assert gone() is None


def test_running_out_of_memory_in_custom_gradient_leaves_nothing_behind():
    x = cnnpy.Variable(np.ones(1000, "float32"))

    def step():
        with cnnpy.GradientTape() as tape:
            y = doubled(x)
        return tape.gradient(y, x)

    step()
    before = _core.memory_stats()["in_use"]
    for n in range(1, 100):
        _core.memory_fail_at(n)
        try:
            step()
            done = True
        except MemoryError:
            done = False
        finally:
            _core.memory_fail_at(0)
        gc.collect()
        assert _core.memory_stats()["in_use"] == before, f"after allocation {n} failed"
        if done:
            break
    assert done and n > 3


@pytest.mark.parametrize(
    "call", [lambda x: ops.svd(x)[0], lambda x: ops.qr(x, mode="complete")[0], lambda x: ops.lu_factor(x)[0]]
)
def test_what_has_no_gradient_says_so(call):
    x = cnnpy.Variable(X)
    with cnnpy.GradientTape() as tape:
        y = ops.sum(call(x))
    with pytest.raises(NotImplementedError, match=r"has no gradient: .*stop_gradient"):
        tape.gradient(y, x)
    with cnnpy.GradientTape() as tape:
        y = ops.sum(x * ops.stop_gradient(call(x))[: X.shape[0], :1])
    assert tape.gradient(y, x).shape == X.shape
