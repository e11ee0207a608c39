"""The same run in both libraries: which hooks are called with which logs, and which files are written."""

import os

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

import cnnpy  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own

X = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")
Y = (X.sum(1, keepdims=True) > 0).astype("float32")


def networks(**optimizer):
    """A network of either library, with equal weights."""
    made = []
    for k in (keras, cnnpy):
        model = k.Sequential(
            [k.Input((4,)), k.layers.Dense(3, activation="relu", name="h"), k.layers.Dense(1, activation="sigmoid")],
            name="net",
        )
        model.compile(k.optimizers.SGD(0.5, **optimizer), "binary_crossentropy", metrics=["accuracy"])
        made.append(model)
    made[1].set_weights(made[0].get_weights())
    return zip((keras, cnnpy), made)


HOOKS = [
    f"on_{what}_{when}"
    for what in ("train", "test", "predict", "epoch", "train_batch", "test_batch", "predict_batch")
    for when in ("begin", "end")
]


def recorder(k, calls):
    class Recorder(k.callbacks.Callback):
        pass

    def make(hook):
        def record(self, *args, **kwargs):
            logs = kwargs.get("logs") or (args[-1] if args and isinstance(args[-1], dict) else {})
            numbers = [a for a in args if isinstance(a, (int, np.integer))]
            values = {} if "predict" in hook else {name: float(v) for name, v in logs.items()}
            calls.append((hook, [int(n) for n in numbers], list(logs), values))

        return record

    for hook in HOOKS:
        setattr(Recorder, hook, make(hook))
    return Recorder()


def same_calls(calls):
    theirs, ours = calls
    assert [c[:3] for c in ours] == [c[:3] for c in theirs]
    for a, b in zip(ours, theirs):
        for name in a[3]:
            np.testing.assert_allclose(a[3][name], b[3][name], rtol=1e-4, atol=1e-5, err_msg=f"{a[0]} {name}")


@pytest.mark.parametrize("group", [1, 2])
def test_hooks_their_order_and_their_logs(group):
    calls = []
    for k, model in networks():
        model.steps_per_execution = group
        calls.append([])
        arguments = dict(batch_size=6, verbose=0, callbacks=[recorder(k, calls[-1])])
        model.fit(X, Y, epochs=2, shuffle=False, validation_data=(X[:7], Y[:7]), validation_freq=2, **arguments)
        model.evaluate(X, Y, **arguments)
        model.predict(X, **arguments)
    if group == 1:
        same_calls(calls)
    else:  # Keras numbers the batches of a group in its own way; the hooks and their order are the same
        assert [c[0] for c in calls[1] if "batch" not in c[0]] == [c[0] for c in calls[0] if "batch" not in c[0]]


def test_old_batch_hooks_and_functions():
    calls = []
    for k, model in networks():
        seen = []

        class Old(k.callbacks.Callback):
            def on_batch_begin(self, batch, logs=None):
                seen.append(("begin", batch))  # noqa: B023

            def on_batch_end(self, batch, logs=None):
                seen.append(("end", batch, sorted(logs)))  # noqa: B023

        function = k.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append((epoch, sorted(logs))))  # noqa: B023
        model.fit(X, Y, batch_size=10, epochs=2, verbose=0, callbacks=[Old(), function])
        calls.append(seen)
    assert calls[0] == calls[1]


@pytest.mark.parametrize(
    "arguments",
    [
        dict(filepath="{epoch:02d}-{val_loss:.4f}.keras"),
        dict(filepath="{epoch}.keras", save_best_only=True, monitor="val_accuracy"),
        dict(filepath="{epoch}.weights.h5", save_weights_only=True, save_best_only=True, mode="min"),
        dict(filepath="{epoch}-{batch}.keras", save_freq=3),
    ],
)
def test_model_checkpoint_writes_the_same_files(tmp_path, arguments):
    found = []
    for k, model in networks():
        folder = tmp_path / k.__name__
        folder.mkdir()
        checkpoint = k.callbacks.ModelCheckpoint(**{**arguments, "filepath": str(folder / arguments["filepath"])})
        model.fit(
            X, Y, batch_size=6, epochs=5, shuffle=False, verbose=0, validation_data=(X, Y), callbacks=[checkpoint]
        )
        found.append(sorted(os.listdir(folder)))
    assert found[0] == found[1] and found[0]


@pytest.mark.parametrize("on_epoch", [False, True])
def test_swap_ema_weights(on_epoch):
    logs, weights = [], []
    for k, model in networks(use_ema=True, ema_momentum=0.7):
        swap = k.callbacks.SwapEMAWeights(swap_on_epoch=on_epoch)
        history = model.fit(
            X, Y, batch_size=6, epochs=3, shuffle=False, verbose=0, validation_data=(X, Y), callbacks=[swap]
        )
        logs.append(history.history)
        weights.append(model.get_weights())
    for name in logs[0]:
        np.testing.assert_allclose(logs[1][name], logs[0][name], rtol=1e-4, atol=1e-5, err_msg=name)
    for a, b in zip(*weights):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-5)


def test_tensor_board_writes_the_same_tags(tmp_path):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from tensorboard.util import tensor_util

    found = []
    for k, model in networks():
        folder = tmp_path / k.__name__
        board = k.callbacks.TensorBoard(str(folder), histogram_freq=1, write_images=True, update_freq=2)
        model.fit(X, Y, batch_size=6, epochs=2, shuffle=False, verbose=0, validation_data=(X, Y), callbacks=[board])
        tags = {}
        for part in ("train", "validation"):
            accumulator = accumulators.EventAccumulator(str(folder / part), size_guidance={"tensors": 0})
            accumulator.Reload()
            for tag in accumulator.Tags()["tensors"]:
                values = [(e.step, tensor_util.make_ndarray(e.tensor_proto)) for e in accumulator.Tensors(tag)]
                tags[part, tag] = values
        found.append(tags)
    theirs, ours = found
    # Batches under validation are written by Keras's own summary context, the traced graph by TensorFlow.
    assert set(ours) == {key for key in theirs if "graph" not in key[1]}
    for key, values in ours.items():
        assert [step for step, _ in values] == [step for step, _ in theirs[key]], key
        if key[1].startswith(("epoch_", "batch_", "evaluation_")):
            np.testing.assert_allclose([v for _, v in values], [v for _, v in theirs[key]], rtol=1e-4, err_msg=key)


def test_csv_logger_appends(tmp_path):
    texts = []
    for k, model in networks():
        path = tmp_path / f"{k.__name__}.csv"
        for append in (False, True):
            logger = k.callbacks.CSVLogger(str(path), separator=";", append=append)
            model.fit(X, Y, epochs=2, shuffle=False, verbose=0, callbacks=[logger])
        texts.append([line.split(";") for line in path.read_text().splitlines()])
    assert texts[0][0] == texts[1][0] and len(texts[0]) == len(texts[1]) == 5
    for theirs, ours in zip(texts[0][1:], texts[1][1:]):
        assert [part == "NA" for part in ours] == [part == "NA" for part in theirs]
        np.testing.assert_allclose([float(v) for v in ours[:3]], [float(v) for v in theirs[:3]], rtol=1e-4)


def test_terminate_on_nan():
    ends = []
    for k, model in networks():
        model.compile("sgd", lambda y, p, k=k: k.ops.mean(p) * float("nan"))
        history = model.fit(X, Y, epochs=3, batch_size=5, verbose=0, callbacks=[k.callbacks.TerminateOnNaN()])
        ends.append(history.epoch)
    assert ends[0] == ends[1] == [0]
