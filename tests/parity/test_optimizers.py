"""Ten steps of every optimizer equal Keras's, and its variables with them."""

import re

import numpy as np
import pytest

import cnnpy
from cnnpy import optimizers

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")
if keras.backend.backend() != "tensorflow":
    pytest.skip("compared on TensorFlow", allow_module_level=True)

SHAPES = [(3, 4), (5000,), (), (2, 2, 1, 3), (6, 2)]
PLAIN = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("RMSprop", {"learning_rate": 0.01}),
    ("RMSprop", {"momentum": 0.9}),
    ("RMSprop", {"centered": True}),
    ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Adam", {}),
    ("Adam", {"learning_rate": 0.05, "amsgrad": True}),
    ("AdamW", {"learning_rate": 0.05}),
    ("Adamax", {"learning_rate": 0.05}),
    ("Adamax", {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}),
    ("Nadam", {"learning_rate": 0.05}),
    ("Nadam", {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}),
    ("Ftrl", {"learning_rate": 0.05}),
    ("Ftrl", {"learning_rate": 0.1, "learning_rate_power": -0.3, "initial_accumulator_value": 0.5}),
    ("Ftrl", {"learning_rate": 0.1, "l1_regularization_strength": 0.01, "l2_regularization_strength": 0.02}),
    ("Ftrl", {"learning_rate": 0.1, "l2_shrinkage_regularization_strength": 0.1, "beta": 0.1}),
    ("Lion", {"learning_rate": 0.01}),
    ("Lion", {"beta_1": 0.8, "beta_2": 0.9}),
    ("Lamb", {"learning_rate": 0.05}),
    ("Lamb", {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}),
    ("Adafactor", {"learning_rate": 0.1}),
    ("Adafactor", {"beta_2_decay": -0.5, "clip_threshold": 0.5, "epsilon_2": 0.1, "relative_step": False}),
    ("Muon", {"learning_rate": 0.05}),
    ("Muon", {"nesterov": False, "momentum": 0.8, "ns_steps": 3, "rms_rate": None, "adam_lr_ratio": 0.1}),
    ("Muon", {"adam_weight_decay": 0.1, "weight_decay": 0.2, "exclude_layers": ["v0"], "learning_rate": 0.05}),
]
COMMON = [
    {"clipnorm": 0.5},
    {"clipvalue": 0.5},
    {"global_clipnorm": 0.5},
    {"loss_scale_factor": 8.0},
    {"weight_decay": 0.1},
    {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 3},
    {"use_ema": True},
    {"gradient_accumulation_steps": 3, "clipnorm": 1.0},
]
NAMES = sorted({name for name, _ in PLAIN})
CASES = [*PLAIN, *((name, common | {"learning_rate": 0.05}) for name in NAMES for common in COMMON)]


def both(name, arguments, start):
    """(variables, optimizer) of cnnpy and of Keras."""
    own = [cnnpy.Variable(a, name=f"v{i}") for i, a in enumerate(start)]
    theirs = [keras.Variable(a, name=f"v{i}") for i, a in enumerate(start)]
    made = [getattr(m, name)(name="same", **arguments) for m in (optimizers, keras.optimizers)]
    return (own, made[0]), (theirs, made[1])


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_ten_steps(name, arguments):
    rng = np.random.default_rng(2)
    start = [rng.normal(size=s).astype("float32") for s in SHAPES]
    (ours, optimizer), (theirs, their_optimizer) = both(name, arguments, start)
    for made, own in ((optimizer, ours), (their_optimizer, theirs)):
        made.exclude_from_weight_decay(var_list=[own[3]], var_names=["v2"])
    for _ in range(10):
        gradients = [np.asarray(rng.normal(size=s), "float32") for s in SHAPES]
        optimizer.apply([cnnpy.Tensor(g) for g in gradients], ours)
        their_optimizer.apply([tf.constant(g) for g in gradients], theirs)
    optimizer.finalize_variable_values(ours)
    their_optimizer.finalize_variable_values(theirs)
    for a, b in zip(ours, theirs):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=3e-5, atol=3e-5)
    check_state(optimizer, their_optimizer)


def check_state(optimizer, their_optimizer):
    """The same variables under the same names; configs that both read."""
    assert len(optimizer.variables) == len(their_optimizer.variables)
    for a, b in zip(optimizer.variables, their_optimizer.variables):
        assert a.shape == b.shape and a.dtype == b.dtype and a.name.startswith(re.sub(r"_\d+$", "", b.name))
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=3e-5, atol=3e-5)
    config, their_config = optimizer.get_config(), their_optimizer.get_config()
    assert config == their_config
    assert type(their_optimizer).from_config(dict(config)).get_config() == their_config
    assert type(optimizer).from_config(dict(their_config)).get_config() == config
    assert keras.saving.deserialize_keras_object(optimizers.serialize(optimizer)).get_config() == their_config
    assert optimizers.deserialize(keras.optimizers.serialize(their_optimizer)).get_config() == config
    assert optimizers.serialize(optimizer) == keras.optimizers.serialize(their_optimizer)


