"""The graph of a model as boxes and arrows (pydot, and Graphviz's program `dot` to draw them)."""

import html
import importlib.util
import itertools
import os
import re
import shutil
import sys

from cnnpy import tree
from cnnpy.layers import calling
from cnnpy.models.functional import Functional
from cnnpy.models.sequential import Sequential
from cnnpy.utils.atomic_file import replacing

_NO_PYDOT = 'needs pydot; pip install "cnnpy[visualize]"'
_NO_DOT = (
    "needs Graphviz's program `dot`; install it with `apt install graphviz`, `brew install graphviz` or "
    "`conda install graphviz` (https://graphviz.org/download)"
)
_DIRECTIONS = ("TB", "BT", "LR", "RL")
_SPLINES = ("ortho", "curved", "polyline", "spline", "line", "none", "true", "false")


def model_to_dot(
    model,
    show_shapes=False,
    show_dtype=False,
    show_layer_names=True,
    rankdir="TB",
    expand_nested=False,
    dpi=200,
    subgraph=False,
    show_layer_activations=False,
    show_trainable=False,
    splines="ortho",
    **kwargs,
):
    """The graph of MODEL as a `pydot.Dot`, or as a `pydot.Cluster` with SUBGRAPH.

    Arguments:
        model: a model that is built. One that is neither functional nor sequential is a single box.
        show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable: what a box says besides the
            layer's class.
        rankdir: "TB" downwards, "LR" to the right, "BT", "RL".
        expand_nested: draw the layers of models inside in a frame, not the model as one box.
        dpi: dots per inch.
        splines: how arrows run: "ortho", "curved", "polyline", "spline" or "line".

    Raises ValueError for a model that is not built and for unknown arguments, ImportError without pydot.
    """
    _check(model, rankdir, splines, kwargs, "model_to_dot")
    if importlib.util.find_spec("pydot") is None:
        raise ImportError(f"model_to_dot: {_NO_PYDOT}")
    import pydot

    said = {
        "shapes": show_shapes,
        "dtype": show_dtype,
        "names": show_layer_names,
        "activations": show_layer_activations,
        "trainable": show_trainable,
    }
    if subgraph:
        dot = pydot.Cluster(
            graph_name=re.sub(r"\W", "_", model.name), style="dashed", label=_quoted(model.name), labeljust="l"
        )
    else:
        # Lists of arrows with one end in common run together.
        dot = pydot.Dot(rankdir=rankdir, concentrate=True, dpi=dpi, splines=splines)
        dot.set_node_defaults(shape="plaintext", fontname="Helvetica")
    numbers = {}
    _add_boxes(pydot, dot, model, expand_nested, said, numbers)
    for start, end in dict.fromkeys(_arrows(model, expand_nested)):
        dot.add_edge(pydot.Edge(numbers[id(start)], numbers[id(end)], penwidth="2"))
    return dot


def plot_model(
    model,
    to_file="model.png",
    show_shapes=False,
    show_dtype=False,
    show_layer_names=False,
    rankdir="TB",
    expand_nested=False,
    dpi=200,
    show_layer_activations=False,
    show_trainable=False,
    splines="ortho",
    **kwargs,
):
    """Draws the graph of MODEL into the file TO_FILE, whose ending (png, svg, pdf, jpg, ...) says what kind it is.

    Returns an `IPython.display.Image` (`SVG` for svg), which Jupyter shows, or None where IPython is not installed or
    the file is none of these. The other arguments are those of `model_to_dot`.

    Raises ValueError for a model that is not built, for unknown arguments and endings, and ImportError where pydot or
    Graphviz is missing. In IPython the latter is only said, so that a notebook goes on, as with Keras.
    """
    _check(model, rankdir, splines, kwargs, "plot_model")
    to_file = os.fspath(to_file)
    ending = os.path.splitext(to_file)[1][1:].lower() or "png"
    missing = None
    if importlib.util.find_spec("pydot") is None:
        missing = f"plot_model: {_NO_PYDOT}"
    elif shutil.which("dot") is None:
        missing = f"plot_model: {_NO_DOT}"
    if missing is not None:
        if "IPython.core.magics.namespace" not in sys.modules:
            raise ImportError(missing)
        print(missing)
        return None
    dot = model_to_dot(
        model,
        show_shapes,
        show_dtype,
        show_layer_names,
        rankdir,
        expand_nested,
        dpi,
        show_layer_activations=show_layer_activations,
        show_trainable=show_trainable,
        splines=splines,
    )
    if ending not in dot.formats:
        raise ValueError(f"plot_model: to_file must end in .png, .svg, .pdf or the like, got {to_file!r}")
    try:
        picture = dot.create(format=ending)
    except AssertionError as error:  # so pydot tells that the program failed
        raise RuntimeError(f"plot_model: Graphviz's `dot` failed for {calling.label(model)}; see above") from error
    with replacing(to_file) as part:
        part.write_bytes(picture)
    return _shown(picture, ending)


def _shown(picture, ending):
    if importlib.util.find_spec("IPython") is None:
        return None
    from IPython import display

    if ending == "svg":
        return display.SVG(picture)
    return display.Image(picture) if ending in ("png", "jpg", "jpeg", "gif") else None


