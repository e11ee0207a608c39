"""`cnnpy demo`, on few images and for one epoch."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image
from test_main import ROOT, run

from cnnpy import cli
from cnnpy.cli import demo, picture
from cnnpy.datasets import DatasetNotFoundError, mnist


@pytest.fixture(autouse=True)
def bare(tmp_path, monkeypatch):
    """An empty home, a dead proxy, an empty folder to work in."""
    for name in ("CNNPY_DATA_DIR", "CNNPY_HOME", "KERAS_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture
def few(monkeypatch):
    """Digits, but few of them."""
    whole = demo._digits_task()
    task = whole._replace(x_train=whole.x_train[:64], y_train=whole.y_train[:64])
    monkeypatch.setattr(demo, "_digits_task", lambda: task._replace(x_test=task.x_test[:40], y_test=task.y_test[:40]))


def test_demo_from_end_to_end(few, tmp_path, capsys):
    assert cli.main(["demo", "--epochs", "2"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Data: the 1,797 handwritten digits that come with cnnpy, as MNIST is not at hand: https://")
    for text in ("1,199,882", "Epoch 2/2", "Test accuracy: ", "Trained 2 epochs of 64 images in ", " seconds"):
        assert text in out
    path = tmp_path / "work" / "cnnpy-demo.png"
    assert f"Wrote {path}" in out
    assert os.listdir(path.parent) == [path.name]
    with Image.open(path) as image:
        assert image.format == "PNG" and image.size[0] == 1800
        image.load()


def test_same_seed_same_network(few, capsys):
    def accuracies(seed):
        assert cli.main(["demo", "--epochs", "1", "--dataset", "digits", "--seed", seed]) == 0
        return [line.split("step")[1] for line in capsys.readouterr().out.splitlines() if "val_loss" in line]

    assert accuracies("5") == accuracies("5") != accuracies("6")


def test_own_mnist_is_used(tmp_path, monkeypatch, capsys):
    whole = demo._digits_task()
    arrays = {"x_train": whole.x_train, "y_train": whole.y_train, "x_test": whole.x_test, "y_test": whole.y_test}
    np.savez(tmp_path / "mnist.npz", **{name: array[:32] for name, array in arrays.items()})
    monkeypatch.setenv("CNNPY_DATA_DIR", str(tmp_path))
    assert cli.main(["demo", "--epochs", "1", "--output", "é ü.png"]) == 0
    assert "Data: MNIST, 32 handwritten digits to train on and 32 to test with" in capsys.readouterr().out
    assert os.path.isfile("é ü.png")


def test_mnist_asked_for_and_not_to_be_had(capsys):
    assert cli.main(["demo", "--dataset", "mnist"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("cnnpy demo: mnist.npz (11,490,434 bytes) is not on this machine") and "Tried:" in err


def test_damaged_mnist_is_told_and_the_digits_used(few, tmp_path, monkeypatch, capsys):
    (tmp_path / "mnist.npz").write_bytes(b"nonsense")
    monkeypatch.setenv("CNNPY_DATA_DIR", str(tmp_path))
    assert cli.main(["demo", "--epochs", "1"]) == 0
    assert "mnist.npz: is no .npz file" in capsys.readouterr().out.splitlines()[0]


def test_fetching_gives_up_in_time(monkeypatch):
    monkeypatch.setattr(demo, "PATIENCE", -0.8)
    monkeypatch.setattr(mnist, "load", lambda limits: time.sleep(3))
    start = time.monotonic()
    with pytest.raises(DatasetNotFoundError, match="took too long"):
        demo._load_in_time()
    assert time.monotonic() - start < 2


@pytest.mark.parametrize(
    "output, message",
    [
        (
            "nowhere/x.png",
            "cannot write to .*work/nowhere .No such file or directory.; choose another place by --output",
        ),
        ("/proc/x.png", "cannot write to /proc "),
        ("x.jpg", "give a name that ends in .png"),
        ("folder.png", "folder.png is a folder"),
    ],
)
def test_output_is_checked_before_anything_else(output, message, monkeypatch, capsys):
    import re

    os.mkdir("folder.png")
    monkeypatch.setattr(demo, "choose_task", lambda dataset: pytest.fail("it began to work"))
    assert cli.main(["demo", "--output", output]) == 1
    assert re.search(message, capsys.readouterr().err)
    assert os.listdir() == ["folder.png"]


def test_ctrl_c():
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-u", "-m", "cnnpy", "demo", "--dataset", "digits"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    for line in process.stdout:
        if line.startswith("Epoch 1/"):
            break
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and err == "\nstopped\n"
    assert os.listdir() == []


@pytest.mark.slow
def test_digits_are_learnt():
    done = run("demo", "--dataset", "digits", "--epochs", "5")
    assert done.returncode == 0, done.stderr
    accuracy = float(done.stdout.split("Test accuracy: ")[1].split("%")[0])
    assert accuracy > 94


def test_enlarged_digits_keep_their_ink():
    small = np.zeros((1, 8, 8), np.uint8)
    small[0, 3:5, 3:5] = 16
    large = demo._enlarge(small)
    assert large.shape == (1, 28, 28) and large.dtype == np.uint8 and large.max() >= 250
    assert not large[0, :2].any() and not large[0, :, 26:].any()
    np.testing.assert_allclose(large[0], large[0].T, atol=2)
    np.testing.assert_allclose(large.mean() * 28**2 / 24**2, small.mean() * 255 / 16, rtol=0.05)


# --- the picture


def test_means_between_steps_from_running_means():
    values = np.arange(1.0, 9.0).reshape(2, 4)
    rows = [(epoch, step, values[epoch, : step + 1].mean(), 0) for epoch in range(2) for step in range(4)]
    x, y = demo._means_between(rows, 2, 2)
    np.testing.assert_allclose(x, [0.125, 0.375, 0.625, 0.875, 1.125, 1.375, 1.625, 1.875])
    np.testing.assert_allclose(y, values.ravel())
    many = [(0, step, 5.0, 0) for step in range(1000)]
    x, y = demo._means_between(many, 2, 1)
    assert len(x) < 70 and np.allclose(y, 5.0) and 0 < x[0] < x[-1] < 1


@pytest.mark.parametrize("values", [[0.05, 2.3], [1e-5, 2.0], [0.7, 0.7], [0.0], [], [3e8, 1.0]])
def test_log_axis(values):
    low, high, ticks = picture._log_axis(np.array(values))
    assert 0 < low < high and all(low <= value <= high for value, _ in ticks)
    assert len(ticks) <= 12 and all(float(text) == pytest.approx(value) for value, text in ticks)


@pytest.mark.parametrize("values", [[0.99, 0.995], [0.1, 0.2], [0.9] * 9 + [0.1], [0.0], [1.0], []])
def test_percent_axis(values):
    low, high, ticks = picture._percent_axis(np.array(values))
    assert 0 <= low < high == 1 and 5 <= len(ticks) <= 7 and ticks[-1][1] == "100 %"


@pytest.mark.parametrize("last", [1, 2, 3, 12, 100, 10_000])
def test_epoch_ticks(last):
    ticks = picture._epoch_ticks(last)
    assert ticks[0] == 0 and 2 < len(ticks) <= 9 and ticks[-1] <= last


def test_picture_of_odd_curves():
    charts = [
        (
            "Loss",
            [picture.Curve("a", [1], [np.nan], "red"), picture.Curve("b", [0.5, 1], [np.inf, 0.0], "blue", True)],
            "log",
        ),
        ("Accuracy", [picture.Curve("a", [1], [0.0], "red")], "percent"),
    ]
    samples = [picture.Sample(np.zeros((28, 28), np.uint8), 3, np.eye(10)[digit]) for digit in (3, 4)]
    image = picture.draw("title", "subtitle", charts, [("one", samples), ("none", []), ("many", samples * 8)])
    assert image.size[0] == 1800 and image.size[1] > 1500
