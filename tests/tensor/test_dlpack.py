"""DLPack in both directions, with NumPy and PyTorch."""

import gc
import subprocess
import sys
import textwrap
import weakref

import numpy as np
import pytest

import cnnpy
from cnnpy import _core

DTYPES = ["float32", "float64", "uint8", "int32", "int64", "bool"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (3,), (0, 2), (2, 3, 4)])
def test_numpy_both_ways(dtype, shape):
    a = np.ones(shape, dtype)
    t = cnnpy.from_dlpack(a)
    assert (t.shape, t.dtype) == (shape, dtype)
    b = np.from_dlpack(t)
    assert b.dtype == a.dtype and b.shape == shape and not b.flags.writeable
    np.testing.assert_array_equal(a, b)
    if a.size:
        assert np.shares_memory(a, b)


def test_lifetime_of_what_came_in():
    class Watched(np.ndarray):
        pass

    a = np.arange(4.0).view(Watched)
    reference = weakref.ref(a)
    t = cnnpy.from_dlpack(a)
    del a
    gc.collect()
    assert t.tolist() == [0, 1, 2, 3] and reference() is not None
    del t
    gc.collect()
    assert reference() is None


def test_lifetime_of_what_went_out():
    before = _core.memory_stats()["in_use"]
    t = cnnpy.Tensor(np.arange(1000.0))
    b = np.from_dlpack(t)
    del t
    gc.collect()
    cnnpy.Tensor(np.zeros(1000))  # would take the freed memory
    assert b[999] == 999 and _core.memory_stats()["in_use"] > before
    del b
    gc.collect()
    assert _core.memory_stats()["in_use"] == before


def test_capsules_that_nobody_takes():
    before = _core.memory_stats()["in_use"]
    t = cnnpy.Tensor(np.zeros(10))
    for options in ({}, {"max_version": (1, 0)}, {"max_version": (0, 8)}, {"max_version": (2, 5), "copy": True}):
        capsule = t.__dlpack__(**options)
        versioned = options.get("max_version", (0,))[0] >= 1
        assert ("dltensor_versioned" in repr(capsule)) == versioned
        del capsule
    del t
    gc.collect()
    assert _core.memory_stats()["in_use"] == before


def test_old_capsules_hold_a_copy():
    t = cnnpy.Tensor(np.zeros(3))

    class Old:
        def __dlpack__(self):
            return t.__dlpack__()

        def __dlpack_device__(self):
            return t.__dlpack_device__()

    taken = cnnpy.from_dlpack(Old())  # asked with max_version, which Old does not know
    assert not np.shares_memory(np.asarray(taken), np.asarray(t))
    with pytest.raises(BufferError, match="read-only"):
        t.__dlpack__(copy=False)


def test_layouts_that_need_a_copy():
    a = np.arange(24, dtype="float32").reshape(4, 6)
    for odd in (a.T, a[::2, 1::2], a[::-1]):
        np.testing.assert_array_equal(cnnpy.from_dlpack(odd).numpy(), odd)
        with pytest.raises(ValueError, match="not contiguous and aligned needs a copy"):
            cnnpy.from_dlpack(odd, copy=False)
    assert not np.shares_memory(np.asarray(cnnpy.from_dlpack(a, copy=True)), a)
    assert np.shares_memory(np.asarray(cnnpy.from_dlpack(a, copy=False)), a)


def test_refusals():
    t = cnnpy.array([1.0])
    for options, error, message in [
        ({"stream": 1}, BufferError, "stream must be None"),
        ({"dl_device": (2, 0)}, BufferError, "live on the processor"),
        ({"dl_device": "cpu"}, BufferError, "live on the processor"),
        ({"max_version": 1}, TypeError, "must be a tuple"),
        ({"max_version": ("a",)}, TypeError, "must be a tuple"),
        ({"copy": 2}, TypeError, "copy must be None"),
    ]:
        with pytest.raises(error, match=message):
            t.__dlpack__(**options)
    assert t.__dlpack_device__() == (1, 0)
    with pytest.raises(TypeError, match="a list has no __dlpack__"):
        cnnpy.from_dlpack([1.0])
    with pytest.raises(TypeError, match="DLPack type code 5 of 128 bits"):
        cnnpy.from_dlpack(np.zeros(2, "complex128"))
    with pytest.raises(TypeError, match="DLPack type code 0 of 8 bits"):
        cnnpy.from_dlpack(np.zeros(2, "int8"))
    with pytest.raises(ValueError, match="at most 8 dimensions"):
        cnnpy.from_dlpack(np.zeros((1,) * 9))
    with pytest.raises(ValueError, match="device must be None or 'cpu'"):
        cnnpy.from_dlpack(np.zeros(2), device="gpu")

    class Elsewhere:
        def __dlpack__(self, **options):
            raise AssertionError("not to be asked")

        def __dlpack_device__(self):
            return (2, 0)

    class Liar(Elsewhere):
        def __dlpack__(self, **options):
            return 3

        def __dlpack_device__(self):
            return (1, 0)

    with pytest.raises(ValueError, match="move it there first"):
        cnnpy.from_dlpack(Elsewhere())
    with pytest.raises(TypeError, match="gave no DLPack capsule"):
        cnnpy.from_dlpack(Liar())


def test_torch_both_ways():
    """In a process of its own: PyTorch brings another OpenMP runtime."""
    pytest.importorskip("importlib.util").find_spec("torch") or pytest.skip("no torch")
    program = textwrap.dedent("""
        import gc, torch, numpy as np, cnnpy
        for dtype in ("float32", "float64", "uint8", "int32", "int64", "bool"):
            x = torch.ones((2, 3), dtype=getattr(torch, dtype))
            t = cnnpy.from_dlpack(x)
            assert t.dtype == dtype and t.shape == (2, 3), t
            x[0, 0] = 0
            assert t[0, 0].item() == 0  # one memory
            y = torch.from_dlpack(cnnpy.Tensor(np.ones((2, 3), dtype)))
            assert y.dtype == x.dtype and tuple(y.shape) == (2, 3) and bool((y == 1).all())
            assert cnnpy.array(x).shape == (2, 3)
        x = torch.arange(12.0).reshape(3, 4).T
        assert np.array_equal(cnnpy.from_dlpack(x).numpy(), x.numpy())
        t = cnnpy.from_dlpack(torch.arange(1000.0))
        gc.collect()
        assert t[999].item() == 999
        y = torch.from_dlpack(cnnpy.Tensor(np.arange(1000.0)))
        gc.collect()
        cnnpy.Tensor(np.zeros(1000))
        assert float(y[999]) == 999
        try:
            cnnpy.array(torch.ones(2, requires_grad=True))
        except RuntimeError as error:
            assert "grad" in str(error)
        else:
            raise AssertionError
        print("fine")
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert done.stdout.strip() == "fine", done.stderr
