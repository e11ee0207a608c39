"""The processes in which libraries run, and what they are told about the machine."""

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path

WORKER = Path(__file__).with_name("worker.py")


class Failed(Exception):
    """A library is missing, ended, or did not answer in time."""


def environment(threads, level=None):
    """The variables of a worker: THREADS for all, and a processor LEVEL ('avx2') for all that can be held to one."""
    # OpenBLAS is left to choose its kernels by the processor, whatever the environment says.
    own = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    own |= {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    if level:
        name = level.upper()
        own |= {"CNNPY_CPU_LEVEL": level, "ONEDNN_MAX_CPU_ISA": name, "ATEN_CPU_CAPABILITY": level}
        own["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_max_isa={name}".strip()
    return own


class Worker:
    """A library in a process of its own, which answers each order within LIMIT seconds or is ended."""

    def __init__(self, library, threads, level=None, precision="float32", limit=300, arguments=()):
        self.library, self.limit = library, limit
        self.start = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER), library, str(threads), precision, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(threads, level),
        )
        self.version = self.answer()["version"]

    def answer(self):
        ready, _, _ = select.select([self.process.stdout], [], [], self.limit)
        line = self.process.stdout.readline() if ready else ""
        if not line:
            self.process.kill()
            self.close()
            what = "its process ended" if ready else f"no answer within {self.limit} s"
            raise Failed(f"{self.library}: {what}; `python benchmarks/worker.py {self.library} 2 float32` shows why")
        return json.loads(line)

    def order(self, **order):
        with contextlib.suppress(BrokenPipeError):  # `answer` tells
            print(json.dumps(order), file=self.process.stdin, flush=True)
        return self.answer()

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def seconds_of_import(statement, threads):
    """How long a fresh Python takes for STATEMENT, less an empty one; the best of three."""
    best = {}
    for code in ("pass", statement) * 3:
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", code], env=environment(threads), capture_output=True, check=False)
        if done.returncode:
            raise Failed(f"{statement}: failed")
        best[code] = min(best.get(code, float("inf")), time.perf_counter() - start)
    return best[statement] - best["pass"]
