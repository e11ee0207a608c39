"""Optimizers that are made of others, and what all optimizers have in common by declaration."""

import inspect

import numpy as np
import pytest

import cnnpy
from cnnpy import optimizers
from cnnpy.optimizers import LossScaleOptimizer, MultiOptimizer, OptimizerMap

COMMON = list(inspect.signature(optimizers.Optimizer.__init__).parameters)[2:]
OWN = [getattr(optimizers, n) for n in optimizers.__all__ if n not in ("Optimizer", "OptimizerMap")]
OWN = [c for c in OWN if isinstance(c, type) and c not in (LossScaleOptimizer, MultiOptimizer)]


def grads(*values):
    return [cnnpy.Tensor(np.asarray(v, "float64")) for v in values]


@pytest.mark.parametrize("cls", OWN)
def test_signatures_show_every_argument(cls):
    names = list(inspect.signature(cls).parameters)
    assert names[0] == "learning_rate" and names[-1] == "kwargs" and set(COMMON) <= set(names)
    made = cls(0.5, clipnorm=1.0, name="mine")
    assert made.learning_rate == 0.5 and made.clipnorm == 1 and made.name == "mine"
    by_position = cls(*[p.default for p in inspect.signature(cls).parameters.values() if p.name != "kwargs"])
    assert by_position.get_config() == {**cls().get_config(), "name": by_position.name}
    with pytest.raises(TypeError, match="takes at most"):
        cls(*[None] * len(names))
    with pytest.raises(TypeError, match="multiple values"):
        cls(0.5, learning_rate=0.5)
    with pytest.raises(ValueError, match="unknown argument"):
        cls(learn_rate=0.5)


@pytest.mark.parametrize("cls", OWN)
def test_stateless_apply_changes_nothing_but_gives_what_a_step_would(cls):
    v = cnnpy.Variable(np.array([[1.0, -2.0], [0.5, 3.0]]))
    optimizer = cls(0.1)
    optimizer.build([v])
    optimizer.apply(grads([[1.0, 2.0], [3.0, 4.0]]))
    before = [x.numpy() for x in (v, *optimizer.variables)]
    trained, own = optimizer.stateless_apply(optimizer.variables, grads([[4.0, 3.0], [2.0, 1.0]]), [v])
    for a, b in zip((v, *optimizer.variables), before):
        np.testing.assert_array_equal(a.numpy(), b)
    optimizer.apply(grads([[4.0, 3.0], [2.0, 1.0]]))
    for a, b in zip((*trained, *own), (v, *optimizer.variables)):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    with pytest.raises(ValueError, match="optimizer_variables must be a list with one value for each"):
        optimizer.stateless_apply([], grads([[1.0, 1.0], [1.0, 1.0]]), [v])
    with pytest.raises(ValueError, match="call build"):
        cls().stateless_apply([], [], [])


def test_loss_scale():
    v = cnnpy.Variable(np.zeros(2))
    optimizer = LossScaleOptimizer(optimizers.SGD(1.0, loss_scale_factor=8.0), 16.0, 2)
    assert optimizer.inner_optimizer.loss_scale_factor is None
    assert optimizer.scale_loss(cnnpy.Tensor(2.0)).numpy() == 32
    optimizer.apply(grads([16.0, 32.0]), [v])
    np.testing.assert_array_equal(v.numpy(), [-1, -2])
    assert float(optimizer.dynamic_scale) == 16 and int(optimizer.step_counter) == 1
    optimizer.apply(grads([16.0, 0.0]), [v])
    assert float(optimizer.dynamic_scale) == 32 and int(optimizer.step_counter) == 0
    assert optimizer.scale_loss(cnnpy.Tensor(2.0)).numpy() == 64
    for bad in (np.inf, np.nan):
        before = v.numpy()
        optimizer.apply(grads([bad, 1.0]), [v])
        np.testing.assert_array_equal(v.numpy(), before)
    assert float(optimizer.dynamic_scale) == 8 and int(optimizer.iterations) == 2
    optimizer.learning_rate = 0.5
    assert optimizer.inner_optimizer.learning_rate == 0.5
    assert len(optimizer.variables) == 6
    again = LossScaleOptimizer.from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()
    store = {}
    optimizer.save_own_variables(store)
    again.build([cnnpy.Variable(np.zeros(2))])
    again.load_own_variables(store)
    assert float(again.dynamic_scale) == 8 and int(again.iterations) == 2


def test_loss_scale_refuses():
    with pytest.raises(TypeError, match="must be an Optimizer"):
        LossScaleOptimizer("sgd")
    with pytest.raises(ValueError, match="clipnorm cannot be set here"):
        LossScaleOptimizer(optimizers.SGD(), clipnorm=1.0, use_ema=False, clipvalue=None)
    with pytest.raises(ValueError, match="scale that stays"):
        LossScaleOptimizer(optimizers.SGD(), dynamic=False)


def test_a_model_trains_behind_a_loss_scale():
    x = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
    y = x.sum(1, keepdims=True)
    results = []
    for make in (lambda: optimizers.Adam(0.05), lambda: LossScaleOptimizer(optimizers.Adam(0.05))):
        cnnpy.utils.set_random_seed(0)
        model = cnnpy.Sequential([cnnpy.layers.Input((3,)), cnnpy.layers.Dense(1)])
        model.compile(make(), "mse")
        results.append(model.fit(x, y, epochs=3, verbose=0).history["loss"])
    np.testing.assert_allclose(results[0], results[1], rtol=1e-5)


