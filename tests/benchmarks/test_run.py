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
    assert figures["left_out"] == [] and figures["import_seconds"]["cnnpy"] < 60
    assert figures["machine"]["processor"] and figures["versions"]["cnnpy"]


def test_scaling(tmp_path):
    file = tmp_path / "scaling.json"
    done = run(BENCHMARKS / "run.py", "--scaling", "--quick", "--nets", "base", "--json", file)
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text())
    assert len(figures["batches"]["train"]) == len(figures["batches"]["values"]) == 2
    assert 0 < figures["efficiency"]["base"]["train"] < 2


@pytest.fixture
def modules(monkeypatch):
    """The benchmarks' own modules can be imported."""
    monkeypatch.syspath_prepend(BENCHMARKS)


def test_a_library_that_is_missing_is_left_out(modules):
    from processes import Failed, Worker

    with pytest.raises(Failed, match="nothing: ValueError: the libraries are"):
        Worker("nothing", 1)


def test_a_worker_that_does_not_answer_is_ended(modules):
    from processes import Failed, Worker

    worker = Worker("cnnpy", 1)
    worker.limit = 0
    with pytest.raises(Failed, match="cnnpy: no answer within 0 s"):
        worker.order(build="base")
    assert worker.process.returncode is not None


def test_the_level_reaches_every_library(modules, monkeypatch):
    from processes import environment

    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
    settings = environment(2, "avx2")
    assert settings["OMP_NUM_THREADS"] == "2" and "OMP_WAIT_POLICY" not in settings
    assert settings["CNNPY_CPU_LEVEL"] == "avx2" and settings["OPENBLAS_CORETYPE"] == "Haswell"
    assert settings["ONEDNN_MAX_CPU_ISA"] == "AVX2" and "--xla_cpu_max_isa=AVX2" in settings["XLA_FLAGS"]


def figures_of_two_nets():
    """Figures of two nets as run.py writes them: peers take 2 and 3 times, then 8 and 5 times what cnnpy does."""
    import report

    results = {"nets": {}, "threads": 2, "precision": "float32", "level": None, "versions": {}}
    for net, keras, torch in (("mnist", 2, 3), ("base", 8, 5)):
        figures = {"train": {"cnnpy": 10.0, "keras": 10.0 * keras, "torch": 10.0 * torch}}
        results["nets"][net] = {"milliseconds": figures, "peak_mib": {}, "ratios": report.ratios(figures)}
    results["summary"] = report.summary(results)
    return results | {"machine": {"processor": "a processor"}}


def test_ratios_and_geometric_means(modules):
    import report

    results = figures_of_two_nets()
    assert results["nets"]["base"]["ratios"]["train"] == {"keras": 8, "torch": 5, "best peer": 5}
    means = results["summary"]["train"]
    assert math.isclose(means["keras"], 4) and math.isclose(means["best peer"], math.sqrt(10))
    assert (means["least"], means["least_net"]) == (2, "mnist")
    assert "**5.0**" in report.markdown(results)


def test_the_plot(modules, tmp_path):
    pytest.importorskip("matplotlib")
    figures, picture = tmp_path / "figures.json", tmp_path / "figures.png"
    figures.write_text(json.dumps(figures_of_two_nets()))
    done = run(BENCHMARKS / "plot.py", figures, picture)
    assert done.returncode == 0, done.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_kernels():
    done = run(BENCHMARKS / "kernels.py", "--no-torch", "--repeats", "1", "11")
    assert done.returncode == 0, done.stderr
    assert "32,28,28,6" in done.stdout
