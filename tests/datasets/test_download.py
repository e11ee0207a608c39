"""Caches and downloads, from a server on this machine: sound, broken, absent, and many processes at once."""

import hashlib
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import dataset_files as files
import trials
from cnnpy.datasets import DatasetNotFoundError, _download, cifar10, cifar100, fashion_mnist, mnist

ARRAYS = files.mnist_arrays()
CONTENT = files.npz_bytes(ARRAYS)
ROOT = Path(__file__).resolve().parents[2]


def assert_loads(loaded):
    np.testing.assert_array_equal(loaded[0][0], ARRAYS["x_train"])
    np.testing.assert_array_equal(loaded[1][1], ARRAYS["y_test"])


def assert_nothing_left_but(folder, *names):
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


def test_published_hashes_and_sizes():
    remotes = [cifar10.REMOTE, cifar100.REMOTE, *fashion_mnist._remotes().values()]
    assert all(len(bytes.fromhex(remote.sha256)) == 32 and remote.size > 5000 for remote in remotes)
    addresses = [address for remote in remotes for address in remote.addresses] + list(mnist.ADDRESSES)
    assert all(address.startswith("https://") for address in addresses)


def test_download_and_then_the_cache(server, publish, cache, capfd):
    publish(CONTENT, f"{server.base}/mnist.npz")
    server.files["/mnist.npz"] = CONTENT
    assert_loads(mnist.load_data())
    assert f"downloading mnist.npz ({len(CONTENT) / 1e6:.1f} MB) from {server.base}/mnist.npz" in capfd.readouterr().err
    assert_loads(mnist.load_data())
    assert server.requests == ["/mnist.npz"]
    assert_nothing_left_but(cache, "mnist.npz")
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((cache / "mnist.npz").stat().st_mode) == 0o666 & ~umask


def test_another_name_in_the_cache(server, publish, cache):
    publish(CONTENT, f"{server.base}/mnist.npz")
    server.files["/mnist.npz"] = CONTENT
    assert_loads(mnist.load_data("other.npz"))
    assert_nothing_left_but(cache, "other.npz")


@pytest.mark.parametrize("variable, folder", [(None, "home/.keras/datasets"), ("KERAS_HOME", "k/datasets")])
def test_cache_of_keras(publish, tmp_path, monkeypatch, variable, folder):
    publish(CONTENT)
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "k"))
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "mnist.npz").write_bytes(CONTENT)
    assert_loads(mnist.load_data())


def test_cifar_in_the_cache_of_keras(tmp_path, monkeypatch):
    content = files.tar_bytes(files.cifar10_members())
    remote = cifar10._files.RemoteFile("cifar-10-python.tar.gz", hashlib.sha256(content).hexdigest(), len(content), (),
                                       other_names=cifar10.REMOTE.other_names)  # fmt: skip
    monkeypatch.setattr(cifar10, "REMOTE", remote)
    folder = tmp_path / "home/.keras/datasets"
    folder.mkdir(parents=True)
    (folder / "cifar-10-batches-py-target_archive").write_bytes(content)
    assert cifar10.load_data()[0][0].shape == (15, 32, 32, 3)


def test_altered_file_in_the_cache_is_replaced(server, publish, cache):
    publish(CONTENT, f"{server.base}/mnist.npz")
    server.files["/mnist.npz"] = CONTENT
    cache.mkdir(parents=True)
    (cache / "mnist.npz").write_bytes(CONTENT[:-1] + b"x")
    assert_loads(mnist.load_data())
    assert (cache / "mnist.npz").read_bytes() == CONTENT


def test_altered_file_in_the_cache_without_a_network(publish, cache):
    publish(CONTENT, "http://127.0.0.1:9/mnist.npz")
    cache.mkdir(parents=True)
    (cache / "mnist.npz").write_bytes(bytes(len(CONTENT)))
    with pytest.raises(DatasetNotFoundError, match=r"mnist.npz \(its size or SHA-256 is not the published one\)"):
        mnist.load_data()
    assert (cache / "mnist.npz").read_bytes() == bytes(len(CONTENT))


