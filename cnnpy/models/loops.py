"""One pass over batches: the steps, the callbacks' batch hooks and the progress bars; and what predictions go into.

Hooks are called on those callbacks alone that have them, and logs are gathered when a hook or a due progress bar is
going to read them, so that a loop nobody watches costs next to nothing.
"""

import contextlib
import time

import numpy as np

from cnnpy.callbacks.callback_list import pythonify_logs
from cnnpy.tree import flatten, pack_sequence_as

_clock = time.perf_counter


def walk(model, batches, run, callbacks, mode, stop, bars, first=0, resumed=None):
    """Calls RUN with every batch. Returns what its last call returned.

    Arguments:
        mode: 'train', 'test' or 'predict'.
        stop: name of the model's attribute that ends the loop when it is true.
        bars: progress bars to keep informed.
        first: number of the first batch; those before it are passed over, and RESUMED() is called after them.
    """
    begin = callbacks.listeners[f"on_{mode}_batch_begin"]
    end = callbacks.listeners[f"on_{mode}_batch_end"]
    group = model.steps_per_execution
    logs, step, told = None, -1, -1
    with contextlib.closing(iter(batches)) as source:
        for step, batch in enumerate(source):
            if step < first:
                continue
            if resumed is not None:
                resumed()
                resumed = None
            if begin and step % group == 0:
                for hook in begin:
                    hook(step, logs={})
            try:
                logs = run(batch)
            except FloatingPointError as error:  # numerics.py found a number that is not finite
                raise FloatingPointError(f"batch {step}: {error}") from None
            if (step + 1) % group:
                continue
            told = step
            if end or (bars and _clock() >= bars[0].due):
                _tell(model, step, logs, end, bars, mode)
            if getattr(model, stop):
                break
    if resumed is not None:
        resumed()
    if end and told != step:  # the last group of steps was not full
        _tell(model, step, logs, end, (), mode)
    for bar in bars:
        bar.seen = step + 1
    return logs


def _tell(model, step, logs, listeners, bars, mode):
    if mode == "predict":
        logs = {"outputs": logs}
    else:
        logs = pythonify_logs(model.get_metrics_result() if logs is None else logs)
    for hook in listeners:
        hook(step, logs=logs)
    now = _clock()
    for bar in bars:
        if now >= bar.due:
            getattr(bar, f"on_{mode}_batch_end")(step, logs)


def _joined(parts):
    """The outputs of several batches in one array; those that are single numbers in a row."""
    return np.concatenate(parts) if parts[0].ndim else np.stack(parts)


class Outputs:
    """Collects predictions in NumPy arrays, which are made once if the number of samples is known."""

    def __init__(self, samples):
        self._samples = samples
        self._structure = None
        self._parts = None  # per output an array for all samples, or a list of arrays
        self._rows = 0

    def add(self, outputs, rows):
        """Takes the outputs of the next batch, of ROWS samples.

        Raises:
            ValueError: their shapes differ from those of the batches before.
        """
        leaves = [np.asarray(leaf) for leaf in flatten(outputs)]
        if self._parts is None:
            self._begin(outputs, leaves, rows)
        if self._whole and any(leaf.shape[:1] != (rows,) for leaf in leaves):
            self._parts = [[part[: self._rows].copy()] for part in self._parts]
            self._whole = False
        for part, leaf, shape in zip(self._parts, leaves, self._shapes):
            if leaf.shape[1:] != shape:
                raise ValueError(
                    f"predict: batches give outputs of different shapes, {(None, *shape)} and "
                    f"{(None, *leaf.shape[1:])}; predict them one by one with predict_on_batch"
                )
            if self._whole:
                part[self._rows : self._rows + rows] = leaf
            else:
                part.append(np.array(leaf))
        self._rows += rows

    def _begin(self, outputs, leaves, rows):
        self._structure = outputs if isinstance(outputs, (list, tuple, dict)) else None
        self._shapes = [leaf.shape[1:] for leaf in leaves]
        self._whole = self._samples is not None and all(leaf.shape[:1] == (rows,) for leaf in leaves)
        if self._whole:
            self._parts = [np.empty((self._samples, *leaf.shape[1:]), leaf.dtype) for leaf in leaves]
        else:
            self._parts = [[] for _ in leaves]

    def result(self):
        """The predictions, in the structure of the model's outputs."""
        if self._parts is None:
            raise ValueError("predict: the data gave no batches")
        if self._whole:
            parts = [part if self._rows == len(part) else part[: self._rows].copy() for part in self._parts]
        else:
            parts = [part[0] if len(part) == 1 else _joined(part) for part in self._parts]
        return parts[0] if self._structure is None else pack_sequence_as(self._structure, parts)
