"""Optimizers against NumPy, and their bookkeeping."""

import copy
import inspect
import pickle

import conditions
import numpy as np
import pytest
from conditions import LEVELS

import cnnpy
from cnnpy import _core, optimizers
from cnnpy.optimizers import learning_rate as module
from reference import optimizers as reference

rng = np.random.default_rng(11)
SHAPES = [(3, 4), (), (1,), (0, 2), (17,), (100_000,), (2, 2, 3)]
RULES = [
    ("SGD", {}, {}),
    ("SGD", {"momentum": 0.9}, {}),
    ("SGD", {"momentum": 0.9, "nesterov": True}, {}),
    ("RMSprop", {}, {}),
    ("RMSprop", {"momentum": 0.9, "rho": 0.8}, {}),
    ("RMSprop", {"centered": True}, {}),
    ("RMSprop", {"centered": True, "momentum": 0.5}, {}),
    ("Adagrad", {}, {}),
    ("Adagrad", {"initial_accumulator_value": 0.3}, {"start": 0.3}),
    ("Adadelta", {"learning_rate": 1.0}, {}),
    ("Adam", {}, {}),
    ("Adam", {"beta_1": 0.8, "epsilon": 1e-3, "amsgrad": True}, {}),
    ("Adamax", {}, {}),
    ("Adamax", {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}, {}),
    ("Nadam", {}, {}),
    ("Nadam", {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}, {}),
    ("Lion", {}, {}),
    ("Lion", {"beta_1": 0.8, "beta_2": 0.9}, {}),
    ("Ftrl", {}, {}),
    ("Ftrl", {"initial_accumulator_value": 0.3, "learning_rate_power": -0.7}, {"start": 0.3, "power": -0.7}),
    (
        "Ftrl",
        {"l1_regularization_strength": 0.1, "l2_regularization_strength": 0.2, "beta": 0.3}
        | {"l2_shrinkage_regularization_strength": 0.1},
        {"l1": 0.1, "l2": 0.2, "shrinkage": 0.1},
    ),
    ("ScheduleFreeAdamW", {}, {}),
    ("ScheduleFreeAdamW", {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3, "warmup_steps": 4}, {}),
    ("Lamb", {}, {}),
    ("Lamb", {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}, {}),
    ("Adafactor", {}, {}),
    ("Adafactor", {"beta_2_decay": -0.5, "clip_threshold": 0.5}, {"decay": -0.5, "threshold": 0.5}),
    ("Muon", {}, {}),
    ("Muon", {"nesterov": False, "momentum": 0.8, "rms_rate": None, "ns_steps": 2}, {"steps": 2}),
]


def variables(dtype="float64", shapes=SHAPES):
    return [cnnpy.Variable(rng.normal(size=s).astype(dtype), name=f"v{i}") for i, s in enumerate(shapes)]


def gradients(own, seed):
    some = np.random.default_rng(seed)
    return [cnnpy.Tensor(some.normal(size=v.shape).astype(v.dtype)) for v in own]


def values(own):
    return [v.numpy() for v in own]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "given", "renamed"), RULES)
def test_ten_steps(name, given, renamed, dtype):
    rate = given.get("learning_rate", 0.05)
    known = inspect.signature(getattr(reference, name.lower())).parameters
    keys = {k: v for k, v in given.items() if k in known}
    for level in LEVELS:
        own = variables(dtype)
        expected, slots = [v.astype("float64") for v in values(own)], [{} for _ in own]
        with conditions.level(level):
            optimizer = getattr(optimizers, name)(**{"learning_rate": 0.05, **given})
            for step in range(1, 11):
                grads = gradients(own, step)
                optimizer.apply(grads, own)
                for i, g in enumerate(grads):
                    single = np.float32(rate).astype("float64")
                    expected[i] = getattr(reference, name.lower())(
                        expected[i], g.numpy().astype("float64"), slots[i], step, rate=single, **keys, **renamed
                    )
        for v, e in zip(own, expected):
            tolerance = 1e-11 if dtype == "float64" else 3e-5
            np.testing.assert_allclose(v.numpy(), e, rtol=tolerance, atol=tolerance, err_msg=level)
        assert optimizer.iterations.numpy() == 10


