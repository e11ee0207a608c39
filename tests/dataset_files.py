"""Small files in the formats of the data sets, made for the tests."""

import gzip
import io
import pickle
import struct
import tarfile
import tracemalloc

import numpy as np
import pytest

from cnnpy.datasets import DamagedFileError

IDX_NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
CIFAR10_BATCHES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")


def mnist_arrays(train=12, test=5, seed=0):
    """x_train, y_train, x_test, y_test of MNIST's shapes and types, with few rows."""
    random = np.random.default_rng(seed)
    return {
        "x_train": random.integers(0, 256, (train, 28, 28), np.uint8),
        "y_train": random.integers(0, 10, train, np.uint8),
        "x_test": random.integers(0, 256, (test, 28, 28), np.uint8),
        "y_test": random.integers(0, 10, test, np.uint8),
    }


def npz_bytes(arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def idx_bytes(array, kind=8):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape) + array.tobytes()


def write_idx(folder, arrays, compress=True):
    """Writes the four IDX files of ARRAYS (`mnist_arrays()`) into FOLDER."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(IDX_NAMES, arrays.values()):
        content = idx_bytes(array)
        path = folder / (name + ".gz" * compress)
        path.write_bytes(gzip.compress(content, mtime=0) if compress else content)


def batch(rows, seed, label_key=b"labels", classes=10):
    """One pickle's dictionary, as the published files have it."""
    random = np.random.default_rng(seed)
    return {
        b"data": random.integers(0, 256, (rows, 3072), np.uint8),
        label_key: random.integers(0, classes, rows).tolist(),
        b"filenames": [b"image_%d.png" % i for i in range(rows)],
        b"batch_label": b"a batch",
    }


def tar_bytes(members, mode="w:gz"):
    """A tar of MEMBERS: `{name: bytes}`, or TarInfo objects (of links and the like) as values."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def cifar10_members(rows=3, protocol=2):
    """`{member name: pickle}` of a CIFAR-10 of six tiny batches."""
    return {
        f"cifar-10-batches-py/{name}": pickle.dumps(batch(rows, seed), protocol=protocol)
        for seed, name in enumerate(CIFAR10_BATCHES)
    }


def python2_pickle(contents):
    """CONTENTS (`batch()`) as Python 2 pickled the published files: protocol 2, byte strings, `numpy.core`."""

    def text(value):
        return (b"U" + bytes([len(value)]) if len(value) < 256 else b"T" + struct.pack("<I", len(value))) + value

    def array(value):
        head = b"cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b\x87Rq\x03"
        dtype = (
            b"cnumpy\ndtype\nq\x04U\x02u1K\x00K\x01\x87Rq\x05(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        )
        rows, columns = value.shape
        shape = b"M" + struct.pack("<H", rows) + b"M" + struct.pack("<H", columns) + b"\x86"
        return head + b"(K\x01" + shape + dtype + b"\x89" + text(value.tobytes()) + b"tb"

    def item(value):
        if isinstance(value, np.ndarray):
            return array(value)
        if isinstance(value, list):
            return b"](" + b"".join(item(v) for v in value) + b"e"
        return text(value) if isinstance(value, bytes) else b"K" + bytes([value])

    return b"\x80\x02}q\x00(" + b"".join(text(key) + item(value) for key, value in contents.items()) + b"u."


def peak_of_refusal(load):
    """Calls LOAD, which must find its file damaged; returns the bytes that Python needed at most."""
    tracemalloc.start()
    try:
        with pytest.raises(DamagedFileError):
            load()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
