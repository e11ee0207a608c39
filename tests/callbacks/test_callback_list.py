"""Callbacks: which hooks are called, in what order, with what logs."""

import types

import pytest

from cnnpy.callbacks import Callback, CallbackList, History, LambdaCallback, ProgbarLogger
from cnnpy.callbacks.callback_list import pythonify_logs


def model():
    return types.SimpleNamespace(history=None, stop_training=False)


class Recorder(Callback):
    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_begin(self, logs=None):
        self.calls.append("train begin")

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(("epoch end", epoch, dict(logs)))

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append(("batch end", batch, dict(logs)))


def test_only_batch_hooks_that_do_something_are_listened_to():
    class Old(Callback):
        def on_batch_begin(self, batch, logs=None):
            pass

    class Test(Callback):
        def on_test_batch_end(self, batch, logs=None):
            pass

    callbacks = CallbackList([Old(), Test(), LambdaCallback(on_train_batch_end=print), Recorder()])
    counts = {hook: len(listeners) for hook, listeners in callbacks.listeners.items()}
    assert counts == {
        "on_train_batch_begin": 1,
        "on_train_batch_end": 2,
        "on_test_batch_begin": 0,
        "on_test_batch_end": 1,
        "on_predict_batch_begin": 0,
        "on_predict_batch_end": 0,
    }


def test_hooks_gained_at_the_beginning_count():
    class Late(Callback):
        def on_train_begin(self, logs=None):
            self.on_train_batch_end = lambda batch, logs=None: None

    callbacks = CallbackList(Late())
    assert not callbacks.listeners["on_train_batch_end"]
    callbacks.on_train_begin()
    assert len(callbacks.listeners["on_train_batch_end"]) == 1


def test_history_and_progress_bar_come_last_and_once():
    own = History()
    first = Recorder()
    callbacks = CallbackList(
        [own, [first]], add_history=True, add_progbar=True, model=model(), verbose=0, epochs=1, steps=1
    )
    assert [type(c) for c in callbacks.callbacks] == [History, Recorder, ProgbarLogger]
    callbacks = CallbackList([first], add_history=True, add_progbar=True, model=model(), verbose=0, epochs=1, steps=1)
    assert [type(c) for c in callbacks.callbacks] == [Recorder, History, ProgbarLogger]


def test_parameters_and_model_reach_all():
    one, target = Recorder(), model()
    callbacks = CallbackList(one, add_history=True, model=target, verbose=2, epochs=3, steps=None)
    assert one.params == {"verbose": 2, "epochs": 3, "steps": None}
    assert one.model is target and callbacks.model is target
    assert isinstance(target.history, History)


def test_logs_are_plain_floats_in_alphabetical_order():
    class Scalar:
        def __float__(self):
            return 0.5

    logs = pythonify_logs({"val_loss": 1, "loss": Scalar(), "more": {"b": 2, "a": "text"}, "accuracy": 0.25})
    assert list(logs.items()) == [("accuracy", 0.25), ("loss", 0.5), ("a", "text"), ("b", 2.0), ("val_loss", 1.0)]
    one = Recorder()
    callbacks = CallbackList(one)
    callbacks.on_train_batch_end(3, {"b": 1, "a": 2})
    callbacks.on_batch_end(4, {"b": 1})
    callbacks.on_epoch_end(0, {"b": 1, "a": 2})
    assert one.calls == [
        ("batch end", 3, {"a": 2.0, "b": 1.0}),
        ("batch end", 4, {"b": 1.0}),
        ("epoch end", 0, {"a": 2.0, "b": 1.0}),
    ]


def test_all_see_what_one_adds_to_the_logs():
    history = History()
    adds = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(extra=epoch))
    callbacks = CallbackList([adds, history], model=model())
    callbacks.on_train_begin()
    callbacks.on_epoch_end(0, {"loss": 1.0})
    callbacks.on_epoch_end(1, {"loss": 0.5, "val_loss": 2.0})
    assert history.history == {"loss": [1.0, 0.5], "extra": [0, 1], "val_loss": [2.0]}
    assert history.epoch == [0, 1]


def test_every_hook_reaches_every_callback():
    names = [n for n in dir(Callback) if n.startswith("on_")]
    called = []

    def note(name):
        return lambda *args, **kwargs: called.append(name)

    one = LambdaCallback(**{name: note(name) for name in names if name not in ("on_batch_begin", "on_batch_end")})
    callbacks = CallbackList([one])
    for name in names:
        if "batch" in name or "epoch" in name:
            getattr(callbacks, name)(0, {})
        else:
            getattr(callbacks, name)({})
    expected = [n.replace("on_batch", "on_train_batch") for n in names]
    assert called == expected


def test_old_names_of_batch_hooks():
    seen = []

    class Old(Callback):
        def on_batch_begin(self, batch, logs=None):
            seen.append(("begin", batch))

        def on_batch_end(self, batch, logs=None):
            seen.append(("end", batch, logs["loss"]))

    callbacks = CallbackList(Old())
    callbacks.on_train_batch_begin(1)
    callbacks.on_train_batch_end(1, {"loss": 2})
    assert seen == [("begin", 1), ("end", 1, 2.0)]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [(Recorder, "is a class; pass an instance"), (print, "expected instances"), ([1], "expected instances")],
)
def test_what_is_no_callback(wrong, message):
    with pytest.raises(TypeError, match=message):
        CallbackList(wrong)


def test_lambda_callback_takes_functions_only():
    with pytest.raises(TypeError, match="on_epoch_end must be a function"):
        LambdaCallback(on_epoch_end=3)


def test_interruption_reaches_those_who_care(tmp_path):
    from cnnpy.callbacks import CSVLogger

    logger = CSVLogger(tmp_path / "log.csv")
    callbacks = CallbackList([logger, Recorder()], add_progbar=True, model=model(), verbose=1, epochs=2, steps=2)
    callbacks.on_train_begin()
    file = logger.csv_file
    callbacks.interrupt()
    assert file.closed


def test_progress_bar_is_silent_in_validation(capsys):
    callbacks = CallbackList(add_progbar=True, model=model(), verbose=1, epochs=2, steps=2)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    callbacks.on_train_batch_end(0, {"loss": 1.0})
    callbacks.on_train_batch_end(1, {"loss": 1.0})
    callbacks.on_test_begin()
    callbacks.on_test_batch_end(0, {"loss": 9.0})
    callbacks.on_test_end({"loss": 9.0})
    callbacks.on_epoch_end(0, {"loss": 1.0, "val_loss": 9.0})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 1/2"
    assert len(lines) == 2 and lines[1].startswith("2/2 ") and lines[1].endswith("- loss: 1.0000 - val_loss: 9.0000")
