import pytest
from test_main import run

import cnnpy
from cnnpy import _core, cli


@pytest.fixture(autouse=True)
def bare(tmp_path, monkeypatch):
    for name in ("CNNPY_DATA_DIR", "CNNPY_HOME", "KERAS_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")


def rows(capsys):
    """`{name: value}` of what `cnnpy info` prints."""
    assert cli.main(["info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    return dict(line.strip().split("   ", 1) for line in lines if "   " in line.strip())


def test_versions_and_machine(capsys):
    found = {name: value.strip() for name, value in rows(capsys).items()}
    assert found["cnnpy"].startswith(cnnpy.__version__)
    assert found["processor level"].startswith(_core.get_level())
    assert found["threads"].startswith(str(_core.get_threads()))
    assert found["memory limit"] == "none"
    assert "OpenBLAS" in found["OpenBLAS"]


def test_memory_limit(capsys):
    _core.memory_set_limit(3 << 30)
    try:
        assert rows(capsys)["memory limit"].strip() == "3,072 MiB"
    finally:
        _core.memory_set_limit(None)


def test_where_data_sets_are(tmp_path, monkeypatch, capsys):
    own = tmp_path / "own"
    own.mkdir()
    (own / "mnist.npz").touch()
    (own / "cifar-10-batches-py").mkdir()
    monkeypatch.setenv("CNNPY_DATA_DIR", str(own))
    found = {name: value.strip() for name, value in rows(capsys).items()}
    assert found["your own folder"] == str(own)
    assert found["cache"] == f"{tmp_path}/.cnnpy/datasets  (not there yet)"
    assert found["mnist"] == str(own / "mnist.npz")
    assert found["cifar10"] == str(own / "cifar-10-batches-py")
    assert found["fashion_mnist"] == found["cifar100"] == "not here; fetched when it is first loaded"


def test_files_in_the_cache_count_by_their_size(tmp_path, capsys):
    folder = tmp_path / ".keras/datasets"
    folder.mkdir(parents=True)
    with open(folder / "cifar-100-python.tar.gz", "wb") as file:
        file.truncate(169_001_437)
    (folder / "mnist.npz").write_bytes(b"cut short")
    found = rows(capsys)
    assert found["cifar100"].strip() == str(folder / "cifar-100-python.tar.gz")
    assert found["mnist"].strip().startswith("not here")


def test_idx_files_that_are_not_complete(tmp_path, monkeypatch, capsys):
    (tmp_path / "t10k-images-idx3-ubyte").touch()
    monkeypatch.setenv("CNNPY_DATA_DIR", str(tmp_path))
    assert "lacks train-images" in rows(capsys)["mnist"]


@pytest.mark.parametrize(
    "environment", [{"LC_ALL": "C", "PYTHONUTF8": "0"}, {"PYTHONOPTIMIZE": "1"}, {"HOME": "/nonexistent"}]
)
def test_odd_environments(environment):
    done = run("info", env=environment)
    assert done.returncode == 0 and not done.stderr