def test_schedule_free():
    """Keras on TensorFlow takes the momentum after its change for the one before, so only state is compared."""
    start = [np.ones((2, 3), "float32")]
    (ours, optimizer), (theirs, their_optimizer) = both("ScheduleFreeAdamW", {"warmup_steps": 3}, start)
    gradient = np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3)
    optimizer.apply([cnnpy.Tensor(gradient)], ours)
    their_optimizer.apply([tf.constant(gradient)], theirs)
    check_state(optimizer, their_optimizer)


def test_loss_scale():
    start = [np.ones(3, "float32")]
    own, theirs = [cnnpy.Variable(a, name="v") for a in start], [keras.Variable(a, name="v") for a in start]
    made = [
        m.LossScaleOptimizer(m.SGD(0.5, momentum=0.5, name="inner"), 64.0, 3, name="outer")
        for m in (optimizers, keras.optimizers)
    ]
    for values in ([1, 2, 3], [1, np.inf, 3], [4, 5, 6], [np.nan, 1, 1], *[[1, 1, 1]] * 7):
        made[0].apply([cnnpy.Tensor(np.array(values, "float32"))], own)
        made[1].apply([tf.constant(values, "float32")], theirs)
        np.testing.assert_allclose(own[0].numpy(), theirs[0].numpy(), rtol=1e-6)
        loss = 3.0
        assert float(made[0].scale_loss(cnnpy.Tensor(loss)).numpy()) == float(made[1].scale_loss(tf.constant(loss)))
    check_state(*made)


def test_many_optimizers():
    start = [np.ones(3, "float32"), np.ones((2, 2), "float32")]
    own = [cnnpy.Variable(a, name=n) for a, n in zip(start, "ab")]
    theirs = [keras.Variable(a, name=n) for a, n in zip(start, "ab")]
    made = []
    for m in (optimizers, keras.optimizers):
        parts = m.OptimizerMap(m.SGD(0.5, momentum=0.5, name="sgd"), {"b": m.Adam(0.1, name="adam")})
        made.append(m.MultiOptimizer(parts, 2.0, name="several"))
    for _ in range(3):
        made[0].apply([cnnpy.Tensor(np.full_like(a, 2)) for a in start], own)
        made[1].apply([tf.fill(a.shape, 2.0) for a in start], theirs)
    for a, b in zip(own, theirs):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5)
    check_state(*made)


@pytest.mark.parametrize("name", ["lr", *NAMES])
def test_a_small_net_trains_alike(name):
    """Ten steps of a net with convolution, normalisation and a dense layer, by compile and fit."""
    given = {"SGD": 0.05, "Adadelta": 1.0, "Ftrl": 0.1}.get(name, 0.01)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 6, 6, 2)).astype("float32")
    y = rng.integers(0, 3, 40)
    histories, weights, start = [], [], None
    for m in (keras, cnnpy):
        rate = m.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5) if name == "lr" else given
        model = m.Sequential(
            [
                m.layers.Input((6, 6, 2)),
                m.layers.Conv2D(3, 3, activation="relu"),
                m.layers.BatchNormalization(),
                m.layers.Flatten(),
                m.layers.Dense(3, activation="softmax", kernel_constraint="unit_norm"),
            ]
        )
        start = start or model.get_weights()
        model.set_weights(start)
        model.compile(getattr(m.optimizers, "SGD" if name == "lr" else name)(rate), "sparse_categorical_crossentropy")
        histories.append(model.fit(x, y, 8, epochs=2, shuffle=False, verbose=0).history["loss"])
        weights.append(model.get_weights())
    np.testing.assert_allclose(histories[1], histories[0], rtol=1e-4)
    for a, b in zip(*weights):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3 if name in ("Lion", "Muon") else 2e-4)


def test_every_name_of_keras():
    for name in dir(keras.optimizers):
        if name[0] != "_":
            assert hasattr(optimizers, name), name
    from keras.src.optimizers import ALL_OBJECTS_DICT

    assert set(ALL_OBJECTS_DICT) - set(optimizers._BY_NAME) == {"optimizer"}


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
    assert ours.get_config() == theirs.get_config()
    assert optimizers.schedules.serialize(ours) == keras.optimizers.schedules.serialize(theirs)
    for made in (
        keras.optimizers.schedules.deserialize(optimizers.schedules.serialize(ours)),
        optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(theirs)),
    ):
        assert made.get_config() == ours.get_config()
