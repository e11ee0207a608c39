"""CIFAR-10 and CIFAR-100 from files of the user's own: tars and folders, sound, damaged and hostile."""

import contextlib
import gzip
import inspect
import io
import os
import pickle
import struct
import tarfile

import numpy as np
import pytest

import dataset_files as files
import realdata
from cnnpy.datasets import DamagedFileError, cifar10, cifar100
from cnnpy.datasets._pickle import PickleError, Reader


def expected(seeds, rows=3, **how):
    """Images and labels of the batches with SEEDS."""
    batches = [files.batch(rows, seed, **how) for seed in seeds]
    images = np.concatenate([b[b"data"] for b in batches]).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return images, np.concatenate([b[how.get("label_key", b"labels")] for b in batches]).reshape(-1, 1)


def assert_loads(loaded, train, test):
    for (images, labels), (wanted_images, wanted_labels) in zip(loaded, (train, test)):
        assert images.dtype == labels.dtype == np.uint8 and images.flags.c_contiguous
        np.testing.assert_array_equal(images, wanted_images)
        np.testing.assert_array_equal(labels, wanted_labels)


def test_signatures_are_those_of_keras():
    assert str(inspect.signature(cifar10.load_data)) == "()"
    assert str(inspect.signature(cifar100.load_data)) == "(label_mode='fine')"


@pytest.mark.parametrize(
    "name", ["cifar-10-python.tar.gz", "cifar-10-batches-py.tar.gz", "cifar10/cifar-10-python.tar"]
)
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_archive(own, name, protocol):
    path = own / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(files.tar_bytes(files.cifar10_members(protocol=protocol), "w:gz" if name.endswith("gz") else "w"))
    assert_loads(cifar10.load_data(), expected(range(5)), expected([5]))


def test_archive_as_published(own):
    members = {
        f"cifar-10-batches-py/{name}": files.python2_pickle(files.batch(3, seed))
        for seed, name in enumerate(files.CIFAR10_BATCHES)
    }
    for content in members.values():
        assert list(pickle.loads(content, encoding="bytes")) == list(files.batch(3, 0))
    (own / "cifar-10-python.tar.gz").write_bytes(files.tar_bytes({"cifar-10-batches-py/readme.html": b"x", **members}))
    assert_loads(cifar10.load_data(), expected(range(5)), expected([5]))


def test_folder(own):
    (own / "cifar-10-batches-py").mkdir()
    for name, content in files.cifar10_members().items():
        (own / name).write_bytes(content)
    assert_loads(cifar10.load_data(), expected(range(5)), expected([5]))


def test_batches_of_different_length_and_array_labels(own):
    members = files.cifar10_members()
    last = files.batch(7, 4)
    members["cifar-10-batches-py/data_batch_5"] = pickle.dumps({**last, b"labels": np.array(last[b"labels"])})
    (own / "cifar-10-python.tar.gz").write_bytes(files.tar_bytes(members))
    (x_train, y_train), _ = cifar10.load_data()
    assert x_train.shape == (19, 32, 32, 3) and y_train.shape == (19, 1)
    np.testing.assert_array_equal(y_train[12:, 0], last[b"labels"])


@pytest.mark.parametrize("mode", ["fine", "coarse"])
def test_cifar100(own, mode):
    how = {"label_key": f"{mode}_labels".encode(), "classes": {"fine": 100, "coarse": 20}[mode]}
    members = {
        f"cifar-100-python/{name}": pickle.dumps(files.batch(4, seed, **how), 2)
        for seed, name in enumerate(("train", "test"))
    }
    (own / "cifar-100-python.tar.gz").write_bytes(files.tar_bytes(members))
    assert_loads(cifar100.load_data(mode), expected([0], 4, **how), expected([1], 4, **how))
    with pytest.raises(DamagedFileError, match="_labels'; its keys are"):
        cifar100.load_data({"fine": "coarse", "coarse": "fine"}[mode])


@pytest.mark.parametrize("mode", ["Fine", "", None, 3])
def test_cifar100_label_mode(mode):
    with pytest.raises(ValueError, match="label_mode must be 'fine' or 'coarse', got"):
        cifar100.load_data(label_mode=mode)


