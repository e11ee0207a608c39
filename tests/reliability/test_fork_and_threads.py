"""Children of fork(), and many threads at once: no one waits for ever, and all get the bits of one thread alone."""

import itertools
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import trials
from cnnpy import _core
from cnnpy.layers.tracking import structure, structure_changed
from cnnpy.utils.naming import auto_name

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

FORKS = """
import os, threading, warnings
import trials
from cnnpy import _core
warnings.simplefilter("ignore")  # Python warns of forks beside threads
_core.set_threads(3)
x, y = trials.data(samples=96)

def train():
    model = trials.net()
    model.fit(x, y, batch_size=16, shuffle=False, verbose=0, validation_split=0.2)
    return [*model.get_weights(), model.predict(x, verbose=0)]

expected = train()
busy, over = trials.net(seed=5), threading.Event()
def work():  # holds every lock of the library now and then
    while not over.is_set():
        busy.predict(x, verbose=0)
        busy.train_on_batch(x[:16], y[:16])
if BESIDE:
    threads = [threading.Thread(target=work) for _ in range(2)]
    [thread.start() for thread in threads]
hung = wrong = 0
for _ in range(RUNS):
    child = os.fork()
    if child == 0:
        fine = False
        try:
            fine = trials.same_bits(train(), expected)
        finally:
            os._exit(0 if fine else 1)
    code = trials.wait_for(child, 60)
    hung += code is None
    wrong += code not in (0, None)
over.set()
print(hung, wrong)
"""


@needs_fork
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside threads that train"])
def test_children_of_fork_train_and_predict(beside):
    runs = trials.trials(4)
    code = FORKS.replace("RUNS", str(runs)).replace("BESIDE", str(beside))
    hung, wrong = map(int, trials.output(code, timeout=100 + 10 * runs).split())
    trials.report(f"{runs} forks{' beside threads that train' if beside else ''}: {hung} hung, {wrong} wrong")
    assert (hung, wrong) == (0, 0)


POOL = """
import multiprocessing, warnings
import trials
from cnnpy import _core
warnings.simplefilter("ignore")
_core.set_threads(2)
x, y = trials.data()
model = trials.net()
model.fit(x, y, verbose=0)

def predict(i):
    return model.predict(x[12 * i : 12 * i + 12], verbose=0)

class Rows:
    def __len__(self):
        return 4

    def __getitem__(self, i):
        return predict(i)

def by_multiprocessing():
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return pool.map(predict, range(4))

def by_joblib(**more):
    import joblib
    return joblib.Parallel(n_jobs=2, **more)(joblib.delayed(predict)(i) for i in range(4))

def by_torch():
    from torch.utils.data import DataLoader
    return [row.numpy() for row in DataLoader(Rows(), batch_size=None, num_workers=2)]

expected = [predict(i) for i in range(4)]
for _ in range(RUNS):
    assert trials.same_bits(HOW, expected)
print("same")
"""


@needs_fork
@pytest.mark.parametrize(
    "needed, how",
    [
        ("multiprocessing", "by_multiprocessing()"),
        ("joblib", "by_joblib()"),
        ("joblib", "by_joblib(backend='multiprocessing')"),
        ("torch", "by_torch()"),
    ],
)
def test_workers_predict_with_the_model_of_their_parent(needed, how):
    pytest.importorskip(needed)
    runs = trials.trials(2)
    code = POOL.replace("RUNS", str(runs)).replace("HOW", how)
    assert trials.output(code, timeout=100 + 10 * runs) == "same"
    trials.report(f"{runs} pools with {how}: all equal to the bit")


def test_eight_threads_predict_as_one():
    x, _ = trials.data(samples=40)
    model = trials.net()
    expected = model.predict(x, batch_size=8, verbose=0)
    runs = trials.trials(10)
    for threads in (1, 2):
        _core.set_threads(threads)
        try:
            with ThreadPoolExecutor(8) as pool:
                results = list(pool.map(lambda _: model.predict(x, batch_size=8, verbose=0), range(8 * runs)))
        finally:
            _core.set_threads(None)
        assert all(trials.same_bits([result], [expected]) for result in results)
    trials.report(f"{8 * runs} predictions of eight threads: all equal to the bit")


def test_eight_threads_predict_with_a_model_that_was_never_called():
    """The plan, the variables' copies and whatever else is made at first use are made by one of them."""
    x, _ = trials.data(samples=8)
    expected = trials.net().predict(x, verbose=0)
    for _ in range(trials.trials(5)):
        model, barrier = trials.net(), threading.Barrier(8)

        def first(_, model=model, barrier=barrier):
            barrier.wait()
            return model.predict(x, verbose=0)

        with ThreadPoolExecutor(8) as pool:
            assert all(trials.same_bits([result], [expected]) for result in pool.map(first, range(8)))


def test_eight_threads_train_eight_models_as_one_after_the_other():
    x, y = trials.data()

    def train(seed):
        model = trials.net(seed)
        history = model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0, validation_data=(x, y)).history
        return [*model.get_weights(), *(np.array(values) for values in history.values())]

    expected = [train(seed) for seed in range(8)]
    runs = trials.trials(2)
    for _ in range(runs):
        with ThreadPoolExecutor(8) as pool:
            assert all(map(trials.same_bits, pool.map(train, range(8)), expected))
    trials.report(f"{8 * runs} trainings in eight threads: all equal to the bit")


def test_names_and_changes_that_threads_make_at_once_are_all_different():
    def make(_):
        changes = []
        for _ in range(500):
            structure_changed()
            changes.append(structure.version)
        return [auto_name("Threaded") for _ in range(500)], changes

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, range(8)))
    assert len({name for names, _ in made for name in names}) == 4000
    assert all(before != after for _, changes in made for before, after in itertools.pairwise(changes))


SUBINTERPRETER = """
import _xxsubinterpreters as interpreters
import cnnpy
made = interpreters.create()
try:
    interpreters.run_string(made, "import cnnpy")
except interpreters.RunFailedError as error:
    print(error)
interpreters.destroy(made)
print(float(cnnpy.Tensor([2.0]).sum()))
"""


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="the private module of Python 3.11 and 3.12")
def test_a_subinterpreter_is_refused_with_the_reason():
    said = trials.output(SUBINTERPRETER)
    assert ("ImportError" in said and "main interpreter" in said) or "subinterpreter" in said, said
    assert said.endswith("2.0")
