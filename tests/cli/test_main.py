"""The command line as such: help, version, wrong arguments, exit codes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import cnnpy
from cnnpy import cli

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    command = [sys.executable, "-m", "cnnpy", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, **options)


def test_version(capsys):
    with pytest.raises(SystemExit) as done:
        cli.main(["--version"])
    assert done.value.code == 0 and capsys.readouterr().out == f"cnnpy {cnnpy.__version__}\n"


@pytest.mark.parametrize("arguments, words", [([], ["demo", "info"]), (["--help"], ["demo", "info"]),
                                              (["demo", "--help"], ["--epochs", "--output", "--dataset", "--seed"]),
                                              (["info", "--help"], ["versions"])])  # fmt: skip
def test_help(arguments, words):
    done = run(*arguments)
    assert done.returncode == 0 and not done.stderr
    assert all(word in done.stdout for word in words)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["nothing"], "invalid choice: 'nothing'"),
        (["demo", "--epochs", "0"], "'0' is no whole number from 1 to 10000"),
        (["demo", "--epochs", "1.5"], "'1.5' is no whole number"),
        (["demo", "--seed", "-1"], "--seed"),
        (["demo", "--seed", "4294967296"], "from 0 to 4294967295"),
        (["demo", "--dataset", "cifar"], "invalid choice: 'cifar'"),
    ],
)
def test_wrong_arguments(arguments, message, capsys):
    with pytest.raises(SystemExit) as done:
        cli.main(arguments)
    assert done.value.code == 2 and message in capsys.readouterr().err


def test_interruption(monkeypatch, capsys):
    def interrupt(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_info", interrupt)
    assert cli.main(["info"]) == 130
    assert capsys.readouterr().err == "\nstopped\n"


def test_errors_of_the_system_are_told_in_a_line(monkeypatch, capsys):
    def fail(options):
        raise OSError("no such luck")

    monkeypatch.setattr(cli, "_info", fail)
    assert cli.main(["info"]) == 1
    assert capsys.readouterr().err == "cnnpy info: no such luck\n"


def test_reader_that_goes_away():
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = f"'{sys.executable}' -u -m cnnpy info | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment, timeout=60)
    assert done.stdout == "V" and not done.stderr
