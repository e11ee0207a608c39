"""TerminateOnNaN."""

import math

from cnnpy.callbacks.callback import Callback
from cnnpy.utils.progbar import print_text


class TerminateOnNaN(Callback):
    """Stops training when the loss becomes NaN or infinite, and names the layer in whose outputs it first appeared.

    Arguments:
        raise_error: raise a RuntimeError at once instead of ending training in good order.
    """

    def __init__(self, raise_error=False):
        super().__init__()
        self.raise_error = raise_error

    def on_train_begin(self, logs=None):
        self._look("")

    def on_train_end(self, logs=None):
        self._look(None)

    on_interrupt = on_train_end

    def _look(self, trouble):
        """Lets the model note where a loss that is not finite comes from ("": nothing yet; None: it need not)."""
        if hasattr(self.model, "_keep"):
            self.model._keep(_trouble=trouble)

    def on_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        where = getattr(self.model, "_trouble", None)
        where = f": {where}" if where else ""
        if self.raise_error:
            raise RuntimeError(f"TerminateOnNaN: the loss is {loss} at batch {batch}{where}")
        print_text(f"Batch {batch}: Invalid loss, terminating training{where}\n")
        self.model.stop_training = True
