"""BackupAndRestore: a run that was stopped goes on to the bits of one that was not."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cnnpy
from cnnpy import callbacks, layers

PROGRAM = str(Path(__file__).with_name("backup_program.py"))


def run(folder, save_freq="epoch", *stop):
    command = [sys.executable, PROGRAM, str(folder), str(save_freq), *map(str, stop)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == (3 if stop else 0), done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def uninterrupted():
    return run("")


@pytest.mark.parametrize("save_freq, stops", [("epoch", [(1, 0), (4, 3)]), (1, [(0, 2), (3, 3)]), (3, [(2, 1)])])
def test_a_killed_run_ends_with_the_same_bits(tmp_path, uninterrupted, save_freq, stops):
    folder = tmp_path / "backup"
    for stop in stops:
        run(folder, save_freq, *stop)
        assert (folder / "latest.weights.h5").exists()
    assert run(folder, save_freq) == uninterrupted
    assert not folder.exists()


def network():
    cnnpy.utils.set_random_seed(0)
    model = cnnpy.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.compile("sgd", "mse")
    return model


X, Y = np.ones((12, 3), "float32"), np.zeros((12, 2), "float32")


def test_the_backup_stays_if_asked(tmp_path):
    backup = callbacks.BackupAndRestore(tmp_path / "b", delete_checkpoint=False, double_checkpoint=True)
    model = network()
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[backup])
    assert sorted(os.listdir(tmp_path / "b")) == ["latest.weights.h5", "latest.weights.h5.bkp"]
    again = network()
    history = again.fit(X, Y, epochs=5, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path / "b")])
    assert history.epoch == [2, 3, 4]
    assert not (tmp_path / "b").exists()
    whole = network()
    whole.fit(X, Y, epochs=5, verbose=0)
    np.testing.assert_array_equal(again.get_weights()[0], whole.get_weights()[0])


def test_a_damaged_backup_gives_way_to_the_one_before(tmp_path):
    folder = tmp_path / "b"
    keep = {"delete_checkpoint": False, "double_checkpoint": True}
    network().fit(X, Y, epochs=3, verbose=0, callbacks=[callbacks.BackupAndRestore(folder, **keep)])
    (folder / "latest.weights.h5").write_bytes(b"torn")
    history = network().fit(X, Y, epochs=3, verbose=0, callbacks=[callbacks.BackupAndRestore(folder, **keep)])
    assert history.epoch == [2]
    for file in folder.iterdir():
        file.write_bytes(b"torn")
    with pytest.raises(OSError, match="cannot be read as HDF5"):
        network().fit(X, Y, epochs=3, verbose=0, callbacks=[callbacks.BackupAndRestore(folder)])


class Stop(callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt


def test_averages_in_the_model_are_no_trap(tmp_path):
    def fit(*others):
        cnnpy.utils.set_random_seed(0)
        model = cnnpy.Sequential([layers.Input((3,)), layers.Dense(2)])
        model.compile(cnnpy.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.7), "mse")
        try:
            model.fit(X, Y + 1, epochs=4, batch_size=4, verbose=0, callbacks=list(others))
        except KeyboardInterrupt:
            return None
        return model.get_weights()[0]

    whole = fit(callbacks.SwapEMAWeights(swap_on_epoch=True))
    for order in (1, -1):
        parts = [callbacks.BackupAndRestore(tmp_path / "b"), callbacks.SwapEMAWeights(swap_on_epoch=True)][::order]
        assert fit(*parts, Stop()) is None
        parts = [callbacks.BackupAndRestore(tmp_path / "b"), callbacks.SwapEMAWeights(swap_on_epoch=True)][::order]
        np.testing.assert_array_equal(fit(*parts), whole)


def test_an_empty_list_of_arrays_comes_back_empty(tmp_path):
    class Keeps(callbacks.Callback):
        backed_up = ("kept",)

        def __init__(self):
            super().__init__()
            self.kept = []

    folder = tmp_path / "b"
    network().fit(
        X, Y, epochs=1, verbose=0, callbacks=[callbacks.BackupAndRestore(folder, delete_checkpoint=False), Keeps()]
    )
    keeps = Keeps()
    keeps.kept = None
    network().fit(X, Y, epochs=2, verbose=0, callbacks=[callbacks.BackupAndRestore(folder), keeps])
    assert keeps.kept == []


def test_a_folder_of_another_program_is_refused(tmp_path):
    network().save_weights(tmp_path / "latest.weights.h5")
    with pytest.raises(ValueError, match="is no backup of cnnpy's BackupAndRestore"):
        network().fit(X, Y, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path)])


def test_arguments_are_checked(tmp_path):
    with pytest.raises(ValueError, match="backup_dir must name a folder"):
        callbacks.BackupAndRestore("")
    with pytest.raises(ValueError, match="save_freq must be 'epoch' or a number of batches, got 'batch'"):
        callbacks.BackupAndRestore(tmp_path, save_freq="batch")

    class Late(cnnpy.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            x, y = data[:2]
            return {"loss": cnnpy.ops.mean(cnnpy.ops.square(self(x) - y))}

    model = Late()
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="the model has no weights yet"):
        model.fit(X, Y, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path)])