# --- damaged archives


def link(name, kind, target="/etc/passwd"):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


FIRST = "cifar-10-batches-py/data_batch_1"
MEMBERS = files.cifar10_members()
REST = {name: content for name, content in MEMBERS.items() if name != FIRST}
SOUND = files.tar_bytes(MEMBERS)
SOUND_TAR = gzip.decompress(SOUND)


def with_first(content):
    return files.tar_bytes({FIRST: content, **REST})


def huge_header(size):
    info = tarfile.TarInfo(FIRST)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    "content, match",
    [
        (b"", "ends without cifar-10-batches-py/data_batch_1"),
        (b"nonsense" * 100, "no sound tar file"),
        (SOUND[:-100], "cut short"),
        (SOUND_TAR[:1000], "cut short"),
        (SOUND[:2000] + b"\0\0\0\0" + SOUND[2004:], "no sound tar file"),
        (files.tar_bytes(REST), "ends without cifar-10-batches-py/data_batch_1"),
        (files.tar_bytes({"../" + FIRST: MEMBERS[FIRST], **REST}), "ends without"),
        (files.tar_bytes({"/" + FIRST: MEMBERS[FIRST], **REST}), "ends without"),
        (files.tar_bytes({FIRST: link(FIRST, tarfile.SYMTYPE), **REST}), "a link or a device"),
        (files.tar_bytes({FIRST: link(FIRST, tarfile.LNKTYPE), **REST}), "a link or a device"),
        (files.tar_bytes({FIRST: link(FIRST, tarfile.CHRTYPE), **REST}), "a link or a device"),
        (files.tar_bytes({FIRST: link(FIRST, tarfile.DIRTYPE), **REST}), "a link or a device"),
        (huge_header(1 << 26), "more than a batch has"),
        (huge_header(1 << 40), "larger than CIFAR can be"),
        (huge_header(1 << 20), "cut short: 0 of"),
        (huge_header(0).replace(b"00000000000\0", b"-0000000001\0", 1), "no sound tar file"),
    ],
)
def test_damaged_archive(own, content, match):
    path = own / "cifar-10-python.tar.gz"
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match=match) as caught:
        cifar10.load_data()
    assert str(path) in str(caught.value)


def test_tar_bomb_before_the_members(own):
    header = tarfile.TarInfo("ballast")
    header.size = 3 << 30
    content = gzip.compress(header.tobuf() + bytes(1 << 20))
    (own / "cifar-10-python.tar.gz").write_bytes(content)
    assert files.peak_of_refusal(cifar10.load_data) < 8 << 20


def test_bomb_of_an_extended_header(own):
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 64 << 20
    (own / "cifar-10-python.tar.gz").write_bytes(gzip.compress(header.tobuf() + bytes(64 << 20)))
    assert files.peak_of_refusal(cifar10.load_data) < 8 << 20


# --- hostile pickles


class Harm:
    """Runs a command when it is unpickled by `pickle`."""

    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


def op(code, layout="", *values):
    return code + struct.pack("<" + layout, *values)


EMPTY = {b"data": np.zeros((3, 3072), np.uint8), b"labels": [1, 2, 3]}


