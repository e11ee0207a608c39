"""Runs the command `cnnpy` of this checkout in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run(*arguments, env=None):
    """The finished process of `python -m cnnpy ARGUMENTS`, with ENV added to the environment."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
    command = [sys.executable, "-m", "cnnpy", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
