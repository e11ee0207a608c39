"""LivePlot: the curves of training, drawn while it goes on."""

import os
import sys
import time

from cnnpy.callbacks.callback import Callback

_SHARE = 0.1  # of the time of training that drawing may take


def _in_notebook():
    """True if what is displayed here can be replaced later."""
    if "ipykernel" not in sys.modules:
        return False
    from IPython import get_ipython

    return get_ipython() is not None


class LivePlot(Callback):
    """Draws the curves of `fit` at the end of epochs, in a notebook as one picture that is replaced.

    It draws when `interval` seconds have passed since the last picture, and never spends more than a tenth of the time
    on it; the last epochs are always drawn, also when training is interrupted. `cnnpy.visualize.plot_history` draws.
    A callback that Keras has not.

    Arguments:
        metrics: names such as ["loss", "accuracy"] (their `val_` curves come along); None for all.
        interval: least seconds between two pictures.
        to_file: a file (.png, .svg, .pdf) that is written instead, for use outside of notebooks.

    Raises:
        ValueError: `interval` is negative; at the start of `fit`: neither a notebook nor `to_file`.
        ImportError: matplotlib is not installed.
    """

    def __init__(self, metrics=None, interval=0.5, to_file=None):
        super().__init__()
        if not interval >= 0:
            raise ValueError(f"LivePlot: interval must be 0 or more seconds, got {interval!r}")
        self.metrics = None if metrics is None else list(metrics)
        self.interval = interval
        self.to_file = None if to_file is None else os.fspath(to_file)
        self.pictures = 0  # drawn so far
        self._record = {}
        self._drawn = 0  # epochs in the last picture
        self._due = 0.0
        self._display = None

    def on_train_begin(self, logs=None):
        from cnnpy.visualize.figure import new_figure

        new_figure(1, 1)  # says now if matplotlib is missing
        if self.to_file is None and not _in_notebook():
            raise ValueError('LivePlot: this is no notebook; pass to_file="curves.png" and look at that file')
        self._record = {}
        self._drawn, self._due, self._display = 0, 0.0, None

    def on_epoch_end(self, epoch, logs=None):
        for name, value in (logs or {}).items():
            self._record.setdefault(name, []).append(value)
        if time.perf_counter() >= self._due:
            self._draw()

    def on_train_end(self, logs=None):
        self._finish()

    def on_interrupt(self):
        """What was trained until an error or Ctrl-C is drawn, too."""
        self._finish()

    def _finish(self):
        if self._drawn < max(map(len, self._record.values()), default=0):
            self._draw()

    def _draw(self):
        from cnnpy.visualize import plot_history

        start = time.perf_counter()
        figure = plot_history(self._record, self.metrics)
        if self.to_file is not None:
            from cnnpy.utils.atomic_file import replacing

            with replacing(self.to_file) as part:
                figure.savefig(part, format=os.path.splitext(self.to_file)[1][1:] or "png")
        elif self._display is None:
            from IPython.display import display

            self._display = display(figure, display_id=True)
        else:
            self._display.update(figure)
        self.pictures += 1
        self._drawn = max(map(len, self._record.values()))
        now = time.perf_counter()
        self._due = now + max(self.interval, (now - start) * (1 - _SHARE) / _SHARE)