@pytest.mark.parametrize(
    "content, match",
    [
        (b"", "malformed"),
        (b".", "malformed"),
        (MEMBERS[FIRST][:500], "cut short"),
        (pickle.dumps([1, 2]), "holds a list"),
        (pickle.dumps({}), "no 'data'"),
        (pickle.dumps({**EMPTY, b"data": 5}), "'data' is int, expected uint8"),
        (pickle.dumps({**EMPTY, b"data": np.zeros((3, 3071), np.uint8)}), r"'data' is uint8 \(3, 3071\)"),
        (pickle.dumps({**EMPTY, b"data": np.zeros((3, 3072), np.int32)}), "'data' is int32"),
        (pickle.dumps({**EMPTY, b"data": np.zeros((3, 3072))}, 2), "dtype 'f8' are no part"),
        (pickle.dumps({**EMPTY, b"data": np.zeros((3, 3072), object)}, 2), "parts are of the wrong kind"),
        (pickle.dumps({**EMPTY, b"data": np.zeros((3, 3072), ">i2")}, 2), "little-endian"),
        (pickle.dumps({**EMPTY, b"labels": [1, 2]}), "3 images and 2"),
        (pickle.dumps({**EMPTY, b"labels": [1, 2, 10]}), "from 1 to 10, not from 0 to 9"),
        (pickle.dumps({**EMPTY, b"labels": [1, 2, -1]}), "from -1 to 2"),
        (pickle.dumps({**EMPTY, b"labels": [1, 2, True]}), "no list of whole numbers"),
        (pickle.dumps({**EMPTY, b"labels": "abc"}), "no list of whole numbers"),
        (pickle.dumps({**EMPTY, b"labels": 1.5}), "opcode 'G'"),
        (pickle.dumps({**EMPTY, b"labels": 1 << 100}), "more than 64 bits"),
        (pickle.dumps({**EMPTY, b"x": {1, 2}}, 4), "opcode"),
        (pickle.dumps({**EMPTY, b"x": print}, 2), "__builtin__.print, which is no part of the data and may do harm"),
        (pickle.dumps({**EMPTY, b"x": print}, 4), "builtins.print, which"),
        (b"\x80\x02cnumpy\nload\n.", "numpy.load, which"),
        (b"\x80\x02c" + b"a" * 100, "name at byte"),
        (b"\x80\x02c_codecs\nencode\nX\x01\0\0\0aX\x03\0\0\0hex\x86R.", "something else than bytes"),
        (b"\x80\x02cnumpy\nndarray\nK\x01\x85R.", "no constructor of data"),
        (b"\x80\x02K\x01K\x01\x85R.", "no constructor of data"),
        (b"\x80\x02}}b.", "state of something"),
        (b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n(tR}b.", "malformed"),
        (b"\x80\x02}(cnumpy._core.multiarray\n_reconstruct\ncnumpy\nndarray\n\x85RK\x01u.", "without values"),
        (b"\x80\x02h\x05.", "memo 5 is used before"),
        (b"\x80\x02u.", "no mark"),
        (b"\x80\x02}(]K\x01u.", "malformed"),
        (b"\x80\x02](K\x01u.", "no dictionary"),
        (b"\x80\x02}(K\x01e.", "no list"),
        (b"\x80\x09.", "newer than 5"),
        (op(b"\x8e", "Q", 1 << 60), "cut short"),
        (op(b"B", "I", 1 << 31), "cut short"),
        (op(b"X", "I", 1 << 31), "cut short"),
        (op(b"\x8c", "B", 1) + b"\xff.", "malformed"),
    ],
)
def test_pickle_that_is_no_batch(own, content, match):
    (own / "cifar-10-python.tar.gz").write_bytes(with_first(content))
    with pytest.raises(DamagedFileError, match=match) as caught:
        cifar10.load_data()
    assert f"cifar-10-python.tar.gz: {FIRST}" in str(caught.value)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_pickle_that_runs_a_command(own, tmp_path, protocol):
    trace = tmp_path / "it ran"
    content = pickle.dumps({**EMPTY, b"x": Harm(os.system, f"touch '{trace}'")}, protocol)
    (own / "cifar-10-python.tar.gz").write_bytes(with_first(content))
    with pytest.raises(DamagedFileError, match=r"posix.system|opcode"):
        cifar10.load_data()
    assert not trace.exists()
    pickle.loads(content)  # with pickle it does
    assert trace.exists()


def test_pickle_in_a_folder_that_runs_a_command(own, tmp_path):
    trace = tmp_path / "it ran"
    (own / "cifar-10-batches-py").mkdir()
    for name, content in {**MEMBERS, FIRST: pickle.dumps(Harm(os.system, f"touch '{trace}'"))}.items():
        (own / name).write_bytes(content)
    with pytest.raises(DamagedFileError, match="system"):
        cifar10.load_data()
    assert not trace.exists()


def test_file_in_a_folder_too_large_for_a_batch(own):
    (own / "cifar-10-batches-py").mkdir()
    with open(own / FIRST, "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(DamagedFileError, match="more than a batch"):
        cifar10.load_data()


TEXT = b"X" + struct.pack("<I", 1 << 20) + b"a" * (1 << 20)
ENCODE = b"c_codecs\nencode\nq\x00" + TEXT + b"q\x01X\x06\0\0\0latin1q\x02"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(op(b"K\x01r", "I", 1 << 31) + b".", id="a memo slot far out"),
        pytest.param(b"]" * (8 << 20), id="many empty lists"),
        pytest.param(b"(" * (1 << 20), id="many marks"),
        pytest.param(ENCODE + b"h\x00h\x01h\x02\x86R" * 1000, id="one text encoded again and again"),
        pytest.param(b"X" + struct.pack("<I", 1 << 22) + b"a" * ((1 << 22) - 4) + "😀".encode() + b".", id="wide text"),
    ],
)
def test_pickle_bombs(content):
    tracemalloc = pytest.importorskip("tracemalloc")
    tracemalloc.start()
    try:
        with pytest.raises(PickleError):
            Reader(content, max_objects=50_000).load()
            raise PickleError("harmless")
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_pickle_reader_equals_pickle():
    shared = [1, -5, 300, 70_000, None, True, False, b"bytes\xff", "text é", (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)]
    array = np.arange(12, dtype=np.int16).reshape(3, 4)
    value = {b"shared": shared, "again": shared, 3: {}, "deep": [[[]]], "bytes": b"x" * 300, "text": "y" * 300}
    value |= {"wide": 1 << 40, "array": array, "fortran": np.asfortranarray(array), "row": array[0], "flags": array > 3}
    for protocol in (2, 3, 4, 5):
        loaded = Reader(pickle.dumps(value, protocol), max_objects=1000).load()
        assert list(loaded) == list(value)
        assert loaded[b"shared"] is loaded["again"]
        for key, item in value.items():
            if isinstance(item, np.ndarray):
                assert loaded[key].dtype == item.dtype
                np.testing.assert_array_equal(loaded[key], item)
            else:
                assert loaded[key] == item


