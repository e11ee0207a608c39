"""Gradients of every differentiable op of csrc/ops against finite differences, one table for all; the same table drives
the tests that each op leaks nothing when memory ends, and gives the same bits for any number of threads."""

import re
from pathlib import Path

import numpy as np
import pytest

import cnnpy
from cnnpy import _core
from gradients import check_gradients

SOURCE = Path(__file__).parents[2] / "csrc"


def real(*shape, seed=1, away=0.0):
    """Normal numbers, at least AWAY from 0."""
    x = np.random.default_rng([seed, *shape]).normal(size=shape)
    return np.asarray(x + np.sign(x) * away)


def positive(*shape, seed=1):
    return np.abs(real(*shape, seed=seed)) + 0.3


def between(*shape, seed=1):
    """Numbers from -0.9 to 0.9."""
    return 0.9 * np.tanh(real(*shape, seed=seed))


def distinct(*shape, seed=1):
    """Numbers that differ by 0.1 and more, in random order."""
    n = int(np.prod(shape))
    return 0.1 * np.random.default_rng(seed).permutation(n).reshape(shape) - 0.05 * n


TRUTH = np.random.default_rng(5).random((3, 4)) > 0.5
INDICES = np.array([[2, 0], [-1, 2]])
ALONG = np.array([[2, 0, 2, 1], [0, 0, -1, 1]])

# Pairs of shapes: equal, scalars, trailing, leading and inner broadcasts, both sides broadcast, one pixel, empty.
PAIRS = [((3, 4), (3, 4)), ((3, 4), ()), ((), (2,)), ((2, 3, 4), (4,)), ((2, 3, 4), (2, 1, 4)), ((3, 1), (1, 4))]
PAIRS += [((2, 1, 3, 1), (4, 1, 2)), ((1, 1), (1,)), ((0, 3), (3,))]
AXES = [{}, {"axis": 0}, {"axis": -1, "keepdims": True}, {"axis": (0, 2)}, {"axis": (1, 2)}, {"axis": (0, 1, 2)}]
CUBES = [(2, 3, 4), (1, 1, 1), (3, 1, 2)]


def pairs(left=real, right=real):
    return [({}, (left(*a, seed=1), right(*b, seed=2))) for a, b in PAIRS]


def unary(make):
    return [({}, (make(*shape),)) for shape in [(3, 4), (), (1,), (2, 0, 3), (17,)]]


def reduction(make=real):
    return [(attrs, (make(*shape),)) for attrs in AXES for shape in CUBES] + [
        ({"axis": (1, 3)}, (make(2, 3, 2, 2),)),
        ({}, (make(),)),
    ]


