"""What callbacks that watch one of the logs share: is the new value better than the old one?"""

import operator
import warnings

from cnnpy.callbacks.callback import Callback


class MonitorCallback(Callback):
    """Base class of callbacks that watch the value `monitor` of the logs.

    Arguments:
        monitor: name of the value.
        mode: 'min', 'max', or 'auto': known from the metric's own direction, 'min' for losses.
        baseline: first value to beat.
        min_delta: a change by less counts as none.

    Raises:
        ValueError: at the first epoch's end, if mode is 'auto' and the direction cannot be known.
    """

    def __init__(self, monitor="val_loss", mode="auto", baseline=None, min_delta=0):
        super().__init__()
        if mode not in ("auto", "min", "max"):
            message = f"{type(self).__name__}: mode {mode!r} is unknown ('auto', 'min', 'max'); taking 'auto'"
            warnings.warn(message, stacklevel=3)
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.best = baseline
        self.min_delta = abs(min_delta)
        self.monitor_op = None

    def _set_monitor_op(self):
        """Settles the direction; done late, when the model's metrics are known."""
        mode = self.mode if self.mode != "auto" else self._direction()
        self.monitor_op = operator.lt if mode == "min" else operator.gt
        if mode == "min":
            self.min_delta *= -1

    def _direction(self):
        name = self.monitor.removeprefix("val_")
        if name == "loss" or name.endswith("_loss"):
            return "min"
        metric = self.model._metrics_by_name().get(name) if hasattr(self.model, "_metrics_by_name") else None
        direction = getattr(metric, "_direction", None)
        if direction not in ("up", "down"):
            raise ValueError(
                f"{type(self).__name__}: cannot know whether {self.monitor!r} gets better upwards or downwards; "
                "pass mode='max' or mode='min'"
            )
        return "max" if direction == "up" else "min"

    def _is_improvement(self, value, reference):
        return reference is None or self.monitor_op(value - self.min_delta, reference)
