"""`cnnpy demo`: trains a network of two convolutions on handwritten digits, tests it, and draws how it went."""

import os
import secrets
import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cnnpy.datasets import DamagedFileError, DatasetNotFoundError, _download, digits, mnist

PATIENCE = 10.0  # seconds for fetching MNIST, which is 11 MB, before the digits do
POINTS_PER_CURVE = 60


class Task(NamedTuple):
    """What is learnt: a name, how, and images of shape (n, 28, 28), uint8, with their labels."""

    name: str
    epochs: int  # that are enough
    batch_size: int
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def run(options):
    """Runs the demo with the parsed command line; returns the exit code. Raises OSError for files that fail."""
    output = Path(options.output)
    check_writable(output)
    task = choose_task(options.dataset)
    epochs = options.epochs or task.epochs

    import cnnpy

    cnnpy.utils.set_random_seed(options.seed)
    model = build_model()
    model.summary()
    trace = make_trace()
    x_train, x_test = as_input(task.x_train), as_input(task.x_test)
    start = time.perf_counter()
    history = model.fit(
        x_train,
        task.y_train,
        batch_size=task.batch_size,
        epochs=epochs,
        validation_data=(x_test, task.y_test),
        callbacks=[trace],
    )
    seconds = time.perf_counter() - start
    probabilities = np.asarray(model.predict(x_test, batch_size=128, verbose=0))
    accuracy = float(np.mean(probabilities.argmax(axis=1) == task.y_test))
    print(f"\nTest accuracy: {accuracy:.2%} of {len(x_test):,} images that it was not trained on")
    print(f"Trained {epochs} epochs of {len(x_train):,} images in {seconds:.1f} seconds")
    save_picture(output, task, model, trace, history, probabilities, seconds)
    print(f"Wrote {output.resolve()}: the curves of loss and accuracy, and some of the test images with its answers")
    return 0


def check_writable(path):
    """Raises OSError now rather than after the training if PATH cannot become the picture."""
    if path.suffix.lower() != ".png":
        raise OSError(f"--output {path}: the picture is a PNG; give a name that ends in .png")
    if path.is_dir():
        raise OSError(f"--output {path} is a folder; give the name of a file in it")
    try:
        probe = _part_of(path)
        with open(probe, "xb"):
            pass
        probe.unlink()
    except OSError as error:
        reason = error.strerror or error
        raise OSError(
            f"cannot write to {path.absolute().parent} ({reason}); choose another place by --output"
        ) from error


def _part_of(path):
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")


def choose_task(dataset):
    """The `Task` for the option --dataset, after a line on which it is and why. Raises OSError if MNIST is a must."""
    if dataset == "digits":
        print("Data: the 1,797 handwritten digits that come with cnnpy")
        return _digits_task()
    try:
        (x_train, y_train), (x_test, y_test) = mnist.load() if dataset == "mnist" else _load_in_time()
    except (DatasetNotFoundError, DamagedFileError) as error:
        if dataset == "mnist":
            raise
        print(f"Data: the 1,797 handwritten digits that come with cnnpy, as MNIST is not at hand: {_in_short(error)}")
        return _digits_task()
    print(f"Data: MNIST, {len(x_train):,} handwritten digits to train on and {len(x_test):,} to test with")
    return Task("MNIST", 2, 128, x_train, y_train, x_test, y_test)


def _load_in_time():
    """MNIST, by a thread that is left alone when time is up: looking up a name may outlast any limit we set."""
    limits = _download.Limits(timeout=4.0, deadline=time.monotonic() + PATIENCE, quiet=True)
    answer = []

    def load():
        try:
            answer.append(mnist.load(limits=limits))
        except BaseException as error:
            answer.append(error)

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    try:
        thread.join(PATIENCE + 1)
    finally:
        limits.cancelled = True
    if not answer:
        raise DatasetNotFoundError("fetching it took too long")
    if isinstance(answer[0], BaseException):
        raise answer[0]
    return answer[0]


def _in_short(error):
    """One line on why MNIST could not be had."""
    cause = error.__cause__
    return str(cause if isinstance(cause, _download.DownloadError) else error).splitlines()[0]


