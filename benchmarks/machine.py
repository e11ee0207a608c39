"""What the benchmarks say of the machine, and where its data are."""

import os
import platform
from pathlib import Path


def _lines(path):
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def processor():
    for line in _lines("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def caches():
    """{"L1d": "32K", "L2": ..., "L3": ...} of the first processor, as far as the system tells."""
    found = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ("".join(_lines(folder / name)) for name in ("level", "type", "size"))
        found[f"L{level}{'' if kind == 'Unified' else kind[:1].lower()}"] = size
    return found


def describe():
    from cnnpy import _core

    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "caches": caches(),
        "levels": list(_core.levels()),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def has_application(name):
    """Whether cnnpy.applications has the network NAME."""
    import cnnpy

    return hasattr(getattr(cnnpy, "applications", None), name)


def mnist_file():
    """mnist.npz in $CNNPY_DATA_DIR or where Keras keeps it, or None."""
    places = [os.environ.get("CNNPY_DATA_DIR"), "~/.cnnpy/datasets", "~/.keras/datasets"]
    for place in filter(None, places):
        path = Path(place).expanduser() / "mnist.npz"
        if path.exists():
            return path
    return None
