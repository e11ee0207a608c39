"""CallbackList: calls the hooks of many callbacks, and knows which batch hooks anybody listens to."""

from cnnpy._core import Tensor
from cnnpy.callbacks.callback import Callback
from cnnpy.callbacks.history import History
from cnnpy.callbacks.progbar_logger import ProgbarLogger

BATCH_HOOKS = tuple(f"on_{mode}_batch_{when}" for mode in ("train", "test", "predict") for when in ("begin", "end"))
OLD_NAMES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


def pythonify_logs(logs):
    """LOGS with plain floats (arrays for several values), nested dicts flattened, in alphabetical order."""
    result = {}
    for name, value in sorted((logs or {}).items()):
        if isinstance(value, dict):
            result.update(pythonify_logs(value))
            continue
        try:
            result[name] = float(value)
        except (TypeError, ValueError):
            result[name] = value.numpy() if isinstance(value, Tensor) else value
    return result


def _listens(callback, hook):
    """True if CALLBACK does anything at HOOK: its class, or the object itself, has a function of its own for it."""
    for name in (hook, OLD_NAMES.get(hook)):
        if name is None:
            continue
        if name in getattr(callback, "__dict__", ()):
            return True
        own = getattr(type(callback), name, None)
        if own is not None and own is not getattr(Callback, name):
            return True
    return False


def _flatten(callbacks):
    if callbacks is None:
        return []
    if isinstance(callbacks, (list, tuple)):
        return [one for item in callbacks for one in _flatten(item)]
    if isinstance(callbacks, type):
        raise TypeError(f"callbacks: {callbacks.__name__} is a class; pass an instance, {callbacks.__name__}(...)")
    if not hasattr(callbacks, "set_model"):
        raise TypeError(
            f"callbacks: expected instances of cnnpy.callbacks.Callback, got {callbacks!r}; "
            "wrap functions with LambdaCallback(on_epoch_end=...)"
        )
    return [callbacks]


class CallbackList(Callback):
    """Calls the same hook of all its callbacks, in their order; the history and the progress bar come last.

    Arguments:
        callbacks: a callback or a list of them.
        add_history: add a History if there is none.
        add_progbar: add a ProgbarLogger if there is none.
        model: the model they are for.
        **params: given to every callback: verbose, epochs, steps.
    """

    def __init__(self, callbacks=None, add_history=False, add_progbar=False, model=None, **params):
        super().__init__()
        self.callbacks = _flatten(callbacks)
        self._history = next((c for c in self.callbacks if isinstance(c, History)), None)
        if self._history is None and add_history:
            self._history = History()
            self.callbacks.append(self._history)
        if add_progbar and not any(isinstance(c, ProgbarLogger) for c in self.callbacks):
            self.callbacks.append(ProgbarLogger())
        # Progress bars of our own are asked when they want to draw; all others are called at every batch.
        self.progbars = [c for c in self.callbacks if type(c) is ProgbarLogger]
        self._select()
        if model is not None:
            self.set_model(model)
        self.set_params(params)

    def _select(self):
        """Notes who listens to the batch hooks; again after `on_*_begin`, where callbacks may gain hooks."""
        self.listeners = {
            hook: tuple(getattr(c, hook) for c in self.callbacks if type(c) is not ProgbarLogger and _listens(c, hook))
            for hook in BATCH_HOOKS
        }

    def append(self, callback):
        """Adds one callback."""
        self.callbacks += _flatten(callback)
        self._select()

    def set_params(self, params):
        self.params = params
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    def set_model(self, model):
        super().set_model(model)
        if self._history is not None:
            model.history = self._history
        for callback in self.callbacks:
            callback.set_model(model)

    def interrupt(self):
        """Tells those who want to know (the progress bar, open files) that the call ends by an exception."""
        for callback in self.callbacks:
            hook = getattr(callback, "on_interrupt", None)
            if hook is not None:
                hook()

    def on_epoch_begin(self, epoch, logs=None):
        logs = pythonify_logs(logs)
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch, logs=None):
        logs = pythonify_logs(logs)
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, logs)

    def _at_batch(self, hook, batch, logs):
        listeners = self.listeners[hook]
        mode_end = hook.endswith("end")
        if listeners or (mode_end and self.progbars):
            logs = logs if hook == "on_predict_batch_end" else pythonify_logs(logs)
            for listener in listeners:
                listener(batch, logs=logs)
            if mode_end:
                for bar in self.progbars:
                    getattr(bar, hook)(batch, logs)

    def on_batch_begin(self, batch, logs=None):
        self._at_batch("on_train_batch_begin", batch, logs)

    def on_batch_end(self, batch, logs=None):
        self._at_batch("on_train_batch_end", batch, logs)

    def on_train_batch_begin(self, batch, logs=None):
        self._at_batch("on_train_batch_begin", batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        self._at_batch("on_train_batch_end", batch, logs)

    def on_test_batch_begin(self, batch, logs=None):
        self._at_batch("on_test_batch_begin", batch, logs)

    def on_test_batch_end(self, batch, logs=None):
        self._at_batch("on_test_batch_end", batch, logs)

    def on_predict_batch_begin(self, batch, logs=None):
        self._at_batch("on_predict_batch_begin", batch, logs)

    def on_predict_batch_end(self, batch, logs=None):
        self._at_batch("on_predict_batch_end", batch, logs)

    def on_train_begin(self, logs=None):
        self._at_border("on_train_begin", logs)

    def on_train_end(self, logs=None):
        self._at_border("on_train_end", logs)

    def on_test_begin(self, logs=None):
        self._at_border("on_test_begin", logs)

    def on_test_end(self, logs=None):
        self._at_border("on_test_end", logs)

    def on_predict_begin(self, logs=None):
        self._at_border("on_predict_begin", logs)

    def on_predict_end(self, logs=None):
        self._at_border("on_predict_end", logs)

    def _at_border(self, hook, logs):
        logs = pythonify_logs(logs)
        for callback in self.callbacks:
            getattr(callback, hook)(logs)
        if hook.endswith("begin"):
            self._select()
