"""Finds OpenBLAS for the extension, wherever the wheel `scipy-openblas32` was installed.

The extension looks beside its own folder; an editable install lies elsewhere, so the library is loaded here first, and
the loader then finds it by its name.
"""

import ctypes
import importlib.util
from pathlib import Path


def preload():
    """Loads the wheel's OpenBLAS. Does nothing when the wheel is absent (the build may use the system's library)."""
    spec = importlib.util.find_spec("scipy_openblas32")
    if spec is None or spec.origin is None:
        return
    for path in sorted((Path(spec.origin).parent / "lib").glob("libscipy_openblas*")):
        ctypes.CDLL(str(path))
        return
