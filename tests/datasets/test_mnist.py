"""MNIST and Fashion-MNIST from files of the user's own: npz and IDX, sound and damaged."""

import gzip
import inspect
import io
import struct
import zipfile

import numpy as np
import pytest

import dataset_files as files
import realdata
from cnnpy.datasets import DamagedFileError, DatasetNotFoundError, fashion_mnist, mnist


def assert_loads(loaded, arrays):
    (x_train, y_train), (x_test, y_test) = loaded
    for got, name in ((x_train, "x_train"), (y_train, "y_train"), (x_test, "x_test"), (y_test, "y_test")):
        assert got.dtype == np.uint8 and got.flags.c_contiguous and got.flags.writeable
        np.testing.assert_array_equal(got, arrays[name])


def test_signatures_are_those_of_keras():
    assert str(inspect.signature(mnist.load_data)) == "(path='mnist.npz')"
    assert str(inspect.signature(fashion_mnist.load_data)) == "()"


@pytest.mark.parametrize("folder", ["", "mnist"])
def test_npz(own, folder):
    arrays = files.mnist_arrays()
    (own / folder).mkdir(exist_ok=True)
    (own / folder / "mnist.npz").write_bytes(files.npz_bytes(arrays))
    assert_loads(mnist.load_data(), arrays)


def test_npz_of_another_name_or_place(own, tmp_path):
    arrays = files.mnist_arrays(seed=3)
    (own / "mine.npz").write_bytes(files.npz_bytes(arrays))
    assert_loads(mnist.load_data("mine.npz"), arrays)
    assert_loads(mnist.load_data(path=own / "mine.npz"), arrays)


def test_npz_stored_and_with_wide_labels(own):
    arrays = files.mnist_arrays()
    np.savez(own / "mnist.npz", **{**arrays, "y_train": arrays["y_train"].astype(np.int64), "extra": np.zeros(3)})
    assert_loads(mnist.load_data(), arrays)


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("folder", ["", "mnist", "MNIST/raw"])
def test_idx(own, folder, compress):
    arrays = files.mnist_arrays()
    files.write_idx(own / folder, arrays, compress)
    assert_loads(mnist.load_data(), arrays)


@pytest.mark.parametrize("folder", ["fashion-mnist", "fashion_mnist", "FashionMNIST/raw"])
def test_fashion_idx(own, folder):
    arrays, digits = files.mnist_arrays(seed=1), files.mnist_arrays(seed=2)
    files.write_idx(own / folder, arrays)
    files.write_idx(own, digits)
    assert_loads(fashion_mnist.load_data(), arrays)
    assert_loads(mnist.load_data(), digits)


def test_files_of_the_same_names_are_not_taken_for_the_other_set(own, monkeypatch):
    files.write_idx(own, files.mnist_arrays())
    with pytest.raises(DatasetNotFoundError, match="fashion-mnist"):
        fashion_mnist.load_data()
    fashion = own / "fashion-mnist"
    files.write_idx(fashion, files.mnist_arrays())
    monkeypatch.setenv("CNNPY_DATA_DIR", str(fashion))
    fashion_mnist.load_data()
    with pytest.raises(DatasetNotFoundError):
        mnist.load_data()


