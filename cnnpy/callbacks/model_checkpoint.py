"""ModelCheckpoint."""

import os
import warnings

import numpy as np

from cnnpy.callbacks.monitor_callback import MonitorCallback
from cnnpy.utils.progbar import print_text


class ModelCheckpoint(MonitorCallback):
    """Saves the model, or its weights, after epochs or every so many batches.

    Arguments:
        filepath: the file, `.keras` for models, `.weights.h5` for weights alone. It may name `{epoch}`, `{batch}` and
            values of the logs, like `"{epoch:02d}-{val_loss:.2f}.keras"`. Folders that lack are made.
        monitor: name of the value that tells which model is the best.
        verbose: 1 says what is saved.
        save_best_only: saves only what is better than all before.
        save_weights_only: weights and optimizer state instead of the whole model.
        mode: 'min', 'max' or 'auto'.
        save_freq: 'epoch', or a number of batches.
        initial_value_threshold: the first value to beat.

    Files are replaced whole: whenever the process is stopped, the last one can be loaded.

    Raises:
        ValueError: save_freq or the file's ending is wrong. KeyError: the file's name has a value the logs lack.
    """

    backed_up = ("best", "_seen", "_last_batch")

    def __init__(
        self,
        filepath,
        monitor="val_loss",
        verbose=0,
        save_best_only=False,
        save_weights_only=False,
        mode="auto",
        save_freq="epoch",
        initial_value_threshold=None,
    ):
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = check_save_freq(self, save_freq)
        self._seen = 0
        self._last_batch = None
        self._epoch = 0
        ending = ".weights.h5" if save_weights_only else ".keras"
        if not self.filepath.endswith(ending):
            what = "with save_weights_only=True the file's name" if save_weights_only else "the file's name"
            raise ValueError(f"ModelCheckpoint: {what} must end in {ending}, got {self.filepath!r}")

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if is_due(self, batch):
            self._save(self._epoch, batch, logs or {})

    def on_epoch_end(self, epoch, logs=None):
        if self.monitor_op is None and self.save_best_only:
            self._set_monitor_op()
        if self.save_freq == "epoch":
            self._save(epoch, None, logs or {})

    def _save(self, epoch, batch, logs):
        path = self._path(epoch, batch, logs)
        if self.save_best_only and not self._is_best(epoch, logs, path):
            return
        if not self.save_best_only:
            self._say(f"\nEpoch {epoch + 1}: saving model to {path}\n")
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        if os.path.isdir(path):
            raise OSError(f"ModelCheckpoint: {path} is a folder; name a file")
        save = self.model.save_weights if self.save_weights_only else self.model.save
        save(path, overwrite=True)
        self._say(f"\nEpoch {epoch + 1}: finished saving model to {path}\n")

    def _is_best(self, epoch, logs, path):
        current = logs.get(self.monitor)
        if current is None:
            warnings.warn(
                f"ModelCheckpoint: there is no {self.monitor!r} to tell the best model by, so it is saved; available: "
                f"{', '.join(logs) or 'nothing'}",
                stacklevel=4,
            )
            return True
        if np.ndim(current):
            warnings.warn(f"ModelCheckpoint: {self.monitor!r} is no single number, so the model is saved", stacklevel=4)
            return True
        if self.monitor_op is None:
            self._set_monitor_op()
        before = "None" if self.best is None else f"{self.best:.5f}"
        if not self._is_improvement(current, self.best):
            self._say(f"\nEpoch {epoch + 1}: {self.monitor} did not improve from {before}\n")
            return False
        self._say(
            f"\nEpoch {epoch + 1}: {self.monitor} improved from {before} to {current:.5f}, saving model to {path}\n"
        )
        self.best = current
        return True

    def _path(self, epoch, batch, logs):
        places = {"epoch": epoch + 1, **({} if batch is None else {"batch": batch + 1}), **logs}
        try:
            return self.filepath.format(**places)
        except KeyError as error:
            raise KeyError(
                f"ModelCheckpoint: the file name {self.filepath!r} asks for {error}; there are {', '.join(places)}"
            ) from None

    def _say(self, text):
        if self.verbose:
            print_text(text)


def check_save_freq(callback, save_freq):
    """SAVE_FREQ, which must be 'epoch' or a number of batches."""
    if save_freq != "epoch" and (isinstance(save_freq, bool) or not isinstance(save_freq, int) or save_freq < 1):
        raise ValueError(
            f"{type(callback).__name__}: save_freq must be 'epoch' or a number of batches, got {save_freq!r}"
        )
    return save_freq


def is_due(callback, batch):
    """True if CALLBACK has seen `save_freq` batches since it last saved; BATCH, counted from 0, has just ended.

    With steps_per_execution only every so many batches are told.
    """
    if callback.save_freq == "epoch":
        return False
    last = callback._last_batch
    callback._seen += batch + 1 if last is None or batch <= last else batch - last
    callback._last_batch = batch
    if callback._seen < callback.save_freq:
        return False
    callback._seen = 0
    return True
