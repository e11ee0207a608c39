"""BackupAndRestore."""

import json
import os
import random
import shutil

import numpy as np

from cnnpy._core import Variable
from cnnpy.callbacks.callback import Callback
from cnnpy.callbacks.model_checkpoint import check_save_freq, is_due
from cnnpy.utils import random as seeds


class BackupAndRestore(Callback):
    """Keeps what an interrupted `fit` needs to go on, and lets the next `fit` go on from there.

    Run the same program again after it was stopped: training continues where it stood, with weights, optimizer, random
    numbers, the order of samples and the state of the other callbacks, and ends with the bits it would have had.

    Arguments:
        backup_dir: a folder for the backup, used by nothing else.
        save_freq: 'epoch', or a number of batches.
        double_checkpoint: keeps the backup before the last one too, `latest.weights.h5.bkp`.
        delete_checkpoint: removes the folder when training ends well.

    The backup of an epoch is made when all callbacks have seen its end. One within an epoch goes on with the next
    batch. Data from a generator must come again from the start of the epoch.

    Raises:
        ValueError: an empty folder name or a wrong save_freq; a model that has no weights yet.
    """

    backed_up = ("_seen", "_last_batch")

    def __init__(self, backup_dir, save_freq="epoch", double_checkpoint=False, delete_checkpoint=True):
        super().__init__()
        if not backup_dir:
            raise ValueError("BackupAndRestore: backup_dir must name a folder")
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = check_save_freq(self, save_freq)
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._path = os.path.join(self.backup_dir, "latest.weights.h5")
        self._seen = 0
        self._last_batch = None
        self._epoch = 0
        self._at_epoch_begin = None  # where random numbers stood
        self._restored = None  # a backup that is not yet put in force wholly
        self._due = False  # an epoch has ended that is not kept yet

    # ---- going on ----

    def on_train_begin(self, logs=None):
        if not self.model.built:
            raise ValueError(
                "BackupAndRestore: the model has no weights yet; build it, or call it on a batch of data, before fit()"
            )
        for path in (self._path, f"{self._path}.bkp"):
            if not os.path.exists(path):
                continue
            try:
                self._restored = self._load(path)
            except (OSError, ValueError):
                if path == self._path and os.path.exists(f"{self._path}.bkp"):
                    continue  # the one before is to be tried
                raise
            batch = self._restored["batch"]
            going_on = (batch, self._go_on) if batch else None
            self.model._keep(_initial_epoch=self._restored["epoch"], _going_on=going_on)
            return

    def _load(self, path):
        from cnnpy.saving import archive, store

        with store.opened(path, path) as file:
            if "training" not in file.attrs:
                raise ValueError(f"{path} is no backup of cnnpy's BackupAndRestore; remove it, or name another folder")
            state = json.loads(file.attrs["training"])
            arrays = {name: [group[str(i)][()] for i in range(len(group))] for name, group in _groups(file)}
            archive.load_from(self.model, file)
        state["arrays"] = arrays
        return state

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        self._save_epoch()
        if self._restored is not None:
            self._restore_callbacks()
            _set_random_state(self._restored["random_at_epoch"])
            if not self._restored["batch"]:
                self._restored = None
        self._at_epoch_begin = _random_state()

    def _go_on(self):
        """When the batches that were done have been passed over, and the samples are in the order they were."""
        _set_random_state(self._restored["random"])
        for i, metric in enumerate(_metrics(self.model)):
            _set_metric_state(metric, self._restored["arrays"][f"metric.{i}"])
        self._restored = None

    def _restore_callbacks(self):
        """After all have had their `on_train_begin`."""
        for name, callback in self._callbacks():
            for attribute, value in self._restored["callbacks"].get(name, {}).items():
                if attribute not in getattr(callback, "backed_up", ()):
                    continue
                if isinstance(value, dict):  # a list of arrays
                    value = self._restored["arrays"].get(f"{name}.{attribute}", [])
                setattr(callback, attribute, value)

    def _callbacks(self):
        """(name, callback) of all callbacks of this `fit`."""
        for i, callback in enumerate(getattr(self.model._running, "callbacks", ())):
            yield f"{i}.{type(callback).__name__}", callback

    # ---- keeping ----

    def on_train_batch_end(self, batch, logs=None):
        if is_due(self, batch):
            self._save(self._epoch, batch + 1)

    def on_epoch_end(self, epoch, logs=None):
        self._epoch = epoch + 1
        self._due = self.save_freq == "epoch"

    def _save_epoch(self):
        if self._due:
            self._due = False
            self._save(self._epoch, 0)

    def _save(self, epoch, batch):
        now = _random_state()
        state = {
            "epoch": epoch,
            "batch": batch,
            "random": now,
            "random_at_epoch": self._at_epoch_begin if batch else now,
            "callbacks": {},
        }
        arrays = (
            {f"metric.{i}": _metric_state(metric) for i, metric in enumerate(_metrics(self.model))} if batch else {}
        )
        for name, callback in self._callbacks():
            kept = state["callbacks"][name] = {}
            for attribute in getattr(callback, "backed_up", ()):
                value = getattr(callback, attribute, None)
                if isinstance(value, list):
                    arrays[f"{name}.{attribute}"], value = value, {"arrays": len(value)}
                kept[attribute] = float(value) if isinstance(value, np.generic) else value

        def also(file):
            file.attrs["training"] = json.dumps(state)
            for name, values in arrays.items():
                for i, value in enumerate(values):
                    file[f"callbacks/{name}/{i}"] = value

        os.makedirs(self.backup_dir, exist_ok=True)
        if self.double_checkpoint and os.path.exists(self._path):
            os.replace(self._path, f"{self._path}.bkp")
        from cnnpy.saving import archive

        archive.write_weights(self.model, self._path, also)

    def on_train_end(self, logs=None):
        if not self.delete_checkpoint:
            self._save_epoch()
        if self.delete_checkpoint and os.path.isdir(self.backup_dir):
            shutil.rmtree(self.backup_dir)


def _groups(file):
    """The arrays of callbacks in an open file."""
    return file["callbacks"].items() if "callbacks" in file else ()


def _metrics(model):
    """The single metrics of MODEL."""
    for metric in model.metrics:
        yield from getattr(metric, "metrics", None) or [metric]


def _metric_state(metric):
    """What METRIC has seen, as a list of arrays: its numbers and its Variables."""
    return [np.array(value) for _, value in _metric_numbers(metric)]


def _metric_numbers(metric):
    for name, value in sorted(vars(metric).items()):
        if isinstance(value, (int, float, np.ndarray, np.generic, Variable)):
            yield name, value


def _set_metric_state(metric, arrays):
    for (name, value), array in zip(list(_metric_numbers(metric)), arrays):
        if isinstance(value, Variable):
            value.assign(array)
        else:
            setattr(metric, name, array if isinstance(value, np.ndarray) else type(value)(array))


def _random_state():
    """Where Python's, NumPy's and cnnpy's random numbers stand, as plain data."""
    kind, keys, *rest = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": [kind, keys.tolist(), *rest],
        "cnnpy": seeds.global_state(),
    }


def _set_random_state(state):
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, np.array(keys, "uint32"), *rest))
    seeds.set_global_state(state["cnnpy"])
