"""What calls cost beyond their computing, and what they leave in memory.

    python benchmarks/overhead.py [predict] [build]

predict: 100,000 calls of `predict` on one sample: the growth of the process, and the time of a call against that of the
bare forward pass. build: a model is built, trained and deleted 500 times. The promises: growth under 1 MiB, and at most
1.5 times the forward pass plus 50 microseconds.
"""

import gc
import os
import sys
import time

import numpy as np

import cnnpy
from cnnpy import _core, layers

MIB = 2**20


def resident():
    """Bytes of this process in memory."""
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def net():
    """A small convolutional net, compiled."""
    model = cnnpy.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def fastest(function, calls=200, rounds=30):
    """Seconds of one call, the best of ROUNDS means over CALLS."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(calls):
            function()
        best = min(best, (time.perf_counter() - start) / calls)
    return best


def predict(calls=100_000):
    model = net()
    x = np.random.default_rng(0).random((1, 28, 28, 1), "float32")
    tensor = cnnpy.Tensor(x)
    for _ in range(1000):
        model.predict(x, verbose=0)
    before = resident()
    for _ in range(calls):
        model.predict(x, verbose=0)
    growth = (resident() - before) / MIB
    bare = fastest(lambda: model(tensor, training=False)) * 1e6
    print(f"{calls:,} predictions of one sample: memory grew by {growth:.2f} MiB")
    for name, function in (
        ("predict", lambda: model.predict(x, verbose=0)),
        ("predict_on_batch", lambda: model.predict_on_batch(x)),
    ):
        whole = fastest(function) * 1e6
        print(f"{name}: {whole:.1f} us, the bare forward pass {bare:.1f} us, allowed {1.5 * bare + 50:.1f} us")


def build(times=500):
    rng = np.random.default_rng(0)
    x, y = rng.random((64, 28, 28, 1), "float32"), rng.integers(0, 10, 64)

    def once():
        model = net()
        model.fit(x, y, verbose=0)
        model.predict(x, verbose=0)

    for _ in range(1000):  # until caches and the system's allocator have settled
        once()
    before, used = resident(), _core.memory_stats()["in_use"]
    for _ in range(times):
        once()
    growth = (resident() - before) / MIB
    left = _core.memory_stats()["in_use"] - used
    print(f"{times} models built, trained and deleted: memory grew by {growth:.2f} MiB, tensors by {left} bytes")


if __name__ == "__main__":
    for part in sys.argv[1:] or ("predict", "build"):
        {"predict": predict, "build": build}[part]()
