"""What a notebook shows: tables of models, histories and tensors, progress bars, LivePlot's one picture."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cnnpy
from cnnpy import layers
from cnnpy.callbacks import LivePlot

DATA = np.random.default_rng(0).normal(size=(64, 4)).astype("float32"), np.arange(64) % 2


def small_model():
    cnnpy.utils.set_random_seed(0)
    model = cnnpy.Sequential(
        [cnnpy.Input((4,)), layers.Dense(3, activation="relu", name="a<b>"), layers.Dense(2, name="out")], name="net"
    )
    model.compile("sgd", cnnpy.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def test_a_model_as_a_table():
    html = small_model()._repr_html_()
    assert html.count("<tr>") == 1 + 2 + 3
    for part in ("Sequential &quot;net&quot;", "a&lt;b&gt; (Dense)", "(None, 3)", ">15<", ">23<", "92.00 B"):
        assert part in html
    image = cnnpy.Input((4,), name="x")
    branches = cnnpy.Model(image, layers.Add(name="sum")([image, layers.Dense(4, name="d")(image)]))
    assert "Connected to" in branches._repr_html_() and "x[0][0], d[0][0]" in branches._repr_html_()


def test_a_history_as_a_table():
    history = small_model().fit(*DATA, epochs=30, verbose=0)
    html = history._repr_html_()
    assert html.count("<tr>") == 1 + 21  # the middle is left out
    assert f">{history.history['loss'][0]:.4f}<" in html and f">{history.history['loss'][-1]:.4f}<" in html
    assert ">30<" in html and ">15<" not in html


def test_tensors_as_tables():
    html = cnnpy.Tensor(np.array([[1.5, 2], [np.nan, 4]], "float32"))._repr_html_()
    assert "shape (2, 2), float32, from 1.5000 to 4.0000, mean 2.5000, 1 not finite" in html
    assert ">1.5<" in html and ">nan<" in html
    large = cnnpy.Tensor(np.zeros((500, 500), "int64"))._repr_html_()
    assert large.count("<tr>") == 1 + 13 and ">499<" in large
    assert "<pre>" in cnnpy.Tensor(np.zeros((3, 4, 5)))._repr_html_()
    assert "(0, 3)" in cnnpy.Tensor(np.zeros((0, 3)))._repr_html_()
    assert "<pre>7</pre>" in cnnpy.Tensor(7)._repr_html_()


def test_live_plot_writes_a_file(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "curves.png"
    plot = LivePlot(interval=3600, to_file=path)
    small_model().fit(*DATA, epochs=5, validation_data=DATA, verbose=0, callbacks=[plot])
    assert path.read_bytes().startswith(b"\x89PNG")
    assert plot.pictures == 2  # after the first epoch, and at the end
    assert [p.name for p in tmp_path.iterdir()] == ["curves.png"]


def test_live_plot_draws_what_was_trained_until_an_error(tmp_path):
    pytest.importorskip("matplotlib")

    def stop(epoch, logs):
        if epoch == 3:
            raise KeyboardInterrupt

    plot = LivePlot(["loss"], interval=3600, to_file=tmp_path / "curves.png")
    with pytest.raises(KeyboardInterrupt):
        small_model().fit(
            *DATA, epochs=9, verbose=0, callbacks=[plot, cnnpy.callbacks.LambdaCallback(on_epoch_end=stop)]
        )
    assert plot.pictures == 2


def test_live_plot_outside_of_a_notebook_asks_for_a_file():
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match="to_file="):
        small_model().fit(*DATA, verbose=0, callbacks=[LivePlot()])
    with pytest.raises(ValueError, match="interval must be 0 or more"):
        LivePlot(interval=-1)


RUN = """
import json, sys
import nbclient, nbformat
cells = [nbformat.v4.new_code_cell(source) for source in json.load(sys.stdin)]
book = nbformat.v4.new_notebook(cells=cells)
nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
print(nbformat.writes(book))
"""

SETUP = """
import numpy as np, cnnpy
from cnnpy import layers
x, y = np.random.default_rng(0).normal(size=(640, 4)).astype("float32"), np.arange(640) % 2
model = cnnpy.Sequential([cnnpy.Input((4,)), layers.Dense(3, name="first"), layers.Dense(2)])
model.compile("sgd", cnnpy.losses.SparseCategoricalCrossentropy(from_logits=True))
model.summary()
"""


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """The cells' outputs after a run in a fresh kernel, and the size of the notebook."""
    for module in ("nbclient", "ipykernel", "matplotlib"):
        if importlib.util.find_spec(module) is None:  # an imported ipykernel would pass for a notebook
            pytest.skip(f"{module} is not installed")
    cells = [
        SETUP,
        "model.fit(x, y, epochs=200, batch_size=64, validation_split=0.1)",
        "history = model.fit(x, y, epochs=200, verbose=0, callbacks=[cnnpy.callbacks.LivePlot(interval=0.1)])",
        "model",
        "cnnpy.Tensor([[1.0, 2.0]])",
    ]
    root = str(Path(cnnpy.__file__).parents[1])
    env = os.environ | {"PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    env.pop("MPLBACKEND", None)
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        input=json.dumps(cells),
        capture_output=True,
        text=True,
        env=env,
        cwd=tmp_path_factory.mktemp("notebook"),
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [cell["outputs"] for cell in json.loads(done.stdout)["cells"]], len(done.stdout)


def stream(outputs):
    assert not [o for o in outputs if o.get("name") == "stderr"], "nothing is warned of"
    return "".join("".join(o["text"]) for o in outputs if o["output_type"] == "stream")


def shown(outputs, kind):
    return ["".join(o["data"][kind]) for o in outputs if kind in o.get("data", {})]


def test_the_summary_in_a_kernel_is_a_table(notebook):
    outputs, _ = notebook
    tables = shown(outputs[0], "text/html") or [stream(outputs[0])]
    assert any("first" in text and "Dense" in text for text in tables)


def test_progress_bars_in_a_kernel_end_full(notebook):
    outputs, _ = notebook
    text = stream(outputs[1])
    assert text.count("Epoch ") == 200 and text.count("val_loss") == 200
    last = text.rstrip("\n").split("\n")[-1].split("\r")[-1]
    assert "9/9" in last and "━" * 20 in last and "val_loss" in last


def test_a_fit_of_200_epochs_leaves_a_small_notebook(notebook):
    assert notebook[1] < 2_000_000


def test_live_plot_leaves_one_picture_in_a_notebook(notebook):
    outputs, _ = notebook
    pictures = shown(outputs[2], "image/png")
    assert len(pictures) == 1 and pictures[0].startswith("iVBOR")


def test_models_histories_and_tensors_are_shown_as_tables(notebook):
    outputs, _ = notebook
    for cell, part in ((1, ">val_loss<"), (3, "first (Dense)"), (4, "shape (1, 2)")):
        assert part in shown(outputs[cell], "text/html")[0]