def run(make, steps=4, count=5, seed=0, dtype="float64", none_at=None):
    own = [cnnpy.Variable(np.random.default_rng(i).normal(size=s).astype(dtype)) for i, s in enumerate(SHAPES[:count])]
    optimizer = make()
    for step in range(steps):
        optimizer.apply(gradients(own, seed + step), own)
    return own, optimizer


def test_bits_do_not_depend_on_threads():
    for make in (
        lambda: optimizers.Adam(global_clipnorm=1.0, weight_decay=0.1),
        lambda: optimizers.SGD(momentum=0.9, clipnorm=0.5),
        lambda: optimizers.Nadam(clipnorm=0.5),
        lambda: optimizers.Lamb(global_clipnorm=1.0),
        lambda: optimizers.Muon(),
    ):
        results = []
        for count in (1, 2, 5):
            with conditions.threads(count):
                results.append([v.tobytes() for v in values(run(make, count=7, dtype="float32")[0])])
        assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_clipping(dtype):
    own = variables(dtype)
    grads = gradients(own, 1)
    g = [x.numpy().astype("float64") for x in grads]
    start = values(own)
    total = np.sqrt(sum((x**2).sum() for x in g))
    for arguments, expected in (
        ({"clipvalue": 0.5}, [np.clip(x, -0.5, 0.5) for x in g]),
        ({"clipnorm": 2.0}, [x * 2 / max(np.sqrt((x**2).sum()), 2) for x in g]),
        ({"global_clipnorm": 3.0}, [x * 3 / max(total, 3) for x in g]),
        ({"global_clipnorm": 1e6}, g),
        ({"loss_scale_factor": 4.0, "clipnorm": 2.0}, [x / 4 * 2 / max(np.sqrt((x**2).sum()) / 4, 2) for x in g]),
    ):
        for v, s in zip(own, start):
            v.assign(s)
        optimizers.SGD(1.0, **arguments).apply(grads, own)
        for v, s, e in zip(own, start, expected):
            np.testing.assert_allclose(s - v.numpy(), e, rtol=1e-4 if dtype == "float32" else 1e-10, atol=1e-6)


def test_not_finite_gradients():
    def step(gradient, **arguments):
        v = cnnpy.Variable(np.zeros(3))
        optimizers.SGD(1.0, **arguments).apply([cnnpy.Tensor(np.array(gradient))], [v])
        return v.numpy()

    for arguments in ({}, {"clipvalue": 1.0}, {"clipnorm": 1.0}, {"global_clipnorm": 1.0}):
        assert np.isnan(step([np.nan, 1.0, 1.0], **arguments)).any()
    np.testing.assert_array_equal(step([np.inf, 1.0, 1.0], clipvalue=2.0), [-2, -1, -1])
    assert np.isnan(step([np.inf, 1.0, 1.0], global_clipnorm=1.0)).all()
    np.testing.assert_array_equal(np.isnan(step([np.inf, 1.0, 1.0], clipnorm=1.0)), [True, False, False])
    v = cnnpy.Variable(np.zeros(2, "float32"))
    optimizer = optimizers.Adam(amsgrad=True)
    optimizer.apply([cnnpy.Tensor(np.array([np.nan, 1.0], "float32"))], [v])
    optimizer.apply([cnnpy.Tensor(np.array([1.0, 1.0], "float32"))], [v])
    np.testing.assert_array_equal(np.isnan(v.numpy()), [True, False])


def test_weight_decay_and_exclusions():
    own = variables()
    start = values(own)
    optimizer = optimizers.SGD(0.5, weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_list=[own[0]], var_names=["v4"])
    optimizer.apply([cnnpy.Tensor(np.zeros(v.shape)) for v in own], own)
    for i, (v, s) in enumerate(zip(own, start)):
        np.testing.assert_allclose(v.numpy(), s if i in (0, 4) else s * 0.95)
    with pytest.raises(ValueError, match="before the optimizer is built"):
        optimizer.exclude_from_weight_decay(var_names=["v1"])
    optimizer.weight_decay = None
    before = values(own)
    optimizer.apply([cnnpy.Tensor(np.zeros(v.shape)) for v in own], own)
    for v, b in zip(own, before):
        np.testing.assert_array_equal(v.numpy(), b)
    assert optimizers.AdamW().weight_decay == 0.004
    with pytest.raises(ValueError, match="use Adam"):
        optimizers.AdamW(weight_decay=None)


