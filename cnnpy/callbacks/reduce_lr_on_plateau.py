"""ReduceLROnPlateau."""

import warnings

import numpy as np

from cnnpy.callbacks.monitor_callback import MonitorCallback
from cnnpy.utils.progbar import print_text


class ReduceLROnPlateau(MonitorCallback):
    """Reduces the learning rate when a value of the logs no longer improves; the logs get it as `learning_rate`.

    Arguments:
        monitor: name of the value.
        factor: the learning rate is multiplied by it; under 1.
        patience: epochs without improvement after which it is reduced.
        verbose: 1 prints what it does.
        mode: 'min', 'max' or 'auto'.
        min_delta: a change by less counts as none.
        cooldown: epochs after a reduction in which it does not wait.
        min_lr: the learning rate does not fall under it.

    Raises:
        ValueError: a factor of 1 or more.
    """

    backed_up = ("best", "cooldown_counter", "wait")

    def __init__(
        self,
        monitor="val_loss",
        factor=0.1,
        patience=10,
        verbose=0,
        mode="auto",
        min_delta=1e-4,
        cooldown=0,
        min_lr=0.0,
    ):
        super().__init__(monitor, mode, min_delta=min_delta)
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau: factor must be under 1.0, got {factor}")
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self.cooldown_counter = 0
        self.wait = 0

    def on_train_begin(self, logs=None):
        self.best = None
        self.cooldown_counter = 0
        self.wait = 0

    def on_epoch_end(self, epoch, logs=None):
        if self.monitor_op is None:
            self._set_monitor_op()
        logs = {} if logs is None else logs
        logs["learning_rate"] = float(np.asarray(self.model.optimizer.learning_rate))
        current = logs.get(self.monitor)
        if current is None:
            warnings.warn(
                f"ReduceLROnPlateau: there is no {self.monitor!r} to watch; available: {', '.join(logs)}",
                stacklevel=2,
            )
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter = self.cooldown
                self.wait = 0

    def in_cooldown(self):
        """True while epochs without improvement are not counted."""
        return self.cooldown_counter > 0

    def _reduce(self, epoch):
        optimizer = self.model.optimizer
        old = float(np.asarray(optimizer.learning_rate))
        if old <= np.float32(self.min_lr):
            return False
        new = max(old * self.factor, self.min_lr)
        optimizer.learning_rate = new
        if self.verbose > 0:
            print_text(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {new}.\n")
        return True
