"""ModelCheckpoint: which files are written, when, and what they hold."""

import numpy as np
import pytest

import cnnpy
from cnnpy import callbacks, layers

X = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")
Y = X.sum(1, keepdims=True)


def network():
    cnnpy.utils.set_random_seed(1)
    model = cnnpy.Sequential([layers.Input((4,)), layers.Dense(1)])
    model.compile(cnnpy.optimizers.SGD(0.05), "mse")
    return model


def fit(checkpoint, epochs=3, **more):
    model = network()
    model.fit(X, Y, batch_size=5, epochs=epochs, verbose=0, callbacks=[checkpoint], **more)
    return model


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_an_epoch_with_values_in_its_name(tmp_path):
    path = str(tmp_path / "sub" / "{epoch:02d}-{val_loss:.3f}.keras")
    history = fit(callbacks.ModelCheckpoint(path), validation_data=(X, Y)).history.history
    assert names(tmp_path / "sub") == sorted(f"{i + 1:02d}-{v:.3f}.keras" for i, v in enumerate(history["val_loss"]))


def test_the_last_file_is_the_model(tmp_path):
    model = fit(callbacks.ModelCheckpoint(tmp_path / "m.keras"))
    again = cnnpy.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again(X), model(X))
    model = fit(callbacks.ModelCheckpoint(tmp_path / "m.weights.h5", save_weights_only=True))
    other = network()
    other.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(other(X), model(X))


class Values(callbacks.Callback):
    """Puts values of its own into the logs, before the checkpoint sees them."""

    def __init__(self, *values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs["score"] = self.values[epoch]


@pytest.mark.parametrize(
    "mode, threshold, saved",
    [("max", None, [1, 2, 4]), ("min", None, [1, 3]), ("max", 2.5, [4]), ("min", 0.7, [3])],
)
def test_only_the_best_is_saved(tmp_path, mode, threshold, saved):
    path = str(tmp_path / "{epoch}.keras")
    checkpoint = callbacks.ModelCheckpoint(
        path, "score", save_best_only=True, mode=mode, initial_value_threshold=threshold
    )
    network().fit(X, Y, epochs=4, verbose=0, callbacks=[Values(1.0, 2.0, 0.5, 3.0), checkpoint])
    assert names(tmp_path) == [f"{epoch}.keras" for epoch in saved]


def test_what_it_says(tmp_path, capsys):
    path = tmp_path / "m.keras"
    checkpoint = callbacks.ModelCheckpoint(path, "score", verbose=1, save_best_only=True, mode="max")
    network().fit(X, Y, epochs=2, verbose=0, callbacks=[Values(1.0, 0.5), checkpoint])
    told = capsys.readouterr().out
    assert f"Epoch 1: score improved from None to 1.00000, saving model to {path}" in told
    assert f"Epoch 1: finished saving model to {path}" in told
    assert "Epoch 2: score did not improve from 1.00000" in told


def test_every_so_many_batches(tmp_path):
    fit(callbacks.ModelCheckpoint(str(tmp_path / "{epoch}-{batch}.keras"), save_freq=3), epochs=3)
    assert names(tmp_path) == ["1-3.keras", "2-2.keras", "3-1.keras", "3-4.keras"]  # of 4 batches an epoch


def test_a_value_that_is_not_there(tmp_path):
    with pytest.warns(UserWarning, match=r"no 'val_loss' to tell the best model by, so it is saved; available: loss"):
        fit(callbacks.ModelCheckpoint(tmp_path / "m.keras", save_best_only=True), epochs=1)
    assert names(tmp_path) == ["m.keras"]
    with pytest.raises(KeyError, match=r"asks for 'acc'; there are epoch, loss"):
        fit(callbacks.ModelCheckpoint(str(tmp_path / "{acc}.keras")), epochs=1)


def test_arguments_are_checked(tmp_path):
    for path, weights in (("m.h5", False), ("m.txt", False), ("m.keras", True), ("m.h5", True)):
        with pytest.raises(ValueError, match=r"ModelCheckpoint: .* must end in .*, got"):
            callbacks.ModelCheckpoint(path, save_weights_only=weights)
    for freq in ("batch", 0, 1.5, True):
        with pytest.raises(ValueError, match="save_freq must be 'epoch' or a number of batches"):
            callbacks.ModelCheckpoint("m.keras", save_freq=freq)
    (tmp_path / "m.keras").mkdir()
    with pytest.raises(OSError, match="is a folder; name a file"):
        fit(callbacks.ModelCheckpoint(tmp_path / "m.keras"), epochs=1)