def test_a_variable_that_is_being_read_gets_new_storage():
    v = cnnpy.Variable(np.zeros(4))
    view = np.asarray(v)
    optimizers.SGD(1.0).apply([cnnpy.Tensor(np.ones(4))], [v])
    np.testing.assert_array_equal(view, np.zeros(4))
    np.testing.assert_array_equal(v.numpy(), -np.ones(4))
    w = cnnpy.Variable(np.ones(4))
    with cnnpy.GradientTape() as tape:
        loss = _core.mean_squared_error(np.zeros(4), w)
    optimizers.SGD(1.0).apply([cnnpy.Tensor(np.ones(4))], [w])
    np.testing.assert_array_equal(tape.gradient(loss, w).numpy(), np.full(4, 0.5))


def test_missing_gradients():
    own = variables()[:3]
    grads = gradients(own, 0)
    start = values(own)
    optimizer = optimizers.Adam()
    with pytest.warns(UserWarning, match=r"Gradients do not exist for variables \['v1'\]"):
        optimizer.apply([grads[0], None, grads[2]], own)
    assert (own[1].numpy() == start[1]).all() and (own[0].numpy() != start[0]).all()
    assert optimizer.iterations.numpy() == 1
    with pytest.raises(ValueError, match="No gradients provided for any variable"):
        optimizer.apply([None, None, None], own)
    assert optimizer.iterations.numpy() == 1
    optimizer.apply([], own)
    assert optimizer.iterations.numpy() == 1


def test_another_order_and_a_part_of_the_variables():
    own = variables()[:3]
    grads = gradients(own, 0)
    other = [cnnpy.Variable(v) for v in own]
    first, second = optimizers.Adam(), optimizers.Adam()
    first.apply(grads, own)
    second.build(other)
    second.apply(grads[::-1], other[::-1])
    for a, b in zip(own, other):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    before = values(own)
    first.apply_gradients([(grads[2], own[2])])
    np.testing.assert_array_equal(own[0].numpy(), before[0])
    assert (own[2].numpy() != before[2]).all()
    first.apply(grads)
    assert first.iterations.numpy() == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda g, v: ([*g[:-1], cnnpy.Tensor(np.zeros(5))], v),
            r"\(\"v2\"\) is float64 of shape \(1,\) but its gradient",
        ),
        (lambda g, v: ([*g[:-1], cnnpy.Tensor(np.zeros(1, "float32"))], v), "its gradient is float32"),
        (lambda g, v: (g[:2], v), "2 gradients for 3 variables"),
        (lambda g, v: (g, [*v[:2], cnnpy.Variable(np.zeros(1), name="new")]), 'variable "new" is unknown'),
    ],
)
def test_wrong_arguments_change_nothing(change, message):
    own = variables()[:3]
    optimizer = optimizers.Adam()
    optimizer.build(own)
    before = values(own) + values(optimizer.variables)
    with pytest.raises(ValueError, match=message):
        optimizer.apply(*change(gradients(own, 0), own))
    for a, b in zip(before, values(own) + values(optimizer.variables)):
        np.testing.assert_array_equal(a, b)


def test_failed_allocations_change_nothing():
    own = variables("float32")[:3]
    grads = gradients(own, 0)
    optimizer = optimizers.Adam(clipnorm=1.0)
    optimizer.build(own)
    views = [np.asarray(v) for v in own]
    before = values(own)
    for n in range(1, 40):
        _core.memory_fail_at(n)
        try:
            optimizer.apply(grads, own)
        except MemoryError:
            for v, b in zip(own, before):
                np.testing.assert_array_equal(v.numpy(), b)
            assert optimizer.iterations.numpy() == 0
        else:
            break
        finally:
            _core.memory_fail_at(0)
    assert optimizer.iterations.numpy() == 1 and len(views) == 3


def test_learning_rate():
    optimizer = optimizers.SGD(0.5)
    assert isinstance(optimizer.learning_rate, cnnpy.Variable)
    v = cnnpy.Variable(np.zeros(1))
    for value, expected in ((0.25, -0.25), (np.float32(1.0), -1.25), (cnnpy.Tensor(np.array(2.0)), -3.25)):
        optimizer.learning_rate = value
        optimizer.apply([cnnpy.Tensor(np.ones(1))], [v])
        assert v.numpy() == expected
    optimizer.learning_rate.assign(np.float32(1.0))
    optimizer.apply([cnnpy.Tensor(np.ones(1))], [v])
    assert v.numpy() == -4.25
    optimizer.learning_rate = lambda: 0.75
    optimizer.apply([cnnpy.Tensor(np.ones(1))], [v])
    assert v.numpy() == -5 and optimizer.learning_rate == 0.75
    assert len(optimizer.variables) == 1
    for wrong in ("fast", None, True, np.ones(3)):
        with pytest.raises(ValueError, match="learning_rate must be a number"):
            optimizers.SGD(wrong)


