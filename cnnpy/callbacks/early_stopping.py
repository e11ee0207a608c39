"""EarlyStopping."""

import warnings

from cnnpy.callbacks.monitor_callback import MonitorCallback
from cnnpy.utils.progbar import print_text


class EarlyStopping(MonitorCallback):
    """Stops training when a value of the logs no longer improves.

    Arguments:
        monitor: name of the value.
        min_delta: a change by less counts as none.
        patience: epochs without improvement after which training stops.
        verbose: 1 prints what it does.
        mode: 'min', 'max' or 'auto'.
        baseline: the value must beat it for the wait to start anew.
        restore_best_weights: at the end, also when it never stopped, the model gets the weights of the best epoch.
        start_from_epoch: epochs before this one are not looked at.
    """

    backed_up = ("wait", "stopped_epoch", "best", "best_weights", "best_epoch")

    def __init__(
        self,
        monitor="val_loss",
        min_delta=0,
        patience=0,
        verbose=0,
        mode="auto",
        baseline=None,
        restore_best_weights=False,
        start_from_epoch=0,
    ):
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.wait = 0
        self.stopped_epoch = 0
        self.best_weights = None
        self.best_epoch = 0

    def on_train_begin(self, logs=None):
        self.wait = 0
        self.stopped_epoch = 0
        self.best = None
        self.best_weights = None
        self.best_epoch = 0

    def on_epoch_end(self, epoch, logs=None):
        if self.monitor_op is None:
            self._set_monitor_op()
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._keep_weights(epoch)  # whatever comes, there is something to restore
        self.wait += 1
        if self._is_improvement(current, self.best):
            self.best = current
            self.best_epoch = epoch
            if self.restore_best_weights:
                self._keep_weights(epoch)
            if self.baseline is None or self._is_improvement(current, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        if self.stopped_epoch > 0 and self.verbose > 0:
            print_text(f"Epoch {self.stopped_epoch + 1}: early stopping\n")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                print_text(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.\n")
            self.model.set_weights(self.best_weights)

    def get_monitor_value(self, logs):
        """The monitored value of LOGS, or None with a warning."""
        logs = logs or {}
        value = logs.get(self.monitor)
        if value is None:
            warnings.warn(
                f"EarlyStopping: there is no {self.monitor!r} to watch; available: {', '.join(logs) or 'nothing'}",
                stacklevel=2,
            )
        return value

    def _keep_weights(self, epoch):
        self.best_weights = self.model.get_weights()
        self.best_epoch = epoch