# name: [(attributes, arrays)]
ROWS = {
    "add": pairs(),
    "subtract": pairs(),
    "multiply": pairs(),
    "divide": pairs(right=lambda *s, seed: real(*s, seed=seed, away=0.5)),
    "power": [
        *pairs(left=positive),
        ({}, (real(3, 4, away=0.3), np.asarray(2))),
        ({}, (real(3, 4, away=0.3), np.asarray(3))),
    ],
    "maximum": pairs(),
    "minimum": pairs(),
    "mod": [({}, (np.array([5.3, -5.3, 0.4]), np.array([2.0, 2.0, -3.0])))],
    "fmod": [({}, (np.array([5.3, -5.3, 0.4]), np.array([2.0, 2.0, -3.0])))],
    "fmax": pairs(),
    "fmin": pairs(),
    "divide_no_nan": pairs(right=lambda *s, seed: real(*s, seed=seed, away=0.5)),
    "arctan2": pairs(),
    "hypot": pairs(),
    "heaviside": [({}, (real(3, 4, away=0.1), real(4))), ({}, (np.zeros((2, 0)), real(1)))],
    "negative": unary(real),
    "abs": unary(lambda *s: real(*s, away=0.1)),
    "square": unary(real),
    "exp": unary(real),
    "expm1": unary(real),
    "log": unary(positive),
    "log1p": unary(positive),
    "log2": unary(positive),
    "log10": unary(positive),
    "sqrt": unary(positive),
    "rsqrt": unary(positive),
    "reciprocal": unary(lambda *s: real(*s, away=0.5)),
    "sin": unary(real),
    "cos": unary(real),
    "tan": unary(between),
    "arcsin": unary(between),
    "arccos": unary(between),
    "arctan": unary(real),
    "sinh": unary(real),
    "cosh": unary(real),
    "arcsinh": unary(real),
    "arccosh": unary(lambda *s: positive(*s) + 1),
    "arctanh": unary(between),
    "exp2": unary(real),
    "cbrt": unary(lambda *s: real(*s, away=0.3)),
    "erf": unary(real),
    "erfc": unary(real),
    "erfinv": unary(between),
    "sinc": [*unary(real), ({}, (np.array([0.0, 0.01, 0.0318, 0.0319, -0.5]),))],
    "i0": unary(lambda *s: 3 * real(*s)),
    "sum": reduction(),
    "mean": reduction(),
    "variance": reduction(),
    "max": reduction(distinct),
    "min": reduction(distinct),
    "prod": [*reduction(), ({"axis": 1}, (np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 1.0]]),))],
    "matmul": [
        ({}, (real(*a, seed=1), real(*b, seed=2)))
        for a, b in [
            *[
                ((3, 4), (4, 2)),
                ((4,), (4,)),
                ((4,), (4, 2)),
                ((3, 4), (4,)),
                ((2, 3, 4), (4, 5)),
                ((2, 3, 4), (2, 4, 5)),
            ],
            *[
                ((3, 4), (2, 4, 5)),
                ((2, 1, 3, 4), (5, 4, 2)),
                ((2, 3, 4), (4,)),
                ((1, 1), (1, 1)),
                ((3, 0), (0, 2)),
                ((0, 3), (3, 2)),
            ],
            *[((9, 2, 3), (9, 3, 2)), ((4,), (2, 4, 3))],
        ]
    ],
    "transpose": [
        ({}, (real(2, 3, 4),)),
        ({"axes": (1, 2, 0)}, (real(2, 3, 4),)),
        ({"axes": (0, -1, 1)}, (real(2, 3, 4),)),
        ({}, (real(),)),
    ],
    "cast": [({"dtype": "float64"}, (real(3, 4),))],
    "reshape": [({"shape": (4, -1)}, (real(3, 4),)), ({"shape": ()}, (real(1),))],
    "slice": [
        ({"begin": (1,), "end": (3,)}, (real(4, 3),)),
        ({"begin": (3, 0), "end": (-9, 3), "stride": (-2, 2)}, (real(4, 3),)),
        ({"begin": (0, -2, 1), "end": (1, 9, 2), "stride": (1, 1, 1)}, (real(2, 3, 4),)),
        ({"begin": (2,), "end": (1,)}, (real(4, 3),)),
    ],
    "concatenate": [
        ({"axis": axis}, (real(2, 3, seed=1), real(2, 3, seed=2), real(2, 3, seed=3))) for axis in (0, 1, -1)
    ]
    + [({"axis": 1}, (real(2, 3), real(2, 0), real(2, 1)))],
    "stack": [({"axis": axis}, (real(2, 3, seed=1), real(2, 3, seed=2))) for axis in (0, 1, -1)],
    "take": [({"axis": axis}, (real(3, 4, 3), INDICES)) for axis in (0, 1, -1)]
    + [({"axis": 0}, (real(3, 2), np.zeros(0, int)))],
    "take_along_axis": [({"axis": 0}, (real(3, 4), ALONG)), ({"axis": 1}, (real(2, 3), ALONG))],
    "expand_dims": [({"axis": axis}, (real(2, 3),)) for axis in (0, 1, -1)],
    "squeeze": [({}, (real(2, 1, 3, 1),)), ({"axis": 1}, (real(2, 1, 3, 1),))],
    "broadcast_to": [({"shape": (2, 3, 4)}, (real(*shape),)) for shape in [(), (4,), (3, 1), (2, 1, 1), (2, 3, 4)]],
    "clip": [({"min": -0.5, "max": 0.7}, (distinct(4, 5) + 0.013,)), ({"max": 0.5}, (distinct(7) + 0.013,))],
    "where": [
        ({}, (TRUTH, real(*a, seed=1), real(*b, seed=2)))
        for a, b in [((3, 4), (3, 4)), ((), (4,)), ((3, 1), ()), ((2, 1, 4), (3, 4)), ((1,), (2, 3, 4))]
    ],
    "cumsum": [({"axis": axis, "reverse": r}, (real(2, 3, 4),)) for axis in (0, 1, -1) for r in (False, True)],
    "pad": [
        ({"padding": (1, 0, 2, 3), "value": 7}, (real(2, 3),)),
        ({"padding": (0, 1)}, (real(0),)),
        ({"padding": ()}, (real(),)),
    ],
    "flip": [({}, (real(2, 3, 4),)), ({"axis": 1}, (real(2, 3, 4),)), ({"axis": (0, -1)}, (real(2, 3, 4),))],
    "repeat": [({"repeats": r, "axis": axis}, (real(2, 3, 2),)) for r in (1, 3) for axis in (0, 1, -1)]
    + [({"repeats": 0, "axis": 0}, (real(2, 3),))],
    "tile": [({"repeats": r}, (real(2, 3),)) for r in [(2,), (2, 1), (3, 2), (2, 1, 3), (1, 1)]],
}
CASES = [pytest.param(name, *case, id=f"{name}-{i}") for name, cases in ROWS.items() for i, case in enumerate(cases)]


