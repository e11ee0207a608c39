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

    def _repr_html_(self):
        """The epochs as a table, which Jupyter shows; the middle of a long run is left out."""
        from cnnpy.utils.html import cut, table
        from cnnpy.utils.progbar import format_value

        def cell(name, i):
            values = self.history[name]
            return format_value(values[i]) if i < len(values) else ""  # a metric that came later has fewer

        rows = [
            [self.epoch[i] + 1, *(cell(name, i) for name in self.history)]
            if i != "…"
            else ["…"] * (1 + len(self.history))
            for i in cut(range(len(self.epoch)), 20)
        ]
        return table(["epoch", *self.history], rows)
