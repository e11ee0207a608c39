"""LearningRateScheduler."""

import numbers

import numpy as np

from cnnpy.callbacks.callback import Callback
from cnnpy.utils.progbar import print_text


class LearningRateScheduler(Callback):
    """Sets the learning rate at the beginning of each epoch; the logs get it as `learning_rate`.

    Arguments:
        schedule: function of `(epoch, learning_rate)`, or of `(epoch)`, that returns the new learning rate.
        verbose: 1 prints it.

    Raises:
        ValueError: the schedule returned something else than a float.
    """

    def __init__(self, schedule, verbose=0):
        super().__init__()
        if not callable(schedule):
            raise TypeError(f"LearningRateScheduler: schedule must be a function of (epoch, lr), got {schedule!r}")
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch, logs=None):
        optimizer = self.model.optimizer
        current = float(np.asarray(optimizer.learning_rate))
        try:
            rate = self.schedule(epoch, current)
        except TypeError:  # a function of the epoch alone
            rate = self.schedule(epoch)
        if getattr(rate, "shape", None) == ():
            rate = float(np.asarray(rate))
        if not isinstance(rate, numbers.Real) or isinstance(rate, numbers.Integral):
            raise ValueError(f"LearningRateScheduler: schedule must return a float, got {rate!r} of {type(rate)}")
        optimizer.learning_rate = float(rate)
        if self.verbose > 0:
            print_text(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.\n")

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs["learning_rate"] = float(np.asarray(self.model.optimizer.learning_rate))
