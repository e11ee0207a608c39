import numpy as np
import pytest

from cnnpy.datasets import digits


def test_shapes_types_and_range():
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert x_train.shape == (1442, 8, 8) and y_train.shape == (1442,)
    assert x_test.shape == (355, 8, 8) and y_test.shape == (355,)
    for images, labels in ((x_train, y_train), (x_test, y_test)):
        assert images.dtype == labels.dtype == np.uint8
        assert images.max() == 16 and set(labels) == set(range(10))
        assert np.bincount(labels).min() > 0.095 * len(labels)


def test_the_split_is_the_documented_one():
    load_digits = pytest.importorskip("sklearn.datasets").load_digits
    data = load_digits()
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    test = sorted(index for digit in range(10) for index in np.flatnonzero(data.target == digit)[4::5])
    np.testing.assert_array_equal(x_test, data.images[test])
    np.testing.assert_array_equal(y_test, data.target[test])
    np.testing.assert_array_equal(x_train, np.delete(data.images, test, axis=0))
    np.testing.assert_array_equal(y_train, np.delete(data.target, test))


def test_needs_no_folder_at_all(monkeypatch):
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setenv("CNNPY_DATA_DIR", "/nonexistent")
    digits.load_data()
