"""The memory that a model is said to take is what it takes; asking changes nothing."""

import gc
import random
import sys
from pathlib import Path

import numpy as np
import pytest

import cnnpy
from cnnpy import _core, layers
from cnnpy.utils import memory_estimate

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
nets = pytest.importorskip("nets", reason="the benchmarks are not part of an installed package")
from builders import build_keras  # noqa: E402

sys.path.pop(0)


def small():
    model = cnnpy.Sequential(
        [
            cnnpy.Input((16, 16, 3)),
            layers.Conv2D(32, 3),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "categorical_crossentropy")
    return model


@pytest.mark.parametrize("batch", [4, None])
@pytest.mark.parametrize("name", [name for name in nets.NETS if name not in nets.APPLICATIONS])
def test_within_fifteen_percent(name, batch):
    net = nets.NETS[name]
    batch = batch or net.batch
    x, y = nets.samples(net, batch, np.random.default_rng(0))
    gc.collect()
    before = _core.memory_stats()["in_use"]
    model = build_keras(cnnpy, net)
    estimate = memory_estimate(model, batch)
    peaks = []
    for run in (lambda: model.predict_on_batch(x), lambda: [model.train_on_batch(x, y) for _ in range(2)]):
        _core.memory_reset_peak()
        run()
        peaks.append(_core.memory_stats()["peak"] - before)
    assert estimate.prediction == pytest.approx(peaks[0], rel=0.15)
    assert estimate.training == pytest.approx(peaks[1], rel=0.15)


def test_what_is_too_large_to_try_is_extrapolated(monkeypatch):
    from cnnpy.utils import memory

    whole = memory_estimate(small(), 64)
    monkeypatch.setattr(memory, "_WHOLE_BELOW", 0)
    runs = []
    step = memory._step
    monkeypatch.setattr(memory, "_step", lambda *arguments: (runs.append(arguments[-1]), step(*arguments))[1])
    guessed = memory_estimate(small(), 64)
    assert runs == [16, 32]
    assert guessed.training == pytest.approx(whole.training, rel=0.15)


def test_asking_changes_nothing():
    model = small()
    cnnpy.utils.set_random_seed(3)
    drawn = random.getstate(), np.random.get_state()[1].tolist()
    weights = model.get_weights()
    seeds = [layer.seed_generator.state for layer in model.layers if isinstance(layer, layers.Dropout)]
    memory_estimate(model, 64)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == drawn
    assert seeds == [layer.seed_generator.state for layer in model.layers if isinstance(layer, layers.Dropout)]
    for a, b in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not model.optimizer.built and int(np.asarray(model.optimizer.iterations)) == 0


def test_parts():
    model = small()
    estimate = memory_estimate(model, 64)
    assert estimate.weights == 4 * model.count_params()
    trainable = sum(w.size for w in model.trainable_variables)
    assert estimate.optimizer == pytest.approx(2 * 4 * trainable, abs=64)  # besides two numbers
    assert estimate.training == estimate.weights + estimate.optimizer + estimate.step
    assert estimate.weights < estimate.prediction < estimate.training
    assert memory_estimate(model, 128).step > 1.8 * estimate.step
    assert repr(estimate).startswith("Memory for a batch of 64: training ")


def test_a_model_that_is_not_compiled_has_no_optimizer():
    model = cnnpy.Sequential([cnnpy.Input((4,)), layers.Dense(3)])
    assert memory_estimate(model, 2).optimizer == 0


def test_sizes_that_the_model_does_not_tell():
    model = cnnpy.Sequential([cnnpy.Input((None, None, 3)), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D()])
    with pytest.raises(ValueError, match="pass input_shape"):
        memory_estimate(model, 8)
    assert memory_estimate(model, 8, (64, 64, 3)).step > 2 * memory_estimate(model, 8, (32, 32, 3)).step


def test_several_inputs():
    a, b = cnnpy.Input((3,)), cnnpy.Input((3,))
    model = cnnpy.Model([a, b], layers.Dense(2)(layers.Add()([a, b])))
    assert memory_estimate(model, 4).step == memory_estimate(model, 4, [(3,), (3,)]).step > 0
    with pytest.raises(ValueError, match="has 2 inputs, got input_shape"):
        memory_estimate(model, 4, (3,))


@pytest.mark.parametrize("size", [0, -1, 2.0, True, "8"])
def test_bad_batch_sizes(size):
    with pytest.raises(ValueError, match="batch_size must be a positive integer"):
        memory_estimate(small(), size)


def test_summary_tells_it():
    lines = []
    small().summary(print_fn=lines.append, batch_size=32)
    text = "\n".join(lines)
    assert "Memory for a batch of 32: training " in text and "prediction " in text
    lines.clear()
    small().summary(print_fn=lines.append)
    assert "Memory" not in "\n".join(lines)