def test_no_network_says_what_was_tried_and_what_to_do(cache):
    with pytest.raises(DatasetNotFoundError) as caught:
        mnist.load_data()
    text = str(caught.value)
    assert isinstance(caught.value, OSError)
    assert "mnist.npz (11,490,434 bytes) is not on this machine and could not be downloaded" in text
    assert "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz (" in text
    assert "CNNPY_DATA_DIR (not set)" in text and "refused" in text
    assert f"fetch the file elsewhere and put it at\n  {cache / 'mnist.npz'}\n" in text
    for load, name in ((cifar10.load_data, "cifar-10-python"), (cifar100.load_data, "cifar-100-python")):
        with pytest.raises(DatasetNotFoundError, match=f"toronto.edu/~kriz/{name}.tar.gz"):
            load()
    with pytest.raises(DatasetNotFoundError, match=r"(?s)googleapis.*zalandoresearch.*fashion-mnist/train-images-idx3"):
        fashion_mnist.load_data()
    assert_nothing_left_but(cache, "fashion-mnist")


def test_user_folder_that_does_not_exist(monkeypatch):
    monkeypatch.setenv("CNNPY_DATA_DIR", "/no/such folder")
    with pytest.raises(DatasetNotFoundError, match=r"CNNPY_DATA_DIR=/no/such folder \(no such folder\)"):
        mnist.load_data()


def cut_short(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(CONTENT)))
    handler.end_headers()
    handler.wfile.write(CONTENT[:100])


def endless(handler):
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(bytes(1 << 16))
    except OSError:
        pass


def to_plain_http(handler):
    handler.send_response(302)
    handler.send_header("Location", "http://example.com/mnist.npz")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


@pytest.mark.parametrize(
    "answer, match",
    [
        (None, "Not Found"),
        (CONTENT[:-1], "offers .* bytes, expected"),
        (bytes(len(CONTENT)), "SHA-256 is .*, expected"),
        (cut_short, "sent 100 of"),
        (endless, "sends more than"),
        (to_plain_http, "refused: http://example.com/mnist.npz is not an https address"),
    ],
)
def test_broken_answers_then_a_good_mirror(server, publish, cache, answer, match):
    server.files["/bad"] = answer
    publish(CONTENT, f"{server.base}/bad")
    with pytest.raises(DatasetNotFoundError, match=rf"{server.base}/bad \(.*{match}"):
        mnist.load_data()
    assert_nothing_left_but(cache)
    server.files["/good"] = CONTENT
    publish(CONTENT, f"{server.base}/bad", f"{server.base}/good")
    assert_loads(mnist.load_data())
    assert_nothing_left_but(cache, "mnist.npz")


def test_addresses_other_than_https_are_refused(publish):
    publish(CONTENT, "http://example.com/mnist.npz", "file:///etc/passwd", "ftp://127.0.0.1/x")
    with pytest.raises(DatasetNotFoundError) as caught:
        mnist.load_data()
    assert str(caught.value).count("is not an https address") == 3


def test_server_that_stalls(server, publish, cache):
    stop = threading.Event()
    server.files["/slow"] = lambda handler: stop.wait(20)
    publish(CONTENT, f"{server.base}/slow")
    start = time.monotonic()
    with pytest.raises(DatasetNotFoundError, match="timed out"):
        mnist.load(limits=_download.Limits(timeout=0.2))
    stop.set()
    assert time.monotonic() - start < 5
    assert_nothing_left_but(cache)


def test_deadline(server, publish, cache):
    server.files["/mnist.npz"] = CONTENT
    publish(CONTENT, f"{server.base}/mnist.npz")
    with pytest.raises(DatasetNotFoundError, match="took too long"):
        mnist.load(limits=_download.Limits(deadline=time.monotonic() - 1))
    assert_nothing_left_but(cache)


def test_interrupt_leaves_nothing(server, publish, cache, monkeypatch):
    server.files["/mnist.npz"] = CONTENT
    publish(CONTENT, f"{server.base}/mnist.npz")

    def interrupt(limits):
        raise KeyboardInterrupt

    monkeypatch.setattr(_download.Limits, "check", interrupt)
    with pytest.raises(KeyboardInterrupt):
        mnist.load_data()
    assert_nothing_left_but(cache)


def test_parts_left_by_killed_processes_are_removed_after_a_day(server, publish, cache):
    server.files["/mnist.npz"] = CONTENT
    publish(CONTENT, f"{server.base}/mnist.npz")
    cache.mkdir(parents=True)
    old, new = cache / ".mnist.npz.1.a.part", cache / ".mnist.npz.2.b.part"
    for path in (old, new):
        path.write_bytes(b"x")
    os.utime(old, (1e9, 1e9))
    mnist.load_data()
    assert_nothing_left_but(cache, "mnist.npz", new.name)


