"""Odd surroundings: training, prediction, saving and loading work there, or say why not."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import trials

PROGRAM = """
import pathlib, sys
import trials, cnnpy
ACCENTS = "-\\u00e9\\u4e2d" if sys.getfilesystemencoding() == "utf-8" else ""
x, y = trials.data()
model = trials.net()
history = model.fit(x, y, batch_size=16, epochs=2, validation_split=0.25, verbose=VERBOSE)
model.summary()
path = pathlib.Path("model" + ACCENTS + ".keras")
model.save(path)
again = cnnpy.models.load_model(path)
assert trials.same_bits([model.predict(x, verbose=0)], [again.predict(x, verbose=0)])
(a, b), _ = cnnpy.datasets.digits.load_data()
assert a.shape[0] == 1437 or len(a)
pathlib.Path("result").write_text("fine")
"""
AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0

PLACES = {
    "plain": {},
    "no HOME": {"HOME": None},
    "a HOME that is not there": {"HOME": "/nonexistent/home"},
    "ASCII locale": {"LC_ALL": "C", "LANG": None, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "POSIX locale, ASCII streams": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii:strict"},
    "generic processor": {"CNNPY_CPU_LEVEL": "generic"},
    "no threads": {"OMP_NUM_THREADS": "0"},
    "nonsense for threads": {"OMP_NUM_THREADS": "many"},
    "negative threads": {"OMP_NUM_THREADS": "-3"},
    "a thousand threads": {"OMP_NUM_THREADS": "1000", "OMP_DYNAMIC": "false"},
    "thread limit": {"OMP_THREAD_LIMIT": "1", "OMP_NUM_THREADS": "4"},
    "dumb terminal": {"TERM": "dumb", "COLUMNS": "1"},
    "nonsense for columns": {"COLUMNS": "x", "LINES": "-1"},
    "no temporary folder": {"TMPDIR": "/nonexistent"},
}


def ran(cwd, *options, verbose="1", program=PROGRAM, **more):
    done = trials.run(program.replace("VERBOSE", verbose), *options, cwd=cwd, **more)
    result = Path(cwd) / "result"
    assert done.returncode == 0 and result.read_text() == "fine", (
        f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    )
    return done


@pytest.mark.parametrize("name", PLACES)
def test_environment(name, tmp_path):
    ran(tmp_path, **PLACES[name])


@pytest.mark.parametrize(
    "options", [("-O",), ("-OO",), ("-W", "error"), ("-X", "dev", "-W", "error"), ("-I",), ("-B", "-s")]
)
def test_options_of_python(options, tmp_path):
    program = PROGRAM
    if "-I" in options:  # which takes PYTHONPATH for nothing
        program = f"import sys; sys.path[:0] = {[str(trials.ROOT), str(trials.ROOT / 'tests')]!r}\n{PROGRAM}"
    done = ran(tmp_path, *options, program=program)
    assert "Warning" not in done.stderr


def test_folder_with_blanks_and_accents(tmp_path):
    folder = tmp_path / "mes réseaux – 模型 'x' \"y\""
    folder.mkdir()
    ran(folder, HOME=str(folder), CNNPY_HOME=str(folder / "cache"))


def test_the_package_itself_in_a_folder_with_blanks_and_accents(tmp_path):
    folder = tmp_path / "paquets – 包 of mine"
    shutil.copytree(trials.ROOT / "cnnpy", folder / "cnnpy", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(trials.ROOT / "tests" / "trials.py", folder)
    ran(folder, PYTHONPATH=str(folder))


@pytest.mark.skipif(shutil.which("taskset") is None, reason="no taskset here")
def test_one_core(tmp_path):
    ran(tmp_path, before=("taskset", "-c", str(min(os.sched_getaffinity(0)))), OMP_NUM_THREADS=None)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize("closed", ["0<&-", ">&-", "2>&-", "0<&- >&- 2>&-", ">/dev/full"])
def test_closed_streams(closed, tmp_path):
    """A program without an output trains, predicts and saves all the same."""
    if closed == ">/dev/full":
        program = PROGRAM.replace("model.summary()", "") + "\nimport os; os._exit(0)"
        done = trials.run(
            program.replace("VERBOSE", "1"), cwd=tmp_path, before=("bash", "-c", f'"$@" {closed}', "bash")
        )
        assert (tmp_path / "result").exists() or "No space left" in done.stderr, done.stderr
        return
    ran(tmp_path, before=("bash", "-c", f'"$@" {closed}', "bash"))


REFUSED = """
import os, sys, pathlib, resource, cnnpy, trials
x, y = trials.data()
model = trials.net()
model.fit(x, y, verbose=0)
target = pathlib.Path("model.keras")
model.save(target)
before, weights = target.read_bytes(), model.get_weights()
model.fit(x, y, verbose=0)
PREPARE
for attempt in range(2):
    try:
        model.save(target)
        print("saved")
    except OSError as error:
        print(error)
    try:
        model.fit(x, y, verbose=0, callbacks=[cnnpy.callbacks.ModelCheckpoint("model.keras")])
    except OSError as error:
        print(error)
