"""Reads arrays of whole numbers from an `.npz` file that nobody vouches for.

`numpy.load` believes the sizes that a file states. Here the directory is bounded before it is read, each array's shape
and type are checked before it is inflated, and pickled objects are never looked at.
"""

import io
import struct
import zipfile
import zlib

import numpy as np

from cnnpy.datasets.errors import DamagedFileError

END_RECORD = struct.Struct("<4s4H2LH")
MAX_DIRECTORY = 1 << 16
MAX_HEADER = 4096


def read_arrays(file, path, wanted):
    """Reads the arrays WANTED from the open zip FILE.

    Args:
        file: a seekable binary file.
        path: its name, for errors.
        wanted: `{name: check}`; `check(shape, dtype)` returns None or what is wrong with an array that claims these.

    Returns:
        `{name: array}`.

    Raises:
        DamagedFileError: not a zip, an array is missing, fails its check, or is cut short.
    """
    _check_directory(file, path)
    try:
        with zipfile.ZipFile(file) as archive:
            return {name: _read_member(archive, name, path, check) for name, check in wanted.items()}
    except DamagedFileError:
        raise
    except OSError as error:  # among others a negative offset
        raise DamagedFileError(path, f"cannot be read as .npz file ({error.strerror or error})") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, NotImplementedError, RuntimeError) as error:
        raise DamagedFileError(path, f"is no sound .npz file ({error or type(error).__name__})") from error


def _check_directory(file, path):
    """Refuses what `numpy.savez` does not write and what makes `zipfile` read a huge directory."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(size - END_RECORD.size, 0))
    tail = file.read(END_RECORD.size)
    file.seek(0)
    if len(tail) < END_RECORD.size or tail[:4] != b"PK\x05\x06":
        raise DamagedFileError(
            path, f"is no .npz file or is cut short (no zip directory at the end of its {size:,} bytes)"
        )
    directory_bytes = END_RECORD.unpack(tail)[5]
    if directory_bytes > MAX_DIRECTORY:
        raise DamagedFileError(path, f"has a zip directory of {directory_bytes:,} bytes, more than any data set needs")


def _read_member(archive, name, path, check):
    try:
        info = archive.getinfo(name + ".npy")
    except KeyError:
        names = ", ".join(sorted(archive.namelist())[:8])
        raise DamagedFileError(path, f"has no array {name!r}; it holds {names or 'nothing'}") from None
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DamagedFileError(path, f"array {name!r} is neither stored nor deflated")
    with archive.open(info) as member:
        shape, dtype, header_bytes = _read_header(member, name, path)
        problem = check(shape, dtype)
        if problem:
            raise DamagedFileError(path, f"array {name!r} {problem}")
        array = np.empty(shape, dtype)
        if info.file_size != header_bytes + array.nbytes:
            raise DamagedFileError(
                path, f"array {name!r} states shape {shape}, {array.nbytes:,} bytes, but has {info.file_size:,} in all"
            )
        read_into(member, array, path, f"array {name!r}")
        member.read(1)  # at the end the checksum is compared
    return array


def _read_header(member, name, path):
    """(shape, dtype, bytes of the header) of an .npy stream; reads no more than a header can have."""
    start = member.read(8)
    wide = start[6:7] > b"\x01"
    length_bytes = member.read(4 if wide else 2)
    length = int.from_bytes(length_bytes, "little")
    if start[:6] != b"\x93NUMPY" or start[6:8] not in (b"\x01\x00", b"\x02\x00", b"\x03\x00") or length > MAX_HEADER:
        raise DamagedFileError(path, f"array {name!r} has no sound .npy header")
    header = member.read(length)
    read = np.lib.format.read_array_header_2_0 if wide else np.lib.format.read_array_header_1_0
    try:
        shape, fortran, dtype = read(io.BytesIO(length_bytes + header))
    except Exception as error:  # literal_eval and dtype parsing answer bad text in many ways
        raise DamagedFileError(path, f"array {name!r} has no sound .npy header ({error})") from error
    if fortran and len(shape) > 1:
        raise DamagedFileError(path, f"array {name!r} is in Fortran order; save it in C order")
    return shape, dtype, 8 + len(length_bytes) + len(header)


def read_into(stream, array, path, what):
    """Fills ARRAY from STREAM, piece by piece, so that memory is used only for bytes that are really there."""
    view = memoryview(array.reshape(-1).view(np.uint8))
    done = 0
    while done < len(view):
        count = stream.readinto(view[done : done + (1 << 20)])
        if not count:
            raise DamagedFileError(path, f"{what} is cut short: {done:,} of {len(view):,} bytes")
        done += count
