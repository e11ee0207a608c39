"""The benchmarks run and write what they say; nothing is asserted about times."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"

pytestmark = pytest.mark.skipif(not BENCHMARKS.exists(), reason="the benchmarks are not part of an installed package")


def run(*arguments):
    return subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, timeout=300)


def test_a_comparison(tmp_path):
    file = tmp_path / "figures.json"
    done = run(BENCHMARKS / "run.py", "--quick", "--nets", "base", "--libraries", "cnnpy", "--json", file)
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text())
    net = figures["nets"]["base"]
    assert set(net["milliseconds"]) == {"train", "fit", "predict", "predict_one", "predict_api"}
    numbers = [by["cnnpy"] for by in net["milliseconds"].values()] + [net["peak_mib"]["cnnpy"]]
    assert all(math.isfinite(n) and n > 0 for n in numbers)
    assert figures["machine"]["processor"] and figures["versions"]["cnnpy"]


def test_scaling(tmp_path):
    file = tmp_path / "scaling.json"
    done = run(BENCHMARKS / "run.py", "--scaling", "--quick", "--nets", "base", "--json", file)
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text())
    assert len(figures["batches"]["train"]) == len(figures["batches"]["values"]) == 2
    assert 0 < figures["efficiency"]["base"]["train"] < 2


def test_a_library_that_is_missing_is_left_out(tmp_path):
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from processes import Failed, Worker

        with pytest.raises(Failed, match="nothing: its process ended"):
            Worker("nothing", 1)
    finally:
        sys.path.remove(str(BENCHMARKS))


def test_kernels():
    done = run(BENCHMARKS / "kernels.py", "--no-torch", "--repeats", "1", "11")
    assert done.returncode == 0, done.stderr
    assert "32,28,28,6" in done.stdout
