"""The figures of a comparison as text, and what they come to."""

import math

from libraries import LIBRARIES
from nets import NETS

TITLES = {
    "train": "training step",
    "fit": "step of fit",
    "predict": "prediction of a batch",
    "predict_one": "prediction of one image",
    "predict_api": "predict() of one image",
}


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def best_peer(by_library):
    """The smallest figure of the others, None if there are none."""
    others = [v for k, v in by_library.items() if k != "cnnpy"]
    return min(others) if others else None


def head(results):
    machine = results["machine"]
    caches = ", ".join(f"{k} {v}" for k, v in machine["caches"].items())
    print(f"{machine['processor']}, {machine['cores']} cores, {caches}; levels {', '.join(machine['levels'])}")
    held = f", held to {results['level']}" if results["level"] else ""
    print(
        f"{results['threads']} threads each, {results['precision']}{held}; medians of {results['rounds']} rounds in "
        "turn, milliseconds"
    )


def _row(title, by_library, digits=2):
    row = f"  {title:24}" + "".join(f"{k:>14} {v:8.{digits}f}" for k, v in by_library.items())
    peer = best_peer(by_library)
    if peer is not None and "cnnpy" in by_library:
        row += f"   best peer / cnnpy {peer / by_library['cnnpy']:.2f}"
    print(row)


def net(name, figures):
    print(f"\n{name}: {NETS[name].title}, batch {NETS[name].batch}")
    for task, by_library in figures["milliseconds"].items():
        _row(TITLES[task], by_library)
    if figures["peak_mib"]:
        _row("peak memory, MiB", figures["peak_mib"], 0)


def summary(results):
    """{task: {library or 'best peer': geometric mean of its time over cnnpy's}}, and of the peaks of memory."""
    collected = {}
    for figures in results["nets"].values():
        for task, by_library in {**figures["milliseconds"], "peak_mib": figures["peak_mib"]}.items():
            own = by_library.get("cnnpy")
            if not own:
                continue
            ratios = collected.setdefault(task, {})
            for library, value in by_library.items():
                if library != "cnnpy":
                    ratios.setdefault(library, []).append(value / own)
            if best_peer(by_library) is not None:
                ratios.setdefault("best peer", []).append(best_peer(by_library) / own)
    return {
        task: {**{k: geometric_mean(v) for k, v in by.items()}, "least": min(by["best peer"])}
        for task, by in collected.items()
        if by
    }


def tail(results):
    print("\n" + ", ".join(f"{LIBRARIES[k]} {v}" for k, v in results["versions"].items()))
    for library, seconds in results.get("import_seconds", {}).items():
        print(f"import: {library} {seconds:.2f} s")
    for library, figures in results.get("learning", {}).items():
        reached = figures["accuracy"]
        print(
            f"99 % on MNIST from the start of the process: {library} {figures['seconds']:.1f} s "
            f"({figures['steps']} steps, {100 * reached if reached else 0:.2f} %)"
        )
    if results["summary"]:
        print("\ngeometric means of the peers' figures over cnnpy's; least: the smallest ratio to a net's best peer")
    for task, ratios in results["summary"].items():
        title = TITLES.get(task, "peak memory")
        print(f"  {title:24}" + "".join(f"{k:>14} {v:6.2f}" for k, v in ratios.items()))


def _cell(value):
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def markdown(results):
    """A table of training and prediction: cnnpy's and the best other's time, and their ratio."""
    lines = ["| milliseconds | " + " | ".join(("training step", "batch", "one image")) + " |", "|---|---|---|---|"]
    tasks = ("train", "predict", "predict_one")
    for name, figures in results["nets"].items():
        cells = []
        for task in tasks:
            by_library = figures["milliseconds"].get(task, {})
            if "cnnpy" not in by_library or best_peer(by_library) is None:
                cells.append("")
                continue
            own, peer = by_library["cnnpy"], best_peer(by_library)
            whose = next(LIBRARIES[k] for k, v in by_library.items() if v == peer and k != "cnnpy")
            cells.append(f"{_cell(own)}, {whose} {_cell(peer)}: **{peer / own:.1f}**")
        lines.append(f"| {NETS[name].title}, batch {NETS[name].batch} | " + " | ".join(cells) + " |")
    means = [results["summary"].get(task, {}).get("best peer") for task in tasks]
    cells = ("" if mean is None else f"**{mean:.2f}**" for mean in means)
    return "\n".join([*lines, "| geometric mean of the ratios | " + " | ".join(cells) + " |"]) + "\n"