AFTER
assert target.read_bytes() == before
assert sorted(os.listdir()) == ["model.keras"], os.listdir()
assert trials.same_bits(cnnpy.models.load_model(target).get_weights(), weights)
model.fit(x, y, verbose=0)
"""


def test_a_disk_that_is_full_leaves_the_old_file(tmp_path):
    """The limit on the size of files stands for the end of the disk."""
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (9000, -1))"
    said = trials.output(REFUSED.replace("PREPARE", limit).replace("AFTER", ""), cwd=tmp_path)
    assert said.count("too large") == 4, said
    assert "saved" not in said


def mounted(folder, size):
    """A command that starts another on a disk of SIZE at FOLDER; skips the test where that is forbidden."""
    if not AS_ROOT or shutil.which("unshare") is None:
        pytest.skip("only root mounts disks")
    script = f'mount -t tmpfs -o size={size} tmpfs "{folder}" && cd "{folder}" && exec "$@"'
    command = ("unshare", "-m", "bash", "-c", script, "bash")
    if subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("no mounts here")
    return command


def test_a_small_disk_that_is_full_leaves_the_old_file(tmp_path):
    said = trials.output(REFUSED.replace("PREPARE", "").replace("AFTER", ""), before=mounted(tmp_path, "200k"))
    assert said.count("No space left") == 4, said
    trials.report("full disk: the save is refused, the old file stands")


def test_a_disk_for_reading_alone_leaves_the_old_file(tmp_path):
    change = "__import__('subprocess').run(['mount', '-o', 'remount,{}', os.getcwd()], check=True)"
    program = REFUSED.replace("PREPARE", change.format("ro")).replace("AFTER", change.format("rw"))
    said = trials.output(program, before=mounted(tmp_path, "2m"))
    assert said.count("Read-only file system") == 4, said


def test_a_home_for_reading_alone(tmp_path):
    before = mounted(tmp_path, "2m,ro")
    work = tmp_path.parent / f"{tmp_path.name}-work"
    work.mkdir()
    before = (*before[:4], before[4].replace("exec", f'cd "{work}" && exec'), *before[5:])
    ran(work, before=before, HOME=str(tmp_path))


@pytest.mark.skipif(AS_ROOT, reason="root may write everywhere")
def test_a_folder_without_permission_leaves_the_old_file(tmp_path):
    said = trials.output(
        REFUSED.replace("PREPARE", "os.chmod('.', 0o500)").replace("AFTER", "os.chmod('.', 0o700)"), cwd=tmp_path
    )
    assert said.lower().count("permission") == 4, said


NO_NETWORK = """
import socket, cnnpy
def refuse(*args, **kwargs):
    raise OSError("Network is unreachable")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
try:
    cnnpy.datasets.mnist.load_data()
except cnnpy.datasets.DatasetNotFoundError as error:
    print(error)
try:
    cnnpy.applications.VGG16(weights="imagenet")
except Exception as error:
    print(type(error).__name__, error)
"""


def test_without_a_network_it_is_said_where_the_file_may_be_put(tmp_path):
    said = trials.output(
        NO_NETWORK, HOME=str(tmp_path), CNNPY_DATA_DIR=None, CNNPY_HOME=None, KERAS_HOME=None, cwd=tmp_path
    )
    assert "Network is unreachable" in said and "CNNPY_DATA_DIR" in said, said
    assert "vgg16" in said.lower(), said


def test_a_cache_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    said = trials.output(NO_NETWORK, HOME=None, CNNPY_HOME=str(tmp_path / "file"), CNNPY_DATA_DIR=None, cwd=tmp_path)
    assert str(tmp_path / "file") in said and "CNNPY_HOME" in said, said


def test_a_processor_level_that_is_none_is_refused_with_those_there_are():
    done = trials.run("import cnnpy", CNNPY_CPU_LEVEL="turbo")
    assert done.returncode == 1 and "CNNPY_CPU_LEVEL" in done.stderr and "the best" in done.stderr
