"""The first steps of long_run.py, whose figure is in docs/reliability.md."""

import os

import pytest

import trials


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs the memory that Linux tells")
def test_a_thousand_steps_with_validation_and_checkpoints_leave_nothing():
    steps = trials.trials(1500)
    code = f"import sys; sys.path.insert(0, 'tests/reliability'); import long_run; print(long_run.grown({steps}))"
    growth = eval(trials.output(code, cwd=trials.ROOT, timeout=100 + steps))
    assert growth["core"] == growth["threads"] == growth["system threads"] == 0 >= growth["handles"], growth
    assert growth["resident"] < 2 << 20, growth
    trials.report(f"{steps} steps: grown by {growth}")
