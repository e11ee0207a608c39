"""Variables: assignment, attributes, copies, and who keeps which values."""

import copy
import gc
import pickle
import threading
import weakref

import numpy as np
import pytest

import cnnpy
from cnnpy import _core


def test_construction():
    v = cnnpy.Variable([1.0, 2.0], name="kernel")
    assert (v.shape, v.dtype, v.name, v.path, v.trainable) == ((2,), "float32", "kernel", "kernel", True)
    assert cnnpy.Variable(1).trainable is False  # integers have no gradients
    assert cnnpy.Variable(np.ones(2), dtype="float32", trainable=False).dtype == "float32"
    assert cnnpy.Variable(1.0).name == "variable"
    assert isinstance(v, cnnpy.Tensor) and type(v + 1) is type(v * v) is type(-v) is cnnpy.Tensor
    for bad, error, message in [
        ({"value": ["a"]}, TypeError, "Variable: values of dtype <U1 cannot become tensors"),
        ({"value": 1.0, "name": 3}, TypeError, "name must be a str, got 3"),
        ({"value": 1.0, "dtype": "half"}, TypeError, "dtype must be one of"),
        ({}, TypeError, "value"),
    ]:
        with pytest.raises(error, match=message):
            cnnpy.Variable(**bad)


def test_keras_arguments():
    v = cnnpy.Variable(initializer="ones", shape=(2,), dtype="float64", name="v")
    assert v.dtype == "float64" and v.tolist() == [1, 1]
    assert cnnpy.Variable(lambda shape, dtype: np.zeros(shape), (3,)).dtype == "float32"
    assert cnnpy.Variable(cnnpy.initializers.Constant(2.0), ()).tolist() == 2
    assert cnnpy.Variable([1.0], False).trainable is False  # as tf.Variable
    assert (v.aggregation, v.synchronization, v.overwrite_with_gradient) == ("none", "auto", False)
    assert v.constraint is None and v.regularizer is None
    v.constraint = max
    assert v.constraint is max and cnnpy.Variable.constraint is None
    v.overwrite_with_gradient = False
    with pytest.raises(NotImplementedError, match="quantised"):
        v.overwrite_with_gradient = True
    for bad, error, message in [
        ({"initializer": "zeros"}, ValueError, "needs a shape"),
        ({"initializer": 1.0, "shape": (1,)}, ValueError, "own shape"),
        ({"initializer": "zoros", "shape": ()}, ValueError, "Did you mean 'zeros'"),
        ({"initializer": 1.0, "value": 1.0}, TypeError, "once"),
        ({"initializer": 1.0, "aggregation": "max"}, ValueError, "aggregation"),
        ({"initializer": 1.0, "synchronization": 3}, ValueError, "synchronization"),
    ]:
        with pytest.raises(error, match=message):
            cnnpy.Variable(**bad)


def test_its_own_memory():
    a = np.zeros(3)
    v = cnnpy.Variable(a)
    v.assign([1, 2, 3])
    assert a.tolist() == [0, 0, 0]
    w = cnnpy.Variable(v)
    v.assign_add(1)
    assert w.tolist() == [1, 2, 3]
    x = cnnpy.array(v)
    v.assign_add(1)
    assert x.tolist() == [2, 3, 4] and type(x) is cnnpy.Tensor


def test_assign():
    v = cnnpy.Variable(np.zeros((2, 2), "float32"), name="w")
    assert v.assign(np.eye(2)) is v and v.dtype == "float32" and v.tolist() == [[1, 0], [0, 1]]
    assert v.assign(v).tolist() == [[1, 0], [0, 1]]
    v.assign(v.T + 1)
    assert v.tolist() == [[2, 1], [1, 2]]
    with pytest.raises(
        ValueError, match=r'Variable "w": the variable has shape \(2, 2\), the value \(2,\); they must agree'
    ):
        v.assign([1, 2])
    with pytest.raises(TypeError, match='Variable "w": values of dtype'):
        v.assign("no")
    assert v.tolist() == [[2, 1], [1, 2]]


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "int32", "int64"])
def test_sums_in_place(dtype):
    v = cnnpy.Variable(np.array([1, 2, 3]), dtype=dtype)
    assert v.assign_add([1, 1, 1]) is v
    v.assign_add(10)
    v.assign_sub(cnnpy.array([2, 2, 2]))
    assert v.tolist() == [10, 11, 12] and v.dtype == dtype
    with pytest.raises(ValueError, match="they must agree"):
        v.assign_add([1, 2])
    with pytest.raises(TypeError, match="bool variables have no sum"):
        cnnpy.Variable(True).assign_add(True)


