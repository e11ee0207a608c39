"""Callbacks decide as Keras's do, over many made-up courses of a value."""

import itertools
import types

import numpy as np
import pytest

from cnnpy import callbacks

keras = pytest.importorskip("keras")


class Model:
    def __init__(self):
        self.optimizer = types.SimpleNamespace(learning_rate=0.1)
        self.stop_training = False
        self.weights = None
        self.metrics = []

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights


def course(callback, values):
    """What CALLBACK did over the epochs: learning rates, the epoch it stopped after, the weights at the end."""
    model, rates = Model(), []
    callback.set_model(model)
    callback.set_params({"epochs": len(values), "steps": 1, "verbose": 0})
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        callback.on_epoch_begin(epoch)
        model.weights = epoch
        logs = {"val_loss": float(value)}
        callback.on_epoch_end(epoch, logs)
        rates.append((model.optimizer.learning_rate, sorted(logs)))
        if model.stop_training:
            break
    callback.on_train_end({})
    return rates, model.weights


def same(name, settings, rng):
    for kind in range(3):
        steps = rng.choice([-0.3, -1e-5, 0.0, 0.2], size=14)
        values = np.clip(1.5 + np.cumsum(steps) * (1 if kind else -1), 0.05, None)
        ours = course(getattr(callbacks, name)(**settings), values)
        theirs = course(getattr(keras.callbacks, name)(**settings), values)
        assert ours == theirs, (settings, values)


def test_early_stopping():
    rng = np.random.default_rng(1)
    for patience, delta, baseline, restore, start, mode in itertools.product(
        (0, 1, 3), (0, 0.15), (None, 1.23), (False, True), (0, 4), ("auto", "max")
    ):
        settings = dict(patience=patience, min_delta=delta, baseline=baseline, restore_best_weights=restore)
        same("EarlyStopping", {**settings, "start_from_epoch": start, "mode": mode}, rng)


def test_reduce_lr_on_plateau():
    rng = np.random.default_rng(2)
    for patience, delta, cooldown, least, mode in itertools.product(
        (1, 2, 4), (1e-4, 0.15), (0, 1, 3), (0.0, 0.02), ("auto", "max")
    ):
        settings = dict(factor=0.5, patience=patience, min_delta=delta, cooldown=cooldown, min_lr=least, mode=mode)
        same("ReduceLROnPlateau", settings, rng)


def test_learning_rate_scheduler():
    rng = np.random.default_rng(3)
    same("LearningRateScheduler", {"schedule": lambda epoch, lr: lr * 0.9 if epoch > 2 else lr}, rng)


def test_csv_logger(tmp_path):
    rows = [{"loss": 1.0, "b": 0.5}, {"b": 0.25, "loss": 0.125, "val_loss": 3.0}, {"loss": float("nan")}]
    texts = []
    for module, name in ((callbacks, "a.csv"), (keras.callbacks, "b.csv")):
        logger = module.CSVLogger(str(tmp_path / name))
        logger.on_train_begin()
        for epoch, logs in enumerate(rows):
            logger.on_epoch_end(epoch, logs)
        logger.on_train_end()
        texts.append((tmp_path / name).read_text().splitlines())
    assert texts[0] == texts[1]
