"""Libraries measured in turn: what run.py does unless it is asked for scaling."""

import statistics
import time

import machine
import report
from processes import Failed, Worker, seconds_of

# What is timed per net, and how many calls a turn has. `train` is the first, so that the peak of memory is training's.
TASKS = {"train": 3, "fit": 1, "predict": 5, "predict_one": 20, "predict_api": 5}
EXTRAS = ("import", "learn")
IMPORTS = {
    "cnnpy": "import cnnpy",
    "keras": "import os; os.environ['KERAS_BACKEND'] = 'tensorflow'; import keras",
    "torch": "import torch",
    "jax": "import os; os.environ['KERAS_BACKEND'] = 'jax'; import keras",
}
LEARNING_ROUNDS, MOST_STEPS, LEARNING_LIMIT = 3, 6000, 1800


class Comparison:
    """OPTIONS carried out; `results` is what is written as JSON."""

    def __init__(self, options):
        self.options = options
        self.results = {"machine": machine.describe(), "threads": options.threads, "precision": options.precision}
        self.results |= {"level": options.level, "rounds": options.rounds, "versions": {}, "nets": {}, "left_out": []}
        self.missing = set()  # libraries that did not start

    def leave_out(self, where, error):
        self.results["left_out"].append(f"{where}: {error}")
        print(f"left out of {where}: {error}", flush=True)

    def start(self, library, where, **settings):
        """A worker, None if the library is not to be had."""
        if library in self.missing:
            return None
        options = self.options
        try:
            worker = Worker(library, options.threads, options.level, options.precision, **settings)
        except Failed as error:
            self.missing.add(library)
            self.leave_out(where, error)
            return None
        self.results["versions"][library] = worker.version
        return worker

    def net(self, name):
        """{"milliseconds": {task: {library: median}}, "peak_mib": {library: most}, "ratios"} of one net."""
        workers = [w for w in (self.start(library, name) for library in self.options.libraries) if w]
        times, peaks = {task: {} for task in TASKS if task in self.options.tasks}, {}

        def ask(worker, **order):
            try:
                return worker.order(**order)
            except Failed as error:
                workers.remove(worker)
                self.leave_out(name, error)
                return {}

        for worker in workers[:]:
            ask(worker, build=name)
        for task, by_library in times.items():
            for worker in workers[:]:
                ask(worker, run=task, times=0, warmup=1 if self.options.quick else 3)
            for _ in range(self.options.rounds):
                for worker in workers[:]:
                    answer = ask(worker, run=task, times=1 if self.options.quick else TASKS[task])
                    if answer.get("times"):
                        by_library.setdefault(worker.library, []).append(statistics.median(answer["times"]))
                    if task == "train" and answer.get("peak_mib"):
                        peaks[worker.library] = answer["peak_mib"]
        for worker in workers:
            worker.close()
        medians = {task: {k: 1e3 * statistics.median(v) for k, v in by.items()} for task, by in times.items()}
        return {"milliseconds": medians, "peak_mib": peaks, "ratios": report.ratios({**medians, "peak_mib": peaks})}

    def imports(self):
        """{library: seconds}: a fresh Python that imports it, in turn, less an empty one; medians."""
        options, seconds = self.options, {}
        subjects = {"": "pass"} | {k: v for k, v in IMPORTS.items() if k in options.libraries and k not in self.missing}
        for _ in range(1 if options.quick else max(3, options.rounds)):
            for library, code in list(subjects.items()):
                try:
                    seconds.setdefault(library, []).append(seconds_of(code, options.threads))
                except Failed as error:
                    del subjects[library]
                    self.leave_out("import", error)
        empty = statistics.median(seconds.pop(""))
        return {library: statistics.median(values) - empty for library, values in seconds.items() if values}

    def learning(self):
        """{library: {"seconds", "steps", "accuracy", "reached"}} from the start of a process to 99 % of MNIST's test
        images: the run of median time among some with different seeds, in turn."""
        path = machine.mnist_file()
        if path is None:
            print("\ntime to 99 % left out: MNIST is not at hand (mnist.npz in $CNNPY_DATA_DIR or ~/.keras/datasets)")
            return {}
        quick, runs = self.options.quick, {}
        for seed in range(1 if quick else min(LEARNING_ROUNDS, self.options.rounds)):
            for library in self.options.libraries:
                worker = self.start(library, "learning", limit=LEARNING_LIMIT)
                if worker is None:
                    continue
                with worker:
                    try:
                        answer = worker.order(learn=str(path), seed=seed, most_steps=20 if quick else MOST_STEPS)
                    except Failed as error:
                        self.leave_out("learning", error)
                        continue
                    answer["seconds"] = time.perf_counter() - worker.start
                runs.setdefault(library, []).append(answer)
        # one that does not get there counts as slower than those that do
        ordered = {k: sorted(v, key=lambda run: (not run["reached"], run["seconds"])) for k, v in runs.items()}
        return {library: values[len(values) // 2] for library, values in ordered.items()}

    def run(self):
        results, options = self.results, self.options
        report.head(results)
        for name in options.nets:
            results["nets"][name] = self.net(name)
            report.net(name, results["nets"][name])
        if "import" in options.tasks:
            results["import_seconds"] = self.imports()
        if "learn" in options.tasks:
            results["learning"] = self.learning()
        results["summary"] = report.summary(results)
        report.tail(results)
        return results
