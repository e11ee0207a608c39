"""The figures as pictures. `python benchmarks/plot.py figures.json figures.png` draws those of a file."""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import Patch

import report
from libraries import LIBRARIES
from nets import NETS

COLOURS = {"keras": "#e07b39", "torch": "#8c5fa8", "torch-compile": "#c3a3d6", "jax": "#4f9d69"}
OWN = "#2b6cb0"
PANELS = {
    "train": "Training step",
    "predict": "Prediction of a batch",
    "predict_one": "Prediction of one image",
    "peak_mib": "Peak memory of training",
}
TICKS = (0.5, 1, 2, 3, 5, 10, 20, 50, 100)


def _against(results, task):
    """[(title, {peer: its figure over cnnpy's})] of the nets, the last the geometric means."""
    rows = []
    for name, figures in results["nets"].items():
        by_library = figures["peak_mib"] if task == "peak_mib" else figures["milliseconds"].get(task, {})
        rows.append((NETS[name].title, report.ratios({task: by_library}).get(task, {})))
    mean = results["summary"].get(task, {})
    rows.append(("geometric mean", {k: v for k, v in mean.items() if k not in ("least", "least_net")}))
    return rows


def _panel(axes, rows, title):
    """A bar a net: how many times cnnpy's figure the best peer's is; dots: what the others' are."""
    largest = max((max(against.values()) for _, against in rows if against), default=1)
    smallest = min((min(against.values()) for _, against in rows if against), default=1)
    left, right = min(0.7, smallest * 0.85), largest * 1.25
    for row, (_, against) in enumerate(rows):
        if not against:
            continue
        others = {k: v for k, v in against.items() if k in COLOURS}
        best, mean = against["best peer"], row == len(rows) - 1
        colour = OWN if mean else COLOURS[min(others, key=others.get)]
        axes.barh(row, best - 1, 0.66, left=1, color=colour)
        words = {"va": "center", "fontsize": 9, "fontweight": "bold" if mean else "normal"}
        inside = (best / right) > 0.5  # of the axis: there the number stands within the bar
        axes.text(
            max(best, 1) * (0.96 if inside else 1.04), row, f"{best:.2f}", ha="right" if inside else "left", **words
        )
        for library, ratio in others.items():
            axes.plot(ratio, row + 0.42, "o", color=COLOURS[library], markersize=3.6, clip_on=False)
    axes.set_xscale("log")
    axes.set_xlim(left, right)
    axes.set_xticks([t for t in TICKS if left <= t <= right], [f"{t:g}" for t in TICKS if left <= t <= right])
    axes.minorticks_off()
    axes.axvline(1, color="#333333", linewidth=1)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_yticks(range(len(rows)), [title for title, _ in rows], fontsize=9)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    axes.spines[["top", "right", "left"]].set_visible(False)


def draw(results, path):
    """Per net and task how many times cnnpy's time, or memory, the best peer takes."""
    panels = [task for task in PANELS if any(against for _, against in _against(results, task))]
    if not panels:
        raise SystemExit("nothing to draw: no peer was timed beside cnnpy")
    rows, lines = len(results["nets"]) + 1, -(-len(panels) // 2)
    size = (12, 1.3 + lines * (0.9 + 0.33 * rows))
    figure, grid = plt.subplots(lines, min(2, len(panels)), figsize=size, squeeze=False, layout="constrained")
    for axes, task in zip(grid.flat, panels):
        _panel(axes, _against(results, task), PANELS[task])
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes in grid[:, 1:].flat:
        axes.set_yticklabels([])
    present = [k for k in COLOURS if any(k in against for task in panels for _, against in _against(results, task))]
    marks = [Patch(color=COLOURS[k], label=f"{LIBRARIES[k]} {results['versions'].get(k, '')}") for k in present]
    figure.legend(handles=marks, loc="outside lower center", ncols=2, fontsize=9, frameon=False)
    held = f", held to {results['level']}" if results["level"] else ""
    figure.suptitle(
        "What the best of the others takes, in times of cnnpy's: to the right of 1, cnnpy takes less\n"
        f"{results['machine']['processor']}, {results['threads']} threads, {results['precision']}{held}; a bar has the "
        "colour of the best other, dots are all",
        fontsize=10,
    )
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_scaling(results, path):
    """Efficiency of two threads; throughput by batch and by image size."""
    figure, (first, second, third) = plt.subplots(1, 3, figsize=(14, 4.2), layout="constrained")
    nets = list(results["efficiency"])
    for k, (task, colour) in enumerate((("train", "#2b6cb0"), ("predict", "#90b8de"))):
        values = [100 * results["efficiency"][net][task] for net in nets]
        first.barh([i - 0.2 + 0.4 * k for i in range(len(nets))], values, 0.36, color=colour, label=PANELS[task])
    first.axvline(85, color="#333333", linewidth=1, linestyle=":")
    first.set_yticks(range(len(nets)), [NETS[net].title for net in nets], fontsize=8)
    first.invert_yaxis()
    first.set_title("efficiency of two threads, %", loc="left", fontsize=10)
    first.legend(fontsize=8, frameon=False, loc="lower left")
    for axes, key, title in (
        (second, "batches", "images per second by batch size, MNIST"),
        (third, "sizes", "pixels per second by image size, cats and dogs"),
    ):
        for task, colour in (("train", "#2b6cb0"), ("predict", "#90b8de")):
            axes.plot(results[key]["values"], results[key][task], "o-", color=colour, label=PANELS[task], markersize=4)
        axes.set_xscale("log", base=2)
        axes.set_xticks(results[key]["values"], [str(v) for v in results[key]["values"]], fontsize=8)
        axes.set_ylim(bottom=0)
        axes.set_title(title, loc="left", fontsize=10)
        axes.legend(fontsize=8, frameon=False)
    for axes in (first, second, third):
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"{results['machine']['processor']}, cnnpy with {results['threads']} threads", fontsize=9)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main():
    if len(sys.argv) != 3:
        raise SystemExit("usage: python benchmarks/plot.py figures.json figures.png")
    results = json.loads(Path(sys.argv[1]).read_text())
    (draw_scaling if "efficiency" in results else draw)(results, sys.argv[2])


if __name__ == "__main__":
    main()