def _digits_task():
    """The 8x8 digits, enlarged to the size of MNIST's, so that the same network reads them."""
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    return Task("Digits", 12, 64, _enlarge(x_train), y_train, _enlarge(x_test), y_test)


def _enlarge(images):
    """uint8 (n, 8, 8) with values to 16, as (n, 28, 28) to 255: a margin of two and bicubic interpolation."""
    from PIL import Image

    large = np.zeros((len(images), 28, 28), np.uint8)
    for source, target in zip(images, large):
        pixels = Image.fromarray(source * np.float32(255 / 16)).resize((24, 24), Image.Resampling.BICUBIC)
        target[2:26, 2:26] = np.asarray(pixels).clip(0, 255).round()
    return large


def as_input(images):
    """uint8 (n, 28, 28) as float32 (n, 28, 28, 1) from 0 to 1."""
    return (images.astype(np.float32) / 255)[..., None]


def build_model():
    """The classifier: 1,199,882 parameters."""
    from cnnpy import layers, models

    model = models.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ],
        name="digit_reader",
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def make_trace():
    """A callback that notes (epoch, step, mean loss so far, mean accuracy so far) after every step."""
    from cnnpy import callbacks

    class Trace(callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.epoch, self.rows = 0, []

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

        def on_train_batch_end(self, batch, logs=None):
            self.rows.append((self.epoch, batch, logs["loss"], logs["accuracy"]))

    return Trace()


def save_picture(output, task, model, trace, history, probabilities, seconds):
    """Draws and writes the picture, whole or not at all."""
    from cnnpy import _core
    from cnnpy.cli import picture

    epochs = len(history.history["loss"])
    charts = []
    for name, key, column, scale in (("Loss", "loss", 2, "log"), ("Accuracy", "accuracy", 3, "percent")):
        x, y = _means_between(trace.rows, column, epochs)
        training = picture.Curve("training", x, y, picture.BLUE)
        test = picture.Curve("test", list(range(1, epochs + 1)), history.history[f"val_{key}"], picture.ORANGE, True)
        charts.append((name, [training, test], scale))
    answers = probabilities.argmax(axis=1)
    right = np.count_nonzero(answers == task.y_test)
    threads = _core.get_threads()
    effort = f"{epochs} epoch{'s' * (epochs > 1)} in {seconds:.0f} seconds on {threads} thread{'s' * (threads > 1)}"
    image = picture.draw(
        f"{task.name}: {right / len(answers):.2%} of {len(answers):,} test images read correctly".replace("%", " %"),
        f"Two convolutions, {model.count_params():,} parameters: {effort}",
        charts,
        _groups(task, probabilities, answers),
    )
    part = _part_of(output)
    try:
        image.save(part, "PNG")
        os.replace(part, output)
    finally:
        part.unlink(missing_ok=True)


def _means_between(rows, column, epochs):
    """The curve of a value over fractions of epochs, from its running means: the mean over each stretch of steps."""
    steps = max(row[1] for row in rows) + 1
    stretch = max(1, steps * epochs // POINTS_PER_CURVE)
    x, y, done, total = [], [], 0, 0.0
    for row in rows:
        epoch, step, mean = row[0], row[1] + 1, row[column]
        if step == 1:
            done, total = 0, 0.0
        if step % stretch == 0 or step == steps:
            x.append(epoch + (done + step) / 2 / steps)
            y.append((mean * step - total) / (step - done))
            done, total = step, mean * step
    return x, y


def _groups(task, probabilities, answers):
    """Two of each digit, and the wrong answers that the network was surest of."""
    from cnnpy.cli.picture import COLUMNS, Sample

    def samples(indices):
        return [Sample(task.x_test[i], int(task.y_test[i]), probabilities[i]) for i in indices]

    some = [np.flatnonzero(task.y_test == digit)[:2] for digit in range(10)]
    shown = [indices[row] for row in range(2) for indices in some if row < len(indices)]
    groups = [("Test images, and what the network says of them", samples(shown))]
    wrong = np.flatnonzero(answers != task.y_test)
    if len(wrong):
        surest = wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")][:COLUMNS]
        name = f"Where it is wrong: the {len(surest)} of {len(wrong)} answers that it is surest of"
        groups.append((name if len(wrong) > len(surest) else "Where it is wrong", samples(surest)))
    return groups
