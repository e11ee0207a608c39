"""Memory that runs out in the middle of building, training, predicting and loading: MemoryError, nothing lost."""

import gc

import numpy as np
import pytest

import cnnpy
import trials
from cnnpy import _core, layers

X, Y = trials.data(samples=16)


def in_use():
    gc.collect()
    return _core.memory_stats()["in_use"]


def requests(action):
    """How many allocations ACTION asks for."""
    before = _core.memory_stats()["requests"]
    action()
    return _core.memory_stats()["requests"] - before


def chosen(count, ordinary):
    """The allocations that are made to fail: all, or some evenly spread over the COUNT."""
    step = max(1, count // trials.trials(ordinary))
    return range(1, count + 1, step)


def build():
    trials.net(filters=4)


def fit(model, folder):
    model.fit(X, Y, batch_size=8, epochs=2, validation_split=0.5, shuffle=False, verbose=0)


def predict(model, folder):
    return model.predict(X, batch_size=8, verbose=0)


def evaluate(model, folder):
    model.evaluate(X, Y, batch_size=8, verbose=0)


def load(model, folder):
    cnnpy.models.load_model(folder / "start.keras")


def load_weights(model, folder):
    model.load_weights(folder / "start.weights.h5")


def failing(n, action, expected=None):
    """Whether ACTION raised MemoryError, its N-th allocation failing, or asked for fewer, or did without.

    NumPy takes an array by another way when its first one fails; EXPECTED is what ACTION must then return.
    """
    before = _core.memory_stats()["requests"]
    _core.memory_fail_at(n)
    try:
        result = action()
    except MemoryError as error:
        assert "no memory for" in str(error)
        return True
    finally:
        _core.memory_fail_at(0)
    return _core.memory_stats()["requests"] - before < n or (
        expected is not None and trials.same_bits([result], [expected])
    )


def test_building():
    count = requests(build)
    before, tried = in_use(), chosen(count, 40)
    for n in tried:
        assert failing(n, build), f"allocation {n} of {count} failed in silence"
        assert in_use() == before, f"allocation {n} failed and memory was lost"
    build()
    trials.report(f"build: {len(tried)} of {count} allocations failed, each a MemoryError, nothing lost")


@pytest.mark.parametrize("action", [fit, predict, evaluate, load, load_weights], ids=lambda action: action.__name__)
def test_with_a_model(action, tmp_path):
    model = trials.net(filters=4)
    model.fit(X, Y, batch_size=8, verbose=0)
    model.save(tmp_path / "start.keras")
    model.save_weights(tmp_path / "start.weights.h5")
    action(model, tmp_path)
    expected = model.predict(X, verbose=0)
    again = expected if action is predict else None
    count = requests(lambda: action(model, tmp_path))
    model.load_weights(tmp_path / "start.weights.h5")
    tried = chosen(count, 40)
    before = in_use()
    for n in tried:
        old = model.get_weights()
        assert failing(n, lambda: action(model, tmp_path), again), f"allocation {n} of {count} failed in silence"
        assert in_use() <= before + 512, f"allocation {n} of {count} failed and memory was lost"
        if action is not fit:  # which may have done some steps
            assert trials.same_bits(model.get_weights(), old), f"allocation {n} of {count}: the weights have changed"
    action(model, tmp_path)
    model.load_weights(tmp_path / "start.weights.h5")
    action(model, tmp_path)
    assert trials.same_bits([model.predict(X, verbose=0)], [expected])
    trials.report(f"{action.__name__}: {len(tried)} of {count} allocations failed, each a MemoryError, nothing lost")


def test_a_step_is_done_or_not():
    """The allocation that fails lies before the update of the weights or there is none after it."""
    model = trials.net(filters=4)
    model.train_on_batch(X, Y)
    start = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]

    def state():
        return [v.numpy() for v in model.trainable_variables]

    def restore():
        for variable, value in zip((*model.variables, *model.optimizer.variables), start):
            variable.assign(value)

    count = requests(lambda: model.train_on_batch(X, Y))
    after = None
    for n in chosen(count, 200):
        restore()
        before, steps = state(), int(model.optimizer.iterations)
        assert failing(n, lambda: model.train_on_batch(X, Y))
        if int(model.optimizer.iterations) == steps:
            assert trials.same_bits(state(), before), f"allocation {n} of {count}: half a step"
        else:
            after = after or state()
            assert not trials.same_bits(after, before)


@pytest.fixture
def free_memory():
    """Bytes that this machine can give."""
    available = _core.memory_available()
    if available is None:
        pytest.skip("this system does not tell how much memory it has")
    return available


def test_a_layer_larger_than_the_machine_is_refused_before_it_is_made(free_memory):
    units = free_memory // 4 // 1000 + 10**6
    with pytest.raises(
        MemoryError, match=r'Dense "big": its weight .kernel. of shape \(1000, \d+\) needs .* GiB, .* free'
    ):
        cnnpy.Sequential([layers.Input((1000,)), layers.Dense(units, name="big")])


def test_a_batch_larger_than_the_machine_is_refused_and_the_largest_tensors_are_named(free_memory):
    size = int((free_memory / 4 / 64) ** 0.5) + 1000
    wide = layers.Conv2D(64, 1, name="wide")
    model = cnnpy.Sequential(
        [layers.Input((8, 8, 1)), layers.UpSampling2D(size // 8), wide, layers.GlobalAveragePooling2D()]
    )
    model.compile("sgd", "mse")
    x, y = X[:1, :8, :8, :1], np.zeros((1, 64))
    weights, before = model.get_weights(), in_use()
    for action in (model.predict, model.fit, model.evaluate):
        with pytest.raises(MemoryError, match="no memory for") as caught:
            action(x, **({} if action == model.predict else {"y": y}), batch_size=1, verbose=0)
        (note,) = caught.value.__notes__
        assert "the largest: output of wide (1, " in note and "GiB" in note, note
        del caught
    assert trials.same_bits(model.get_weights(), weights)
    assert in_use() <= before + 512
    trials.report(note)
