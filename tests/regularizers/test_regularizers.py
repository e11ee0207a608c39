"""Regularizers: values, gradients, names, configurations, errors."""

import numpy as np
import pytest

from cnnpy import Tensor, regularizers
from gradients import check_gradients

X = np.random.default_rng(0).normal(size=(3, 4))


def norm_product(x):
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    off = np.abs(unit @ unit.T)
    return (off.sum() - np.trace(off)) / (len(x) * (len(x) - 1))


CASES = [
    (regularizers.L1(0.3), 0.3 * np.abs(X).sum()),
    (regularizers.L2(0.3), 0.3 * (X**2).sum()),
    (regularizers.L1L2(0.3, 0.2), 0.3 * np.abs(X).sum() + 0.2 * (X**2).sum()),
    (regularizers.L1L2(0.0, 0.2), 0.2 * (X**2).sum()),
    (regularizers.L1L2(), 0.0),
    (regularizers.OrthogonalRegularizer(0.5), 0.5 * norm_product(X)),
    (regularizers.OrthogonalRegularizer(0.5, "columns"), 0.5 * norm_product(X.T)),
]


@pytest.mark.parametrize("regularizer, expected", CASES)
def test_value_gradient_and_config(regularizer, expected):
    y = regularizer(Tensor(X))
    assert y.shape == ()
    np.testing.assert_allclose(y, expected, rtol=1e-10, atol=1e-12)
    check_gradients(regularizer, [X])
    again = regularizers.deserialize(regularizers.serialize(regularizer))
    assert type(again) is type(regularizer) and again.get_config() == regularizer.get_config()


def test_names():
    assert regularizers.get(None) is None
    assert regularizers.get("l2").l2 == 0.01 and regularizers.get("L1").l1 == 0.01
    assert regularizers.get("l1_l2").get_config() == {"l1": 0.01, "l2": 0.01}
    assert regularizers.l1_l2(l1=1e-5, l2=1e-4).l2 == 1e-4
    assert regularizers.l1_l2(l2=0.5).get_config() == regularizers.get(regularizers.L1L2(l2=0.5)).get_config()
    assert regularizers.l1_l2().get_config() == {"l1": 0.0, "l2": 0.0}
    assert type(regularizers.get(regularizers.L2)) is regularizers.L2
    own = lambda x: x.sum()  # noqa: E731
    assert regularizers.get(own) is own


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: regularizers.L2(-1), "L2: l2 must be a finite number >= 0, got -1"),
        (lambda: regularizers.L1("x"), "L1: l1"),
        (lambda: regularizers.L1L2(l2=float("nan")), "L1L2: l2"),
        (lambda: regularizers.OrthogonalRegularizer(mode="diagonal"), "mode must be"),
        (lambda: regularizers.OrthogonalRegularizer()(Tensor(np.zeros(3))), "takes a matrix"),
        (lambda: regularizers.get("l_2"), "unknown regularizer 'l_2'. Did you mean 'l2'"),
        (lambda: regularizers.get(0.01), "a regularizer is a name"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
