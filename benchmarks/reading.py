"""Image files: how fast they become batches, and how long training waits for them.

    python benchmarks/reading.py [folder of folders, one a class] [threads]

By default the folder is cats_and_dogs/train of CNNPY_DATA_DIR. Pictures become 150x150, three channels, batches of 32.
First files per second without any cache, beside `torch.utils.data.DataLoader` with Pillow and as many worker processes
as there are threads, taking turns. Then a net of four convolutions learns from the folder, and from a data frame that
names the same files, three epochs each: the share of an epoch that the steps wait for their batch.
"""

import os
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import pandas
from PIL import Image

import cnnpy
from cnnpy import _core, layers
from cnnpy.models.prefetch import batches
from cnnpy.preprocessing.image import ImageDataGenerator

SIZE, BATCH, ROUNDS = (150, 150), 32, 5


def flow(folder, **options):
    return ImageDataGenerator(rescale=1 / 255).flow_from_directory(
        folder, target_size=SIZE, batch_size=BATCH, class_mode="binary", interpolation="bilinear", seed=0, **options
    )


def ours(folder, threads):
    """A function that reads all files once and says how many a second."""
    source = flow(folder, cache_bytes=0)
    source.workers = threads

    def once():
        start = time.perf_counter()
        for _ in batches(source, range(len(source))):
            pass
        return source.n / (time.perf_counter() - start)

    return once


def torchs(folder, threads):
    """The same with PyTorch; its workers stay alive between the passes."""
    import torch

    class Files(torch.utils.data.Dataset):
        def __init__(self):
            self.paths = sorted(p for p in Path(folder).glob("*/*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
            self.names = sorted({p.parent.name for p in self.paths})

        def __len__(self):
            return len(self.paths)

        def __getitem__(self, index):
            path = self.paths[index]
            with Image.open(path) as image:
                pixels = np.asarray(image.convert("RGB").resize(SIZE[::-1], Image.Resampling.BILINEAR))
            return torch.from_numpy(pixels.astype("float32") / 255), self.names.index(path.parent.name)

    torch.set_num_threads(1)
    files = Files()
    loader = torch.utils.data.DataLoader(
        files, BATCH, shuffle=True, num_workers=threads, persistent_workers=True, multiprocessing_context="fork"
    )

    def once():
        start = time.perf_counter()
        for _ in loader:
            pass
        return len(files) / (time.perf_counter() - start)

    return once


class Waiting(cnnpy.callbacks.Callback):
    """The share of each epoch between the end of a step, or the beginning of the epoch, and the next step's batch."""

    def __init__(self):
        super().__init__()
        self.shares = []

    def on_epoch_begin(self, epoch, logs=None):
        self.begin = self.last = time.perf_counter()
        self.waited = 0.0

    def on_train_batch_begin(self, batch, logs=None):
        self.waited += time.perf_counter() - self.last

    def on_train_batch_end(self, batch, logs=None):
        self.last = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.shares.append(self.waited / (time.perf_counter() - self.begin))


def waits(source):
    """The share of waiting in each of three epochs of training on SOURCE."""
    stack = [cnnpy.Input((*SIZE, 3))]
    for filters in (32, 64, 128, 128):
        stack += [layers.Conv2D(filters, 3, activation="relu"), layers.MaxPooling2D()]
    model = cnnpy.Sequential(
        [*stack, layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(1, "sigmoid")]
    )
    model.compile("adam", "binary_crossentropy")
    waiting = Waiting()
    model.fit(source, epochs=3, callbacks=[waiting], verbose=0)
    return waiting.shares


def main(folder, threads):
    _core.set_threads(threads)
    theirs, mine = torchs(folder, threads), ours(folder, threads)
    rates = {"torch": [], "cnnpy": []}
    for _ in range(ROUNDS):
        rates["torch"].append(theirs())
        rates["cnnpy"].append(mine())
    ratio = statistics.median(a / b for a, b in zip(rates["cnnpy"][1:], rates["torch"][1:]))
    for name, found in rates.items():
        print(f"{name}: {statistics.median(found[1:]):,.0f} files/s with {threads} threads, nothing cached")
    print(f"cnnpy reads {ratio:.2f} times as many", flush=True)
    by_folder = flow(folder)
    frame = pandas.DataFrame({"filename": by_folder.filepaths, "class": [str(i) for i in by_folder.classes]})
    by_frame = ImageDataGenerator(rescale=1 / 255).flow_from_dataframe(
        frame, target_size=SIZE, batch_size=BATCH, class_mode="binary", interpolation="bilinear", seed=0
    )
    for name, source in (("folder", by_folder), ("data frame", by_frame)):
        shares = waits(source)
        print(f"{name}: waits for data {', '.join(f'{share:.1%}' for share in shares)} of epochs 1 to 3")
        kept = sum(pixels.nbytes for pixels in source._cache.values())
        print(f"  {len(source._cache)} of {source.n} decoded images cached, {kept / 2**20:.0f} MiB", flush=True)


if __name__ == "__main__":
    default = os.path.join(os.environ.get("CNNPY_DATA_DIR", "."), "cats_and_dogs", "train")
    main(sys.argv[1] if len(sys.argv) > 1 else default, int(sys.argv[2]) if len(sys.argv) > 2 else 2)
