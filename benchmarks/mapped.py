"""Training on a memory-mapped array that is larger than memory: what the process needs beside the page cache.

    python benchmarks/mapped.py [gigabytes] [steps]

Makes a sparse file of uint8 images of 64x64x3 in a temporary folder, trains a small net on it, shuffled, for some steps
(a whole epoch without), and prints the most that was resident and anonymous (RssAnon, Linux): arrays, tensors and the
interpreter, not pages of the file, which the system takes back at will.
"""

import re
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

import cnnpy
from cnnpy import layers

SHAPE, BATCH = (64, 64, 3), 256


def resident(kind):
    """MiB of this process, by a name of /proc/self/status."""
    return int(re.search(rf"{kind}:\s*(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024


class Peak(threading.Thread):
    """The largest RssAnon and RssFile seen, twenty times a second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.most, self.over = {"RssAnon": 0.0, "RssFile": 0.0}, threading.Event()

    def run(self):
        while not self.over.wait(0.05):
            for kind, value in self.most.items():
                self.most[kind] = max(value, resident(kind))


def main(gigabytes, steps):
    count = int(gigabytes * 1e9) // int(np.prod(SHAPE))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        np.lib.format.open_memmap(path, "w+", np.uint8, (count, *SHAPE)).flush()
        x, y = np.load(path, mmap_mode="r"), np.arange(count) % 10
        model = cnnpy.Sequential(
            [
                *(cnnpy.Input(SHAPE), layers.Rescaling(1 / 255)),
                *(layers.Conv2D(16, 3, activation="relu"), layers.MaxPooling2D(4)),
                *(layers.Conv2D(32, 3, activation="relu"), layers.GlobalAveragePooling2D()),
                layers.Dense(10, activation="softmax"),
            ]
        )
        model.compile("adam", "sparse_categorical_crossentropy")
        peak = Peak()
        peak.start()
        start = time.perf_counter()
        model.fit(x, y, batch_size=BATCH, steps_per_epoch=steps, verbose=0)
        took = time.perf_counter() - start
        peak.over.set()
        peak.join()
    told = f"{steps} steps" if steps else "an epoch"
    print(f"{x.nbytes / 1e9:.1f} GB of uint8, {count} images, {told} of {BATCH}: {took:.0f} s")
    print(f"peak RssAnon {peak.most['RssAnon']:.0f} MiB, of the file in memory at most {peak.most['RssFile']:.0f} MiB")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0, int(sys.argv[2]) if len(sys.argv) > 2 else None)