def _check(model, rankdir, splines, kwargs, function):
    if kwargs.pop("layer_range", None) is not None:
        raise ValueError(f"{function}: layer_range is not supported; draw a model of those layers")
    if kwargs:
        raise TypeError(f"{function}: unknown arguments {sorted(kwargs)}")
    if rankdir not in _DIRECTIONS:
        raise ValueError(f"{function}: rankdir must be one of {', '.join(_DIRECTIONS)}, got {rankdir!r}")
    if str(splines).lower() not in _SPLINES:
        raise ValueError(f"{function}: splines must be one of {', '.join(_SPLINES)}, got {splines!r}")
    if not getattr(model, "built", False):
        raise ValueError(
            f"{function}: {calling.label(model)} is not built yet; start it with Input(shape=...), or call it once on "
            "data"
        )


def _quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# ---- what is in the graph ----


def _is_graph(layer):
    return isinstance(layer, (Functional, Sequential))


def _parts(model):
    """The layers that are drawn of MODEL: of a Sequential those that were added, without its input."""
    return model.layers if isinstance(model, Sequential) else model._graph.layers


def _add_boxes(pydot, dot, model, expand_nested, said, numbers):
    """One box per layer; NUMBERS gets the names of the boxes by the layers' ids."""
    for layer in _parts(model) if _is_graph(model) else [model]:
        if id(layer) in numbers:  # a model inside that is called twice
            continue
        numbers[id(layer)] = f"n{len(numbers)}"
        if expand_nested and layer is not model and _is_graph(layer):
            frame = pydot.Cluster(graph_name=numbers[id(layer)], style="dashed", label=_quoted(layer.name))
            frame.set("labeljust", "l")
            _add_boxes(pydot, frame, layer, True, said, numbers)
            dot.add_subgraph(frame)
        else:
            dot.add_node(pydot.Node(numbers[id(layer)], label=_label(layer, said), margin="0"))


def _arrows(model, expand_nested):
    """Pairs (layer, layer): the one's output goes into the other."""
    if not _is_graph(model):
        return
    parts = _parts(model)
    if expand_nested:
        for layer in parts:
            if _is_graph(layer):
                yield from _arrows(layer, True)
    if isinstance(model, Sequential):
        for before, after in itertools.pairwise(parts):
            yield (_last(before, 0), _first(after, 0)) if expand_nested else (before, after)
        return
    drawn = {id(layer) for layer in parts}
    for node in model._graph.all_nodes:
        for i, x in enumerate(node.input_tensors):
            source, _, index = x._keras_history
            if id(source) in drawn:
                yield (_last(source, index), _first(node.layer, i)) if expand_nested else (source, node.layer)


def _last(layer, index):
    """The layer inside of LAYER that makes its output number INDEX."""
    while _is_graph(layer):
        layer, _, index = layer.outputs[index]._keras_history
    return layer


def _first(layer, index):
    """The layer inside of LAYER that takes its input number INDEX."""
    while _is_graph(layer):
        layer = layer.layers[0] if isinstance(layer, Sequential) else layer.inputs[index]._keras_history[0]
    return layer


# ---- what a box says ----


def _text(value):
    return html.escape(str(value), quote=False)


def _structure(layer, which, attribute):
    """An attribute of the LAYER's input or output (`which`), "?" where there is none or several."""
    try:
        value = tree.map_structure(lambda x: getattr(x, attribute), getattr(layer, which))
    except (AttributeError, ValueError):
        return "?"
    if isinstance(value, dict):
        value = ", ".join(f"{key}: {one}" for key, one in value.items())
    return _text(value)


def _label(layer, said):
    """A box as one of Graphviz's tables."""
    from cnnpy.layers.core import InputLayer
    from cnnpy.layers.symbolic_op import SymbolicOp

    kind = layer.type_name if isinstance(layer, SymbolicOp) else type(layer).__name__
    cells = []
    if said["shapes"]:
        if not isinstance(layer, InputLayer):
            cells.append(("white", "black", f"Input shape: <b>{_structure(layer, 'input', 'shape')}</b>"))
        cells.append(("white", "black", f"Output shape: <b>{_structure(layer, 'output', 'shape')}</b>"))
    if said["dtype"]:
        cells.append(("white", "black", f"Output dtype: <b>{_structure(layer, 'output', 'dtype')}</b>"))
    if said["trainable"] and layer.weights:
        cells.append(
            ("forestgreen", "white", "<b>Trainable</b>")
            if layer.trainable
            else ("firebrick", "white", "<b>Non-trainable</b>")
        )
    span = max(len(cells), 1)
    title = f"<b>{_text(layer.name)}</b> ({_text(kind)})" if said["names"] else f"<b>{_text(kind)}</b>"
    rows = [f'<td colspan="{span}" bgcolor="black"><font point-size="16" color="white">{title}</font></td>']
    activation = getattr(layer, "activation", None)
    if said["activations"] and activation is not None:
        name = getattr(activation, "name", None) or getattr(activation, "__name__", None) or activation
        rows.append(
            f'<td colspan="{span}" bgcolor="white"><font point-size="14">Activation: <b>{_text(name)}</b></font></td>'
        )
    if cells:
        rows.append(
            "".join(
                f'<td bgcolor="{ground}"><font point-size="14" color="{ink}">{text}</font></td>'
                for ground, ink, text in cells
            )
        )
    table = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<<table border="0" cellborder="1" cellspacing="0" bgcolor="black" cellpadding="10">{table}</table>>'
