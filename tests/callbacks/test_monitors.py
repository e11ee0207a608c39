"""EarlyStopping, ReduceLROnPlateau, LearningRateScheduler and TerminateOnNaN, driven by made-up logs."""

import types

import numpy as np
import pytest

import cnnpy
from cnnpy.callbacks import EarlyStopping, LearningRateScheduler, ReduceLROnPlateau, TerminateOnNaN


class Model:
    """A model that trains nothing: its only weight is the number of the epoch."""

    def __init__(self):
        self.optimizer = types.SimpleNamespace(learning_rate=0.1)
        self.stop_training = False
        self.weights = [np.zeros(1)]
        self.directions = {}

    def _metrics_by_name(self):
        return {name: types.SimpleNamespace(_direction=d) for name, d in self.directions.items()}

    def get_weights(self):
        return [w.copy() for w in self.weights]

    def set_weights(self, weights):
        self.weights = weights


def drive(callback, values, name="val_loss", model=None):
    """Runs CALLBACK over epochs with these values; returns (model, epochs done)."""
    model = model or Model()
    callback.set_model(model)
    callback.on_train_begin()
    epoch = -1
    for epoch, value in enumerate(values):
        callback.on_epoch_begin(epoch)
        model.weights = [np.full(1, epoch)]
        callback.on_epoch_end(epoch, {name: value})
        if model.stop_training:
            break
    callback.on_train_end({})
    return model, epoch + 1


def test_early_stopping_waits():
    assert drive(EarlyStopping(patience=2), [3, 2, 2, 2, 2, 1])[1] == 4
    assert drive(EarlyStopping(), [3, 2, 1, 1, 0])[1] == 4
    assert drive(EarlyStopping(patience=1, min_delta=0.5), [3, 2.8, 2.4, 2.3])[1] == 2


def test_early_stopping_directions():
    assert drive(EarlyStopping("val_x", mode="max"), [1, 2, 1], "val_x")[1] == 3
    assert drive(EarlyStopping("out_loss"), [2, 1, 3], "out_loss")[1] == 3
    model = Model()
    model.directions = {"accuracy": "up", "mae": "down"}
    assert drive(EarlyStopping("val_accuracy"), [1, 2, 1], "val_accuracy", model)[1] == 3
    model.stop_training = False
    assert drive(EarlyStopping("mae"), [2, 1, 3], "mae", model)[1] == 3
    with pytest.raises(ValueError, match="mode='max'"):
        drive(EarlyStopping("val_mine"), [1], "val_mine")
    with pytest.warns(UserWarning, match="mode 'up' is unknown"):
        EarlyStopping(mode="up")


def test_early_stopping_restores_the_best_weights_even_if_it_never_stopped():
    model, epochs = drive(EarlyStopping(patience=9, restore_best_weights=True), [3, 1, 2])
    assert epochs == 3 and model.weights[0] == 1


def test_early_stopping_baseline_needs_beating():
    assert drive(EarlyStopping(patience=2, baseline=1.0), [3, 2, 1.5, 1.4, 1.3])[1] == 5  # improving never stops
    assert drive(EarlyStopping(patience=2, baseline=1.0), [3, 3, 3, 3])[1] == 2


def test_early_stopping_starts_late_and_prints(capsys):
    callback = EarlyStopping(start_from_epoch=3, verbose=1, restore_best_weights=True)
    assert drive(callback, [0, 9, 9, 5, 6, 7])[1] == 5
    out = capsys.readouterr().out
    assert "Epoch 5: early stopping" in out and "best epoch: 4" in out


def test_early_stopping_without_the_value_warns():
    with pytest.warns(UserWarning, match="'val_loss' to watch; available: loss"):
        drive(EarlyStopping(), [1], "loss")


def test_reduce_lr_on_plateau(capsys):
    callback = ReduceLROnPlateau(factor=0.5, patience=2, min_lr=0.03, verbose=1)
    model, _ = drive(callback, [1, 1, 1, 1, 1, 1, 1, 1, 1])
    assert model.optimizer.learning_rate == pytest.approx(0.03)
    assert capsys.readouterr().out.count("ReduceLROnPlateau reducing learning rate to") == 2


