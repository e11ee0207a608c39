"""Training with augmented images as reports of courses do it; interruptions; long runs that leave nothing behind."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cnnpy
from cnnpy import applications, layers
from cnnpy.preprocessing.image import ImageDataGenerator

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (50, 32, 32, 3), np.uint8)
Y = np.eye(10, dtype="float32")[np.arange(50) % 10]
KINDS = {
    "plain": {},
    "flips, zoom and normalisation": {
        "horizontal_flip": True,
        "zoom_range": 0.2,
        "featurewise_center": True,
        "featurewise_std_normalization": True,
    },
    "whitening": {"featurewise_center": True, "zca_whitening": True},
    "ResNet": {"preprocessing_function": applications.resnet.preprocess_input},
    "InceptionResNetV2": {"preprocessing_function": applications.inception_resnet_v2.preprocess_input},
}


def cifar_net(size=32):
    cnnpy.utils.set_random_seed(1)
    model = cnnpy.Sequential(
        [
            cnnpy.Input((size, size, 3)),
            *(layers.Conv2D(8, 3, activation="relu"), layers.MaxPooling2D(4)),
            *(layers.Flatten(), layers.Dense(10, activation="softmax")),
        ]
    )
    model.compile(cnnpy.optimizers.Adam(0.001), "categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings(
    "ignore:steps_per_epoch=", "ignore:validation_steps=", "ignore:steps=", "ignore:.*_generator"
)
def test_generators_of_reports_train_a_net(kind):
    x = X[:, ::2, ::2] if kind == "whitening" else X  # a matrix of 768 instead of 3072 rows
    generator = ImageDataGenerator(validation_split=0.2, **KINDS[kind])
    generator.fit(x)
    train = generator.flow(x, Y, batch_size=16, subset="training", seed=1)
    valid = generator.flow(x, Y, batch_size=16, subset="validation", seed=1)
    assert (train.n, valid.n) == (40, 10)
    model = cifar_net(x.shape[1])
    before = model.get_weights()
    history = model.fit_generator(
        train, steps_per_epoch=40 / 16, epochs=2, validation_data=valid, validation_steps=10 / 16, verbose=0
    ).history
    assert all(np.isfinite(history[name]).all() for name in ("loss", "accuracy", "val_loss", "val_accuracy"))
    assert int(np.asarray(model.optimizer.iterations)) == 6
    assert not any(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))
    loss, accuracy = model.evaluate_generator(valid, steps=10 / 16)
    if kind != "flips, zoom and normalisation":  # which are drawn anew
        assert loss == pytest.approx(history["val_loss"][-1], rel=1e-5)
    assert 0 <= accuracy <= 1


# ---- in processes of their own ----

BEGIN = """
import gc, multiprocessing, os, signal, sys, threading, time
import numpy as np, cnnpy
from cnnpy import layers
from cnnpy.preprocessing.image import ImageDataGenerator

x, y = np.random.default_rng(0).integers(0, 256, (64, 12, 12, 3), np.uint8), np.arange(64) % 2
small = x[:8].astype("float32")
cnnpy.config.disable_interactive_logging()
model = cnnpy.Sequential([cnnpy.Input((12, 12, 3)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)])
model.compile("sgd", cnnpy.losses.SparseCategoricalCrossentropy(from_logits=True))

def generator():
    while True:
        yield small, y[:8]

class Batches(cnnpy.utils.PyDataset):
    def __len__(self):
        return 8
    def __getitem__(self, index):
        return small, y[:8]

def dataset():
    whole = cnnpy.data.Dataset.from_tensor_slices((x, y)).shuffle(64).map(lambda a, b: (a, b), num_parallel_calls=2)
    return whole.batch(8).prefetch(2)

np.save(sys.argv[1] + "/x.npy", x)
sources = {
    "generator": lambda: dict(x=generator(), steps_per_epoch=8),
    "flow": lambda: dict(x=ImageDataGenerator(rotation_range=20).flow(x, y, batch_size=8)),
    "dataset": lambda: dict(x=dataset()),
    "threads": lambda: dict(x=Batches(workers=2, max_queue_size=4)),
    "processes": lambda: dict(x=Batches(workers=2, use_multiprocessing=True)),
    "mapped": lambda: dict(x=np.load(sys.argv[1] + "/x.npy", mmap_mode="r"), y=y, batch_size=8),
}
"""

INTERRUPT = """
if __name__ == "__main__":
    source = sources[sys.argv[2]]
    model.fit(**source(), verbose=0)
    before, sent = threading.active_count(), []
    class Stop(cnnpy.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.history.epoch and batch == 3 and not sent:
                sent.append(time.perf_counter())
                os.kill(os.getpid(), signal.SIGINT)
    try:
        model.fit(**source(), epochs=10**9, verbose=0, callbacks=[Stop()])
    except KeyboardInterrupt:
        took = time.perf_counter() - sent[0]
        left = threading.active_count() - before, len(multiprocessing.active_children())
        print("interrupted", took < 5, *left)
    model.fit(**source(), verbose=0)
"""

GROWTH = """
def state():
    gc.collect()
    pages = int(open("/proc/self/statm").read().split()[1])
    return threading.active_count(), len(os.listdir("/proc/self/fd")), pages * os.sysconf("SC_PAGE_SIZE")

if __name__ == "__main__":
    source = sources[sys.argv[2]]
    model.fit(**source(), epochs=20, verbose=0)
    for _ in range(3):
        model.fit(**source(), verbose=0)
    threads, files, memory = state()
    model.fit(**source(), epochs=50, verbose=0)
    for _ in range(50):
        model.fit(**source(), verbose=0)
    now = state()
    print(now[0] - threads, now[1] - files, now[2] - memory < 4 * 2**20)
"""


def run(program, folder, kind):
    root = Path(__file__).resolve().parents[2]
    path = folder / "program.py"
    path.write_text(f"import sys\nsys.path.insert(0, {str(root)!r})\n{BEGIN}{program}")
    done = subprocess.run([sys.executable, path, folder, kind], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
@pytest.mark.parametrize("kind", ["generator", "flow", "dataset", "threads", "processes", "mapped"])
def test_control_c_ends_all_threads_and_processes(tmp_path, kind):
    assert run(INTERRUPT, tmp_path, kind) == ["interrupted", "True", "0", "0"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs what Linux tells of a process")
@pytest.mark.parametrize("kind", ["generator", "flow", "dataset", "threads", "mapped"])
def test_a_hundred_epochs_leave_no_thread_no_file_and_no_memory(tmp_path, kind):
    assert run(GROWTH, tmp_path, kind) == ["0", "0", "True"]
