"""to_categorical and normalize."""

import numpy as np
import pytest

import cnnpy
from cnnpy.utils import normalize, to_categorical


def test_to_categorical():
    y = to_categorical([0, 2, 1])
    np.testing.assert_array_equal(y, np.eye(3)[[0, 2, 1]])
    assert y.dtype == np.float64
    assert to_categorical(np.array([[1], [0]]), 4).shape == (2, 4)
    assert to_categorical(np.zeros((2, 3), "uint8"), num_classes=5).shape == (2, 3, 5)
    assert to_categorical(np.array([1.0, 0.0])).shape == (2, 2)
    tensor = to_categorical(cnnpy.Tensor(np.array([1, 0])))
    assert isinstance(tensor, cnnpy.Tensor) and tensor.dtype == "float32"
    assert to_categorical([], 3).shape == (0, 3)


@pytest.mark.parametrize(
    "bad, classes, message",
    [([0, 3], 3, "class 3 is outside of 0..2"), ([-1], None, "class -1"), ([0.5], None, "whole numbers")],
)
def test_to_categorical_errors(bad, classes, message):
    with pytest.raises(ValueError, match=message):
        to_categorical(bad, classes)


def test_normalize():
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(normalize(x), [[0.6, 0.8], [0, 0]])
    np.testing.assert_allclose(normalize(x, axis=0, order=1), [[1, 1], [0, 0]])
    assert isinstance(normalize(cnnpy.Tensor(x)), cnnpy.Tensor)
    np.testing.assert_allclose(normalize([3, 4]), [[0.6, 0.8]])  # as Keras does
