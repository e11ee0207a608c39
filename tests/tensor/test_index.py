"""t[key] as NumPy has it, with gradients."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, basic_indices

import cnnpy
from gradients import check_gradients

A = np.arange(120, dtype="float64").reshape(2, 3, 4, 5)
T = cnnpy.array(A)

BASIC = [
    0,
    -1,
    slice(None),
    slice(None, None, -1),
    slice(1, None),
    slice(5, 2),
    slice(None, None, 2),
    slice(-2, -9, -2),
]


def test_all_basic_triples():
    for key in itertools.product([*BASIC, None, Ellipsis], repeat=3):
        if sum(k is Ellipsis for k in key) <= 1:
            expected, got = A[key], T[key].numpy()
            assert got.shape == expected.shape, key
            np.testing.assert_array_equal(got, expected, err_msg=str(key))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_random_basic_keys(data):
    shape = data.draw(array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6))
    key = data.draw(basic_indices(shape, min_dims=0, max_dims=7, allow_newaxis=True, allow_ellipsis=True))
    a = np.arange(np.prod(shape, dtype=int), dtype="float32").reshape(shape)
    expected = a[key]
    got = cnnpy.array(a)[key].numpy()
    assert got.shape == expected.shape
    np.testing.assert_array_equal(got, expected)


ADVANCED = [
    [1, 0],
    [-1],
    [],
    np.array([[0, 1], [1, 0]]),
    np.zeros((0, 3), int),
    (slice(None), [2, 0, -1]),
    (Ellipsis, [3, 3]),
    (0, [1, 2]),
    (0, [1, 2], 3),
    ([0, 1], [2, 0]),
    ([0, 1], [[1], [2]]),
    (slice(None), [0, 1], [2, 0]),
    ([0, 1], 1),
    (None, [1], slice(1, 3)),
    (slice(None, None, -1), np.array([1, 2], "uint8"), slice(None, None, 2)),
    (Ellipsis, [1], 2),
    A > 60,
    A[0] > 1000,
    A[..., 0, 0] > 10,
    (slice(None), A[0, :, :, 0] > 30),
    (slice(None), np.array([True, False, True])),
    (Ellipsis, np.array([True, False, True, False, True])),
    (0, np.array([True, False, True]), 1),
    (np.array([True, False]), [2]),
]


def tensors(key):
    """KEY with tensors in the place of its lists and arrays."""
    keys = key if isinstance(key, tuple) else (key,)
    return tuple(
        cnnpy.array(np.array(k, int) if len(k) == 0 else k) if isinstance(k, (list, np.ndarray)) else k for k in keys
    )


@pytest.mark.parametrize("key", ADVANCED, ids=lambda k: str(k).replace("\n", "")[:40])
def test_index_arrays_and_masks(key):
    if isinstance(key, np.ndarray) and key.shape == (3, 4, 5):
        with pytest.raises(IndexError, match="mask has size 3 where dimension 0 of what it indexes has 2"):
            T[key]
        return
    expected = A[key]
    for k in (key, tensors(key)):
        got = T[k].numpy()
        assert got.shape == expected.shape
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    "key", [1, (0, slice(None, None, -2)), [1, 0, 1], (slice(None), [0, 0, 2]), ([0, 1, 1], [2, 0, 0]), None]
)
def test_gradients(key):
    check_gradients(lambda x: x[key], [A[..., 0, 0]])


def test_gradient_through_a_mask():
    mask = A[..., 0, 0] > 30
    check_gradients(lambda x: x[mask], [A[..., 0, 0]])


def test_pick_the_probability_of_each_label():
    p, rows, labels = np.random.default_rng(0).random((5, 3)), np.arange(5), np.array([2, 0, 1, 1, 2])
    np.testing.assert_array_equal(cnnpy.array(p)[rows, labels], p[rows, labels])
    check_gradients(lambda x: x[rows, labels], [p])


@pytest.mark.parametrize(
    "key, error, message",
    [
        (2, IndexError, "index 2 is out of range for dimension 0 of size 2"),
        ((0, -4), IndexError, "index -4 is out of range for dimension 1 of size 3"),
        (2**70, IndexError, "cannot fit"),
        ((0,) * 5, IndexError, r"too many indices: 5 for shape \(2, 3, 4, 5\)"),
        ((Ellipsis, Ellipsis), IndexError, "only once"),
        ([2], IndexError, "index 2 is out of range for a dimension of size 2"),
        ([0.5], IndexError, "must hold integers or be bool masks"),
        (["a"], IndexError, "must hold integers"),
        ([[0], [1, 2]], ValueError, "inhomogeneous"),
        (1.0, TypeError, r"tensor indices are integers, slices, \.\.\., None"),
        ("a", TypeError, "tensor indices are"),
        (True, TypeError, "use a bool array of its shape as a mask"),
        (np.array(True), IndexError, "bool masks with dimensions"),
        (slice(0, 1, 0), ValueError, "cannot be zero"),
        (slice("a", None), TypeError, "slice indices must be integers"),
        (([0, 1], [0, 1, 2]), IndexError, "do not broadcast"),
        (([0], slice(None), [0]), NotImplementedError, "side by side with transpose"),
        ((0, None, [0]), NotImplementedError, "side by side"),
        ((None,) * 5, ValueError, "more than 8 dimensions"),
        ((None,) * 30, IndexError, "too many indices: 30"),
        (np.array([True, False, True]), IndexError, "mask has size 3"),
    ],
)
def test_refusals(key, error, message):
    with pytest.raises(error, match=message):
        T[key]


def test_tensors_cannot_be_changed():
    for statement in ("t[0] = 1", "t[:] = t", "del t[0]"):
        with pytest.raises(TypeError, match="use a Variable and its assign"):
            exec(statement, {"t": T})
    with pytest.raises(TypeError, match="cannot be changed"):
        cnnpy.Variable([1.0])[0] = 2.0


def test_iteration():
    assert [row.tolist() for row in cnnpy.array([[1, 2], [3, 4]])] == [[1, 2], [3, 4]]
    assert [x.item() for x in reversed(cnnpy.array([1, 2, 3]))] == [3, 2, 1]
    assert list(cnnpy.array(np.zeros((0, 3)))) == []
    first, second = cnnpy.array([1.0, 2.0])
    assert (first.item(), second.item()) == (1, 2)
    for function in (iter, len):
        with pytest.raises(TypeError, match="without dimensions"):
            function(cnnpy.array(1.0))
    assert 3 in cnnpy.array([1, 3]) and 4 not in cnnpy.array([1, 3]) and "a" not in cnnpy.array([1])


def test_whole_keys_share():
    assert T[...] is T and T[:] is T and T[:, :, ::1] is T and T[()] is T
    v = cnnpy.Variable([1.0, 2.0])
    part = v[:]
    v.assign([5.0, 6.0])
    assert part.tolist() == [1, 2]
