"""The table that `Model.summary()` prints, in the layout of Keras 3."""

import math
import re
import shutil

from cnnpy import config, tree
from cnnpy.layers.symbolic_op import SymbolicOp
from cnnpy.models.functional import Functional

_ITEM_SIZES = {"float32": 4, "float64": 8, "int32": 4, "int64": 8, "uint8": 1, "bool": 1}


def _readable_size(weights):
    """The memory of WEIGHTS, like '4.58 MB'."""
    size = sum(v.size * _ITEM_SIZES[v.dtype] for v in {id(v): v for v in weights}.values())
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} PB"


def _colored(value, color):
    return f"[color({color})]{value}[/]"


def _number(value):
    return _colored(value, 45 if value is None else 34)


def _shape_text(shape):
    return f"({', '.join(str(_number(d)) for d in shape)})"


def _output_shape(layer):
    """The text for the column of output shapes."""
    if layer._inbound_nodes:
        shapes = [x.shape for x in layer._inbound_nodes[-1].output_tensors]
    elif layer._build_shapes is None:
        return "?"
    else:
        try:
            shapes = layer.compute_output_shape(layer._build_shapes)
        except (NotImplementedError, ValueError, TypeError):
            return "?"
        shapes = [shapes] if tree.is_shape(shapes) else shapes
    texts = [_shape_text(shape) for shape in shapes]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def _connected_to(layer, graph):
    """The layers whose outputs LAYER takes, with the numbers of call and output."""
    own = {id(node) for node in graph.all_nodes}
    sources = [x._keras_history for node in layer._inbound_nodes if id(node) in own for x in node.input_tensors]
    return ", ".join(f"{source.name}[{_number(node)}][{_number(index)}]" for source, node, index in sources) or "-"


def _rows(layer, graph, expand_nested, show_trainable, level=0):
    from rich.markup import escape

    prefix = "   " * level + "└ " if level else ""
    kind = layer.type_name if isinstance(layer, SymbolicOp) else type(layer).__name__
    params = _number(f"{layer.count_params():,}") if layer.built else f"{_number(0)} (unbuilt)"
    row = [f"{escape(prefix + layer.name)} ({_colored(escape(kind), 33)})", _output_shape(layer), params]
    if graph is not None:
        row.append(_connected_to(layer, graph))
    if show_trainable:
        if layer.weights:
            row.append("[bold][color(34)]Y[/][/]" if layer.trainable else "[bold][color(9)]N[/][/]")
        else:
            row.append("[bold]-[/]")
    rows = [row]
    if expand_nested:
        for inner in getattr(layer, "layers", ()):
            rows += _rows(inner, graph, True, show_trainable, level + 1)
    return rows


def _in_range(layers, layer_range):
    """The layers from the first that matches the one pattern to the last that matches the other."""
    if layer_range is None:
        return layers
    if len(layer_range) != 2 or not all(isinstance(name, str) for name in layer_range):
        raise ValueError(f"summary: layer_range must be two names or patterns, got {layer_range!r}")
    first, last = ([i for i, layer in enumerate(layers) if re.match(name, layer.name)] for name in layer_range)
    if not first or not last:
        raise ValueError(f"summary: no layer matches layer_range={layer_range!r}")
    if min(first) > max(last):
        first, last = last, first
    return layers[min(first) : max(last) + 1]


def _layers(model):
    return model._graph.layers if isinstance(model, Functional) else model.layers


def _branching_graph(model):
    """The graph whose connections are worth a column, None for a chain."""
    return model._graph if isinstance(model, Functional) and not model._graph.is_chain() else None


def _totals(model):
    """(title, weights) for each line under the table."""
    trainable, frozen = model.trainable_weights, model.non_trainable_weights
    optimizer = model.optimizer if model.compiled and model.optimizer is not None and model.optimizer.built else None
    optimizer_weights = list(optimizer.variables) if optimizer is not None else []
    totals = [("Total", [*trainable, *frozen, *optimizer_weights]), ("Trainable", trainable), ("Non-trainable", frozen)]
    return [*totals, ("Optimizer", optimizer_weights)] if optimizer is not None else totals


def _count(weights):
    return sum(math.prod(v.shape) for v in weights)


def html_summary(model):
    """The summary of MODEL as a table in HTML."""
    from rich.text import Text

    from cnnpy.utils.html import table

    graph = _branching_graph(model)
    header = ["Layer (type)", "Output shape", "Parameters", *(["Connected to"] if graph is not None else [])]
    rows = [
        [Text.from_markup(cell).plain for cell in row]
        for layer in _layers(model)
        for row in _rows(layer, graph, expand_nested=False, show_trainable=False)
    ]
    for title, weights in _totals(model):
        rows.append(
            [f"{title} parameters", _readable_size(weights), f"{_count(weights):,}", *([""] * (len(header) - 3))]
        )
    return table(header, rows, f'{type(model).__name__} "{model.name}"', numeric_from=2)


def print_summary(
    model,
    line_length=None,
    positions=None,
    print_fn=None,
    expand_nested=False,
    show_trainable=False,
    layer_range=None,
    batch_size=None,
):
    """Prints the summary of MODEL; see Model.summary."""
    import rich.console
    import rich.markup
    import rich.table

    graph = _branching_graph(model)
    header = [("Layer (type)", "left"), ("Output Shape", "left"), ("Param #", "right")]
    width, ends = 88, positions or [0.45, 0.80, 1.0]
    if graph is not None:
        header.append(("Connected to", "left"))
        width, ends = 108, positions or [0.3, 0.56, 0.74, 1.0]
    if show_trainable:
        header.append(("Trainable", "center"))
        width, ends = width + 12, [p * 0.90 for p in ends] + [1.0]
    narrowest = 20 * len(header)  # whatever a terminal says of itself
    line_length = line_length or max(min(width, shutil.get_terminal_size().columns - 4), narrowest)
    columns, start = [], 0
    for (title, alignment), end in zip(header, ends):
        cells = int(end * line_length) - start
        if cells < 4:
            raise ValueError(f"summary: line_length={line_length} is too small for the table")
        columns.append(rich.table.Column(title, justify=alignment, width=cells))
        start += cells
    table = rich.table.Table(*columns, width=line_length, show_lines=True)
    for layer in _in_range(_layers(model), layer_range):
        for row in _rows(layer, graph, expand_nested, show_trainable):
            table.add_row(*row)

    if print_fn is None and not config.is_interactive_logging_enabled():
        print_fn = print
    if print_fn is None:
        console = rich.console.Console(highlight=False)
    else:
        console = rich.console.Console(highlight=False, force_terminal=False, color_system=None)
        console.begin_capture()
    console.width = max(console.width, line_length)  # a terminal that is too narrow must not cut the table
    console.print(f'[bold]Model: "{rich.markup.escape(model.name)}"[/]')
    console.print(table)
    for title, weights in _totals(model):
        count = _number(f"{_count(weights):,}")
        console.print(f"[bold] {title} params: [/]{count} ({_readable_size(weights)})")
    if batch_size is not None:
        from cnnpy.utils.memory import memory_estimate

        console.print(f" {memory_estimate(model, batch_size)}", soft_wrap=True)
    if print_fn is not None:
        print_fn(console.end_capture())