def call(name, attrs, tensors):
    op = getattr(_core, name)
    return op(list(tensors), **attrs) if name in ("concatenate", "stack") else op(*tensors, **attrs)


def our_ops():
    """The ops that the files of csrc/ops define: descriptors, and entries of the lists they include."""
    names = set()
    for path in [*SOURCE.glob("ops/*.c"), SOURCE / "kernels/binary.def", SOURCE / "kernels/unary.def"]:
        text = path.read_text()
        names |= set(re.findall(r"cnn_op cnn_op_(\w+) =", text)) | set(
            re.findall(r"^(?:CNN_)?[A-Z]+\((\w+),", text, re.M)
        )
    return sorted(names & set(_core.op_names))


def test_every_differentiable_op_has_a_row():
    ours = our_ops()
    assert len(ours) > 60 and {"add", "sum", "reshape", "concatenate", "where", "tile"} <= set(ours)
    missing = [name for name in ours if getattr(_core, name).differentiable and name not in ROWS]
    assert not missing, f"no gradient test for {missing}"


@pytest.mark.parametrize("name, attrs, arrays", CASES)
def test_gradient(name, attrs, arrays):
    check_gradients(lambda *tensors: call(name, attrs, tensors), arrays)


def test_gradient_of_mixed_dtypes_has_the_dtype_of_its_input():
    a, b, c = cnnpy.Tensor(np.float32([1, 2])), cnnpy.Tensor(np.array([[3.0], [4.0]])), np.array([5, 6])
    with cnnpy.GradientTape() as tape:
        tape.watch([a, b])
        y = _core.multiply(_core.multiply(a, b), c)
    da, db = tape.gradient(y, [a, b])
    assert (da.dtype, db.dtype) == ("float32", "float64")
    np.testing.assert_array_equal(da, [35, 42])
    np.testing.assert_array_equal(db, [[17], [17]])


def test_gradient_through_a_cast():
    x = cnnpy.Tensor(np.float32([1.5, 2.5]))
    with cnnpy.GradientTape() as tape:
        tape.watch([x])
        y = _core.square(_core.cast(x, dtype="float64"))
    (gradient,) = tape.gradient(y, [x])
    assert gradient.dtype == "float32"
    np.testing.assert_array_equal(gradient, [3, 5])


@pytest.mark.parametrize("name, attrs, arrays", [c for c in CASES if c.id.endswith(("-0", "-4"))])
def test_running_out_of_memory_leaves_nothing_behind(name, attrs, arrays):
    """Each allocation of forward and backward fails once; then nothing more is in use than before."""

    def step():
        tensors = [cnnpy.Tensor(a) for a in arrays]
        with cnnpy.GradientTape() as tape:
            tape.watch([t for t in tensors if t.dtype == "float64"])
            y = call(name, attrs, tensors)
        tape.gradient(y, [t for t in tensors if t.dtype == "float64"])

    step()
    before = _core.memory_stats()["in_use"]
    for n in range(1, 200):
        _core.memory_fail_at(n)
        try:
            step()
            done = True
        except MemoryError:
            done = False
        finally:
            _core.memory_fail_at(0)
        assert _core.memory_stats()["in_use"] == before, f"after allocation {n} failed"
        if done:
            break
    assert done and n > 3


BIG = {
    "binary": lambda x: _core.multiply(x, _core.mean(x, axis=0)),
    "sum": lambda x: _core.sum(x),
    "sum of columns": lambda x: _core.sum(x, axis=0),
    "sum of rows": lambda x: _core.variance(x, axis=1),
    "max": lambda x: _core.max(x, axis=0),
    "matmul": lambda x: _core.matmul(_core.transpose(x), x),
    "stack of products": lambda x: _core.matmul(
        _core.reshape(x, shape=(-1, 50, 60)), _core.reshape(x, shape=(-1, 60, 50))
    ),
    "cumsum": lambda x: _core.cumsum(x, axis=0),
    "take": lambda x: _core.take(x, np.arange(3000) % 7, axis=0),
    "pad": lambda x: _core.pad(x, padding=(1, 2, 3, 4)),
    "broadcast": lambda x: _core.add(_core.reshape(x, shape=(3000, 1, 300)), np.ones((1, 3, 1), np.float32)),
}


@pytest.mark.parametrize("function", BIG.values(), ids=BIG)
def test_same_bits_for_any_number_of_threads(function):
    array = np.random.default_rng(0).normal(size=(3000, 300)).astype("float32")

    def step():
        x = cnnpy.Tensor(array)
        with cnnpy.GradientTape() as tape:
            tape.watch([x])
            y = function(x)
        return [y.numpy(), tape.gradient(y, [x])[0]]

    results = []
    try:
        for threads in (1, 2, 3, 7):
            _core.set_threads(threads)
            results.append([np.asarray(a).tobytes() for a in step()])
    finally:
        _core.set_threads(None)
    assert all(r == results[0] for r in results)
