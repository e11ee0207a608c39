"""The figures of a comparison as text, and what they come to."""

import math

from libraries import LIBRARIES
from nets import APPLICATIONS, NETS

BUSY = 0.5  # load of the machine before the benchmark adds its own

TITLES = {
    "train": "training step",
    "fit": "step of fit",
    "predict": "prediction of a batch",
    "predict_one": "prediction of one image",
    "predict_api": "predict() of one image",
    "peak_mib": "peak memory, MiB",
}


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def best_peer(by_library):
    """The smallest figure of the others, None if there are none."""
    others = [v for k, v in by_library.items() if k != "cnnpy"]
    return min(others) if others else None


def ratios(figures):
    """{task: {peer or 'best peer': its figure over cnnpy's}} of {task: {library: figure}}; above 1, cnnpy is better."""
    result = {}
    for task, by_library in figures.items():
        own, peer = by_library.get("cnnpy"), best_peer(by_library)
        if own and peer is not None:
            result[task] = {k: v / own for k, v in by_library.items() if k != "cnnpy"} | {"best peer": peer / own}
    return result


def head(results):
    machine = results["machine"]
    caches = ", ".join(f"{k} {v}" for k, v in machine["caches"].items())
    print(f"{machine['processor']}, {machine['cores']} cores, {caches}; levels {', '.join(machine['levels'])}")
    if machine["load"] and machine["load"] > BUSY:
        print(f"the machine is busy (load {machine['load']:.1f}): the figures are less certain for it")
    held = f", held to {results['level']}" if results["level"] else ""
    print(
        f"{results['threads']} threads each, {results['precision']}{held}; medians of {results['rounds']} rounds in "
        "turn, milliseconds; in brackets what it is in times of cnnpy's",
        flush=True,
    )


def _row(title, by_library, against, digits=2):
    cells = [f"{k} {v:.{digits}f}" + (f" ({against[k]:.2f})" if k in against else "") for k, v in by_library.items()]
    best = f"best {against['best peer']:.2f}" if against else ""
    print(f"  {title:24}" + "".join(f"{cell:<30}" for cell in cells) + best, flush=True)


def net(name, figures):
    print(f"\n{name}: {NETS[name].title}, batch {NETS[name].batch}")
    for task, by_library in figures["milliseconds"].items():
        _row(TITLES[task], by_library, figures["ratios"].get(task, {}))
    if figures["peak_mib"]:
        _row(TITLES["peak_mib"], figures["peak_mib"], figures["ratios"].get("peak_mib", {}), 0)


def summary(results):
    """{task: {library or 'best peer': geometric mean of its figure over cnnpy's, 'least': the smallest of a net's best
    peer, 'least_net': that net}}. The nets of `applications` count only where no others were timed."""
    collected = {}
    nets = [name for name in results["nets"] if name not in APPLICATIONS] or list(results["nets"])
    for name in nets:
        for task, against in results["nets"][name]["ratios"].items():
            for library, ratio in against.items():
                collected.setdefault(task, {}).setdefault(library, {})[name] = ratio
    result = {}
    for task, by_library in collected.items():
        best = by_library["best peer"]
        least = min(best, key=best.get)
        result[task] = {library: geometric_mean(by_net.values()) for library, by_net in by_library.items()}
        result[task] |= {"least": best[least], "least_net": least}
    return result


def tail(results):
    print("\n" + ", ".join(f"{LIBRARIES[k]} {v}" for k, v in results["versions"].items()))
    if results.get("import_seconds"):
        seconds = results["import_seconds"]
        _row("import, s", seconds, ratios({"": seconds}).get("", {}))
    if results.get("learning"):
        seconds = {k: run["seconds"] for k, run in results["learning"].items()}
        _row("99 % on MNIST, s", seconds, ratios({"": seconds}).get("", {}), 1)
        for library, run in results["learning"].items():
            missed = "" if run["reached"] else ", not reached"
            print(f"    {library}: {run['steps']} steps, {100 * run['accuracy']:.2f} %{missed}")
    if results["summary"]:
        print("\ngeometric means of the peers' figures over cnnpy's, and the smallest ratio to a net's best peer")
    for task, means in results["summary"].items():
        cells = [f"{k} {v:.2f}" for k, v in means.items() if k not in ("least", "least_net")]
        least = f"least {means['least']:.2f}, {means['least_net']}"
        print(f"  {TITLES[task]:24}" + "".join(f"{cell:<22}" for cell in cells) + least)
    if results["left_out"]:
        print("\nleft out: " + "; ".join(results["left_out"]))


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
