"""Under which conditions tests run ops: every processor level, one thread or several, both float dtypes."""

from contextlib import contextmanager

import numpy as np

import cnnpy
from cnnpy import _core

LEVELS = _core.levels()


@contextmanager
def level(name):
    """Kernels of the processor level NAME inside the block."""
    before = _core.get_level()
    _core.set_level(name)
    try:
        yield
    finally:
        _core.set_level(before)


@contextmanager
def threads(count):
    """COUNT threads inside the block."""
    _core.set_threads(count)
    try:
        yield
    finally:
        _core.set_threads(None)


def results_and_gradients(function, arrays, seed=0):
    """[y, dx0, dx1, ...] as NumPy arrays for random gradients of y; only float inputs have gradients."""
    tensors = [cnnpy.Tensor(a) for a in arrays]
    watched = [t for t in tensors if str(t.dtype).startswith("float")]
    with cnnpy.GradientTape() as tape:
        tape.watch(watched)
        y = function(*tensors)
    y = y[0] if isinstance(y, tuple) else y
    dy = np.random.default_rng(seed).normal(size=y.shape).astype(str(y.dtype))
    gradients = tape.gradient([y], watched, output_gradients=[cnnpy.Tensor(dy)])
    return [np.array(v) for v in (y, *gradients) if v is not None]


def assert_same_bits_for_any_threads(function, arrays):
    """The result and its gradients have the same bits on one, two and five threads, at every level."""
    for name in LEVELS:
        with level(name):
            runs = []
            for count in (1, 2, 5):
                with threads(count):
                    runs.append(results_and_gradients(function, arrays))
            for other in runs[1:]:
                assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(runs[0], other)), name


def assert_close_at_every_level(function, reference, arrays, rtol=2e-5, atol=2e-6):
    """FUNCTION equals REFERENCE (of float64 arrays) in float64 closely and in float32 within the tolerances."""
    wide = [np.asarray(a, "float64") if np.asarray(a).dtype.kind == "f" else np.asarray(a) for a in arrays]
    expected = reference(*wide)
    for name in LEVELS:
        with level(name):
            got = np.asarray(function(*wide))
            assert got.dtype == np.float64 and got.shape == expected.shape, (got.dtype, got.shape, expected.shape)
            np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12, err_msg=name)
            narrow = [a.astype("float32") if a.dtype.kind == "f" else a for a in wide]
            got = np.asarray(function(*narrow))
            assert got.dtype == np.float32
            np.testing.assert_allclose(got, expected, rtol=rtol, atol=atol, err_msg=name)
