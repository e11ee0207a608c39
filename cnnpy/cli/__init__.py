"""The command `cnnpy`: `cnnpy demo` trains a network in about a minute, `cnnpy info` tells what is installed and used.

What a command needs is imported when it runs, so that `cnnpy --help` answers at once.
"""

import argparse
import os
import sys

OK, FAILED, INTERRUPTED = 0, 1, 130


def main(arguments=None):
    """Runs the command line ARGUMENTS (`sys.argv[1:]` if None) and returns the exit code.

    0 for success, 1 for failure, 2 for a wrong command line, 130 after Ctrl-C.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.run is None:
        parser.print_help()
        return OK
    try:
        return options.run(options)
    except KeyboardInterrupt:
        _complain("stopped")
        return INTERRUPTED
    except BrokenPipeError:  # who read our output has closed it, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FAILED
    except OSError as error:
        _complain(f"cnnpy {options.command}: {error}")
        return FAILED


def _complain(text):
    if sys.stderr is not None:
        print(f"\n{text}" if text == "stopped" else text, file=sys.stderr)


def _parser():
    import cnnpy

    parser = argparse.ArgumentParser(
        prog="cnnpy", description="Convolutional neural networks on the CPU, with Keras's API over a C core."
    )
    parser.add_argument("--version", action="version", version=f"cnnpy {cnnpy.__version__}")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")

    demo = commands.add_parser(
        "demo",
        help="train a network that reads handwritten digits, in about a minute",
        description="Trains a network of two convolutions on handwritten digits, tests it, and draws a picture of how "
        "it went. Uses MNIST if it is on this machine or can be fetched within seconds, else the 1,797 digits that "
        "come with cnnpy.",
    )
    demo.add_argument("--epochs", type=_count, metavar="N", help="passes over the training images (chosen by data set)")
    demo.add_argument("--output", default="cnnpy-demo.png", metavar="FILE", help="the picture, a .png (%(default)s)")
    demo.add_argument(
        "--dataset", choices=("auto", "mnist", "digits"), default="auto", help="what to train on (%(default)s)"
    )
    demo.add_argument(
        "--seed", type=_seed, default=1, metavar="N", help="the same seed gives the same network (%(default)s)"
    )
    demo.set_defaults(run=_demo)

    info = commands.add_parser(
        "info",
        help="versions, processor, threads, data sets",
        description="Prints the versions of cnnpy and what it stands on, what it uses of this machine, and which data "
        "sets are here.",
    )
    info.set_defaults(run=_info)
    return parser


def _count(text):
    return _whole_number(text, 1, 10_000)


def _seed(text):
    return _whole_number(text, 0, 2**32 - 1)


def _whole_number(text, least, most):
    value = int(text) if text.isascii() and text.isdecimal() else None
    if value is None or not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {most}")
    return value


def _demo(options):
    from cnnpy.cli import demo

    return demo.run(options)


def _info(options):
    from cnnpy.cli import info

    return info.run()
