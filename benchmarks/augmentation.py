"""ImageDataGenerator against Keras's, on batches of 128 images of CIFAR-10's size.

    python benchmarks/augmentation.py [threads]

Rotation, shifts, zoom and a flip. First images per second: Keras's class computes in one thread, in the place of the
caller; cnnpy's batches are read as `fit` reads them, made ahead, and for comparison one by one in the calling thread.
Then, each library in its own process, what an epoch of a small net (convolutions of 16, 32 and 64 filters) takes with
augmentation in times of one without; the two take turns.
"""

import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np

from cnnpy import _core
from cnnpy.models.prefetch import batches
from cnnpy.preprocessing.image import ImageDataGenerator

OPTIONS = {
    "rotation_range": 15,
    "width_shift_range": 0.1,
    "height_shift_range": 0.1,
    "zoom_range": 0.1,
    "horizontal_flip": True,
}
BATCH = 128


def images(count=2048):
    """Smooth random pictures, uint8."""
    coarse = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), np.uint8)
    return coarse.repeat(4, 1).repeat(4, 2)


def one_by_one(generator, x):
    """Images per second of `next`, the best of five passes."""
    flow = generator.flow(x, batch_size=BATCH, seed=0)
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(len(flow)):
            next(flow)
        best = min(best, time.perf_counter() - start)
    return len(x) / best


def ahead(generator, x):
    """Images per second as `fit` reads them, the best of five passes."""
    flow = generator.flow(x, batch_size=BATCH, seed=0)
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in batches(flow, range(len(flow))):
            pass
        best = min(best, time.perf_counter() - start)
    return len(x) / best


def epochs(library, threads, rounds=4):
    """{seconds of an epoch without augmentation, with it}, medians; the first round counts for nothing."""
    if library == "cnnpy":
        import cnnpy as keras

        _core.set_threads(threads)
        generator = ImageDataGenerator(rescale=1 / 255, **OPTIONS)
    else:
        import keras
        import tensorflow
        from keras.src.legacy.preprocessing.image import ImageDataGenerator as Keras

        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        generator = Keras(rescale=1 / 255, **OPTIONS)
    stack = [keras.Input((32, 32, 3))]
    for filters in (16, 32, 64):
        stack += [keras.layers.Conv2D(filters, 3, padding="same", activation="relu"), keras.layers.MaxPooling2D()]
    stack += [keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")]
    model = keras.Sequential(stack)
    model.compile("adam", "sparse_categorical_crossentropy")
    x, y = images(8192), np.arange(8192) % 10
    scaled, flow = (x / 255).astype("float32"), generator.flow(x, y, batch_size=BATCH, seed=0)
    taken = {"plain": [], "augmented": []}
    for _ in range(rounds + 1):
        for name, fit in (
            ("plain", lambda: model.fit(scaled, y, batch_size=BATCH, verbose=0)),
            ("augmented", lambda: model.fit(flow, verbose=0)),
        ):
            start = time.perf_counter()
            fit()
            taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds[1:]) for name, seconds in taken.items()}


def in_own_process(library, threads):
    """What `epochs` gives, in a fresh process."""
    command = [sys.executable, __file__, str(threads), library]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main(threads):
    for library in ("cnnpy", "keras"):
        took = in_own_process(library, threads)
        print(
            f"{library:6} epoch of 8192 images {took['plain']:6.2f} s, with augmentation {took['augmented']:6.2f} s, "
            f"{took['augmented'] / took['plain']:.2f} times",
            flush=True,
        )
    from keras.src.legacy.preprocessing.image import ImageDataGenerator as Keras

    _core.set_threads(threads)
    x = images()
    theirs = one_by_one(Keras(**OPTIONS), x)
    print(f"{threads} threads, batches of {BATCH} of 32x32x3")
    print(f"Keras        {theirs:10,.0f} images/s")
    for name, rate in (
        ("one by one", one_by_one(ImageDataGenerator(**OPTIONS), x)),
        ("made ahead", ahead(ImageDataGenerator(**OPTIONS), x)),
    ):
        print(f"{name}   {rate:10,.0f} images/s, {rate / theirs:.1f} times Keras's")


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    if len(sys.argv) > 2:
        print(json.dumps(epochs(sys.argv[2], count)))
    else:
        main(count)
