"""Finds OpenBLAS for the extension, wherever the wheel `scipy-openblas32` was installed.

The extension looks beside its own folder; an editable install lies elsewhere, so the library is loaded here first, and
the loader then finds it by its name.
"""

import ctypes
import importlib.util
import os
from pathlib import Path

_THREADS = "OPENBLAS_NUM_THREADS"


def preload():
    """Loads the wheel's OpenBLAS. Does nothing when the wheel is absent (the build may use the system's library).

    cnnpy calls OpenBLAS from threads of its own, so this copy must start none: they would only spin beside the others.
    It reads the number when it is loaded; the variable is put back at once, for other copies in the process.
    """
    spec = importlib.util.find_spec("scipy_openblas32")
    if spec is None or spec.origin is None:
        return
    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = "1"
    try:
        for path in sorted((Path(spec.origin).parent / "lib").glob("libscipy_openblas*")):
            ctypes.CDLL(str(path))
            break
    finally:
        if before is None:
            del os.environ[_THREADS]
        else:
            os.environ[_THREADS] = before
