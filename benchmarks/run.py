"""Times cnnpy, Keras on TensorFlow, PyTorch (eager and compiled) and Keras on JAX side by side.

    python benchmarks/run.py [--nets mnist cifar10] [--libraries cnnpy keras torch] [--tasks train predict]
                             [--rounds 7] [--threads 2] [--level avx2] [--precision bfloat16]
                             [--json FILE] [--plot FILE] [--markdown FILE] [--quick]
    python benchmarks/run.py --scaling [--json FILE] [--plot FILE]

Each library runs in its own process with the same number of threads. They take turns (A B C A B C ...), a few steps
each, so that a change of the machine's speed meets all alike; medians over the rounds and their ratios are printed.
Peers come with `pip install ".[benchmarks]"`; one that is missing or fails is named and left out.
"""

import argparse
import json
from pathlib import Path

import machine
import report
import scaling
from comparison import EXTRAS, TASKS, Comparison
from libraries import LIBRARIES
from nets import APPLICATIONS, NETS


def default_nets():
    """All but those of cnnpy.applications that are not there, which are named."""
    nets = list(NETS)
    for name, title in APPLICATIONS.items():
        if not machine.has_application(title):
            nets.remove(name)
            print(f"{title}: not there yet in cnnpy.applications, left out (--nets {name} times it, made of layers)")
    return nets


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", nargs="+", choices=NETS, help="all by default")
    parser.add_argument("--libraries", nargs="+", choices=LIBRARIES, help="all by default")
    parser.add_argument("--tasks", nargs="+", choices=[*TASKS, *EXTRAS], help="all by default")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--level", choices=["avx2"], help="hold all libraries to this processor level")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--scaling", action="store_true", help="cnnpy by threads, batch sizes and image sizes")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--plot", type=Path, help="draw them into this PNG file")
    parser.add_argument("--markdown", type=Path, help="write a table of them into this file")
    parser.add_argument("--quick", action="store_true", help="one round of few steps, to see that all works")
    options = parser.parse_args()
    if options.scaling and (options.libraries or options.tasks or options.markdown):
        parser.error("--scaling measures cnnpy alone, its own tasks, and has no table: leave out the options of these")
    if options.rounds < 1 or options.threads < 1:
        parser.error("--rounds and --threads are at least 1")
    options.nets = options.nets or default_nets()
    options.libraries = options.libraries or list(LIBRARIES)
    options.tasks = options.tasks or [*TASKS, *EXTRAS]
    if options.quick:
        options.rounds = 1
    return options


def main():
    options = parse()
    results = scaling.measure(options) if options.scaling else Comparison(options).run()
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(report.markdown(results))
    if options.plot:
        import plot

        (plot.draw_scaling if options.scaling else plot.draw)(results, options.plot)


if __name__ == "__main__":
    main()