def test_reduce_lr_cooldown_and_delta():
    model, _ = drive(ReduceLROnPlateau(factor=0.1, patience=1, cooldown=3), [1, 1, 1, 1])
    assert model.optimizer.learning_rate == pytest.approx(0.01)
    model, _ = drive(ReduceLROnPlateau(factor=0.1, patience=1, cooldown=3), [1, 1, 1, 1, 1])
    assert model.optimizer.learning_rate == pytest.approx(0.001)
    model, _ = drive(ReduceLROnPlateau(factor=0.1, patience=1, min_delta=0.0), [1, 1 - 1e-6, 1 - 2e-6])
    assert model.optimizer.learning_rate == 0.1
    model, _ = drive(ReduceLROnPlateau(factor=0.1, patience=2), [1, 1 - 1e-6, 1 - 2e-6])
    assert model.optimizer.learning_rate == pytest.approx(0.01)


def test_reduce_lr_refusals_and_logs():
    with pytest.raises(ValueError, match=r"under 1\.0"):
        ReduceLROnPlateau(factor=1.0)
    with pytest.warns(UserWarning, match="no 'val_loss' to watch"):
        drive(ReduceLROnPlateau(), [1], "loss")
    callback, logs = ReduceLROnPlateau(), {"val_loss": 1.0}
    callback.set_model(Model())
    callback.on_train_begin()
    callback.on_epoch_end(0, logs)
    assert logs == {"val_loss": 1.0, "learning_rate": 0.1}


def test_learning_rate_scheduler(capsys):
    model, _ = drive(LearningRateScheduler(lambda epoch, lr: lr * 0.5, verbose=1), [1, 1])
    assert model.optimizer.learning_rate == 0.025
    assert "Epoch 2: LearningRateScheduler setting learning rate to 0.025." in capsys.readouterr().out
    model, _ = drive(LearningRateScheduler(lambda epoch: np.float32(0.5)), [1])
    assert model.optimizer.learning_rate == 0.5
    callback, logs = LearningRateScheduler(lambda epoch, lr: 0.2), {}
    callback.set_model(Model())
    callback.on_epoch_begin(0)
    callback.on_epoch_end(0, logs)
    assert logs == {"learning_rate": 0.2}


def test_learning_rate_scheduler_refusals():
    with pytest.raises(ValueError, match="must return a float, got 'x'"):
        drive(LearningRateScheduler(lambda epoch, lr: "x"), [1])
    with pytest.raises(ValueError, match="must return a float, got 1"):
        drive(LearningRateScheduler(lambda epoch, lr: 1), [1])
    with pytest.raises(TypeError, match="schedule must be a function"):
        LearningRateScheduler(0.1)


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), -float("inf")])
def test_terminate_on_nan(loss, capsys):
    callback = TerminateOnNaN()
    callback.set_model(Model())
    callback.on_train_batch_end(0, {"loss": 1.0})
    callback.on_train_batch_end(1, {})
    assert not callback.model.stop_training
    callback.on_train_batch_end(2, {"loss": loss})
    assert callback.model.stop_training
    assert "Batch 2: Invalid loss" in capsys.readouterr().out
    with pytest.raises(RuntimeError, match="at batch 2"):
        TerminateOnNaN(raise_error=True).on_batch_end(2, {"loss": loss})


def test_terminate_on_nan_names_the_layer(capsys):
    layers = cnnpy.layers
    model = cnnpy.Sequential(
        [
            layers.Input((3,)),
            layers.Dense(4, name="fine"),
            layers.Lambda(lambda x: cnnpy.ops.log(cnnpy.ops.relu(x) - 1e3), name="log_of_nothing"),
            layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    x, y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")
    model.fit(x, y, batch_size=4, verbose=0, callbacks=[TerminateOnNaN()])
    told = capsys.readouterr().out
    assert "Batch 0: Invalid loss, terminating training: the loss is NaN" in told
    assert 'NaN first appeared in the outputs of Lambda "log_of_nothing"' in told
    model.get_layer("fine").kernel.assign(np.full((3, 4), np.nan))
    with pytest.raises(RuntimeError, match=r'the loss is nan at batch 0: .* outputs of Dense "fine", whose kernel'):
        model.fit(x, y, verbose=0, callbacks=[TerminateOnNaN(raise_error=True)])
    assert model._trouble is None
