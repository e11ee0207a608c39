"""History: what `fit` returns."""

from cnnpy.callbacks.callback import Callback


class History(Callback):
    """Records the logs of every epoch. `fit` adds one by itself and returns it.

    Attributes:
        history: dict of name to the list of values, one per epoch done.
        epoch: the epochs' numbers.
    """

    def __init__(self):
        super().__init__()
        self.history = {}
        self.epoch = []

    def on_train_begin(self, logs=None):
        self.epoch = []

    def on_epoch_end(self, epoch, logs=None):
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.history = self