def test_hypothesis_bytes_never_do_more_than_fail():
    hypothesis = pytest.importorskip("hypothesis")
    sound = pickle.dumps(files.batch(2, 0), 2)[-900:]

    @hypothesis.settings(max_examples=300, deadline=None, database=None)
    @hypothesis.given(hypothesis.strategies.binary(max_size=200), hypothesis.strategies.integers(0, len(sound)))
    def check(noise, position):
        for content in (b"\x80\x02" + noise, sound[:position] + noise + sound[position:]):
            with contextlib.suppress(PickleError):
                Reader(content, max_objects=2000).load()

    check()


def test_real_cifar10(own):
    (x_train, y_train), (x_test, y_test) = realdata.cifar10()
    assert x_train.shape == (50000, 32, 32, 3) and y_test.shape == (10000, 1)
    members = {}
    parts = [*zip(np.split(x_train[:1000], 5), np.split(y_train[:1000], 5)), (x_test[:200], y_test[:200])]
    for name, (images, labels) in zip(files.CIFAR10_BATCHES, parts):
        contents = {b"data": images.transpose(0, 3, 1, 2).reshape(-1, 3072), b"labels": labels[:, 0].tolist()}
        members[f"cifar-10-batches-py/{name}"] = pickle.dumps(contents, 2)
    (own / "cifar-10-python.tar").write_bytes(files.tar_bytes(members, "w"))
    assert_loads(cifar10.load_data(), (x_train[:1000], y_train[:1000]), (x_test[:200], y_test[:200]))


def test_stream_that_ends_early_is_not_waited_for():
    with io.BytesIO(SOUND_TAR[:700]) as short, pytest.raises(DamagedFileError, match="cut short"):
        cifar10._cifar.load(cifar10.LAYOUT, archive=short, path="short.tar")
