"""A classifier's answers: confidences, confusions and mistakes."""

import numpy as np

from cnnpy.visualize.figure import as_pictures, check_names, draw, new_figure

_RIGHT, _WRONG, _OTHER = "#2a9d5c", "#d1495b", "#b0b7bf"


def _classes(values, name):
    """Class numbers from numbers, from (n, 1) or from one-hot rows."""
    values = np.asarray(values)
    if values.ndim == 2 and values.shape[1] > 1:
        values = values.argmax(1)
    values = values.reshape(len(values), -1)
    if values.shape[1] != 1 or not len(values):
        raise ValueError(
            f"{name} must be class numbers (n,) or one-hot rows (n, classes) and not be empty, got {values.shape}"
        )
    numbers = values[:, 0].astype("int64")
    if not np.array_equal(numbers, values[:, 0]) or numbers.min() < 0:
        raise ValueError(f"{name} must be class numbers from 0 on")
    return numbers


def _probabilities(values, count, name="probabilities"):
    values = np.asarray(values, "float32")
    if values.ndim == 1 or (values.ndim == 2 and values.shape[1] == 1):
        positive = values.reshape(-1)
        values = np.stack([1 - positive, positive], 1)  # the answer of a single sigmoid
    if values.ndim != 2 or len(values) != count:
        raise ValueError(f"{name} must have the shape ({count}, classes), one row per image, got {values.shape}")
    if not np.isfinite(values).all() or values.min() < -1e-4 or values.max() > 1 + 1e-4:
        raise ValueError(f"{name} must lie in [0, 1]; apply a softmax to logits first")
    return values


