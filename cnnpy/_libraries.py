"""How the shared libraries under the extension are found, and what they are told while they load.

The extension looks for OpenBLAS beside its own folder; an editable install lies elsewhere, so the library of the wheel
`scipy-openblas32` is loaded here first, and the loader then finds it by its name.
"""

import contextlib
import ctypes
import importlib.util
import os
from pathlib import Path

# Read by the libraries when they are loaded, and put back afterwards for other copies in the process.
# - cnnpy calls OpenBLAS from threads of its own, so this copy must start none: they would only spin beside the others.
# - GNU OpenMP's threads spin for milliseconds before they sleep. A third of a millisecond bridges the gap from one op
#   to the next, and leaves the cores to others when they are busy.
_SETTINGS = {"OPENBLAS_NUM_THREADS": "1", "GOMP_SPINCOUNT": "20000"}


def _preload_openblas():
    """Does nothing when the wheel is absent (the build may use the system's library)."""
    spec = importlib.util.find_spec("scipy_openblas32")
    if spec is None or spec.origin is None:
        return
    for path in sorted((Path(spec.origin).parent / "lib").glob("libscipy_openblas*")):
        ctypes.CDLL(str(path))
        return


@contextlib.contextmanager
def loading():
    """The extension is imported inside this. A user's own OMP_WAIT_POLICY or GOMP_SPINCOUNT stands."""
    settings = dict(_SETTINGS)
    if "OMP_WAIT_POLICY" in os.environ or "GOMP_SPINCOUNT" in os.environ:
        del settings["GOMP_SPINCOUNT"]
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        _preload_openblas()
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
