"""TensorBoard reads what the callback wrote."""

import numpy as np
import pytest

import cnnpy
from cnnpy import callbacks, layers

pytest.importorskip("tensorboard")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:tensorboard", "ignore::DeprecationWarning:google")

X = np.random.default_rng(0).normal(size=(20, 6, 6, 1)).astype("float32")
Y = X.mean((1, 2))


def fit(folder, epochs=2, **arguments):
    cnnpy.utils.set_random_seed(1)
    model = cnnpy.Sequential(
        [layers.Input((6, 6, 1)), layers.Conv2D(2, 3, name="c"), layers.Flatten(), layers.Dense(1)]
    )
    model.compile("sgd", "mse", metrics=["mae"])
    board = callbacks.TensorBoard(folder, **arguments)
    history = model.fit(X, Y, batch_size=5, epochs=epochs, verbose=0, callbacks=[board], validation_data=(X, Y))
    return model, history.history


def events(folder):
    """{tag: [(step, tensor)]} of all files in FOLDER, as TensorBoard itself reads them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util import tensor_util

    accumulator = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    accumulator.Reload()
    return {
        tag: [(e.step, tensor_util.make_ndarray(e.tensor_proto)) for e in accumulator.Tensors(tag)]
        for tag in accumulator.Tags()["tensors"]
    }


def test_scalars(tmp_path):
    _, history = fit(tmp_path)
    train, validation = events(tmp_path / "train"), events(tmp_path / "validation")
    for name in ("loss", "mae"):
        assert [step for step, _ in train[f"epoch_{name}"]] == [0, 1]
        np.testing.assert_allclose([v for _, v in train[f"epoch_{name}"]], history[name], rtol=1e-6)
        np.testing.assert_allclose([v for _, v in validation[f"epoch_{name}"]], history[f"val_{name}"], rtol=1e-6)
        found = validation[f"evaluation_{name}_vs_iterations"]
        assert [step for step, _ in found] == [4, 8]
    np.testing.assert_allclose([v for _, v in train["epoch_learning_rate"]], 0.01, rtol=1e-6)
    assert set(train) == {"epoch_loss", "epoch_mae", "epoch_learning_rate", "keras"}
    assert b'"class_name": "Sequential"' in train["keras"][0][1].item()


@pytest.mark.parametrize("frequency, steps", [("batch", list(range(1, 9))), (3, [3, 6])])
def test_batches(tmp_path, frequency, steps):
    fit(tmp_path, update_freq=frequency, write_steps_per_second=True)
    train = events(tmp_path / "train")
    assert [step for step, _ in train["batch_loss"]] == steps
    assert all(v > 0 for _, v in train["batch_steps_per_second"]) and len(train["epoch_steps_per_second"]) == 2


def test_weights(tmp_path):
    import io

    from PIL import Image

    model, _ = fit(tmp_path, epochs=3, histogram_freq=2, write_images=True, write_graph=False)
    train = events(tmp_path / "train")
    assert {tag for tag in train if tag.endswith("/histogram")} == {f"{w.path}/histogram" for w in model.weights}
    assert [step for step, _ in train[f"{model.layers[0].kernel.path}/histogram"]] == [0, 2]
    last = train[f"{model.layers[0].kernel.path}/histogram"][-1][1]
    assert last[:, 2].sum() == 18  # counts of the buckets
    assert np.isclose(last[0, 0], model.layers[0].kernel.numpy().min())
    width, height, *pictures = train[f"{model.layers[0].kernel.path}/image"][-1][1]
    assert (width, height) == (b"3", b"3") and len(pictures) == 2
    kernel = model.layers[0].kernel.numpy()[..., 0, 0]
    expected = (np.clip(kernel, 0, 1) * 255 + 0.5).astype("uint8")
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(pictures[0]))), expected)
    assert "keras" not in train


def test_files_are_closed_after_an_error(tmp_path):
    import threading

    class Fail(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise RuntimeError("stop")

    before = threading.active_count()
    model = cnnpy.Sequential([layers.Input((6, 6, 1)), layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(RuntimeError, match="stop"):
        model.fit(X, Y, verbose=0, callbacks=[callbacks.TensorBoard(tmp_path), Fail()])
    assert threading.active_count() == before
    assert "epoch_loss" in events(tmp_path / "train")


def test_arguments_are_checked(tmp_path):
    with pytest.raises(NotImplementedError, match="profile_batch"):
        callbacks.TensorBoard(tmp_path, profile_batch=2)
    with pytest.raises(NotImplementedError, match="embeddings"):
        callbacks.TensorBoard(tmp_path, embeddings_freq=1)
    with pytest.raises(ValueError, match="update_freq must be"):
        callbacks.TensorBoard(tmp_path, update_freq="step")
