"""kill -9 at random moments of training: the last files load, and the run that goes on ends with the same bits."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

import cnnpy
import trials

PROGRAM = str(trials.ROOT / "tests" / "reliability" / "backup_run.py")


def start(folder):
    process = subprocess.Popen(
        [sys.executable, PROGRAM, str(folder)], stdout=subprocess.PIPE, text=True, env=trials.environment()
    )
    assert process.stdout.readline() == "begins\n"
    return process


def finish(process):
    said = process.communicate(timeout=200)[0]
    assert process.returncode == 0
    return said.strip()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
def test_a_run_killed_again_and_again_ends_with_the_same_bits(tmp_path):
    rng = random.Random(3)
    (tmp_path / "whole").mkdir()
    begin = time.perf_counter()
    expected = finish(start(tmp_path / "whole"))
    length = time.perf_counter() - begin
    kills, runs, most = 0, 0, trials.trials(5)
    while kills < most:
        folder = tmp_path / str(runs)
        folder.mkdir()
        for _ in range(4):  # the same run, killed up to four times
            process = start(folder)
            time.sleep(rng.uniform(0, 0.5 * length))
            if process.poll() is None:
                process.kill()
                kills += 1
            process.communicate()
            check(folder)
            if kills == most:
                break
        assert finish(start(folder)) == expected, f"run {runs}"
        runs += 1
    trials.report(f"{kills} kills in {runs} runs: each file loads, each run ends with the same bits")


def check(folder):
    """Whole files, and besides them at most parts that a killed process could not remove."""
    for name in os.listdir(folder):
        if name == "last.keras":
            model = cnnpy.models.load_model(folder / name)
            assert model.optimizer.built
        else:
            assert name == "backup" or (name.startswith(".") and name.endswith(".part")), name