def test_old_spellings(monkeypatch):
    monkeypatch.setattr(module, "_warned", set())
    with pytest.warns(DeprecationWarning, match="`lr` is the old name"):
        optimizer = optimizers.SGD(lr=0.5)
    optimizers.SGD(lr=0.5)  # warned of once
    with pytest.warns(DeprecationWarning, match="optimizer.lr is the old name"):
        assert optimizer.lr.numpy() == 0.5
    optimizer.lr = 0.25
    assert optimizer.learning_rate.numpy() == 0.25
    with pytest.warns(DeprecationWarning, match="`decay` is old"):
        optimizer = optimizers.SGD(1.0, decay=0.5)
    v = cnnpy.Variable(np.zeros(1))
    for expected in (1, 1 + 1 / 1.5, 1 + 1 / 1.5 + 1 / 2):
        optimizer.apply([cnnpy.Tensor(-np.ones(1))], [v])
        np.testing.assert_allclose(v.numpy(), expected)
    assert optimizers.SGD.from_config(optimizer.get_config())._decay == 0.5
    with pytest.raises(ValueError, match=r"unknown argument\(s\) momentun"):
        optimizers.SGD(0.1, momentun=0.9)


def test_moving_averages():
    own = [cnnpy.Variable(np.zeros(1))]
    optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    expected = 0.0
    for step in range(4):
        optimizer.apply([cnnpy.Tensor(-np.ones(1))], own)
        expected = own[0].numpy() if step == 0 else 0.5 * expected + 0.5 * own[0].numpy()
    assert own[0].numpy() == 4
    optimizer.finalize_variable_values(own)
    np.testing.assert_allclose(own[0].numpy(), expected)
    own = [cnnpy.Variable(np.zeros(1))]
    optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2)
    seen = []
    for _ in range(4):
        optimizer.apply([cnnpy.Tensor(-np.ones(1))], own)
        seen.append(float(own[0].numpy()[0]))
    assert seen == [1.0, 1.5, 2.5, 2.75]


def test_gradient_accumulation():
    own = variables()[:3]
    other = [cnnpy.Variable(v) for v in own]
    grads = [gradients(own, i) for i in range(6)]
    slow, plain = optimizers.Adam(gradient_accumulation_steps=3, clipnorm=1.0), optimizers.Adam(clipnorm=1.0)
    for g in grads:
        slow.apply(g, own)
    for k in (0, 3):
        means = [cnnpy.Tensor(np.asarray(sum(x.numpy() for x in column) / 3)) for column in zip(*grads[k : k + 3])]
        plain.apply(means, other)
    for a, b in zip(own, other):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)
    assert slow.iterations == 2


def test_constraints():
    class Constrained(cnnpy.Variable):
        constraint = staticmethod(lambda v: np.maximum(v.numpy(), 0))

    v = Constrained(np.array([0.5, 5.0]))
    optimizers.SGD(1.0).apply([cnnpy.Tensor(np.ones(2))], [v])
    np.testing.assert_array_equal(v.numpy(), [0.0, 4.0])


def test_own_optimizer():
    class Sign(optimizers.Optimizer):
        def build(self, variables):
            super().build(variables)
            self.counts = self.add_optimizer_variables(variables, "count")

        def update_step(self, gradient, variable, learning_rate):
            rate = float(np.asarray(learning_rate))
            self.assign(variable, variable.numpy() - rate * np.sign(gradient.numpy()))
            count = self.counts[self._get_variable_index(variable)]
            self.assign_add(count, cnnpy.Tensor(np.ones(count.shape)))

    own = [cnnpy.Variable(np.array([1.0, -1.0])), cnnpy.Variable(np.array([2.0]))]
    optimizer = Sign(0.5, clipvalue=1.0, weight_decay=0.1)
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply([cnnpy.Tensor(np.array([5.0, -3.0])), None], own)
    np.testing.assert_allclose(own[0].numpy(), [0.45, -0.45])
    np.testing.assert_array_equal(optimizer.counts[0].numpy(), [1, 1])
    assert optimizer.iterations.numpy() == 1
    with pytest.raises(NotImplementedError, match="update_step"):
        optimizers.Optimizer(0.1).apply([cnnpy.Tensor(np.ones(1))], [own[1]])


