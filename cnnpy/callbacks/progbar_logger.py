"""ProgbarLogger: shows the progress of fit, evaluate and predict."""

from cnnpy.callbacks.callback import Callback
from cnnpy.utils.progbar import Progbar, print_text


class ProgbarLogger(Callback):
    """Prints a progress bar with the metrics. Added by itself unless `verbose=0`.

    The training loop asks `due` whether there is anything to draw, so that logs are gathered a few times a second and
    not at every step.
    """

    def __init__(self):
        super().__init__()
        self.verbose = 1
        self.epochs = 1
        self.target = None
        self.seen = 0
        self.progbar = None
        self._inside_fit = False

    @property
    def due(self):
        """The time (time.perf_counter) from which on the bar wants to be drawn."""
        return self.progbar.due if self.progbar is not None else 0.0

    def set_params(self, params):
        super().set_params(params)
        verbose = params["verbose"]
        self.verbose = 1 if verbose in ("auto", True) else verbose
        self.epochs = params["epochs"]
        self.target = params["steps"]

    def on_train_begin(self, logs=None):
        self._inside_fit = True  # the validation inside is silent

    def on_train_end(self, logs=None):
        self._inside_fit = False

    def on_epoch_begin(self, epoch, logs=None):
        self._start()
        if self.verbose and self.epochs > 1:
            print_text(f"Epoch {epoch + 1}/{self.epochs}\n")

    def on_test_begin(self, logs=None):
        if not self._inside_fit:
            self._start()

    def on_predict_begin(self, logs=None):
        self._start()

    def on_train_batch_end(self, batch, logs=None):
        self._update(batch, logs)

    def on_test_batch_end(self, batch, logs=None):
        if not self._inside_fit:
            self._update(batch, logs)

    def on_predict_batch_end(self, batch, logs=None):
        self._update(batch, None)

    def on_epoch_end(self, epoch, logs=None):
        self._finish(logs)

    def on_test_end(self, logs=None):
        if not self._inside_fit:
            self._finish(logs)

    def on_predict_end(self, logs=None):
        self._finish(None)

    def on_interrupt(self):
        """The call ended by an exception: what is printed next starts on its own line."""
        if self.progbar is not None:
            self.progbar.close()
        self._inside_fit = False

    def _start(self):
        self.seen = 0
        self.progbar = Progbar(target=self.target, verbose=self.verbose, stateless_metrics=())

    def _update(self, batch, logs):
        if self.progbar is None:
            self._start()
        self.seen = batch + 1
        if self.verbose == 1:
            self.progbar.update(self.seen, (logs or {}).items(), finalize=False)

    def _finish(self, logs):
        if self.progbar is None:
            self._start()
        if self.target is None:  # now it is known
            self.target = self.seen
        self.progbar.target = self.target
        self.progbar.update(self.target, (logs or {}).items(), finalize=True)
