"""HDF5 files made in memory and written in one piece.

HDF5 cannot bear a write that fails: on a full disk it loses its own bookkeeping, and the process may die of that long
after the error was raised. In memory no write fails, and no Ctrl-C falls between two of them (BytesIO runs no Python).
A save takes as much memory as its file is large, while it lasts.
"""

import io


def image(write):
    """The bytes, a memoryview, of an HDF5 file that WRITE has filled: a function of the open file."""
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        write(file)
    return buffer.getbuffer()