@pytest.mark.parametrize(("name", "given", "renamed"), RULES)
def test_configs_and_state(name, given, renamed):
    cls = getattr(optimizers, name)
    own, optimizer = run(lambda: cls(**given), steps=2)
    again = cls.from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()
    assert optimizers.deserialize(optimizers.serialize(optimizer)).get_config() == optimizer.get_config()
    other = [cnnpy.Variable(v) for v in own]
    with pytest.raises(ValueError, match="build"):
        again.set_weights(optimizer.get_weights())
    again.build(other)
    store = {}
    optimizer.save_own_variables(store)
    again.load_own_variables(store)
    grads = gradients(own, 99)
    optimizer.apply(grads, own)
    again.apply(grads, other)
    for a, b in zip(own, other):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    with pytest.warns(UserWarning, match="was not loaded"):
        again.load_own_variables({})


def test_copies():
    own, optimizer = run(lambda: optimizers.Adam(weight_decay=0.1, clipnorm=1.0), steps=2, count=3)
    for other, theirs in (copy.deepcopy((optimizer, own)), pickle.loads(pickle.dumps((optimizer, own)))):
        mine = [cnnpy.Variable(v) for v in own]
        grads = gradients(own, 5)
        other.apply(grads, theirs)
        assert other.iterations.numpy() == 3 and optimizer.iterations.numpy() == 2
        for a, b in zip(own, mine):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
        assert (theirs[0].numpy() != own[0].numpy()).all()


def test_names():
    assert isinstance(optimizers.get("adam"), optimizers.Adam)
    assert isinstance(optimizers.get("SGD"), optimizers.SGD)
    assert isinstance(optimizers.get("RMSprop"), optimizers.RMSprop)
    assert isinstance(optimizers.get(optimizers.AdamW), optimizers.AdamW)
    made = optimizers.get({"class_name": "Adam", "config": {"learning_rate": 0.5}})
    assert made.learning_rate.numpy() == 0.5 and optimizers.get(made) is made
    assert optimizers.get(None) is None
    with pytest.raises(ValueError, match=r"unknown optimizer 'adm'. Did you mean 'Adam'\?"):
        optimizers.get("adm")
    with pytest.raises(ValueError, match="an optimizer is a name"):
        optimizers.get(3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: optimizers.SGD(momentum=2), "momentum must be a float between 0 and 1"),
        (lambda: optimizers.SGD(clipnorm=1.0, clipvalue=1.0), "only one of"),
        (lambda: optimizers.SGD(gradient_accumulation_steps=1), ">= 2"),
        (lambda: optimizers.SGD(use_ema=True, ema_momentum=2), "ema_momentum"),
        (lambda: optimizers.SGD(use_ema=True, ema_overwrite_frequency=0.5), "ema_overwrite_frequency"),
        (lambda: optimizers.SGD().apply([cnnpy.Tensor(np.ones(1))]), "pass the variables"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("nope", [], [], (), (), None), ValueError, "no rule 'nope'"),
        (("sgd", [], [], (), (0.1,), None), ValueError, "tuple of 3 numbers"),
        (("sgd", [1], [None], (), (0.1, 0, 0), None), TypeError, "variables must hold Tensors"),
        (("sgd", [cnnpy.Tensor([1.0])], [], (), (0.1, 0, 0), None), ValueError, "1 variables but 0 gradients"),
        (
            ("sgd", [cnnpy.Tensor([1])], [cnnpy.Tensor([1])], (), (0.1, 0, 0), None),
            TypeError,
            "only float32 and float64",
        ),
        (
            ("adam", [cnnpy.Tensor([1.0])], [cnnpy.Tensor([1.0])], (), (0.1, 0, 0, 0), None),
            ValueError,
            "needs the slot",
        ),
        (("sgd", [], [], (), (0.1, 0, 0), cnnpy.Tensor([1.0])), TypeError, "one int64"),
        ((), TypeError, "takes"),
    ],
)
def test_the_core_refuses_nonsense(arguments, error, message):
    with pytest.raises(error, match=message):
        _core.optimizer_step(*arguments)
