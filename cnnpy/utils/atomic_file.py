"""Files that are there whole or not at all, wherever a process is stopped."""

import contextlib
import os
import secrets
import stat
from pathlib import Path


@contextlib.contextmanager
def replacing(path):
    """Yields a name beside PATH to write to; what was written there takes PATH's place when the block ends well.

    It is on the disk before it does. If the block fails, or the process dies, PATH stays what it was. A file that was
    there hands on its permissions, a link its target. Raises OSError for a folder that is not there or cannot be
    written.
    """
    path = Path(os.path.realpath(path))
    part = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
    try:
        yield part
        with open(part, "rb") as file:
            os.fsync(file.fileno())
        with contextlib.suppress(OSError):
            os.chmod(part, stat.S_IMODE(os.stat(path).st_mode))
        os.replace(part, path)
        sync_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def sync_folder(folder):
    """Puts a folder's entries on the disk, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
