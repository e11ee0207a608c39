"""Programs and nets of the reliability tests, and how often these try: $CNNPY_TRIALS."""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np

import cnnpy
from cnnpy import layers

ROOT = Path(__file__).resolve().parents[1]


def trials(ordinary):
    """How often to try: ORDINARY in the suite, $CNNPY_TRIALS when it is set."""
    return int(os.environ.get("CNNPY_TRIALS") or ordinary)


def report(figure):
    """A line for docs/reliability.md, shown with `pytest -s`."""
    print(f"\n{figure}")


def environment(**changes):
    """The environment of a program of this checkout; None takes a variable away."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), *filter(None, [os.environ.get("PYTHONPATH")])])
    variables = {**os.environ, "PYTHONPATH": path, **changes}
    return {name: value for name, value in variables.items() if value is not None}


def run(code, *options, timeout=120, cwd=None, before=(), **changes):
    """The finished process of `python OPTIONS -c CODE`; BEFORE is a command to start it with."""
    command = [*before, sys.executable, *options, "-c", textwrap.dedent(code)]
    env = environment(**changes)
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=timeout, cwd=cwd, errors="replace")


def output(code, *options, **more):
    """What CODE has written, after it has ended well."""
    done = run(code, *options, **more)
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


def data(samples=48, size=12, seed=0):
    """(x, y): images and three classes."""
    rng = np.random.default_rng(seed)
    return rng.random((samples, size, size, 3), dtype="float32"), rng.integers(0, 3, samples)


def net(seed=0, filters=8, size=12, optimizer="adam"):
    """A small compiled network with convolutions, normalisation and dropout, its weights and draws from SEED."""
    model = cnnpy.Sequential(
        [
            layers.Input((size, size, 3)),
            layers.Conv2D(filters, 3, activation="relu", kernel_initializer=_start(seed)),
            layers.BatchNormalization(),
            layers.Conv2D(filters, 3, padding="same", activation="relu", kernel_initializer=_start(seed + 1)),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.25, seed=seed),
            layers.Dense(32, activation="relu", kernel_initializer=_start(seed + 2)),
            layers.Dense(3, activation="softmax", kernel_initializer=_start(seed + 3)),
        ]
    )
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _start(seed):
    return cnnpy.initializers.GlorotUniform(seed=seed)


def same_bits(a, b):
    """Whether two lists of arrays are equal to the bit."""
    return len(a) == len(b) and all(x.tobytes() == y.tobytes() for x, y in zip(a, b))


def wait_for(process_id, seconds):
    """The exit code of a child, or None if it had to be killed after SECONDS."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ended, status = os.waitpid(process_id, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(process_id, 9)
    os.waitpid(process_id, 0)
    return None
