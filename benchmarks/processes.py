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
# Settings of threads, and of how they wait, that a shell may hold: each library has its own defaults here.
OTHERS_SETTINGS = ("OMP_", "GOMP_", "KMP_", "OPENBLAS_", "MKL_")
LIMIT = 300  # seconds for an answer: compiling a large net takes a minute


class Failed(Exception):
    """A library is missing, ended, or did not answer in time."""


def environment(threads, level=None):
    """The variables of a worker: THREADS for all, and a processor LEVEL ('avx2') for all that can be held to one."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(OTHERS_SETTINGS)}
    own |= {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    if level == "avx2":
        own |= {"CNNPY_CPU_LEVEL": "avx2", "OPENBLAS_CORETYPE": "Haswell", "ATEN_CPU_CAPABILITY": "avx2"}
        own |= {"ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
        own["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_max_isa=AVX2".strip()
    return own


class Worker:
    """A library in a process of its own, which answers each order within LIMIT seconds or is ended."""

    def __init__(self, library, threads, level=None, precision="float32", limit=LIMIT):
        self.library, self.limit = library, limit
        self.start = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER), library, str(threads), precision],
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
        whole = line.endswith("\n")  # a process that is ended may leave half a line
        answer = json.loads(line) if whole else {}
        if whole and "error" not in answer:
            return answer
        self.process.kill()
        self.close()
        what = "its process ended" if ready else f"no answer within {self.limit} s"
        raise Failed(f"{self.library}: {answer.get('error', what)}")

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

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def seconds_of(code, threads):
    """How long a fresh Python takes for CODE."""
    command, start = [sys.executable, "-c", code], time.perf_counter()
    try:
        done = subprocess.run(command, env=environment(threads), capture_output=True, check=False, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        raise Failed(f"{code}: not done within {LIMIT} s") from None
    if done.returncode:
        raise Failed(f"{code}: {done.stderr.decode(errors='replace').strip().splitlines()[-1:]}")
    return time.perf_counter() - start
