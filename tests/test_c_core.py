"""Builds the C core without Python and runs the tests of tests/c. `tests/c/run.sh sanitize` is the thorough form."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parent / "c" / "run.sh"


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(shutil.which, ("cc", "make", "ar", "bash"))), reason="needs a C compiler, make and bash"
)
@pytest.mark.skipif(platform.system() != "Linux", reason="the Makefile knows Linux's linker only")
def test_c_core():
    environment = {**os.environ, "PYTHON": sys.executable, "LEVELS": "generic", "CFLAGS": "-O1"}
    environment["BUILD"] = str(RUN.parents[2] / "build" / "c-tests" / "pytest")
    done = subprocess.run([str(RUN), "plain"], capture_output=True, text=True, env=environment, timeout=1200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split() == sorted(path.stem for path in RUN.parent.glob("test_*.c"))
