"""`cnnpy info`: what is installed, what of this machine is used, and which data sets are here."""

import os
import platform

from rich.console import Console
from rich.table import Table
from rich.text import Text

import cnnpy
from cnnpy import _core
from cnnpy.datasets import _files, cifar10, cifar100, fashion_mnist, mnist


def run():
    """Prints the tables; returns the exit code."""
    console = Console()
    for title, rows in (("Versions", _versions()), ("Machine", _machine()), ("Data sets", _data())):
        table = Table(
            title=title, title_justify="left", title_style="bold", show_header=False, box=None, padding=(0, 2)
        )
        table.add_column(style="cyan", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in rows:
            table.add_row(Text(name), Text(value))
        console.print(table)
        console.print()
    return 0


def _versions():
    import numpy

    return [
        ("cnnpy", f"{cnnpy.__version__}  ({os.path.dirname(cnnpy.__file__)})"),
        ("Python", f"{platform.python_version()}  ({platform.system()}, {platform.machine()})"),
        ("NumPy", numpy.__version__),
        ("OpenBLAS", _core.blas_description()),
    ]


def _machine():
    level, levels = _core.get_level(), _core.levels()
    limit = _core.memory_stats()["limit"]
    threads = os.environ.get("OMP_NUM_THREADS")
    return [
        ("processor level", f"{level}  (of {', '.join(levels)}; CNNPY_CPU_LEVEL sets it)"),
        ("convolutions", f"{_core.conv_algorithm()}  (of auto, direct, winograd; CNNPY_CONV_ALGORITHM sets it)"),
        ("threads", f"{_core.get_threads()}  (of {os.cpu_count()} processors; OMP_NUM_THREADS {_or_unset(threads)})"),
        ("OpenMP", "yes" if _core.has_openmp else "no: built without it, so one thread computes"),
        ("memory limit", f"{limit / 2**20:,.0f} MiB" if limit else "none"),
    ]


def _or_unset(value):
    return "is not set" if value is None else f"is {value!r}"


def _data():
    own = _files.data_dir()
    rows = [
        (
            "your own folder",
            f"{own}{'' if own.is_dir() else '  (no such folder)'}" if own else "CNNPY_DATA_DIR is not set",
        ),
        ("cache", _describe_folder(_files.cache_dir(), "CNNPY_HOME")),
        ("Keras's cache", _describe_folder(_files.keras_dir(), "KERAS_HOME")),
    ]
    mnist_remote = _files.RemoteFile("mnist.npz", mnist.SHA256, mnist.SIZE, mnist.ADDRESSES)
    fashion = list(fashion_mnist._remotes().values())
    rows += [
        ("mnist", _where(mnist.find_own, [mnist_remote])),
        ("fashion_mnist", _where(fashion_mnist.find_own, fashion)),
        ("cifar10", _where(cifar10.find_own, [cifar10.REMOTE])),
        ("cifar100", _where(cifar100.find_own, [cifar100.REMOTE])),
        ("digits", "comes with cnnpy"),
    ]
    return rows


def _describe_folder(path, variable):
    if path is None:
        return f"none: there is no home folder, and {variable} is not set"
    return f"{path}{'' if path.is_dir() else '  (not there yet)'}"


def _where(find_own, remotes):
    """Where a data set's files are. Sizes are compared, not contents: that would take seconds."""
    try:
        own = find_own()
    except OSError as error:
        return str(error)
    if own:
        return str(own["x_train"].parent if isinstance(own, dict) else own)
    places = []
    for remote in remotes:
        found = next((path for path in _files.cached_paths(remote) if _has_size(path, remote.size)), None)
        if found is None:
            return "not here; fetched when it is first loaded"
        places.append(found)
    return str(places[0] if len(places) == 1 else places[0].parent)


def _has_size(path, size):
    try:
        return path.stat().st_size == size
    except OSError:
        return False
