"""Several processes at one model file: whoever reads it finds a whole one. Downloads: tests/datasets."""

import os
import subprocess
import sys

import pytest

import trials

PROGRAM = """
import os, sys, time
import cnnpy, trials
role, seed, path, seconds = sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4])
model, known = trials.net(seed), [trials.net(i).get_weights() for i in range(2)]
print("ready", flush=True)
sys.stdin.readline()
end, done = time.monotonic() + seconds, 0
while time.monotonic() < end:
    if role == "write":
        model.save(path)
    else:
        loaded = cnnpy.models.load_model(path).get_weights()
        assert any(trials.same_bits(loaded, weights) for weights in known)
    done += 1
print(done)
"""


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_two_write_a_model_and_two_read_it(ending, tmp_path):
    path = tmp_path / f"model{ending}"
    trials.net().save(path)
    seconds = trials.trials(5) / 10
    processes = []
    for role, seed in (("write", 0), ("write", 1), ("read", 0), ("read", 1)):
        command = [sys.executable, "-c", PROGRAM, role, str(seed), str(path), str(seconds)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        processes.append(subprocess.Popen(command, text=True, env=trials.environment(), **pipes))
    for process in processes:
        assert process.stdout.readline() == "ready\n", process.communicate()
    counts = []
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        out, err = process.communicate(timeout=60 + seconds)
        assert process.returncode == 0, err
        counts.append(int(out))
    assert os.listdir(tmp_path) == [path.name] and min(counts) > 0
    trials.report(f"{ending}: {sum(counts[:2])} saves and {sum(counts[2:])} loads at once: each load a whole model")
