"""Training that is interrupted, run with several thread counts, or run for long."""

import gc
import os
import subprocess
import sys

import numpy as np
import pytest

import cnnpy
from cnnpy import _core, callbacks, layers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 6, 6, 1)).astype("float32")
Y = RNG.integers(0, 3, 50)


def net(optimizer="sgd"):
    stack = [layers.Conv2D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(3, activation="softmax")]
    model = cnnpy.Sequential([layers.Input((6, 6, 1)), *stack])
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


# ---- interruption ----


def test_interruption_leaves_everything_usable(capsys):
    class Interrupt(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.history.epoch == [0, 1] and batch == 2:
                raise KeyboardInterrupt

    model = net()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=9, batch_size=10, callbacks=[Interrupt()])
    assert len(model.history.history["loss"]) == 2
    out = capsys.readouterr().out
    assert out.endswith("\n")
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert model.fit(X, Y, epochs=1, verbose=0).epoch == [0]
    with cnnpy.GradientTape():  # the interrupted step has closed its own
        pass


SIGNAL = """
import os, signal, threading, time
import numpy as np, cnnpy
from cnnpy import layers
model = cnnpy.Sequential([layers.Input((8,)), layers.Dense(8), layers.Dense(1)])
model.compile("adam", loss="mse")
x, y = np.ones((64, 8), "float32"), np.ones((64, 1), "float32")
model.fit(x, y, verbose=0)
threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
start = time.perf_counter()
try:
    model.fit(x, y, epochs=10**9, batch_size=1, verbose=0)
except KeyboardInterrupt:
    print("interrupted", time.perf_counter() - start < 5, len(model.history.history["loss"]) > 0)
print(np.isfinite(model.evaluate(x, y, verbose=0)), int(np.asarray(model.optimizer.iterations)) > 0)
"""


def run_python(code, **environment):
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_control_c():
    assert run_python(SIGNAL).split() == ["interrupted", "True", "True", "True", "True"]


# ---- the same bits, and memory ----

THREADS = """
import hashlib
import numpy as np, cnnpy
from cnnpy import layers
cnnpy.utils.set_random_seed(3)
model = cnnpy.Sequential([
    layers.Input((12, 12, 3)), layers.Conv2D(8, 3, padding="same", activation="relu"), layers.BatchNormalization(),
    layers.Conv2D(8, 3, strides=2), layers.MaxPooling2D(), layers.Flatten(), layers.Dropout(0.3),
    layers.Dense(32, activation="relu"), layers.Dense(5, activation="softmax"),
])
model.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
x = np.random.rand(150, 12, 12, 3).astype("float32")
y = np.random.randint(0, 5, 150)
history = model.fit(x, y, epochs=2, batch_size=32, validation_split=0.2, verbose=0).history
print(hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest(), history)
"""


def test_one_and_two_threads_give_the_same_bits():
    assert run_python(THREADS, OMP_NUM_THREADS="1") == run_python(THREADS, OMP_NUM_THREADS="2")


@pytest.fixture
def one_thread():
    """Tiny nets gain nothing from threads, and busy machines make them wait."""
    _core.set_threads(1)
    yield
    _core.set_threads(None)


def test_training_does_not_grow_memory(one_thread):
    model = net(optimizer="adam")
    gc.collect()
    for _ in range(3):
        model.train_on_batch(X[:4], Y[:4])
    before = _core.memory_stats()["in_use"]
    for _ in range(2000):
        model.train_on_batch(X[:4], Y[:4])
    assert _core.memory_stats()["in_use"] == before
    for _ in range(200):
        model.predict(X[:1], verbose=0)
    model.fit(X, Y, epochs=20, batch_size=8, verbose=0)
    assert _core.memory_stats()["in_use"] == before


def test_models_that_are_gone_leave_nothing(one_thread):
    def once():
        model = net(optimizer="adam")
        model.fit(X, Y, verbose=0, validation_split=0.2)
        model.predict(X, verbose=0)

    once()
    gc.collect()
    before = _core.memory_stats()["in_use"]
    for _ in range(20):
        once()
    gc.collect()
    assert _core.memory_stats()["in_use"] == before


GROWTH = """
import gc, os
import numpy as np, cnnpy
from cnnpy import layers

def resident():
    gc.collect()
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def net():
    stack = [layers.Conv2D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(3, activation="softmax")]
    model = cnnpy.Sequential([layers.Input((6, 6, 1)), *stack])
    model.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model

x, y = np.random.rand(30, 6, 6, 1).astype("float32"), np.random.randint(0, 3, 30)
model = net()
for _ in range(500):
    model.predict(x[:1], verbose=0)
before = resident()
for _ in range(3000):
    model.predict(x[:1], verbose=0)
print(resident() - before < 2**20)

def once():
    model = net()
    model.fit(x, y, verbose=0, validation_split=0.2)
    model.predict(x, verbose=0)

for _ in range(10):
    once()
gc.collect()
before = len(gc.get_objects())
for _ in range(60):
    once()
gc.collect()
print(len(gc.get_objects()) - before < 60)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs the memory that Linux tells")
def test_many_predictions_and_many_models_leave_nothing_in_the_process():
    assert run_python(GROWTH).split() == ["True", "True"]


def test_a_model_made_while_another_trains_leaves_the_order_of_its_weights():
    model = net()
    model.add(layers.BatchNormalization())  # weights that are not trained, before others that are
    model.add(layers.Dense(3, activation="softmax"))
    model.compile("sgd", loss="sparse_categorical_crossentropy")
    expected, seen = [w.path for w in model.weights], []

    class Look(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            net()
            seen.append([w.path for w in self.model.weights])

    model.fit(X, Y, verbose=0, callbacks=[Look()])
    assert seen == [expected] * len(seen) and seen
    assert [w.path for w in model.weights] == expected