def test_idx_lacking_a_file(own):
    files.write_idx(own, files.mnist_arrays())
    (own / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks t10k-labels-idx1-ubyte\[\.gz\]"):
        mnist.load_data()


@pytest.mark.parametrize("path", ["", ".", "..", "folder/", "a\0b"])
def test_path_that_names_no_file(path):
    with pytest.raises(ValueError, match="names no file"):
        mnist.load_data(path)


def test_path_in_a_folder_that_does_not_exist():
    with pytest.raises(FileNotFoundError, match="nowhere"):
        mnist.load_data("nowhere/mnist.npz")


def zip_of(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name + ".npy", content)
    return buffer.getvalue()


def npy(header, body=b"", version=b"\x01\x00", length=None):
    text = header.encode() if isinstance(header, str) else header
    size = len(text) if length is None else length
    return b"\x93NUMPY" + version + struct.pack("<H" if version == b"\x01\x00" else "<I", size) + text + body


HEADER = "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 28, 28), }\n"
SOUND = files.npz_bytes(files.mnist_arrays())


def with_arrays(**changes):
    arrays = {**files.mnist_arrays(), **changes}
    return files.npz_bytes({name: array for name, array in arrays.items() if array is not None})


def with_x_train(content):
    return zip_of(x_train=content)


def corrupted(content, position):
    return content[:position] + bytes([content[position] ^ 0xFF]) + content[position + 1 :]


def pickled_objects():
    buffer = io.BytesIO()
    np.savez(buffer, **{**files.mnist_arrays(), "x_train": np.array([print, None], dtype=object)})
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content, match",
    [
        (b"", "no .npz file or is cut short"),
        (b"not a zip at all, but long enough to hold one", "no .npz file or is cut short"),
        (SOUND[:-30], "no .npz file or is cut short"),
        (SOUND[len(SOUND) // 2 :], "cannot be read as .npz file"),
        (corrupted(SOUND, 400), "no sound .npz file"),
        (SOUND[:-10] + struct.pack("<L", 1 << 30) + SOUND[-6:], "zip directory of 1,073,741,824 bytes"),
        (with_arrays(y_test=None), "no array 'y_test'; it holds"),
        (with_arrays(x_train=np.zeros((3, 28, 27), np.uint8)), r"'x_train' is uint8 of shape \(3, 28, 27\), expected"),
        (with_arrays(x_train=np.zeros((3, 28, 28), np.float32)), "'x_train' is float32"),
        (with_arrays(x_train=np.zeros((0, 28, 28), np.uint8)), "n from 1 to"),
        (with_arrays(x_train=np.zeros((3, 28, 28), np.uint8)), "3 images x_train and 12 labels"),
        (with_arrays(y_train=np.arange(12)), "go from 0 to 11"),
        (with_arrays(y_train=np.arange(12) - 5), "go from -5 to 6"),
        (with_arrays(y_train=np.zeros((12, 1), np.uint8)), r"shape \(12, 1\), expected"),
        (with_arrays(x_train=np.asfortranarray(files.mnist_arrays()["x_train"])), "Fortran order"),
        (pickled_objects(), "is object"),
        (with_x_train(b""), "no sound .npy header"),
        (with_x_train(b"\x93NUMPY\x09\x00aa"), "no sound .npy header"),
        (with_x_train(npy("{'descr': '|u1', 'shape': __import__('os')}\n")), "no sound .npy header"),
        (with_x_train(npy("(" * 4000)), "no sound .npy header"),
        (with_x_train(npy(HEADER, b"", b"\x02\x00", length=1 << 31)), "no sound .npy header"),
        (with_x_train(npy(HEADER, bytes(100))), r"states shape \(3, 28, 28\), 2,352 bytes, but has"),
        (with_x_train(npy(HEADER.replace("3,", "10**9,"))), "no sound .npy header"),
        (with_x_train(npy(HEADER.replace("3,", "1000000000,"))), "n from 1 to"),
        (with_x_train(npy(HEADER.replace("3,", "-3,"))), "n from 1 to"),
    ],
)
def test_damaged_npz(own, content, match):
    (own / "mnist.npz").write_bytes(content)
    with pytest.raises(DamagedFileError, match=match) as caught:
        mnist.load_data()
    assert str(own / "mnist.npz") in str(caught.value) and isinstance(caught.value, (OSError, ValueError))


def test_encrypted_npz_is_refused(own):
    content = bytearray(SOUND)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.find(signature) + offset] |= 1
    (own / "mnist.npz").write_bytes(content)
    with pytest.raises(DamagedFileError, match="encrypted"):
        mnist.load_data()


def test_zip_bomb(own):
    (own / "mnist.npz").write_bytes(with_x_train(npy(HEADER, bytes(64 << 20))))
    assert files.peak_of_refusal(mnist.load_data) < 8 << 20


SOUND_IDX = gzip.compress(files.idx_bytes(files.mnist_arrays()["x_train"]), mtime=0)


def idx_header(*shape, kind=8):
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, kind, len(shape), *shape)


@pytest.mark.parametrize(
    "content, match",
    [
        (b"", "starts with "),
        (gzip.compress(b""), "starts with "),
        (SOUND_IDX[:-20], "cut short"),
        (SOUND_IDX[:15], "cut short"),
        (corrupted(SOUND_IDX, 200), "no sound gzip file"),
        (corrupted(SOUND_IDX, len(SOUND_IDX) - 6), "no sound gzip file"),
        (gzip.compress(files.idx_bytes(files.mnist_arrays()["y_train"])), "no IDX file of bytes with 3 axes"),
        (idx_header(12, 28, 28, kind=13), "no IDX file of bytes"),
        (idx_header(12, 28)[:9], "no IDX file of bytes"),
        (idx_header(12, 28, 28)[:10], "cut short within its header"),
        (idx_header(12, 28, 28) + bytes(100), "100 of 9,408 bytes"),
        (idx_header(12, 28, 28) + bytes(9409), "goes on after"),
        (idx_header(12, 27, 28), r"has an array of shape \(12, 27, 28\), expected"),
        (idx_header(0, 28, 28), "n from 1 to"),
        (idx_header(0xFFFFFFFF, 28, 28), "n from 1 to 250,000"),
        (idx_header(13, 28, 28) + bytes(13 * 784), "13 images x_train and 12 labels"),
    ],
)
def test_damaged_idx(own, content, match):
    files.write_idx(own, files.mnist_arrays())
    (own / "train-images-idx3-ubyte.gz").write_bytes(content)
    with pytest.raises(DamagedFileError, match=match) as caught:
        mnist.load_data()
    assert str(own) in str(caught.value)


def test_gzip_bomb(own):
    files.write_idx(own, files.mnist_arrays())
    (own / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_header(2, 28, 28) + bytes(64 << 20)))
    assert files.peak_of_refusal(mnist.load_data) < 8 << 20


def test_real_mnist(own, monkeypatch):
    (x_train, y_train), (x_test, y_test) = realdata.mnist()
    np.savez(own / "mnist.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    loaded = mnist.load_data()
    assert loaded[0][0].shape == (60000, 28, 28) and loaded[1][1].shape == (10000,)
    assert_loads(loaded, {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test})
