"""One library in one process: builds nets and times what its standard input says, a line of JSON each.

    python benchmarks/worker.py LIBRARY THREADS PRECISION
    python benchmarks/worker.py LIBRARY THREADS PRECISION --mnist FILE

The second form trains the MNIST net on mnist.npz until it reads 99 % of the test images, and says after how many steps.
"""

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import numpy as np

from libraries import FIT_BATCHES, load, net_of

GOAL, STEPS_BETWEEN_LOOKS, MOST_STEPS = 0.99, 100, 6000


def peak_mib():
    """The most memory this process had, MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise OSError("no VmHWM in /proc/self/status")


def timed(run, times, per_call=1):
    """Seconds of each of TIMES calls of RUN, which does PER_CALL units of work."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        seconds.append((time.perf_counter() - start) / per_call)
    return seconds


def obey(subject, order):
    if "build" in order:
        subject.build(net_of(order["build"], order.get("size")), order.get("batch"))
        return {}
    task = order["run"]
    if task == "fit" and order.get("warmup"):
        subject.prepare_fit()
    run = getattr(subject, task)
    for _ in range(order.get("warmup", 0)):
        run()
    return {"times": timed(run, order["times"], FIT_BATCHES if task == "fit" else 1), "peak_mib": peak_mib()}


def learn_mnist(subject, path):
    """{"steps", "accuracy"}: trains in the same order of images whatever the library."""
    with np.load(path) as file:
        x, y, x_test, y_test = (file[name] for name in ("x_train", "y_train", "x_test", "y_test"))
    x, x_test = (a[..., None].astype("float32") / 255 for a in (x, x_test))
    targets = np.eye(10, dtype="float32")[y]
    net, rng, step = net_of("mnist"), np.random.default_rng(0), 0
    subject.build(net)
    while step < MOST_STEPS:
        order = rng.permutation(len(x))
        for start in range(0, len(x) - net.batch + 1, net.batch):
            rows = order[start : start + net.batch]
            subject.train_on(x[rows], targets[rows])
            step += 1
            if step % STEPS_BETWEEN_LOOKS:
                continue
            right = sum(
                (subject.classify(x_test[i : i + 1000]) == y_test[i : i + 1000]).sum() for i in range(0, 10000, 1000)
            )
            if right / len(y_test) >= GOAL or step >= MOST_STEPS:
                return {"steps": step, "accuracy": right / len(y_test)}
    return {"steps": step, "accuracy": None}


def main():
    library, threads, precision = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes to standard error
    subject, version = load(library, threads, precision)
    print(json.dumps({"version": version}), file=answers, flush=True)
    if "--mnist" in sys.argv:
        print(json.dumps(learn_mnist(subject, sys.argv[-1])), file=answers, flush=True)
        return
    for line in sys.stdin:
        print(json.dumps(obey(subject, json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
