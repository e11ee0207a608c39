"""Data sets that make their batches themselves: order, workers, errors, and nothing left behind."""

import multiprocessing
import threading
import time

import numpy as np
import pytest

import cnnpy
from cnnpy import layers
from cnnpy.utils import PyDataset

X = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


class Batches(PyDataset):
    def __init__(self, slow_first=False, fail=None, **settings):
        super().__init__(**settings)
        self.slow_first, self.fail, self.epochs = slow_first, fail, []

    def __len__(self):
        return 8

    def __getitem__(self, index):
        if index == self.fail:
            raise RuntimeError("the file is broken")
        if self.slow_first and index % 4 == 0:
            time.sleep(0.01)
        return X[index * 5 : index * 5 + 5], Y[index * 5 : index * 5 + 5]

    def on_epoch_begin(self):
        self.epochs.append("begin")

    def on_epoch_end(self):
        self.epochs.append("end")


def net():
    model = cnnpy.Sequential([layers.Input((4,)), layers.Dense(1, kernel_initializer="ones")])
    model.compile(cnnpy.optimizers.SGD(0.05), "mse")
    return model


def ours():
    return [thread for thread in threading.enumerate() if thread.name.startswith("cnnpy-batches")]


def test_names_and_settings():
    assert cnnpy.utils.Sequence is PyDataset
    data = Batches(workers=3, use_multiprocessing=True, max_queue_size=4)
    assert (data.workers, data.use_multiprocessing, data.max_queue_size) == (3, True, 4)
    assert (Batches().workers, Batches().use_multiprocessing, Batches().max_queue_size) == (1, False, 10)
    assert len(list(data)) == data.num_batches == 8


def test_what_a_subclass_must_define():
    with pytest.raises(NotImplementedError, match="PyDataset must define __len__"):
        net().fit(PyDataset(), verbose=0)
    with pytest.raises(NotImplementedError, match="must define __getitem__"):
        PyDataset()[0]

    class Forgot(Batches):
        def __init__(self):
            self.fail = self.slow_first = None
            self.epochs = []

    with pytest.warns(UserWarning, match=r"should call super\(\).__init__"):
        net().fit(Forgot(), verbose=0)


@pytest.mark.parametrize(
    "settings",
    [
        {"workers": 0},
        {"workers": 3, "slow_first": True},
        {"workers": 2, "max_queue_size": 1},
        {"workers": 2, "use_multiprocessing": True},
    ],
)
def test_workers_change_nothing_but_the_time(settings):
    expected, data = net(), Batches(**settings)
    expected.fit(X, Y, batch_size=5, epochs=3, shuffle=False, verbose=0)
    model = net()
    model.fit(data, epochs=3, shuffle=False, verbose=0, validation_data=Batches(**settings))
    np.testing.assert_array_equal(model.get_weights()[0], expected.get_weights()[0])
    assert data.epochs == ["begin", "end"] * 3
    np.testing.assert_array_equal(model.predict(data, verbose=0), model.predict(X, batch_size=5, verbose=0))
    assert model.evaluate(data, verbose=0) == pytest.approx(model.evaluate(X, Y, batch_size=5, verbose=0))
    assert ours() == [] and multiprocessing.active_children() == []


def test_no_more_batches_are_made_than_the_queue_holds():
    made, taken = [], []

    class Counting(Batches):
        def __getitem__(self, index):
            made.append(index)
            return super().__getitem__(index)

    class Taking(cnnpy.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            taken.append(batch)
            time.sleep(0.01)
            assert len(made) <= len(taken) + 3

    net().fit(Counting(workers=2, max_queue_size=3), verbose=0, callbacks=[Taking()])
    assert sorted(made) == list(range(8))


@pytest.mark.parametrize("settings", [{}, {"workers": 3}, {"workers": 2, "use_multiprocessing": True}])
def test_an_error_names_its_batch(settings):
    with pytest.raises(RuntimeError, match="the file is broken") as raised:
        net().fit(Batches(fail=5, **settings), shuffle=False, verbose=0)
    assert raised.value.__notes__ == ["(while making batch 5 of Batches)"]
    assert ours() == [] and multiprocessing.active_children() == []


def test_an_error_in_a_generator_names_its_batch():
    def generator():
        yield X[:5], Y[:5]
        raise OSError("gone")

    with pytest.raises(OSError, match="gone") as raised:
        net().fit(generator(), verbose=0)
    assert raised.value.__notes__ == ["(while making batch 1 of generator)"]


@pytest.mark.parametrize("settings", [{"workers": 3}, {"workers": 2, "use_multiprocessing": True}])
@pytest.mark.parametrize("steps", [None, 5])
def test_an_interruption_leaves_no_worker(settings, steps):
    class Interrupt(cnnpy.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        net().fit(Batches(**settings), steps_per_epoch=steps, verbose=0, callbacks=[Interrupt()])
    assert ours() == [] and multiprocessing.active_children() == []


def test_steps_go_on_in_the_next_epoch_and_endless_sets_end_with_the_training():
    class Endless(Batches):
        num_batches = None

        def __getitem__(self, index):
            return super().__getitem__(index % 8)

    expected, model = net(), net()
    expected.fit(X, Y, batch_size=5, epochs=2, steps_per_epoch=4, shuffle=False, verbose=0)
    model.fit(Endless(workers=2), epochs=2, steps_per_epoch=4, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], expected.get_weights()[0])
    assert ours() == []


def test_processes_draw_numbers_of_their_own():
    class Random(Batches):
        def __getitem__(self, index):
            return np.random.normal(size=(1, 4)), np.zeros((1, 1))

    def drawn():
        cnnpy.utils.set_random_seed(3)
        model = cnnpy.Sequential([layers.Input((4,)), layers.Identity()])
        return model.predict(Random(workers=2, use_multiprocessing=True), verbose=0)

    first = drawn()
    assert len(np.unique(first[:, 0])) == 8
    np.testing.assert_array_equal(drawn(), first)


def test_limits_of_trial_runs():
    cnnpy.config.set_max_epochs(2)
    cnnpy.config.set_max_steps_per_epoch(3)
    try:
        with pytest.warns(UserWarning, match="taking only 3 steps|only 2 epochs"):
            history = net().fit(X, Y, epochs=9, batch_size=5, verbose=0)
        assert history.epoch == [0, 1] and history.params["steps"] == 3
        with pytest.warns(UserWarning, match="taking only 3 steps"):
            assert len(net().predict(X, batch_size=5, verbose=0)) == 15
        net().predict(X, batch_size=20, verbose=0)
        with pytest.raises(ValueError, match="max_epochs must be a positive integer"):
            cnnpy.config.set_max_epochs(0)
    finally:
        cnnpy.config.set_max_epochs(None)
        cnnpy.config.set_max_steps_per_epoch(None)
    assert net().fit(X, Y, epochs=3, verbose=0).epoch == [0, 1, 2]
