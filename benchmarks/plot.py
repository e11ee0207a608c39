"""The figures as pictures."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from libraries import LIBRARIES
from nets import NETS

COLOURS = {"keras": "#e07b39", "torch": "#8c5fa8", "torch-compile": "#c3a3d6", "jax": "#4f9d69"}
LONGEST = 7  # bars are cut there; their numbers tell
PANELS = {"train": "Training step", "predict": "Prediction of a batch"}


def _bars(axes, nets, task, libraries):
    """One group a net: how many times the time of cnnpy each peer takes."""
    height = 0.8 / len(libraries)
    for k, library in enumerate(libraries):
        for row, (_, figures) in enumerate(nets):
            times = figures["milliseconds"].get(task, {})
            if library in times and "cnnpy" in times:
                ratio, at = times[library] / times["cnnpy"], row - 0.4 + (k + 0.5) * height
                axes.barh(
                    at,
                    min(ratio, LONGEST),
                    height * 0.92,
                    color=COLOURS[library],
                    label=LIBRARIES[library] if row == 0 else None,
                )
                axes.text(min(ratio, LONGEST) + 0.05, at, f"{ratio:.1f}", va="center", fontsize=7)
    axes.axvline(1, color="#333333", linewidth=1)
    axes.set_yticks(range(len(nets)), [NETS[name].title for name, _ in nets], fontsize=9)
    axes.set_title(PANELS[task], loc="left", fontsize=11, fontweight="bold")
    axes.set_xlabel("time, in times of cnnpy's", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlim(0, LONGEST * 1.08)


def draw(results, path):
    """How many times cnnpy's time each library takes, per net."""
    nets = list(results["nets"].items())
    libraries = [k for k in COLOURS if any(k in n["milliseconds"].get("train", {}) for _, n in nets)]
    if not libraries:
        raise SystemExit("nothing to draw: no peer was timed beside cnnpy")
    figure, panels = plt.subplots(1, 2, figsize=(12, 1.4 + 0.62 * len(nets)), sharey=True, layout="constrained")
    for axes, task in zip(panels, PANELS):
        _bars(axes, nets, task, libraries)
    panels[0].invert_yaxis()  # the second shares it
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=9, frameon=False
    )
    held = f", held to {results['level']}" if results["level"] else ""
    figure.suptitle(
        f"{results['machine']['processor']}, {results['threads']} threads, {results['precision']}{held}; "
        "longer bars: cnnpy is that many times as fast",
        fontsize=9,
    )
    figure.savefig(path, dpi=110)


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
