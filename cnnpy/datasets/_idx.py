"""Reads the IDX format of MNIST and its kin (`train-images-idx3-ubyte`, plain or gzip).

Big-endian: two zero bytes, the type (8: unsigned byte), the number of axes, the length of each axis as 32 bits, then
the values in C order.
"""

import gzip
import struct
import zlib

import numpy as np

from cnnpy.datasets._npz import read_into
from cnnpy.datasets.errors import DamagedFileError

UNSIGNED_BYTE = 8


def read_array(file, path, axes, check):
    """Reads one array of bytes from the open FILE.

    Args:
        file: a seekable binary file; gzip is recognised by its first bytes.
        path: its name, for errors.
        axes: the number of axes expected.
        check: `check(shape, dtype)` returns None or what is wrong with an array of that shape.

    Returns:
        A uint8 array.

    Raises:
        DamagedFileError: another format, another number of axes, a failed check, too few or too many bytes.
    """
    compressed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    stream = gzip.GzipFile(fileobj=file, mode="rb") if compressed else file
    try:
        return _read(stream, path, axes, check)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DamagedFileError(path, f"is no sound gzip file or is cut short ({error})") from error


def _read(stream, path, axes, check):
    magic = stream.read(4)
    expected = bytes((0, 0, UNSIGNED_BYTE, axes))
    if magic != expected:
        raise DamagedFileError(
            path, f"is no IDX file of bytes with {axes} axes: starts with {magic.hex(' ')}, not {expected.hex(' ')}"
        )
    header = stream.read(4 * axes)
    if len(header) != 4 * axes:
        raise DamagedFileError(path, "is cut short within its header")
    shape = struct.unpack(f">{axes}I", header)
    problem = check(shape, np.dtype(np.uint8))
    if problem:
        raise DamagedFileError(path, problem)
    array = np.empty(shape, np.uint8)
    read_into(stream, array, path, f"its array of shape {shape}")
    if stream.read(1):
        raise DamagedFileError(path, f"goes on after its array of shape {shape}")
    return array
