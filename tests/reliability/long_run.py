"""A long training: python tests/reliability/long_run.py [STEPS]. Prints what the process has grown by after 500 steps.

A small net with validation, checkpoints and a log; 24,000 steps by default, which take some minutes.
"""

import gc
import os
import sys
import tempfile
import threading

import numpy as np

import cnnpy
from cnnpy import _core, callbacks, layers


def resident():
    """Bytes of this process that are in memory (Linux)."""
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def now():
    handles = len(os.listdir("/proc/self/fd"))
    return {
        "resident": resident(),
        "core": _core.memory_stats()["in_use"],
        "handles": handles,
        "threads": threading.active_count(),
        "system threads": len(os.listdir("/proc/self/task")),
    }


def grown(steps):
    """What the process has grown by between step 500 and step STEPS, by name."""
    marks = []

    class Watch(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 5:
                marks.append(now())

    cnnpy.utils.set_random_seed(0)
    model = cnnpy.Sequential(
        [
            layers.Input((12, 12, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    rng = np.random.default_rng(0)
    x, y = rng.random((1600, 12, 12, 1), dtype="float32"), rng.integers(0, 10, 1600)
    with tempfile.TemporaryDirectory() as folder:
        kept = [
            callbacks.ModelCheckpoint(f"{folder}/last.keras"),
            callbacks.CSVLogger(f"{folder}/log.csv"),
            callbacks.BackupAndRestore(f"{folder}/backup"),
            Watch(),
        ]
        valid = x[:160], y[:160]
        model.fit(x, y, batch_size=16, epochs=steps // 100, validation_data=valid, verbose=0, callbacks=kept)
        marks.append(now())
    return {name: after - marks[0][name] for name, after in marks[-1].items()}


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 24000
    growth = grown(count)
    print(f"{count} steps, grown since step 500:", ", ".join(f"{name} {value:,}" for name, value in growth.items()))
