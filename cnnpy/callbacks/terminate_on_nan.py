"""TerminateOnNaN."""

import math

from cnnpy.callbacks.callback import Callback
from cnnpy.utils.progbar import print_text


class TerminateOnNaN(Callback):
    """Stops training when the loss becomes NaN or infinite.

    Arguments:
        raise_error: raise a RuntimeError at once instead of ending training in good order.
    """

    def __init__(self, raise_error=False):
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"TerminateOnNaN: the loss is {loss} at batch {batch}")
        print_text(f"Batch {batch}: Invalid loss, terminating training\n")
        self.model.stop_training = True
