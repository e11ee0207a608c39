"""Reads CIFAR in its "python version": a tar of pickles, plain or gzip, or the folder that such a tar unpacks to.

A pickle holds a dictionary with `data`, uint8 of shape (rows, 3072), each row the red, green and blue plane of a 32x32
image, and lists of labels. Members are read straight from the tar, by exact name and only if they are regular files;
nothing is written to disk.
"""

import gzip
import os
import tarfile
import zlib
from typing import NamedTuple

import numpy as np

from cnnpy.datasets._pickle import PickleError, Reader
from cnnpy.datasets.errors import DamagedFileError

ROW = 3 * 32 * 32
BLOCK = 512


class Layout(NamedTuple):
    """What differs between CIFAR-10 and CIFAR-100."""

    folder: str
    train: tuple  # names of the pickles
    test: tuple
    rows: int  # in the largest pickle, as published
    label_key: bytes
    classes: int

    @property
    def most_bytes(self):
        """More than any pickle of this layout has: Python 3's protocol 2 spells a byte with up to two."""
        return self.rows * (2 * ROW + 200) + (1 << 20)


def load(layout, archive=None, path=None, folder=None):
    """Reads the training and the test part.

    Args:
        layout: the `Layout`.
        archive, path: an open tar and its name; or
        folder: an unpacked folder.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images uint8 (n, 32, 32, 3), labels uint8 (n, 1).

    Raises:
        DamagedFileError: what was read is no CIFAR of this layout.
    """
    names = layout.train + layout.test
    if folder is not None:
        parts = {name: _read_batch(_read_plain(folder / name, layout), folder / name, layout) for name in names}
    else:
        parts = {}
        for name, content in _members(archive, path, layout):
            parts[name] = _read_batch(content, f"{path}: {layout.folder}/{name}", layout)
    return _join(layout.train, parts), _join(layout.test, parts)


def _join(names, parts):
    """The images as NHWC and the labels of the pickles NAMES, one after the other."""
    images = np.empty((sum(len(parts[name][1]) for name in names), 32, 32, 3), np.uint8)
    labels = np.empty((len(images), 1), np.uint8)
    start = 0
    for name in names:
        data, marks = parts.pop(name)
        end = start + len(marks)
        images[start:end] = data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        labels[start:end, 0] = marks
        start = end
    return images, labels


def _read_plain(path, layout):
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > layout.most_bytes:
            raise DamagedFileError(path, f"has {size:,} bytes, more than a batch of CIFAR ({layout.most_bytes:,})")
        return file.read(layout.most_bytes)


def _read_batch(content, path, layout):
    """(data of shape (n, 3072), labels of length n), both uint8, from the pickle in the bytes CONTENT."""
    try:
        batch = Reader(content, max_objects=16 * layout.rows + 10_000).load()
    except PickleError as error:
        raise DamagedFileError(path, f"is no sound pickle of CIFAR: {error}") from error
    if not isinstance(batch, dict):
        raise DamagedFileError(path, f"holds a {type(batch).__name__}, not a dictionary")
    entries = {key.encode() if isinstance(key, str) else key: value for key, value in batch.items()}
    data, marks = entries.get(b"data"), entries.get(layout.label_key)
    if data is None or marks is None:
        keys = ", ".join(sorted(str(key) for key in batch)[:8])
        raise DamagedFileError(path, f"has no 'data' or no {layout.label_key.decode()!r}; its keys are {keys}")
    if not (isinstance(data, np.ndarray) and data.dtype == np.uint8 and data.ndim == 2 and data.shape[1] == ROW):
        found = f"{data.dtype} {data.shape}" if isinstance(data, np.ndarray) else type(data).__name__
        raise DamagedFileError(path, f"'data' is {found}, expected uint8 (rows, {ROW})")
    return data, _check_labels(marks, len(data), path, layout)


def _check_labels(marks, rows, path, layout):
    what = repr(layout.label_key.decode())
    if isinstance(marks, np.ndarray):
        marks = marks.tolist() if marks.ndim == 1 and marks.dtype.kind in "iu" else None
    if not isinstance(marks, list) or not all(type(mark) is int for mark in marks):
        raise DamagedFileError(path, f"{what} is no list of whole numbers")
    if len(marks) != rows or not rows:
        raise DamagedFileError(path, f"has {rows:,} images and {len(marks):,} {what}")
    if not 0 <= min(marks) <= max(marks) < layout.classes:
        raise DamagedFileError(
            path, f"{what} goes from {min(marks)} to {max(marks)}, not from 0 to {layout.classes - 1}"
        )
    return np.array(marks, np.uint8)


def _members(file, path, layout):
    """Yields (name, bytes) of the layout's pickles in the open tar FILE, each once."""
    compressed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    stream = gzip.GzipFile(fileobj=file, mode="rb") if compressed else file
    wanted = {f"{layout.folder}/{name}": name for name in layout.train + layout.test}
    budget = layout.most_bytes * (len(wanted) + 1)
    try:
        while wanted:
            header = _next_header(stream, path, wanted)
            padded = -(-header.size // BLOCK) * BLOCK
            budget -= BLOCK + padded
            if header.size < 0 or budget < 0:
                raise DamagedFileError(path, f"is larger than CIFAR can be, at its member {header.name!r}")
            name = wanted.pop(header.name.removeprefix("./"), None)
            if name is None:
                _skip(stream, padded, path)
                continue
            if not header.isreg() or header.issparse():
                raise DamagedFileError(path, f"its member {header.name!r} is a link or a device, not a regular file")
            if header.size > layout.most_bytes:
                raise DamagedFileError(
                    path, f"its member {header.name!r} has {header.size:,} bytes, more than a batch has"
                )
            yield name, _take(stream, padded, path)[: header.size]
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.HeaderError) as error:
        raise DamagedFileError(path, f"is no sound tar file or is cut short ({error})") from error


def _next_header(stream, path, wanted):
    block = stream.read(BLOCK)
    if len(block) < BLOCK or not any(block):
        missing = ", ".join(sorted(wanted))
        raise DamagedFileError(path, f"ends without {missing}")
    return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")


def _skip(stream, count, path):
    while count:
        piece = stream.read(min(count, 1 << 20))
        if not piece:
            raise DamagedFileError(path, "is cut short")
        count -= len(piece)


def _take(stream, count, path):
    """COUNT bytes, asked for piece by piece: memory is used only for bytes that are really there."""
    content = bytearray()
    while len(content) < count:
        piece = stream.read(min(count - len(content), 1 << 20))
        if not piece:
            raise DamagedFileError(path, f"is cut short: {len(content):,} of {count:,} bytes of a member")
        content += piece
    return memoryview(content)
