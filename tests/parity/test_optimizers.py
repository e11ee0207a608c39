"""Ten steps of every optimizer equal Keras's, and its variables with them."""

import numpy as np
import pytest

import cnnpy
from cnnpy import optimizers

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")
if keras.backend.backend() != "tensorflow":
    pytest.skip("compared on TensorFlow", allow_module_level=True)

SHAPES = [(3, 4), (5000,), (), (2, 2, 1, 3)]
CASES = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("SGD", {"clipnorm": 0.5}),
    ("SGD", {"clipvalue": 0.5}),
    ("SGD", {"global_clipnorm": 0.5}),
    ("SGD", {"loss_scale_factor": 8.0}),
    ("RMSprop", {"learning_rate": 0.01}),
    ("RMSprop", {"momentum": 0.9}),
    ("RMSprop", {"centered": True}),
    ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Adam", {}),
    ("Adam", {"learning_rate": 0.05, "amsgrad": True}),
    ("Adam", {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 3}),
    ("Adam", {"use_ema": True}),
    ("Adam", {"gradient_accumulation_steps": 3, "clipnorm": 1.0}),
    ("AdamW", {"learning_rate": 0.05}),
]


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_ten_steps(name, arguments):
    rng = np.random.default_rng(2)
    start = [rng.normal(size=s).astype("float32") for s in SHAPES]
    ours, theirs = [cnnpy.Variable(a) for a in start], [keras.Variable(a) for a in start]
    optimizer, their_optimizer = (getattr(m, name)(**arguments) for m in (optimizers, keras.optimizers))
    for _ in range(10):
        gradients = [np.asarray(rng.normal(size=s), "float32") for s in SHAPES]
        optimizer.apply([cnnpy.Tensor(g) for g in gradients], ours)
        their_optimizer.apply([tf.constant(g) for g in gradients], theirs)
    optimizer.finalize_variable_values(ours)
    their_optimizer.finalize_variable_values(theirs)
    for a, b in zip(ours, theirs):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-5)
    assert len(optimizer.variables) == len(their_optimizer.variables)
    for a, b in zip(optimizer.variables, their_optimizer.variables):
        assert a.shape == b.shape
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-5)
    config = optimizer.get_config()
    for key, value in their_optimizer.get_config().items():
        if key != "name":
            assert config[key] == value, key
    getattr(keras.optimizers, name)(**config)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ExponentialDecay", (0.1, 7, 0.5)),
        ("ExponentialDecay", (0.1, 7, 0.5, True)),
        ("PiecewiseConstantDecay", ([3, 9], [0.1, 0.05, 0.01])),
        ("PolynomialDecay", (0.1, 7)),
        ("PolynomialDecay", (0.1, 7, 0.01, 2.0, True)),
        ("InverseTimeDecay", (0.1, 7, 0.5)),
        ("InverseTimeDecay", (0.1, 7, 0.5, True)),
        ("CosineDecay", (0.1, 20, 0.1)),
        ("CosineDecay", (0.01, 20, 0.0, "CosineDecay", 0.1, 5)),
        ("CosineDecayRestarts", (0.1, 5)),
        ("CosineDecayRestarts", (0.1, 5, 1.0, 0.8, 0.1)),
        ("CosineDecayRestarts", (0.1, 5, 1.5, 0.9)),
    ],
)
def test_schedules(name, arguments):
    ours, theirs = (getattr(m.schedules, name)(*arguments) for m in (optimizers, keras.optimizers))
    for step in range(40):
        np.testing.assert_allclose(ours(step), float(theirs(step)), rtol=2e-5, atol=1e-7, err_msg=str(step))
    config = theirs.get_config()
    assert ours.get_config() == config
