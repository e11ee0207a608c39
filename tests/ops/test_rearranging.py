"""Shapes, places and indices against NumPy, for every dtype."""

import itertools

import numpy as np
import pytest
from arrays import DTYPES, make, same

import cnnpy
from cnnpy import _core


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_transpose(dtype):
    for shape in [(2, 3, 4, 5), (33, 1, 17, 6), (40, 50, 3, 1), (0, 2, 3, 1)]:
        x = make(shape, dtype)
        for axes in itertools.permutations(range(4)):
            same(_core.transpose(x, axes=axes), x.transpose(axes))
    for shape in [(), (5,), (300, 700), (1, 70000), (2, 100, 300)]:
        x = make(shape, dtype)
        same(_core.transpose(x), x.T)


@pytest.mark.parametrize("dtype", DTYPES)
def test_slice(dtype):
    x = make((6, 7, 5), dtype)
    ranges = [(0, 6, 1), (1, 4, 1), (5, -9, -1), (-3, 9, 2), (4, 2, 1), (9, 12, 1), (0, 1, 3), (-1, -9, -4)]
    for a, b in itertools.product(ranges, ranges):
        got = _core.slice(x, begin=(a[0], b[0]), end=(a[1], b[1]), stride=(a[2], b[2]))
        same(got, x[a[0] : a[1] : a[2], b[0] : b[1] : b[2]])
    same(_core.slice(x, begin=(), end=()), x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_concatenate_and_stack(dtype):
    for axis in (0, 1, 2, -1):
        parts = [make([3 if d != axis % 3 else n for d in range(3)], dtype, n) for n in (2, 1, 0, 5)]
        same(_core.concatenate(parts, axis=axis), np.concatenate(parts, axis=axis))
    for axis in (0, 1, 2, -1):
        parts = [make((3, 4), dtype, n) for n in range(20)]
        same(_core.stack(parts, axis=axis), np.stack(parts, axis=axis))
    same(_core.stack([np.float32(1)]), np.float32([1]))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("index_dtype", ["uint8", "int32", "int64"])
def test_take(dtype, index_dtype):
    x = make((50, 6, 7), dtype)
    rng = np.random.default_rng(0)
    for axis in (0, 1, 2, -1):
        for shape in [(3,), (2, 4), (), (0,), (100,)]:
            indices = np.asarray(
                rng.integers(0 if index_dtype == "uint8" else -x.shape[axis], x.shape[axis], shape)
            ).astype(index_dtype)
            same(_core.take(x, cnnpy.Tensor(indices), axis=axis), np.take(x, indices, axis=axis))
    assert _core.take(np.ones((3, 0)), [0, 1], axis=0).shape == (2, 0)


def test_take_gathers_a_batch_from_a_large_array():
    x = make((3000, 28, 28, 1), "uint8")
    indices = np.random.default_rng(0).permutation(3000)[:1000]
    same(_core.take(x, indices), x[indices])


@pytest.mark.parametrize("dtype", DTYPES)
def test_take_along_axis(dtype):
    x = make((5, 6, 7), dtype)
    for axis in (0, 1, 2, -1):
        shape = [4 if d == axis % 3 else n for d, n in enumerate(x.shape)]
        indices = np.random.default_rng(0).integers(-x.shape[axis], x.shape[axis], shape)
        same(_core.take_along_axis(x, indices, axis=axis), np.take_along_axis(x, indices, axis=axis))


@pytest.mark.parametrize("dtype", DTYPES)
def test_dimensions_of_one(dtype):
    x = make((3, 1, 2, 1), dtype)
    for axis in (0, 2, 4, -1, -5):
        same(_core.expand_dims(x, axis=axis), np.expand_dims(x, axis))
    same(_core.squeeze(x), x.squeeze())
    same(_core.squeeze(x, axis=1), x.squeeze(1))
    same(_core.squeeze(x, axis=(1, -1)), x.squeeze((1, 3)))
    same(_core.squeeze(make((), dtype)), make((), dtype))
    for shape in [(3, 1, 2, 1), (3, 5, 2, 4), (2, 3, 1, 2, 1)]:
        same(_core.broadcast_to(x, shape=shape), np.broadcast_to(x, shape))
    same(_core.broadcast_to(make((), dtype), shape=(0, 2)), np.broadcast_to(make((), dtype), (0, 2)))
    same(
        _core.broadcast_to(make((300, 1), dtype), shape=(300, 400)), np.broadcast_to(make((300, 1), dtype), (300, 400))
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_pad_flip_repeat_tile(dtype):
    for shape in [(3, 4), (1, 1), (0, 2), (100, 300)]:
        x = make(shape, dtype)
        same(_core.pad(x, padding=(1, 2, 0, 3), value=1), np.pad(x, ((1, 2), (0, 3)), constant_values=1))
        for axis in [None, 0, 1, (0, 1)]:
            same(_core.flip(x, axis=() if axis is None else axis), np.flip(x, axis))
        for axis in (0, 1, -1):
            for times in (0, 1, 3):
                same(_core.repeat(x, repeats=times, axis=axis), np.repeat(x, times, axis))
        for times in [(), (2,), (1, 3), (3, 1), (2, 3), (2, 1, 2), (0, 1)]:
            same(_core.tile(x, repeats=times), np.tile(x, times))


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_hot(dtype):
    x = np.array([[0, 2], [-1, 4], [3, 1]], "int32")
    expected = (x[..., None] == np.arange(4)).astype(dtype)
    same(_core.one_hot(x, num_classes=4, dtype=dtype), expected)
    assert _core.one_hot(np.uint8([1]), num_classes=2).dtype == "float32"


BAD = [
    ("transpose", (np.ones((2, 3)),), {"axes": (0,)}, ValueError, "axes has 1 entries for a tensor of 2 dimensions"),
    ("transpose", (np.ones((2, 3)),), {"axes": (0, 0)}, ValueError, "names dimension 0 twice"),
    ("reshape", (np.ones((2, 3)),), {"shape": (4, -1)}, ValueError, r"6 elements of shape \(2, 3\)"),
    ("slice", (np.ones((2, 3)),), {"begin": (0,), "end": (1,), "stride": (0,)}, ValueError, "stride 0 of dimension 0"),
    (
        "slice",
        (np.ones(2),),
        {"begin": (0, 0), "end": (1, 1)},
        ValueError,
        r"begin, end and stride have 2, 2 and 0 entries",
    ),
    (
        "concatenate",
        ([np.ones((2, 3)), np.ones((3, 4))],),
        {"axis": 0},
        ValueError,
        r"\(2, 3\) and \(3, 4\) \(input 1\) must be equal but for dimension 0",
    ),
    ("concatenate", ([np.ones((2, 3)), np.ones(3)],), {"axis": 0}, ValueError, r"\(2, 3\) and \(3,\)"),
    ("concatenate", ([1.0, 2.0],), {}, ValueError, "use stack"),
    ("concatenate", ([],), {}, TypeError, "at least 1"),
    ("stack", ([np.ones(2), np.ones(3)],), {}, ValueError, r"shapes must be equal, got \(2,\) and \(3,\) \(input 1\)"),
    ("take", (np.ones((2, 3)), [2]), {}, IndexError, "index 2 is out of range for a dimension of 2"),
    ("take", (np.ones((2, 3)), [-3]), {}, IndexError, "index -3"),
    ("take", (np.ones((0, 3)), [0]), {}, IndexError, "dimension of 0"),
    ("take", (np.ones((2, 3)), [0.0]), {}, TypeError, "indices must be integers, got float"),
    ("take", (np.ones((2, 3)), [0]), {"axis": 2}, ValueError, "axis 2"),
    (
        "take_along_axis",
        (np.ones((2, 3)), np.zeros((3, 1), int)),
        {"axis": 1},
        ValueError,
        r"\(3, 1\) must have the shape of x, \(2, 3\)",
    ),
    ("take_along_axis", (np.ones((2, 3)), np.full((2, 1), 3)), {"axis": 1}, IndexError, "index 3"),
    ("expand_dims", (np.ones(2),), {"axis": 2}, ValueError, "axis 2"),
    ("squeeze", (np.ones((2, 1)),), {"axis": 0}, ValueError, r"dimension 0 of shape \(2, 1\) is not 1"),
    (
        "broadcast_to",
        (np.ones((2, 3)),),
        {"shape": (3, 3)},
        ValueError,
        r"shape \(2, 3\) cannot be broadcast to \(3, 3\)",
    ),
    ("broadcast_to", (np.ones((2, 3)),), {"shape": (3,)}, ValueError, "cannot be broadcast"),
    ("broadcast_to", (np.ones(1),), {"shape": (-1,)}, ValueError, "negative"),
    ("broadcast_to", (np.ones(1),), {"shape": (1 << 40, 1 << 40)}, MemoryError, "larger than any memory"),
    ("pad", (np.ones((2, 3)),), {"padding": (1, 1)}, ValueError, r"padding has 2 numbers; shape \(2, 3\) needs 4"),
    ("pad", (np.ones(2),), {"padding": (1, -1)}, ValueError, "must not be negative"),
    ("flip", (np.ones(2),), {"axis": 1}, ValueError, "axis 1"),
    ("repeat", (np.ones(2),), {"repeats": -1, "axis": 0}, ValueError, "must not be negative"),
    ("repeat", (np.ones(2),), {"repeats": 1 << 62, "axis": 0}, (ValueError, MemoryError), "large"),
    ("tile", (np.ones(2),), {"repeats": (-1,)}, ValueError, "must not be negative"),
    ("one_hot", (np.ones(2),), {"num_classes": 3}, TypeError, "class numbers must be integers"),
    ("one_hot", (np.ones(2, int),), {"num_classes": 0}, ValueError, "num_classes must be at least 1"),
    ("stack", ([np.ones((1,) * 8)],), {}, ValueError, "at most 8 dimensions"),
    ("expand_dims", (np.ones((1,) * 8),), {}, ValueError, "at most 8 dimensions"),
]


@pytest.mark.parametrize("name, inputs, attrs, error, message", BAD)
def test_bad_input(name, inputs, attrs, error, message):
    with pytest.raises(error, match=message):
        getattr(_core, name)(*inputs, **attrs)


@pytest.mark.parametrize("repeats", [(2**62, 1, 1), (1, 2**40, 1), (2**20, 2**20, 2**20), (0, 1, 2)])
def test_tile_of_nothing_very_often_has_no_elements(repeats):
    """The sizes on the way there overflowed."""
    x = cnnpy.Tensor(np.zeros((1, 0, 3), "float32"))
    with cnnpy.GradientTape() as tape:
        tape.watch(x)
        y = _core.tile(x, repeats=repeats)
    assert y.shape == tuple(n * r for n, r in zip(x.shape, repeats)) and y.size == 0
    assert tape.gradient(y, x).shape == x.shape