def test_integers_wrap_around():
    v = cnnpy.Variable(np.array([2**63 - 1]))
    assert v.assign_add(1).tolist() == [-(2**63)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_moving_average(dtype):
    v = cnnpy.Variable(np.array([1.0, 2.0], dtype))
    _core.update_moving_average(v, np.array([3.0, 6.0]), 0.75)
    np.testing.assert_allclose(v.numpy(), [1.5, 3.0])
    with pytest.raises(ValueError, match="they must agree"):
        _core.update_moving_average(v, 1.0, 0.5)
    with pytest.raises(TypeError, match="must be float32 or float64, got int64"):
        _core.update_moving_average(cnnpy.Variable(1), 1, 0.5)
    with pytest.raises(TypeError):
        _core.update_moving_average(cnnpy.array([1.0]), [1.0], 0.5)


def test_assignment_is_in_place_unless_somebody_looks():
    v = cnnpy.Variable(np.zeros(1000))
    address = np.asarray(v).ctypes.data
    v.assign(np.ones(1000))
    assert np.asarray(v).ctypes.data == address
    view = np.asarray(v)
    v.assign(np.full(1000, 2.0))
    assert view[0] == 1 and np.asarray(v)[0] == 2 and np.asarray(v).ctypes.data != address


def test_attributes():
    v = cnnpy.Variable(1.0)
    v.name, v.path, v.regularizer = "kernel", "dense/kernel", "l2"
    assert (v.name, v.path, v.__dict__) == ("kernel", "dense/kernel", {"regularizer": "l2"})
    v.trainable = False
    assert v.trainable is False
    for name in ("name", "path"):
        with pytest.raises(TypeError, match=f"{name} must be a str"):
            setattr(v, name, 3)
        with pytest.raises(TypeError):
            delattr(v, name)
    with pytest.raises(AttributeError, match="cannot be deleted"):
        del v.trainable
    with pytest.raises(AttributeError):
        v.shape = (1,)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_copies_keep_what_it_is(duplicate):
    v = cnnpy.Variable(np.arange(3.0), trainable=False, name="mean")
    v.path, v.note = "bn/mean", [1, 2]
    w = duplicate(v)
    v.assign_add(1)
    assert type(w) is cnnpy.Variable and w.tolist() == [0, 1, 2] and w.dtype == "float64"
    assert (w.name, w.path, w.trainable, w.note) == ("mean", "bn/mean", False, [1, 2])
    assert (w.note is v.note) == (duplicate is copy.copy)


def test_deep_copy_of_a_circle():
    v = cnnpy.Variable(1.0)
    v.me = [v]
    w = copy.deepcopy(v)
    assert w.me[0] is w and w is not v


class Named(cnnpy.Variable):
    def __init__(self, *args, **options):
        self.made = True


def test_subclass():
    v = Named([1.0], name="x")
    assert v.made and v.name == "x"
    assert copy.deepcopy(v).made and type(pickle.loads(pickle.dumps(v))) is Named


def test_weak_references_and_circles():
    v = cnnpy.Variable(np.zeros(10))
    v.me = v
    reference = weakref.ref(v)
    before = _core.memory_stats()["in_use"]
    del v
    gc.collect()
    assert reference() is None and _core.memory_stats()["in_use"] < before


def test_readers_in_other_threads_keep_the_values_they_began_with():
    """An op that reads a variable without the GIL must not lose it to an assignment."""
    n = 300
    v = cnnpy.Variable(np.full((n, n), 1.0))
    x, errors, stop = cnnpy.array(np.ones((n, n))), [], threading.Event()

    def read():
        while not stop.is_set():
            rows = (x @ v).numpy() / n
            if not (rows == rows[0, 0]).all():
                errors.append(rows)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for thread in readers:
        thread.start()
    for k in range(150):
        v.assign(np.full((n, n), float(k)))
        holder = np.asarray(v)  # the next assignment replaces the storage
        v.assign_add(1.0)
        del holder
    stop.set()
    for thread in readers:
        thread.join()
    assert not errors
