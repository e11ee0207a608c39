"""Curves of training."""

import itertools

from cnnpy.visualize.figure import new_figure


def _record(run, label):
    record = getattr(run, "history", run)
    record = getattr(record, "history", record)  # a model keeps its History as `model.history`
    if not isinstance(record, dict) or not record:
        raise ValueError(
            f"plot_history: {label} must be what `fit` returned, its `history` or a dict of lists, got"
            f" {'no epochs' if record == {} else type(run).__name__}"
        )
    return record


def plot_history(history, metrics=None):
    """The curves of one or several runs of `fit`, one plot per metric, against the number of epochs.

    Training is drawn dashed, validation solid; a run without validation has only its dashed curve.

    Arguments:
        history: what `fit` returned (or its `history` dict), or a dict of label -> the same, for several runs in one
            picture.
        metrics: names such as ["loss", "accuracy"]; None for all. A metric that a run lacks is left out there.

    Returns a matplotlib Figure. Raises ValueError for what is no history and for unknown metrics.
    """
    if (
        isinstance(history, dict)
        and history
        and all(hasattr(v, "history") or isinstance(v, dict) for v in history.values())
    ):
        runs = {str(label): _record(run, f"the run {label!r}") for label, run in history.items()}
    else:
        runs = {"": _record(history, "history")}
    known = dict.fromkeys(name.removeprefix("val_") for record in runs.values() for name in record)
    if unknown := [name for name in metrics or () if name not in known]:
        raise ValueError(f"plot_history: no run has the metric {unknown[0]!r}; there are {', '.join(known)}")
    chosen = list(metrics or known)
    columns = min(len(chosen), 3)
    rows = -(-len(chosen) // columns)
    figure = new_figure(4.6 * columns + 0.6, 3.2 * rows + (0.22 * len(runs) if len(runs) > 1 else 0))
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(chosen) :]:
        axes.set_axis_off()
    for axes, name in zip(grid, chosen):
        for record, color in zip(runs.values(), itertools.cycle(f"C{i}" for i in range(10))):
            for key, style in ((name, "--"), ("val_" + name, "-")):
                values = record.get(key)
                if values is not None:
                    # A single epoch is a point, which a line would not show.
                    axes.plot(
                        range(1, len(values) + 1), values, style, color=color, marker="o" if len(values) == 1 else None
                    )
        axes.set(xlabel="epoch", title=name.replace("_", " "))
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
    _legend(figure, runs)
    return figure


def _legend(figure, runs):
    """Colours mean runs, styles mean training and validation; a legend below says both."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=f"C{i % 10}", label=label) for i, label in enumerate(runs)] if len(runs) > 1 else []
    grey = "C0" if len(runs) == 1 else "0.3"
    handles.append(Line2D([], [], color=grey, linestyle="--", label="training"))
    if any(name.startswith("val_") for record in runs.values() for name in record):
        handles.append(Line2D([], [], color=grey, linestyle="-", label="validation"))
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 3), frameon=False)
