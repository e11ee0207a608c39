"""Times cnnpy, Keras on TensorFlow and PyTorch side by side.

    python benchmarks/run.py [--nets mnist cifar10] [--libraries cnnpy keras torch] [--rounds 7] [--threads 2]

Each library runs in its own process with the same number of threads. They take turns (A B C A B C ...), a few steps
each, so that a change of the machine's speed meets all alike; medians over the rounds and their ratios are printed.
Peers come with `pip install ".[benchmarks]"`.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

from nets import NETS

TASKS = {
    "train": "training step",
    "predict": "prediction of a batch",
    "predict_one": "prediction of one image",
}
STEPS = {"train": 3, "predict": 5, "predict_one": 20}


class Worker:
    """A library in a process of its own."""

    def __init__(self, library, threads):
        # OpenBLAS is left to choose its kernels by the processor, whatever the environment says.
        environment = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
        environment |= {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
        self.library = library
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py")), library, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self.version = self.answer()["version"]

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.library}: its process ended; run benchmarks/worker.py {self.library} 2 to see why")
        return json.loads(line)

    def order(self, **order):
        print(json.dumps(order), file=self.process.stdin, flush=True)
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def processor():
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def measure(net, libraries, threads, rounds):
    """{task: {library: milliseconds}}, {library: peak MiB}, {library: version} of one net."""
    workers = [Worker(library, threads) for library in libraries]
    times = {task: {w.library: [] for w in workers} for task in TASKS}
    peaks = {}
    for worker in workers:
        worker.order(build=net)
    for task in TASKS:
        for worker in workers:
            worker.order(run=task, times=0, warmup=3)
        for _ in range(rounds):
            for worker in workers:
                answer = worker.order(run=task, times=STEPS[task])
                times[task][worker.library].append(statistics.median(answer["times"]))
                if task == "train":
                    peaks[worker.library] = answer["peak_mib"]
    for worker in workers:
        worker.close()
    medians = {task: {k: 1e3 * statistics.median(v) for k, v in by.items()} for task, by in times.items()}
    return medians, peaks, {w.library: w.version for w in workers}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS))
    parser.add_argument(
        "--libraries", nargs="+", choices=["cnnpy", "keras", "torch"], default=["cnnpy", "keras", "torch"]
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()

    peers = [library for library in options.libraries if library != "cnnpy"]
    results = {"processor": processor(), "threads": options.threads, "nets": {}}
    print(f"{results['processor']}, {options.threads} threads each, medians of {options.rounds} rounds, milliseconds")
    for net in options.nets:
        medians, peaks, versions = measure(net, options.libraries, options.threads, options.rounds)
        if "versions" not in results:
            results["versions"] = versions
            print(", ".join(f"{k} {v}" for k, v in versions.items()))
        results["nets"][net] = {"milliseconds": medians, "peak_mib": peaks}
        print(f"\n{net}")
        for task, words in TASKS.items():
            row = "".join(f"{library:>8} {medians[task][library]:8.2f}" for library in options.libraries)
            if "cnnpy" in options.libraries:
                row += "".join(f"   {peer}/cnnpy {medians[task][peer] / medians[task]['cnnpy']:.2f}" for peer in peers)
            print(f"  {words:24}{row}")
        print(
            f"  {'peak memory, MiB':24}"
            + "".join(f"{library:>8} {peaks[library]:8.0f}" for library in options.libraries)
        )
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
