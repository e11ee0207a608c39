"""Trains the networks of nets.py on real data and prints what they reach.

    CNNPY_DATA_DIR=folder python benchmarks/accuracy.py [mnist mnist-stride2 cifar10 denoiser]

Adam with its defaults, the net's batch size, seed 0. The denoiser restores 28x28 digits from 7x7 means of 4x4 pixels,
each disturbed by normal noise of deviation 0.02 (of 0 to 1).
"""

import argparse
import time

import numpy as np

import cnnpy
from builders import build_keras
from cnnpy.utils import set_random_seed, to_categorical
from nets import NETS

EPOCHS = {"mnist": 3, "mnist-stride2": 3, "cifar10": 10, "denoiser": 3}
DENOISER_IMAGES = 15_000


def classes(dataset):
    """((x, y), (x_test, y_test)): pixels in [0, 1] with a channel axis, labels one-hot."""

    def prepare(x, y):
        x = x.astype("float32") / 255
        return (x[..., None] if x.ndim == 3 else x), to_categorical(y, 10)

    return tuple(prepare(*part) for part in dataset.load_data())


def noisy_digits(images, seed):
    """(7x7 disturbed, 28x28 true) of uint8 digits, float32 in [0, 1]."""
    rng = np.random.default_rng(seed)
    true = images.astype("float32") / 255
    small = true.reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4))
    small += rng.normal(0, 0.02, small.shape).astype("float32")
    return small.clip(0, 1)[..., None], true[..., None]


def data(name):
    if name == "denoiser":
        (train, _), (test, _) = cnnpy.datasets.mnist.load_data()
        return noisy_digits(train[:DENOISER_IMAGES], 1), noisy_digits(test, 2)
    return classes(cnnpy.datasets.cifar10 if name == "cifar10" else cnnpy.datasets.mnist)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="*", choices=EPOCHS, default=list(EPOCHS))
    for name in parser.parse_args().nets:
        (x, y), test = data(name)
        set_random_seed(0)
        model = build_keras(cnnpy, NETS[name])
        loss = "binary_crossentropy" if name == "denoiser" else "categorical_crossentropy"
        model.compile(optimizer="adam", loss=loss, metrics=[] if name == "denoiser" else ["accuracy"])
        start = time.perf_counter()
        for epoch in range(EPOCHS[name]):
            model.fit(x, y, batch_size=NETS[name].batch, epochs=1, verbose=0)
            result = model.evaluate(*test, batch_size=500, verbose=0, return_dict=True)
            figures = ", ".join(f"test {key} {value:.4f}" for key, value in sorted(result.items()))
            seconds = time.perf_counter() - start
            print(
                f"{name}: {model.count_params():,} parameters, epoch {epoch + 1}: {figures}, {seconds:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