def named(*names):
    made = [cnnpy.Variable(np.zeros(1), name=name) for name in names]
    return made


def test_many_optimizers():
    a, b, c = named("a", "b", "c")
    b.path, c.path = "encoder/b", "decoder/c"
    parts = optimizers.SGD(1.0), optimizers.SGD(10.0), optimizers.SGD(100.0)
    table = OptimizerMap(parts[0], {"encoder/.*": parts[1]})
    table["decoder/c"] = parts[2]
    optimizer = MultiOptimizer(table, loss_scale_factor=2.0)
    assert all(part.loss_scale_factor == 2 for part in parts) and optimizer.scale_loss(cnnpy.Tensor(1.0)).numpy() == 2
    optimizer.apply(grads([2.0], [2.0], [2.0]), [a, b, c])
    assert [float(v.numpy()[0]) for v in (a, b, c)] == [-1, -10, -100]
    assert int(optimizer.iterations) == 1 and len(optimizer.variables) == 8
    again = MultiOptimizer.from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()
    assert optimizers.deserialize(optimizers.serialize(optimizer)).get_config() == optimizer.get_config()
    for use in (lambda: optimizer.learning_rate, lambda: setattr(optimizer, "learning_rate", 1.0)):
        with pytest.raises(AttributeError, match="has no learning_rate"):
            use()


def test_many_optimizers_by_a_function():
    own = named("a", "b")
    parts = {"a": optimizers.SGD(1.0), "b": optimizers.SGD(2.0)}
    optimizer = MultiOptimizer(lambda variable: parts[variable.name])
    optimizer.apply(grads([1.0], [1.0]), own)
    assert [float(v.numpy()[0]) for v in own] == [-1, -2] and optimizer.optimizers == [parts["a"], parts["b"]]
    weights = optimizer.get_weights()
    optimizer.set_weights(weights)
    with pytest.raises(ValueError, match="is unknown to this optimizer"):
        optimizer.apply(grads([1.0]), named("c"))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: OptimizerMap("sgd"), TypeError, "default_optimizer must be an Optimizer"),
        (lambda: OptimizerMap(optimizers.SGD(), []), TypeError, "must be a dict"),
        (lambda: OptimizerMap(optimizers.SGD()).__setitem__(1, optimizers.SGD()), ValueError, "keys are paths"),
        (lambda: OptimizerMap(optimizers.SGD()).__setitem__("a", 1), ValueError, "takes Optimizers"),
        (lambda: MultiOptimizer(optimizers.SGD()), TypeError, "takes an OptimizerMap or a function"),
        (
            lambda: MultiOptimizer(OptimizerMap(LossScaleOptimizer(optimizers.SGD()))),
            ValueError,
            "a LossScaleOptimizer cannot be one of several",
        ),
        (
            lambda: OptimizerMap(optimizers.SGD(), {"a.*": optimizers.SGD(), ".*b": optimizers.SGD()})["ab"],
            ValueError,
            "several patterns match",
        ),
    ],
)
def test_wrong_tables(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_muon_leaves_out_what_is_no_matrix_or_excluded():
    own = named("kernel", "embedding_table", "head", "bias")
    own = [cnnpy.Variable(np.ones((2, 3) if i < 3 else 3), name=v.name) for i, v in enumerate(own)]
    optimizer = optimizers.Muon(exclude_layers=["hea."])
    optimizer.build(own)
    assert [v is not None for v in optimizer.adam_velocities] == [False, True, True, True]
    optimizer = optimizers.Muon(exclude_embeddings=False)
    optimizer.build(own)
    assert [v is not None for v in optimizer.adam_velocities] == [False, False, False, True]


def test_legacy_names_are_todays_classes():
    for name in ("SGD", "Adam", "RMSprop", "Adagrad", "Ftrl", "Optimizer"):
        with pytest.warns(DeprecationWarning, match="legacy"):
            assert getattr(optimizers.legacy, name) is getattr(optimizers, name)
    with pytest.raises(AttributeError, match="no attribute 'Nadam'"):
        _ = optimizers.legacy.Nadam


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: optimizers.Lion(beta_1=0), "beta_1 must be above 0"),
        (lambda: optimizers.Ftrl(learning_rate_power=0.5), "negative or zero"),
        (lambda: optimizers.Ftrl(l1_regularization_strength=-1), "l1_regularization_strength must be positive or zero"),
        (lambda: optimizers.get("LossScaleOptimizer"), "inner_optimizer"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_not_finite_gradients_spread_as_arithmetic_takes_them():
    for name in ("Adamax", "Nadam", "Lion", "Ftrl", "ScheduleFreeAdamW"):
        v = cnnpy.Variable(np.ones(3))
        optimizer = getattr(optimizers, name)()
        optimizer.apply(grads([np.nan, 1.0, 1.0]), [v])
        optimizer.apply(grads([1.0, 1.0, 1.0]), [v])
        np.testing.assert_array_equal(np.isnan(v.numpy()), [True, False, False], err_msg=name)
