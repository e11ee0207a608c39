"""Ctrl-C at random moments: control returns at once, nothing is half done, and the next call works."""

import gc
import os
import random
import signal
import threading
import time

import numpy as np
import pytest

import cnnpy
import trials
from cnnpy import callbacks

X, Y = trials.data(samples=64)
SAME = trials.data(samples=8, seed=1)[0]


class Rows(cnnpy.utils.PyDataset):
    """Batches that workers make."""

    def __len__(self):
        return 40

    def __getitem__(self, i):
        time.sleep(0.0005)
        return X[:8], Y[:8]


def batches():
    return (
        cnnpy.data.Dataset.from_tensor_slices((X, Y))
        .repeat(20)
        .shuffle(16)
        .map(lambda x, y: (x, y))
        .batch(8)
        .prefetch(2)
    )


def fit(model, folder):
    model.fit(X, Y, batch_size=8, epochs=4, validation_split=0.25, verbose=0)


def fit_with_callbacks(model, folder):
    path = os.path.join(folder, "best.keras")
    kept = [callbacks.ModelCheckpoint(path), callbacks.CSVLogger(os.path.join(folder, "log.csv"))]
    model.fit(X, Y, batch_size=32, epochs=6, verbose=0, callbacks=kept)


def fit_dataset(model, folder):
    model.fit(batches(), epochs=1, verbose=0)


def fit_workers(model, folder):
    model.fit(Rows(workers=2, max_queue_size=4), epochs=1, verbose=0)


def predict(model, folder):
    for _ in range(6):
        model.predict(X, batch_size=8, verbose=0)


def save(model, folder):
    for ending in (".keras", ".weights.h5", ".h5") * 2:
        (model.save_weights if "weights" in ending else model.save)(os.path.join(folder, f"model{ending}"))


def load(model, folder):
    for _ in range(4):
        cnnpy.models.load_model(os.path.join(folder, "start.keras"))


def read(model, folder):
    for _ in batches():
        pass


ACTIONS = [fit, fit_with_callbacks, fit_dataset, fit_workers, predict, save, load, read]


def interrupted(action, delay):
    """Runs ACTION, interrupts it after DELAY seconds. Returns how long control took to come back; None if it ended."""
    sent = []

    def send(number, frame):
        sent.append(time.perf_counter())
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGALRM, send)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, delay)
            action()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        return time.perf_counter() - sent[0]
    finally:
        signal.signal(signal.SIGALRM, before)
    return None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of files that Python closes late
@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.__name__)
def test_control_c_at_a_random_moment(action, tmp_path):
    rng = random.Random(7)
    model = trials.net()
    model.save(tmp_path / "start.keras")
    action(model, tmp_path)
    begin = time.perf_counter()
    action(model, tmp_path)
    length = time.perf_counter() - begin
    threads, longest, hits = threading.active_count(), 0.0, 0
    kept = set(os.listdir(tmp_path))
    runs = max(1, trials.trials(24) // len(ACTIONS))
    while hits < runs:
        steps = int(model.optimizer.iterations)
        took = interrupted(lambda: action(model, tmp_path), rng.uniform(1e-4, length))
        if took is None:
            continue
        hits += 1
        longest = max(longest, took)
        ended_by = time.perf_counter() + 2
        while threading.active_count() > threads and time.perf_counter() < ended_by:
            gc.collect()
            time.sleep(0.01)
        assert threading.active_count() == threads, threading.enumerate()
        assert set(os.listdir(tmp_path)) <= kept, f"left over: {set(os.listdir(tmp_path)) - kept}"
        assert int(model.optimizer.iterations) >= steps
        check(model, action, tmp_path)
    trials.report(f"{action.__name__}: {hits} interrupts, control back within {1000 * longest:.0f} ms")
    assert longest < 0.2 * (1 if trials.trials(0) else 10)  # the machine may be busy


def check(model, action, folder):
    """MODEL is whole: its weights are finite, a history has as many losses as epochs, files load, all goes on."""
    assert all(np.isfinite(w).all() for w in model.get_weights())
    if model.history is not None:
        lengths = {len(values) for values in model.history.history.values()}
        assert lengths <= {len(model.history.epoch)}, (model.history.epoch, model.history.history)
    for name in os.listdir(folder):
        if name.endswith((".keras", ".h5")) and "weights" not in name:
            cnnpy.models.load_model(folder / name)
        elif name.endswith(".weights.h5"):
            trials.net().load_weights(folder / name)
    copy = cnnpy.models.clone_model(model)
    copy.set_weights(model.get_weights())
    assert trials.same_bits([model.predict(SAME, verbose=0)], [copy.predict(SAME, verbose=0)])
    with cnnpy.GradientTape() as tape:  # no tape of the interrupted step goes on
        tape.watch(model.trainable_variables)
        loss = cnnpy.ops.mean(model(SAME, training=True))
    assert len(tape.gradient(loss, model.trainable_variables)) == len(model.trainable_variables)
    gc.collect()
