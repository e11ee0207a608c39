"""LambdaCallback: a callback from functions."""

from cnnpy.callbacks.callback import Callback


class LambdaCallback(Callback):
    """A callback made of functions, one per hook.

    Epoch hooks are called with `(epoch, logs)`, those of training with `(logs)`, batch hooks with `(batch, logs=logs)`.
    Any hook of `Callback` can be given by its name.

    Raises:
        TypeError: a hook that is not callable.
    """

    def __init__(
        self,
        on_epoch_begin=None,
        on_epoch_end=None,
        on_train_begin=None,
        on_train_end=None,
        on_train_batch_begin=None,
        on_train_batch_end=None,
        **kwargs,
    ):
        super().__init__()
        hooks = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }
        for name, hook in {**kwargs, **hooks}.items():
            if hook is None:
                continue
            if name.startswith("on_") and not callable(hook):
                raise TypeError(f"LambdaCallback: {name} must be a function, got {hook!r}")
            setattr(self, name, hook)
