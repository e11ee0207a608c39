"""One library in one process, which does what its standard input says, a line of JSON each.

    python benchmarks/worker.py LIBRARY THREADS PRECISION

Orders: {"build": net, "size", "batch"}; {"run": task, "times", "warmup"}, answered with seconds;
{"learn": path of mnist.npz, "seed", "most_steps"}. Each answer is a line, {"error": why} if it could not be done.
"""

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import numpy as np

from libraries import FIT_BATCHES, load
from nets import net_of

GOAL, STEPS_BETWEEN_LOOKS = 0.99, 100


def peak_mib():
    """The most memory this process had, MiB; None where the system does not tell."""
    status = Path("/proc/self/status")
    for line in status.read_text().splitlines() if status.exists() else ():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return None


def timed(run, times, per_call=1):
    """Seconds of each of TIMES calls of RUN, which does PER_CALL units of work."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        seconds.append((time.perf_counter() - start) / per_call)
    return seconds


def run_task(subject, task, times, warmup=0):
    run = getattr(subject, task, None)
    if run is None:  # the library has no such call
        return {"times": []}
    if task == "fit" and warmup:
        subject.prepare_fit()
    for _ in range(warmup):
        run()
    return {"times": timed(run, times, FIT_BATCHES if task == "fit" else 1), "peak_mib": peak_mib()}


def learn_mnist(subject, path, seed, most_steps):
    """{"steps", "accuracy"}: trains the MNIST net until it reads 99 % of the test images, or for MOST_STEPS; the order
    of the images and the looks at the test images are the same whatever the library."""
    with np.load(path) as file:
        x, y, x_test, y_test = (file[name] for name in ("x_train", "y_train", "x_test", "y_test"))
    x, x_test = (a[..., None].astype("float32") / 255 for a in (x, x_test))
    targets = np.eye(10, dtype="float32")[y]
    subject.seed(seed)
    net, rng, step = net_of("mnist"), np.random.default_rng(seed), 0
    subject.build(net)
    while True:
        order = rng.permutation(len(x))
        for start in range(0, len(x) - net.batch + 1, net.batch):
            rows = order[start : start + net.batch]
            subject.train_on(x[rows], targets[rows])
            step += 1
            if step % STEPS_BETWEEN_LOOKS and step < most_steps:
                continue
            parts = (slice(i, i + 1000) for i in range(0, len(x_test), 1000))
            right = sum(int((subject.classify(x_test[part]) == y_test[part]).sum()) for part in parts)
            accuracy = right / len(y_test)
            if accuracy >= GOAL or step >= most_steps:
                return {"steps": step, "accuracy": accuracy, "reached": accuracy >= GOAL}


def obey(subject, order):
    if "build" in order:
        subject.build(net_of(order["build"], order.get("size")), order.get("batch"))
        return {}
    if "learn" in order:
        return learn_mnist(subject, order["learn"], order["seed"], order["most_steps"])
    return run_task(subject, order["run"], order["times"], order.get("warmup", 0))


def main():
    library, threads, precision = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes to standard error
    subject = None

    def start():
        nonlocal subject
        subject, version = load(library, threads, precision)
        return {"version": version}

    def attempt(work):
        try:
            answer = work()
        except Exception as error:  # told to who ordered it, whatever it is; the process can go on
            text = str(error).strip().splitlines()
            answer = {"error": f"{type(error).__name__}: {text[0] if text else 'no message'}"}
        print(json.dumps(answer), file=answers, flush=True)

    attempt(start)
    for line in sys.stdin:
        attempt(lambda line=line: obey(subject, json.loads(line)))


if __name__ == "__main__":
    main()
