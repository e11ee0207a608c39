"""Data sets cut in two."""

import numpy as np
import pytest

import cnnpy
from cnnpy import layers
from cnnpy.utils import split_dataset

X = np.arange(40, dtype="float32").reshape(10, 4)
Y = np.arange(10)


@pytest.mark.parametrize(
    ("sizes", "left", "right"),
    [
        ({"left_size": 0.8}, 8, 2),
        ({"right_size": 0.25}, 8, 2),
        ({"left_size": 3}, 3, 7),
        ({"left_size": 3, "right_size": 2}, 3, 2),
        ({"left_size": 0.5, "right_size": 0.2}, 5, 2),
    ],
)
def test_sizes(sizes, left, right):
    a, b = split_dataset(X, **sizes)
    assert (len(a), b.cardinality()) == (left, right)
    np.testing.assert_array_equal(np.stack(list(a)), X[:left])
    np.testing.assert_array_equal(np.stack(list(b)), X[10 - right :])


def test_kinds_of_data_sets():
    torch = pytest.importorskip("torch")
    for data in (
        (X, Y),
        [X, Y],
        zip(X, Y),
        torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y)),
    ):
        left, right = split_dataset(data, right_size=3)
        x, y = right[-1]
        np.testing.assert_array_equal(x, X[9])
        assert y == 9 and len(left) == 7
    left, _ = split_dataset(iter(X), left_size=2)
    np.testing.assert_array_equal(left[1], X[1])


def test_batches_train():
    left, right = split_dataset((X, Y), left_size=7)
    assert [len(y) for _, y in left.batch(3)] == [3, 3, 1]
    assert [len(y) for _, y in left.batch(3, drop_remainder=True)] == [3, 3]
    with pytest.raises(IndexError, match="batch 3 of 3"):
        left.batch(3)[3]
    model = cnnpy.Sequential([layers.Input((4,)), layers.Dense(1)])
    model.compile("adam", "mse")
    assert "val_loss" in model.fit(left.batch(2), validation_data=right.batch(2), verbose=0).history


def test_order():
    a, b = split_dataset(Y, left_size=5, shuffle=True, seed=7)
    again, _ = split_dataset(Y, left_size=5, shuffle=True, seed=7)
    assert sorted([*a, *b]) == list(Y) and list(a) == list(again) != list(Y[:5])


def test_like_keras():
    keras = pytest.importorskip("keras")
    theirs = keras.utils.split_dataset((X, Y), left_size=0.6, shuffle=True, seed=3)
    ours = split_dataset((X, Y), left_size=0.6, shuffle=True, seed=3)
    for a, b in zip(theirs, ours):
        for (ax, ay), (bx, by) in zip(a, b, strict=True):
            np.testing.assert_array_equal(np.asarray(ax), bx)
            assert int(ay) == by


@pytest.mark.parametrize(
    ("data", "arguments", "error", "message"),
    [
        (X, {}, ValueError, "pass left_size or right_size"),
        (X, {"left_size": 10}, ValueError, "left_size must be a count from 1 to 9"),
        (X, {"right_size": 1.5}, ValueError, "fraction between 0 and 1, got 1.5"),
        (X, {"left_size": "half"}, TypeError, "must be an int, a float or None"),
        (X, {"left_size": 6, "right_size": 5}, ValueError, "6 and 5 of only 10 samples"),
        ((X, Y[:4]), {"left_size": 2}, ValueError, "numbers of samples differ"),
        ([1, 2], {"left_size": 1}, TypeError, "row per sample"),
        (3, {"left_size": 1}, TypeError, "takes an array"),
        ([], {"left_size": 1}, ValueError, "is empty"),
        (iter([X[:3], X[:2]]), {"left_size": 1}, ValueError, r"sample 1 has the shapes .*unbatch"),
        (X, {"left_size": 1, "preferred_backend": "torch"}, NotImplementedError, "preferred_backend='torch'"),
    ],
)
def test_mistakes(data, arguments, error, message):
    with pytest.raises(error, match=message):
        split_dataset(data, **arguments)
