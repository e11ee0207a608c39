"""plot_model and model_to_dot: boxes and arrows of models."""

import re
import shutil

import pytest

import cnnpy
from cnnpy import layers
from cnnpy.visualize import graph

pytest.importorskip("pydot")


def residual():
    """An input, a convolution, a block inside and the sum of both."""
    image = cnnpy.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="first")(image)
    block = cnnpy.Sequential(
        [cnnpy.Input((8, 8, 4)), layers.Conv2D(4, 3, padding="same", name="inner"), layers.ReLU(name="relu")],
        name="block",
    )
    y = layers.Add(name="sum")([x, block(x)])
    return cnnpy.Model(image, layers.Dense(2, name="out")(layers.Flatten(name="flat")(y)), name="net")


def boxes(dot):
    """The names of the layers by the boxes' names, of clusters inside, too."""
    found = {n.get_name(): re.search(r"<b>(.*?)</b>", n.get_label()).group(1) for n in dot.get_nodes() if n.get_label()}
    for cluster in dot.get_subgraphs():
        found |= boxes(cluster)
    return found


def arrows(dot):
    names = boxes(dot)
    return {(names[e.get_source()], names[e.get_destination()]) for e in dot.get_edges()}


def test_arrows_of_a_functional_model():
    dot = cnnpy.utils.model_to_dot(residual())
    assert set(boxes(dot).values()) == {"image", "first", "block", "sum", "flat", "out"}
    assert arrows(dot) == {
        ("image", "first"),
        ("first", "block"),
        ("first", "sum"),
        ("block", "sum"),
        ("sum", "flat"),
        ("flat", "out"),
    }


def test_models_inside_are_expanded_into_frames():
    dot = cnnpy.utils.model_to_dot(residual(), expand_nested=True)
    assert [c.get_label() for c in dot.get_subgraphs()] == ['"block"']
    assert arrows(dot) == {
        ("image", "first"),
        ("first", "inner"),
        ("inner", "relu"),
        ("first", "sum"),
        ("relu", "sum"),
        ("sum", "flat"),
        ("flat", "out"),
    }


def test_a_functional_model_inside_is_entered_at_its_inputs():
    a, b = cnnpy.Input((4,), name="a"), cnnpy.Input((4,), name="b")
    both = cnnpy.Model([a, b], layers.Add(name="sum")([a, b]), name="both")
    x = cnnpy.Input((4,), name="x")
    model = cnnpy.Model(x, both([x, layers.ReLU(name="relu")(x)]))
    assert arrows(cnnpy.utils.model_to_dot(model, expand_nested=True)) == {
        ("x", "a"),
        ("x", "relu"),
        ("relu", "b"),
        ("a", "sum"),
        ("b", "sum"),
    }


def test_a_sequential_model_is_drawn_without_its_input():
    model = cnnpy.Sequential([cnnpy.Input((4,)), layers.Dense(3, name="one"), layers.Dense(2, name="two")])
    assert arrows(cnnpy.utils.model_to_dot(model)) == {("one", "two")}


def test_a_subclassed_model_is_one_box():
    class Own(cnnpy.Model):
        def __init__(self):
            super().__init__(name="own")
            self.dense = layers.Dense(2)

        def call(self, x):
            return self.dense(x)

    model = Own()
    with pytest.raises(ValueError, match=r"own.* not built yet"):
        cnnpy.utils.model_to_dot(model)
    model.build((None, 3))
    assert list(boxes(cnnpy.utils.model_to_dot(model)).values()) == ["own"]


def test_what_a_box_says():
    model = residual()
    model.get_layer("first").trainable = False
    dot = cnnpy.utils.model_to_dot(
        model, show_shapes=True, show_dtype=True, show_layer_activations=True, show_trainable=True
    )
    label = next(n.get_label() for n in dot.get_nodes() if "<b>first</b>" in (n.get_label() or ""))
    for part in (
        "<b>first</b> (Conv2D)",
        "Activation: <b>relu</b>",
        "Input shape: <b>(None, 8, 8, 3)</b>",
        "Output shape: <b>(None, 8, 8, 4)</b>",
        "<b>float32</b>",
        "Non-trainable",
    ):
        assert part in label
    assert "first" not in cnnpy.utils.model_to_dot(model, show_layer_names=False).to_string()


def test_names_with_signs_of_html_are_drawn():
    model = cnnpy.Sequential([cnnpy.Input((4,)), layers.Dense(2, name="a<b>&c")], name='x"y')
    assert "a&lt;b&gt;&amp;c" in cnnpy.utils.model_to_dot(model, subgraph=True).to_string()


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize("ending, start", [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_plot_model_writes_the_kind_that_the_ending_says(tmp_path, ending, start):
    path = tmp_path / f"model.{ending}"
    cnnpy.utils.plot_model(residual(), path, show_shapes=True, expand_nested=True, dpi=50)
    assert path.read_bytes().startswith(start)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_an_unknown_ending_is_refused_and_nothing_written(tmp_path):
    with pytest.raises(ValueError, match=r"\.png, \.svg"):
        cnnpy.utils.plot_model(residual(), tmp_path / "model.xyzw")
    assert not list(tmp_path.iterdir())


def test_without_graphviz_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(graph.shutil, "which", lambda name: None)
    monkeypatch.delitem(graph.sys.modules, "IPython.core.magics.namespace", raising=False)
    with pytest.raises(ImportError, match="apt install graphviz"):
        cnnpy.utils.plot_model(residual(), tmp_path / "model.png")


def test_in_a_notebook_missing_graphviz_is_only_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(graph.shutil, "which", lambda name: None)
    monkeypatch.setitem(graph.sys.modules, "IPython.core.magics.namespace", graph)
    assert cnnpy.utils.plot_model(residual(), tmp_path / "model.png") is None
    assert "apt install graphviz" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong, error, message",
    [
        ({"rankdir": "XY"}, ValueError, "rankdir must be one of TB"),
        ({"splines": "wavy"}, ValueError, "splines must be one of"),
        ({"layer_range": ["a", "b"]}, ValueError, "layer_range is not supported"),
        ({"colour": 1}, TypeError, "colour"),
    ],
)
def test_wrong_arguments(wrong, error, message):
    with pytest.raises(error, match=message):
        cnnpy.utils.model_to_dot(residual(), **wrong)
