"""NumPy arrays, numbers, lists and other objects to tensors and back; text, pickling, copies."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

import cnnpy
from cnnpy import _core

DTYPES = ["float32", "float64", "uint8", "int32", "int64", "bool"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (0,), (2, 0, 3), (2, 3), (1, 2, 1, 2, 1, 2, 1, 2)])
def test_round_trip(dtype, shape):
    a = np.random.default_rng(0).integers(0, 2 if dtype == "bool" else 100, shape).astype(dtype)
    t = cnnpy.array(a)
    assert (t.shape, t.dtype, t.ndim, t.size, t.itemsize, t.nbytes) == (
        shape,
        dtype,
        a.ndim,
        a.size,
        a.itemsize,
        a.nbytes,
    )
    for back in (t.numpy(), np.asarray(t), np.array(t), np.array(memoryview(t)) if a.size else a):
        assert back.dtype == a.dtype and back.shape == a.shape
        np.testing.assert_array_equal(back, a)
    assert t.tolist() == a.tolist()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(t)).numpy(), a)


def test_array_shares_what_it_can():
    a = np.arange(6, dtype="float32").reshape(2, 3)
    t = cnnpy.array(a)
    assert np.shares_memory(np.asarray(t), a)
    assert not np.asarray(t).flags.writeable and t.numpy().flags.writeable
    assert cnnpy.array(t) is t
    assert not np.shares_memory(np.asarray(cnnpy.array(a, copy=True)), a)
    assert not np.shares_memory(np.asarray(cnnpy.Tensor(a)), a)
    assert np.shares_memory(np.asarray(cnnpy.array(a, copy=False)), a)
    reference = weakref.ref(a)
    del a
    gc.collect()
    assert reference() is not None and t[1, 2].item() == 5
    del t
    gc.collect()
    assert reference() is None


def test_array_copies_what_it_must():
    a = np.arange(24, dtype="float32").reshape(2, 3, 4)
    unaligned = np.frombuffer(b"x" + a.tobytes(), "float32", offset=1)
    for odd in (
        a.T,
        a[:, ::2],
        a[::-1],
        a.astype(">f4"),
        np.asfortranarray(a),
        unaligned,
        np.broadcast_to(a[0], (5, 3, 4)),
    ):
        t = cnnpy.array(odd)
        assert t.dtype == "float32" and t.shape == odd.shape
        np.testing.assert_array_equal(t.numpy(), odd)
        with pytest.raises(ValueError, match="copy=False"):
            cnnpy.array(odd, copy=False)
    with pytest.raises(ValueError, match="a change of dtype or byte order needs a copy"):
        cnnpy.array(a, dtype="float64", copy=False)
    with pytest.raises(ValueError, match="a list has no memory to share"):
        _core.array([1.0], copy=False)
    with pytest.raises(TypeError, match="copy must be None, True or False, got 3"):
        _core.array(a, copy=3)


@pytest.mark.parametrize(
    "given, kept",
    [
        ("int8", "int32"),
        ("int16", "int32"),
        ("uint16", "int32"),
        ("uint32", "int64"),
        ("uint64", "int64"),
        ("longlong", "int64"),
        ("float16", "float32"),
        ("longdouble", "float64"),
    ],
)
def test_dtypes_that_become_others(given, kept):
    a = np.array([0, 1, 100], given)
    t = cnnpy.array(a)
    assert t.dtype == kept
    np.testing.assert_array_equal(t.numpy(), a)


def test_unsigned_64_bits_that_do_not_fit():
    with pytest.raises(ValueError, match="above the largest int64"):
        cnnpy.array(np.array([1, 2**63], "uint64"))


@pytest.mark.parametrize("value", [1j, "text", b"text", None, object(), {"a": 1}, {1, 2}, [None], ["a"], [1j]])
def test_what_is_no_number(value):
    with pytest.raises(TypeError, match="cannot become tensors; convert them to float32"):
        cnnpy.array(value)
    with pytest.raises(TypeError, match=r"^Tensor: "):
        cnnpy.Tensor(value)


@pytest.mark.parametrize("dtype", ["O", "S3", "U3", "M8[s]", "m8[s]", "c8", "V4", [("a", "f4")]])
def test_arrays_of_other_things(dtype):
    with pytest.raises(TypeError, match="cannot become tensors"):
        cnnpy.array(np.zeros(2, dtype))


def test_ragged_and_too_deep():
    with pytest.raises(ValueError, match="unequal lengths"):
        cnnpy.array([[1, 2], [3]])
    with pytest.raises(ValueError, match="at most 8 dimensions, the array has 9"):
        cnnpy.array(np.zeros((1,) * 9))
    with pytest.raises(ValueError, match="more than 8 dimensions"):
        cnnpy.Tensor(np.zeros((1,) * 8))[None]


def test_numbers_and_lists():
    assert cnnpy.array(1.5).dtype == "float32" and cnnpy.array([1.5, 2]).dtype == "float32"
    assert cnnpy.array(3).dtype == "int64" and cnnpy.array([[3]]).dtype == "int64"
    assert cnnpy.array(True).dtype == "bool" and cnnpy.array([True]).dtype == "bool"
    assert cnnpy.array([]).dtype == "float32" and cnnpy.array([]).shape == (0,)
    assert cnnpy.array(np.float64(2)).dtype == "float64" and cnnpy.array(np.int32(2)).dtype == "int32"
    assert cnnpy.array([np.zeros(2), np.ones(2)]).dtype == "float64"
    assert cnnpy.array([cnnpy.array(np.zeros(2)), np.ones(2)]).shape == (2, 2)
    assert cnnpy.array(range(3)).tolist() == [0, 1, 2]
    assert cnnpy.array(2, dtype="float64").item() == 2.0


@pytest.mark.parametrize("value, dtype", [(300, "uint8"), (-1, "uint8"), (2**31, "int32"), (2**63, "int64")])
def test_integers_that_do_not_fit(value, dtype):
    with pytest.raises(ValueError, match=rf"does not fit into {dtype}|is no {dtype}"):
        cnnpy.array(value, dtype=dtype)
    assert cnnpy.array(value, dtype="float64").item() == value
    with pytest.raises(OverflowError):
        cnnpy.array([value], dtype=dtype)


def test_nan_is_no_integer():
    for value in (np.nan, np.inf, 1e300):
        with pytest.raises(ValueError, match="is no int32"):
            cnnpy.array(value, dtype="int32")
    assert np.isnan(cnnpy.array(np.nan).item())


def test_dtype_argument():
    for dtype in ("float32", np.float32, np.dtype("float32"), "f4", "<f4"):
        assert cnnpy.array([1], dtype=dtype).dtype == "float32"
    assert cnnpy.array([1.0], dtype=float).dtype == "float64" and cnnpy.array([1.0], dtype=bool).dtype == "bool"
    for dtype in ("float16", "complex64", "nonsense", ">f4", object, 3, "int8"):
        with pytest.raises(TypeError, match="dtype must be one of float32"):
            cnnpy.array([1.0], dtype=dtype)


def test_objects_that_offer_their_memory():
    a = np.arange(6, dtype="float32").reshape(2, 3)

    class Interface:
        __array_interface__ = a.__array_interface__
        keep = a

    class Array:
        def __array__(self, dtype=None, copy=None):
            return a

    class Failing:
        def __array__(self, dtype=None, copy=None):
            raise KeyError("mine")

    class Pack:
        def __dlpack__(self, **options):
            return a.__dlpack__(**options)

        def __dlpack_device__(self):
            return a.__dlpack_device__()

    for value in (Interface(), Array(), Pack(), memoryview(a)):
        t = cnnpy.array(value)
        assert np.shares_memory(np.asarray(t), a), type(value)
        np.testing.assert_array_equal(t.numpy(), a)
    assert cnnpy.array(bytearray(b"abc")).tolist() == [97, 98, 99]
    with pytest.raises(KeyError, match="mine"):
        cnnpy.array(Failing())
    with pytest.raises(KeyError, match="mine"):
        _core.exp(Failing())


def test_array_protocol_of_numpy_2():
    t = cnnpy.array([1.5, 2.5])
    assert np.asarray(t, dtype="float64").dtype == np.float64
    assert np.shares_memory(np.asarray(t, copy=False), np.asarray(t))
    assert not np.shares_memory(np.array(t, copy=True), np.asarray(t))
    with pytest.raises(ValueError, match="needs a copy"):
        t.__array__("float64", copy=False)
    with pytest.raises(ValueError, match="avoid copy"):
        np.asarray(t, dtype="float64", copy=False)
    assert np.exp(t).dtype == np.float32 and isinstance(np.exp(t), np.ndarray)
    assert np.stack([t, t]).shape == (2, 2)


def test_a_view_keeps_a_variables_old_values():
    v = cnnpy.Variable(np.zeros(3, "float32"))
    view, buffer, snapshot = np.asarray(v), memoryview(v), v.value
    v.assign([1, 2, 3])
    assert view.tolist() == buffer.tolist() == snapshot.tolist() == [0, 0, 0]
    assert v.tolist() == [1, 2, 3]


def test_buffer():
    t = cnnpy.array(np.arange(6, dtype="int32").reshape(2, 3))
    m = memoryview(t)
    assert (m.format, m.shape, m.strides, m.itemsize, m.readonly, m.ndim) == ("i", (2, 3), (12, 4), 4, True, 2)
    assert m.tolist() == [[0, 1, 2], [3, 4, 5]] and bytes(m) == t.numpy().tobytes()
    assert np.frombuffer(t, "int32").tolist() == list(range(6))
    with pytest.raises(TypeError):
        m[0, 0] = 1
    with pytest.raises((TypeError, BufferError)):
        import struct

        struct.pack_into("i", t, 0, 1)
    assert memoryview(cnnpy.array(1.0)).shape == ()
    assert m.obj is t


def test_text():
    t = cnnpy.array(np.arange(6, dtype="float32").reshape(2, 3))
    assert repr(t) == "<cnnpy.Tensor shape=(2, 3) dtype=float32\n[[0. 1. 2.]\n [3. 4. 5.]]>"
    assert str(t) == "[[0. 1. 2.]\n [3. 4. 5.]]"
    assert f"{t}" == str(t) and f"{cnnpy.array(1.2345):.2f}" == "1.23"
    assert len(repr(cnnpy.array(np.zeros((1000, 1000))))) < 1000
    with pytest.raises(TypeError, match="one element"):
        format(t, ".2f")
    v = cnnpy.Variable(1.0, name="w")
    v.path = "dense/w"
    assert repr(v) == "<cnnpy.Variable path=dense/w shape=() dtype=float32 trainable=True\n1.0>"


def test_copies():
    t = cnnpy.array(np.ones(3))
    for twin in (copy.copy(t), copy.deepcopy(t), t.copy()):
        assert twin is not t and not np.shares_memory(np.asarray(twin), np.asarray(t)) and twin.tolist() == t.tolist()


def test_one_element_as_a_number():
    t = cnnpy.array(np.array([[2.75]]))
    assert float(t) == 2.75 and int(t) == 2 and bool(t) and t.item() == 2.75
    assert [10, 20, 30][cnnpy.array(1)] == 20 and not cnnpy.array(0)
    many = cnnpy.array([1.0, 2.0])
    for function, error, message in [
        (float, TypeError, r"one element has a float\(\), got shape \(2,\)"),
        (int, TypeError, "one element"),
        (bool, ValueError, r"use \.any\(\) or \.all\(\)"),
        (complex, TypeError, "real"),
        (lambda x: x.item(), ValueError, "pass an index"),
        (lambda x: range(x[0]), TypeError, "only integer tensors"),
        (len, None, None),
    ]:
        if error is None:
            assert function(many) == 2
        else:
            with pytest.raises(error, match=message):
                function(many)
    with pytest.raises(ValueError, match="neither true nor false"):
        bool(cnnpy.array(np.zeros(0)))
    assert many.item(1) == 2 and many.item(-1) == 2


def test_tensor_is_a_key_of_its_own():
    a, b = cnnpy.array([1.0]), cnnpy.array([1.0])
    assert {a: 1, b: 2}[a] == 1 and hash(a) != hash(b)


def test_subclass():
    class Mine(cnnpy.Tensor):
        def double(self):
            return self + self

    m = Mine([1.0, 2.0])
    m.note = "attributes work"
    assert m.double().tolist() == [2, 4] and type(m.double()) is cnnpy.Tensor
    assert cnnpy.Tensor(m).tolist() == [1, 2] and m.note


def test_types_cannot_be_changed():
    with pytest.raises(TypeError):
        cnnpy.Tensor.shape = 1
    with pytest.raises(AttributeError):
        cnnpy.array(1.0).note = 1
    with pytest.raises(TypeError):
        _core.Op()