def plot_predictions(images, probabilities, labels=None, class_names=None, top=5):
    """Each image above bars of the classes the network finds most probable.

    The bar of the true class is green, a false first choice red.

    Arguments:
        images: as in `plot_images`.
        probabilities: (count, classes), or (count,) / (count, 1) of a sigmoid, taken as the probability of class 1.
        labels: true classes as numbers or one-hot rows; None leaves the bars grey.
        class_names: names of all classes.
        top: how many bars.

    Returns a matplotlib Figure. Raises ValueError for shapes and values that do not fit.
    """
    pictures = as_pictures(images)
    probabilities = _probabilities(probabilities, len(pictures))
    names = check_names(class_names, probabilities.shape[1])
    truth = None if labels is None else _classes(labels, "labels")
    if truth is not None and (len(truth) != len(pictures) or truth.max() >= len(names)):
        raise ValueError(f"plot_predictions: labels must be {len(pictures)} numbers below {len(names)}")
    bars = min(top, len(names))
    columns = min(6, len(pictures))
    rows = -(-len(pictures) // columns)
    figure = new_figure(2.1 * columns, rows * (2.0 + 0.24 * bars))
    grid = figure.subplots(2 * rows, columns, squeeze=False, height_ratios=[1.8, 0.24 * bars + 0.1] * rows)
    for axes in grid.ravel():
        axes.set_axis_off()
    for i, picture in enumerate(pictures):
        row, column = 2 * (i // columns), i % columns
        draw(grid[row, column], picture)
        order = np.argsort(-probabilities[i], kind="stable")[:bars]
        colors = [_OTHER] * bars
        if truth is not None:
            grid[row, column].set_title(f"true: {names[truth[i]]}", fontsize=9)
            if order[0] != truth[i]:
                colors[0] = _WRONG
            colors = [_RIGHT if c == truth[i] else color for c, color in zip(order, colors)]
        axes = grid[row + 1, column]
        axes.set_axis_on()
        axes.barh(range(bars), probabilities[i][order], color=colors, height=0.75)
        axes.set(xlim=(0, 1), ylim=(bars - 0.45, -0.55), xticks=[])
        axes.set_yticks(range(bars), [names[c] for c in order], fontsize=8)
        axes.tick_params(axis="y", length=0)
        for side in ("top", "right", "bottom"):
            axes.spines[side].set_visible(False)
        for y, c in enumerate(order):
            value = probabilities[i][c]
            axes.text(
                value + 0.02 if value < 0.6 else value - 0.02, y, f"{100 * value:.0f} %",
                va="center", ha="left" if value < 0.6 else "right", fontsize=7,
                color="black" if value < 0.6 else "white",
            )  # fmt: skip
    return figure


def plot_confusion_matrix(y_true, y_pred, class_names=None, normalize=False):
    """How often each class (row) was taken for each class (column).

    Arguments:
        y_true, y_pred: class numbers (n,), or rows (n, classes) of which the largest value counts.
        class_names: names of all classes.
        normalize: shares of each row in per cent instead of counts.

    Returns a matplotlib Figure.
    """
    truth, answer = _classes(y_true, "y_true"), _classes(y_pred, "y_pred")
    if len(truth) != len(answer):
        raise ValueError(f"plot_confusion_matrix: {len(truth)} values in y_true, {len(answer)} in y_pred")
    found = int(max(truth.max(), answer.max())) + 1
    names = check_names(class_names, found if class_names is None or len(class_names) < found else len(class_names))
    count = len(names)
    matrix = np.zeros((count, count), "int64")
    np.add.at(matrix, (truth, answer), 1)
    shown = 100 * matrix / np.maximum(matrix.sum(1, keepdims=True), 1) if normalize else matrix
    side = max(3.6, 0.46 * count + 1.4)
    figure = new_figure(side + 0.6, side)
    axes = figure.add_subplot()
    image = axes.imshow(shown, cmap="Blues", vmin=0, vmax=max(shown.max(), 1e-9))
    axes.set_xticks(
        range(count),
        names,
        rotation=45 if max(map(len, names)) > 2 else 0,
        ha="right" if max(map(len, names)) > 2 else "center",
    )
    axes.set_yticks(range(count), names)
    axes.set(xlabel="answer", ylabel="truth")
    if count <= 30:
        for row in range(count):
            for column in range(count):
                if matrix[row, column]:
                    axes.text(
                        column, row, f"{shown[row, column]:.0f}", ha="center", va="center", fontsize=8,
                        color="white" if shown[row, column] > shown.max() / 2 else "black",
                    )  # fmt: skip
    figure.colorbar(image, ax=axes, shrink=0.8, label="per cent of the row" if normalize else "images")
    return figure


def plot_misclassified(x, y_true, probabilities, class_names=None, n=16):
    """The N images that the network got wrong with the greatest confidence, the surest mistake first.

    Arguments:
        x: images as in `plot_images`.
        y_true, probabilities, class_names: as in `plot_predictions`.

    Returns a matplotlib Figure; one that says so when nothing is wrong.
    """
    truth = _classes(y_true, "y_true")
    probabilities = _probabilities(probabilities, len(truth))
    if len(x) != len(truth):
        raise ValueError(f"plot_misclassified: {len(x)} images for {len(truth)} labels")
    names = check_names(class_names, probabilities.shape[1])
    answer = probabilities.argmax(1)
    wrong = np.flatnonzero(answer != truth)
    chosen = wrong[np.argsort(-probabilities[wrong, answer[wrong]], kind="stable")][:n]
    if not len(chosen):
        figure = new_figure(4, 1)
        figure.text(0.5, 0.5, f"all {len(truth)} answers are right", ha="center", va="center")
        return figure
    pictures = as_pictures(np.asarray(x)[chosen])
    columns = min(8, len(pictures))
    rows = -(-len(pictures) // columns)
    figure = new_figure(1.5 * columns, rows * 2.0)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, i, picture in zip(grid, chosen, pictures):
        draw(axes, picture)
        sure = 100 * probabilities[i, answer[i]]
        axes.set_title(f"true: {names[truth[i]]}\n{names[answer[i]]} ({sure:.0f} %)", fontsize=7.5, pad=2)
    figure.suptitle(f"{len(wrong)} of {len(truth)} answers are wrong; the surest mistakes", fontsize=10)
    return figure
