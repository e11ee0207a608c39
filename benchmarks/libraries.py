"""What each library does for a benchmark, behind the same few methods. Imported in the library's own process."""

import contextlib
import os

import numpy as np

from builders import build_keras, build_torch
from nets import samples

LIBRARIES = {
    "cnnpy": "cnnpy",
    "keras": "Keras on TensorFlow",
    "torch": "PyTorch",
    "torch-compile": "PyTorch, compiled",
    "jax": "Keras on JAX",
}
FIT_BATCHES = 12


class Keras:
    """Keras on TensorFlow or on JAX, or cnnpy: the same calls."""

    def __init__(self, keras, precision):
        self.keras = keras
        if precision != "float32":
            keras.mixed_precision.set_global_policy("mixed_bfloat16")

    def build(self, net, batch=None):
        self.model = build_keras(self.keras, net)
        self.batch = batch or net.batch
        self.x, self.y = samples(net, self.batch, np.random.default_rng(0))
        self.net = net

    def prepare_fit(self):
        self.data = samples(self.net, self.batch * FIT_BATCHES, np.random.default_rng(1))

    def seed(self, number):
        self.keras.utils.set_random_seed(number)

    def train(self):
        self.model.train_on_batch(self.x, self.y)

    def predict(self):
        np.asarray(self.model.predict_on_batch(self.x))

    def predict_one(self):
        np.asarray(self.model.predict_on_batch(self.x[:1]))

    def predict_api(self):
        self.model.predict(self.x[:1], verbose=0)

    def fit(self):
        self.model.fit(*self.data, batch_size=self.batch, epochs=1, verbose=0)

    def train_on(self, x, y):
        self.model.train_on_batch(x, y)

    def classify(self, x):
        return np.asarray(self.model.predict_on_batch(x)).argmax(axis=1)


class Torch:
    """PyTorch in channels-last layout, eager or compiled. It has no call like `predict`, so no `predict_api`."""

    def __init__(self, torch, compiled, precision):
        self.torch, self.compiled = torch, compiled
        self.narrow = precision != "float32"

    def build(self, net, batch=None):
        torch = self.torch
        self.module, self.loss, self.optimizer = build_torch(torch, net)
        if self.compiled:
            self.module = torch.compile(self.module)
        self.net, self.batch = net, batch or net.batch
        self.x, self.y = map(self.tensor, samples(net, self.batch, np.random.default_rng(0)))

    def tensor(self, a):
        tensor = self.torch.from_numpy(a)
        return tensor.permute(0, 3, 1, 2) if a.ndim == 4 else tensor  # NHWC in memory, as channels-last is

    def prepare_fit(self):
        self.data = samples(self.net, self.batch * FIT_BATCHES, np.random.default_rng(1))

    def seed(self, number):
        self.torch.manual_seed(number)

    def forward(self, x):
        autocast = self.torch.autocast("cpu", self.torch.bfloat16) if self.narrow else contextlib.nullcontext()
        with autocast:
            return self.module(x)

    def step(self, x, y):
        self.optimizer.zero_grad()
        self.loss(self.forward(x).float(), y).backward()
        self.optimizer.step()

    def train(self):
        self.module.train()
        self.step(self.x, self.y)

    def predict(self, x=None):
        self.module.eval()
        with self.torch.inference_mode():
            return self.forward(self.x if x is None else x)

    def predict_one(self):
        self.predict(self.x[:1])

    def fit(self):
        self.module.train()
        x, y = self.data
        order = np.random.permutation(len(x))
        for start in range(0, len(x), self.batch):
            rows = order[start : start + self.batch]
            self.step(self.tensor(x[rows]), self.tensor(y[rows]))

    def train_on(self, x, y):
        self.module.train()
        self.step(self.tensor(x), self.tensor(y))

    def classify(self, x):
        return self.predict(self.tensor(x)).float().numpy().argmax(axis=1)


def load(library, threads, precision="float32"):
    """(the methods of LIBRARY, its version)."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    if library == "cnnpy":
        import cnnpy

        return Keras(cnnpy, precision), cnnpy.__version__
    if library == "keras":
        os.environ["KERAS_BACKEND"] = "tensorflow"
        import keras
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        return Keras(keras, precision), f"{keras.__version__} on TensorFlow {tf.__version__}"
    if library == "jax":
        os.environ["KERAS_BACKEND"] = "jax"
        if hasattr(os, "sched_setaffinity"):  # the only way to hold XLA to a number of threads
            os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:threads]))
        import jax
        import keras

        return Keras(keras, precision), f"{keras.__version__} on JAX {jax.__version__}"
    if library not in ("torch", "torch-compile"):
        raise ValueError(f"the libraries are {', '.join(LIBRARIES)}, got {library!r}")
    import torch

    torch.set_num_threads(threads)
    return Torch(torch, library == "torch-compile", precision), torch.__version__
