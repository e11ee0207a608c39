"""Constraints: values, names, configurations, errors."""

import numpy as np
import pytest

import cnnpy
from cnnpy import Tensor, constraints

W = 3 * np.random.default_rng(0).normal(size=(3, 4, 5))


@pytest.mark.parametrize("axis", [0, 1, [0, 1]])
def test_values(axis):
    axes = tuple(axis) if isinstance(axis, list) else axis
    norms = np.sqrt((W**2).sum(axes, keepdims=True))
    unit = np.asarray(constraints.UnitNorm(axis)(Tensor(W)))
    np.testing.assert_allclose(unit, W / norms, rtol=1e-6)
    limited = np.asarray(constraints.MaxNorm(4.0, axis)(Tensor(W)))
    np.testing.assert_allclose(limited, W * np.minimum(norms, 4.0) / norms, rtol=1e-6)
    drawn = np.asarray(constraints.MinMaxNorm(2.0, 4.0, 0.5, axis)(Tensor(W)))
    np.testing.assert_allclose(drawn, W * (0.5 * np.clip(norms, 2, 4) + 0.5 * norms) / norms, rtol=1e-6)
    np.testing.assert_array_equal(constraints.NonNeg()(Tensor(W)), np.maximum(W, 0))


@pytest.mark.parametrize("name", ["MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"])
def test_names_and_configs(name):
    cls = getattr(constraints, name)
    assert type(constraints.get(name)) is type(constraints.get(cnnpy.utils.naming.to_snake_case(name))) is cls
    again = constraints.deserialize(constraints.serialize(cls()))
    assert type(again) is cls and again.get_config() == cls().get_config()
    assert constraints.get(None) is None
    with pytest.raises(ValueError, match=r"unknown constraint 'max_nrm'. Did you mean 'max_norm'"):
        constraints.get("max_nrm")
    with pytest.raises(ValueError, match="a constraint is a name"):
        constraints.get(2)


def test_training_holds_weights_to_them():
    layer = cnnpy.layers.Dense(3, kernel_constraint="non_neg", bias_constraint=constraints.MaxNorm(0.1))
    model = cnnpy.Sequential([cnnpy.Input((4,)), layer])
    model.compile("sgd", "mse")
    rng = np.random.default_rng(0)
    for _ in range(5):
        model.train_on_batch(rng.normal(size=(8, 4)), 3 * rng.normal(size=(8, 3)))
    assert layer.kernel.numpy().min() >= 0
    assert np.linalg.norm(layer.bias) <= 0.1 + 1e-6
