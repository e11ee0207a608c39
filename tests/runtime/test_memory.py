"""Memory that runs out, and memory that must not grow: whatever fails says MemoryError, loses nothing and goes on."""

import contextlib
import gc
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import cnnpy
from cnnpy import _core


def in_use():
    gc.collect()
    return _core.memory_stats()["in_use"]


def fail_each_allocation(action, most=500):
    """Calls ACTION with its 1st, 2nd, ... allocation failing, until it needs no more. Returns how many it needed."""
    action()
    before = in_use()
    for n in range(1, most):
        _core.memory_fail_at(n)
        try:
            action()
        except MemoryError as error:
            assert "no memory for" in str(error)
        else:
            assert in_use() == before
            return n - 1
        finally:
            _core.memory_fail_at(0)
        assert in_use() == before, f"allocation {n} failed and memory was lost"
    raise AssertionError(f"more than {most} allocations")


X = np.random.default_rng(0).normal(size=(4, 6, 6, 3)).astype("float32")

ACTIONS = {
    "Tensor": lambda: cnnpy.Tensor(X),
    "array, shared": lambda: cnnpy.array(X),
    "array, converted": lambda: cnnpy.array(X, dtype="float64"),
    "array of a number": lambda: cnnpy.array(1.5),
    "array of lists": lambda: cnnpy.array([[1.0], [2.0]]),
    "Variable": lambda: cnnpy.Variable(X),
    "numpy view": lambda: np.asarray(cnnpy.array(X)),
    "buffer": lambda: memoryview(cnnpy.array(X)),
    "dlpack": lambda: np.from_dlpack(cnnpy.array(X)),
    "dlpack copy": lambda: cnnpy.from_dlpack(X, copy=True),
    "operator": lambda: cnnpy.array(X) + 1.0,
    "number on the left": lambda: 2 - cnnpy.array(X),
    "index": lambda: cnnpy.array(X)[1:, 0, None, ::-1],
    "index array": lambda: cnnpy.array(X)[:, [[0, 1], [2, 2]]],
    "mask": lambda: cnnpy.array(X)[X > 0],
    "method": lambda: cnnpy.array(X).std(axis=0),
    "variadic op": lambda: _core.concatenate([X] * 20, axis=0),
    "bind": lambda: _core.reshape.bind("here", shape=(-1,)),
    "tape": lambda: cnnpy.GradientTape(),
    "snapshot": lambda: cnnpy.Variable(1.0).value,
    "text": lambda: repr(cnnpy.array(1.0)),
    "copy": lambda: cnnpy.array(1.0).copy(),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_each_allocation_may_fail(name):
    assert fail_each_allocation(ACTIONS[name]) > 0


def test_recorded_op_and_gradient():
    kernel = cnnpy.Variable(np.random.default_rng(1).normal(size=(3, 3, 3, 2)).astype("float32"))
    bias = cnnpy.Variable(np.zeros(2, "float32"))
    results = []

    def step():
        with cnnpy.GradientTape() as tape:
            y = _core.conv2d(X, kernel, bias, activation="relu", padding="same")
            loss = (y * y).mean()
        results[:] = [g.numpy() for g in tape.gradient(loss, [kernel, bias])]

    step()
    expected = list(results)
    assert fail_each_allocation(step) > 20
    for got, right in zip(results, expected):
        np.testing.assert_array_equal(got, right)


def test_an_assignment_that_fails_leaves_the_old_values():
    v = cnnpy.Variable(np.zeros(1000))

    def assign(method, value):
        view = np.asarray(v)  # so that new storage is needed
        getattr(v, method)(value)
        return view

    for method, value in (("assign", np.ones(1000)), ("assign_add", np.ones(1000)), ("assign_sub", 1.0)):
        for n in range(1, 20):
            kept, before = v.numpy(), in_use()
            _core.memory_fail_at(n)
            try:
                assign(method, value)
                break
            except MemoryError:
                assert v.tolist() == kept.tolist() and in_use() == before
            finally:
                _core.memory_fail_at(0)
        else:
            raise AssertionError
    assert v.tolist() == [1.0] * 1000


def test_the_limit_refuses_and_says_so():
    before = in_use()
    _core.memory_set_limit(before + 1_000_000)
    try:
        with pytest.raises(MemoryError, match=r"would go over the memory limit .* raise the limit"):
            cnnpy.Tensor(np.zeros(1_000_000))
        assert cnnpy.Tensor(np.zeros(1000)).size == 1000
    finally:
        _core.memory_set_limit(None)
    assert cnnpy.Tensor(np.zeros(1_000_000)).size == 1_000_000
    for bad in (-1, "a", 1.5):
        with pytest.raises((ValueError, TypeError)):
            _core.memory_set_limit(bad)


def test_sizes_that_overflow():
    x = cnnpy.array(np.zeros((1, 1), "float32"))
    with pytest.raises((MemoryError, ValueError), match=r"larger than any memory|too large"):
        _core.broadcast_to(x, shape=(2**40, 2**40))
    with pytest.raises((MemoryError, ValueError)):
        _core.broadcast_to(x, shape=(2**62, 2**62))
    with pytest.raises((MemoryError, ValueError, OverflowError)):
        _core.tile(x, repeats=(2**62, 4))
    with pytest.raises(OverflowError):
        _core.reshape(x, shape=(2**64,))


def test_no_references_are_lost():
    """Objects and bytes stay level over many rounds of everything."""
    v = cnnpy.Variable(X)
    key, other = np.array([0, 1]), object()

    def everything():
        for action in ACTIONS.values():
            action()
        for bad in (
            lambda: v.assign("a"),
            lambda: cnnpy.array([[1], [2, 3]]),
            lambda: v + other,
            lambda: v[99],
            lambda: v @ v[0, 0],
        ):
            with contextlib.suppress(TypeError, ValueError, IndexError):
                bad()
        with cnnpy.GradientTape(persistent=True) as tape:
            y = (v[key] ** 2).sum()
        tape.gradient(y, {"v": [v]})
        tape.watched_variables()
        list(v)

    everything()
    shared = [
        None,
        True,
        False,
        NotImplemented,
        X,
        key,
        other,
        cnnpy.Tensor,
        cnnpy.Variable,
        _core.reshape,
        X.dtype,
        (),
    ]
    growths = []
    for _ in range(4):  # the first rounds fill free lists and caches
        before, blocks, bytes_before = [sys.getrefcount(o) for o in shared], sys.getallocatedblocks(), in_use()
        for _ in range(100):
            everything()
        gc.collect()
        after = [sys.getrefcount(o) for o in shared]
        assert all(b - a < 50 for a, b in zip(before, after)), list(zip(shared, before, after))
        assert in_use() == bytes_before
        growths.append(sys.getallocatedblocks() - blocks)
    assert min(growths) < 50, growths


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_computes():
    program = textwrap.dedent("""
        import os, warnings, numpy as np, cnnpy
        warnings.simplefilter("ignore")  # Python warns of forks beside threads
        def train():
            v = cnnpy.Variable(np.ones((200, 200)))
            with cnnpy.GradientTape() as tape:
                y = ((v @ v) ** 2).mean()
            return tape.gradient(y, v).numpy()
        expected = train()
        for _ in range(10):
            child = os.fork()
            if child == 0:
                os._exit(0 if np.array_equal(train(), expected) else 1)
            assert os.waitpid(child, 0)[1] == 0
        print("fine")
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100)
    assert done.stdout.strip() == "fine", done.stderr


def test_under_pythons_own_checks():
    """With Python's developer mode and its debugging allocator, which find writes past the end and use after free."""
    program = textwrap.dedent("""
        import copy, gc, pickle, numpy as np, cnnpy
        for _ in range(30):
            v = cnnpy.Variable(np.ones((3, 4)))
            v.me = v
            with cnnpy.GradientTape() as tape:
                y = (v[1:] @ v.T).sum()
            g = tape.gradient(y, {"v": v})["v"]
            w = pickle.loads(pickle.dumps(copy.deepcopy(v)))
            m, d = memoryview(w), np.from_dlpack(w.value)
            w.assign(g)
            str(w), repr(g), [row.tolist() for row in g], list(map(float, g[0]))
            del v, w, tape
            gc.collect()
        print("fine")
    """)
    environment = {**os.environ, "PYTHONMALLOC": "debug", "PYTHONDEVMODE": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=100, env=environment
    )
    assert done.stdout.strip() == "fine", done.stderr
    assert done.stderr == ""
