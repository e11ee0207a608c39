"""Times cnnpy, Keras on TensorFlow, PyTorch (eager and compiled) and Keras on JAX side by side.

    python benchmarks/run.py [--nets mnist cifar10] [--libraries cnnpy keras torch] [--tasks train predict]
                             [--rounds 7] [--threads 2] [--level avx2] [--precision bfloat16]
                             [--json FILE] [--plot FILE] [--markdown FILE] [--quick]
    python benchmarks/run.py --scaling [--json FILE] [--plot FILE]

Each library runs in its own process with the same number of threads. They take turns (A B C A B C ...), a few steps
each, so that a change of the machine's speed meets all alike; medians over the rounds and their ratios are printed.
Peers come with `pip install ".[benchmarks]"`; one that is missing is left out. --quick: one round, few steps.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import machine
import report
import scaling
from libraries import LIBRARIES
from nets import APPLICATIONS, NETS
from processes import Failed, Worker, seconds_of_import

# what is timed per net, and how many calls a turn has
TASKS = {"train": 3, "fit": 1, "predict": 5, "predict_one": 20, "predict_api": 5}
EXTRAS = ("import", "learn")
IMPORTS = {
    "cnnpy": "import cnnpy",
    "keras": "import os; os.environ['KERAS_BACKEND'] = 'tensorflow'; import keras",
    "torch": "import torch",
    "jax": "import os; os.environ['KERAS_BACKEND'] = 'jax'; import keras",
}


def start(libraries, options):
    """The workers of those LIBRARIES that are here."""
    workers = []
    for library in libraries:
        try:
            workers.append(Worker(library, options.threads, options.level, options.precision))
        except Failed as error:
            print(f"left out: {error}")
    return workers


def measure(net, options, results):
    """{"milliseconds": {task: {library: median}}, "peak_mib": {library: most}} of one net."""
    workers = start(options.libraries, options)
    results["versions"].update({w.library: w.version for w in workers})
    times = {task: {} for task in options.tasks if task in TASKS}
    peaks, lost = {}, set()

    def ask(worker, **order):
        if worker in lost:
            return None
        try:
            return worker.order(**order)
        except Failed as error:
            print(f"left out: {error}")
            lost.add(worker)
            return None

    for worker in workers:
        ask(worker, build=net)
    for task in times:
        for worker in workers:
            answer = ask(worker, run=task, times=0, warmup=1 if options.quick else 3)
            if answer and task == "train":
                peaks[worker.library] = answer["peak_mib"]
        for _ in range(options.rounds):
            for worker in workers:
                answer = ask(worker, run=task, times=1 if options.quick else TASKS[task])
                if answer:
                    times[task].setdefault(worker.library, []).append(statistics.median(answer["times"]))
                    if task == "train":
                        peaks[worker.library] = answer["peak_mib"]
    for worker in workers:
        worker.close()
    medians = {task: {k: 1e3 * statistics.median(v) for k, v in by.items()} for task, by in times.items()}
    return {"milliseconds": medians, "peak_mib": peaks}


def measure_imports(options):
    """{library: seconds}"""
    seconds = {}
    for library in options.libraries:
        if library in IMPORTS:
            try:
                seconds[library] = seconds_of_import(IMPORTS[library], options.threads)
            except Failed as error:
                print(f"left out: {error}")
    return seconds


def measure_learning(options):
    """{library: {"seconds", "steps", "accuracy"}}: from the start of its process to 99 % of MNIST's test images."""
    path = machine.mnist_file()
    if path is None:
        print("MNIST is not at hand (mnist.npz in $CNNPY_DATA_DIR or ~/.keras/datasets): time to 99 % left out")
        return {}
    results = {}
    for library in options.libraries:
        try:
            arguments = ("--mnist", str(path))
            worker = Worker(library, options.threads, options.level, options.precision, 1800, arguments)
            answer = worker.answer()
            results[library] = {"seconds": time.perf_counter() - worker.start, **answer}
            worker.close()
        except Failed as error:
            print(f"left out: {error}")
    return results


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS))
    parser.add_argument("--libraries", nargs="+", choices=LIBRARIES, default=list(LIBRARIES))
    parser.add_argument("--tasks", nargs="+", choices=[*TASKS, *EXTRAS], default=[*TASKS, *EXTRAS])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--level", choices=["avx2"], help="hold all libraries to this processor level")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--scaling", action="store_true", help="cnnpy by threads, batch sizes and image sizes")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--plot", type=Path, help="draw them into this PNG file")
    parser.add_argument("--markdown", type=Path, help="write a table of them into this file")
    parser.add_argument("--quick", action="store_true", help="one round of few steps, to see that all works")
    options = parser.parse_args()
    if options.quick:
        options.rounds = 1
    return options


def compare(options):
    results = {"machine": machine.describe(), "threads": options.threads, "precision": options.precision}
    results |= {"level": options.level, "rounds": options.rounds, "versions": {}, "nets": {}}
    report.head(results)
    for net in options.nets:
        results["nets"][net] = measure(net, options, results)
        report.net(net, results["nets"][net])
    for name in APPLICATIONS:
        print(f"\n{name}: not in cnnpy yet, not timed")
    if "import" in options.tasks:
        results["import_seconds"] = measure_imports(options)
    if "learn" in options.tasks:
        results["learning"] = measure_learning(options)
    results["summary"] = report.summary(results)
    report.tail(results)
    return results


def main():
    options = parse()
    results = scaling.measure(options) if options.scaling else compare(options)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    if options.markdown and not options.scaling:
        options.markdown.write_text(report.markdown(results))
    if options.plot:
        import plot

        (plot.draw_scaling if options.scaling else plot.draw)(results, options.plot)


if __name__ == "__main__":
    main()
