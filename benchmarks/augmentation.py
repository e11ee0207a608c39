"""Images per second of ImageDataGenerator against Keras's, on batches of 128 images of CIFAR-10's size.

    python benchmarks/augmentation.py [threads]

Rotation, shifts, zoom and a flip. Keras's class computes in one thread, in the place of the caller; cnnpy's batches are
read as `fit` reads them, made ahead, and for comparison one by one in the calling thread.
"""

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


def main(threads):
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
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
