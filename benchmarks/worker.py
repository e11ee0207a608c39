"""One library in one process: builds nets and times steps as its standard input says, a line of JSON each."""

import json
import os
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import numpy as np

from nets import batch, build_keras, build_torch


class KerasLike:
    """Keras on TensorFlow, or cnnpy: the same calls."""

    def __init__(self, keras):
        self.keras = keras

    def build(self, net):
        self.model = build_keras(self.keras, net)
        self.x, self.y = batch(net, np.random.default_rng(0))

    def train(self):
        self.model.train_on_batch(self.x, self.y)

    def predict(self):
        self.model.predict_on_batch(self.x)

    def predict_one(self):
        self.model.predict_on_batch(self.x[:1])


class Torch:
    def __init__(self, torch):
        self.torch = torch

    def build(self, net):
        torch = self.torch
        self.module, self.loss, self.optimizer = build_torch(torch, net)
        x, y = batch(net, np.random.default_rng(0))
        self.x, self.y = (
            torch.from_numpy(a).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
            if a.ndim == 4
            else torch.from_numpy(a)
            for a in (x, y)
        )

    def train(self):
        self.optimizer.zero_grad()
        self.loss(self.module(self.x), self.y).backward()
        self.optimizer.step()

    def predict(self):
        with self.torch.inference_mode():
            self.module(self.x)

    def predict_one(self):
        with self.torch.inference_mode():
            self.module(self.x[:1])


def make(library, threads):
    if library == "cnnpy":
        import cnnpy

        return KerasLike(cnnpy), cnnpy.__version__
    if library == "keras":
        os.environ["KERAS_BACKEND"] = "tensorflow"
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        import keras
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        return KerasLike(keras), f"{keras.__version__} on TensorFlow {tf.__version__}"
    import torch

    torch.set_num_threads(threads)
    return Torch(torch), torch.__version__


def main():
    library, threads = sys.argv[1], int(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes to standard error
    subject, version = make(library, threads)
    print(json.dumps({"version": version}), file=answers, flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        answer = {}
        if "build" in order:
            subject.build(order["build"])
        else:
            run = getattr(subject, order["run"])
            for _ in range(order.get("warmup", 0)):
                run()
            times = []
            for _ in range(order["times"]):
                start = time.perf_counter()
                run()
                times.append(time.perf_counter() - start)
            answer = {"times": times}
        answer["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
