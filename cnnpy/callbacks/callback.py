"""Callback: hooks that training, evaluation and prediction call."""


class Callback:
    """Base class of callbacks.

    Override the hooks you need. The training loop calls the batch hooks of those callbacks alone that override them.
    `logs` is a dict of name to float: at `on_train_batch_end` the running means of the epoch so far, at `on_epoch_end`
    the epoch's values with those of the validation as `val_...`, in alphabetical order.

    Attributes:
        params: dict with `verbose`, `epochs` and `steps` of the running call.
        model: the model.
    """

    # Attributes (numbers, or a list of arrays) that BackupAndRestore keeps.
    backed_up = ()

    def __init__(self):
        self.params = None
        self._model = None

    def set_params(self, params):
        """Called with the dict of parameters before anything else."""
        self.params = params

    def set_model(self, model):
        """Called with the model before anything else."""
        self._model = model

    @property
    def model(self):
        return self.__dict__.get("_model")

    def on_batch_begin(self, batch, logs=None):
        """Older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch, logs=None):
        """Older name of `on_train_batch_end`."""

    def on_epoch_begin(self, epoch, logs=None):
        """Before each epoch of `fit`; EPOCH counts from 0."""

    def on_epoch_end(self, epoch, logs=None):
        """After each epoch of `fit` and its validation."""

    def on_train_batch_begin(self, batch, logs=None):
        """Before a batch of training (with `steps_per_execution=N` before every N-th)."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch, logs=None):
        """After a batch of training; LOGS are the running means."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch, logs=None):
        """Before a batch of `evaluate` or of validation."""

    def on_test_batch_end(self, batch, logs=None):
        """After a batch of `evaluate` or of validation."""

    def on_predict_batch_begin(self, batch, logs=None):
        """Before a batch of `predict`."""

    def on_predict_batch_end(self, batch, logs=None):
        """After a batch of `predict`; `logs["outputs"]` holds what the model gave."""

    def on_train_begin(self, logs=None):
        """Before the first epoch."""

    def on_train_end(self, logs=None):
        """After the last epoch; LOGS are the last epoch's. Not called when training was interrupted by an error."""

    def on_test_begin(self, logs=None):
        """Before `evaluate` and before validation."""

    def on_test_end(self, logs=None):
        """After `evaluate` and after validation, with their results."""

    def on_predict_begin(self, logs=None):
        """Before `predict`."""

    def on_predict_end(self, logs=None):
        """After `predict`."""