def test_folder_that_cannot_be_made(server, publish, tmp_path, monkeypatch):
    server.files["/mnist.npz"] = CONTENT
    publish(CONTENT, f"{server.base}/mnist.npz")
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("CNNPY_HOME", str(tmp_path / "file"))
    with pytest.raises(DatasetNotFoundError, match=r"cannot write to .*file/datasets .*set CNNPY_HOME"):
        mnist.load_data()
    assert not server.requests


def test_home_that_cannot_be_written(server, publish, tmp_path, monkeypatch):
    server.files["/mnist.npz"] = CONTENT
    publish(CONTENT, f"{server.base}/mnist.npz")
    monkeypatch.setenv("CNNPY_HOME", "/proc/nothing")
    with pytest.raises(DatasetNotFoundError, match=r"cannot write to /proc/nothing/datasets .*set CNNPY_HOME"):
        mnist.load_data()


def test_no_home(server, publish, tmp_path, monkeypatch):
    publish(CONTENT, f"{server.base}/mnist.npz")
    server.files["/mnist.npz"] = CONTENT
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as for a user without an entry in the system
    with pytest.raises(DatasetNotFoundError, match="there is no home folder to keep it in; set CNNPY_HOME"):
        mnist.load_data()
    monkeypatch.setenv("CNNPY_HOME", str(tmp_path / "c"))
    assert_loads(mnist.load_data())


def test_full_disk(server, publish, cache, monkeypatch):
    server.files["/mnist.npz"] = CONTENT
    publish(CONTENT, f"{server.base}/mnist.npz")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DatasetNotFoundError, match=r"mnist\.npz: No space left on device"):
        mnist.load_data()
    assert_nothing_left_but(cache)


@pytest.mark.parametrize("stream", ["none", "closed"])
def test_no_stderr(server, publish, monkeypatch, stream):
    server.files["/mnist.npz"] = CONTENT
    publish(CONTENT, f"{server.base}/mnist.npz")
    with open(os.devnull, "w") as closed:
        pass
    monkeypatch.setattr(sys, "stderr", None if stream == "none" else closed)
    assert_loads(mnist.load_data())


def test_progress_bar_on_a_terminal(server, publish, monkeypatch, capfd):
    server.files["/mnist.npz"] = CONTENT
    publish(CONTENT, f"{server.base}/mnist.npz")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    assert_loads(mnist.load_data())
    assert "mnist.npz" in capfd.readouterr().err


PROCESS = """
import sys
from cnnpy.datasets import mnist
mnist.SHA256, mnist.SIZE, mnist.ADDRESSES = sys.argv[1], int(sys.argv[2]), (sys.argv[3],)
(x_train, _), (_, y_test) = mnist.load_data()
print(x_train.shape, len(y_test))
"""


def start(server):
    arguments = [hashlib.sha256(CONTENT).hexdigest(), str(len(CONTENT)), f"{server.base}/mnist.npz"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", PROCESS, *arguments], env=environment, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)  # fmt: skip


def slowly(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(CONTENT)))
    handler.end_headers()
    try:
        for start in range(0, len(CONTENT), 2048):
            handler.wfile.write(CONTENT[start : start + 2048])
            time.sleep(0.05)
    except OSError:
        pass


@pytest.mark.parametrize("locks", [True, False])
def test_many_processes_at_once(server, cache, locks, monkeypatch):
    server.files["/mnist.npz"] = slowly
    if not locks:
        monkeypatch.setattr(sys.modules[__name__], "PROCESS", "import sys; sys.modules['fcntl'] = None\n" + PROCESS)
    processes = [start(server) for _ in range(trials.trials(4))]
    for process in processes:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0 and out == "(12, 28, 28) 5\n", err
    assert_nothing_left_but(cache, "mnist.npz")
    assert (cache / "mnist.npz").read_bytes() == CONTENT
    if locks:
        assert len(server.requests) == 1


def test_process_killed_on_the_way(server, cache):
    server.files["/mnist.npz"] = slowly
    process = start(server)
    while not server.requests:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (cache / "mnist.npz").exists()
    second = start(server)
    out, err = second.communicate(timeout=60)
    assert second.returncode == 0 and out == "(12, 28, 28) 5\n", err
    assert (cache / "mnist.npz").read_bytes() == CONTENT
