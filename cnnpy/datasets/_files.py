"""Where the files of data sets and of pretrained networks lie, and how one gets from a name to an open, checked file.

The order: the user's own folder `$CNNPY_DATA_DIR` (data sets in the public formats, taken as they are), the cache
`~/.cnnpy/datasets` (or `$CNNPY_HOME/datasets`), Keras's cache `~/.keras/datasets` (or `$KERAS_HOME/datasets`), the
network; for weights the same with `models`. A file from a cache or the network is used only if its checksum is the
published one. It is hashed through the same open file it is then read from, so that nothing can be exchanged in
between.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from cnnpy.datasets.errors import DatasetNotFoundError


@dataclass(frozen=True)
class RemoteFile:
    """A published file: its name in the cache, where it is published, and what it must be.

    Of weights nobody publishes the size, and Keras an MD5 or no checksum at all: they are taken as they come by https,
    up to MOST bytes, and read as any file that somebody made.
    """

    name: str
    sha256: str
    size: int | None
    addresses: tuple
    folder: str = ""  # below the cache
    other_names: tuple = ()  # under which Keras's versions keep it
    md5: str = ""
    room: str = "datasets"  # of the caches: or "models"
    most: int = 4 << 30  # bytes, where the size is not known

    @property
    def digest(self):
        """(algorithm, checksum in hexadecimal digits), None if none is published."""
        return ("sha256", self.sha256) if self.sha256 else ("md5", self.md5) if self.md5 else None

    @property
    def largest(self):
        """How many bytes it may have at most."""
        return self.most if self.size is None else self.size


def data_dir():
    """The user's own folder of data sets, or None."""
    value = os.environ.get("CNNPY_DATA_DIR", "")
    return Path(os.path.expanduser(value)) if value else None


def cache_dir(room="datasets"):
    """The folder in which downloads are kept; None when there is neither `$CNNPY_HOME` nor a home folder."""
    return _home_folder("CNNPY_HOME", ".cnnpy", room)


def keras_dir(room="datasets"):
    """The folder in which Keras keeps its downloads, or None."""
    return _home_folder("KERAS_HOME", ".keras", room)


def _home_folder(variable, name, room):
    value = os.environ.get(variable, "")
    base = os.path.expanduser(value or f"~/{name}")
    return None if base.startswith("~") else Path(base) / room


def find(names, folders=("",)):
    """The first regular file called one of NAMES in FOLDERS of the user's own folder, or None."""
    root = data_dir()
    if root is None:
        return None
    paths = (root / folder / name for folder in folders for name in names)
    return next((path for path in paths if path.is_file()), None) if root.is_dir() else None


def find_folder(names, folders=("",)):
    """The first folder called one of NAMES in FOLDERS of the user's own folder, or None."""
    root = data_dir()
    paths = (root / folder / name for folder in folders for name in names) if root else ()
    return next((path for path in paths if path.is_dir()), None)


def open_published(remote, own_names=None, limits=None):
    """Opens REMOTE's file from a cache, after a download if need be.

    Args:
        remote: the `RemoteFile`.
        own_names: what to write into the error about the files looked for in the user's own folder; None if none were.
        limits: a `cnnpy.datasets._download.Limits`, for callers that cannot wait.

    Returns:
        `(file, path)`, the file open for reading at its start.

    Raises:
        DatasetNotFoundError: not in a cache, and the download failed.
    """
    from cnnpy.datasets import _download

    looked = [_describe_own(own_names)] if own_names else []
    for path in cached_paths(remote):
        file, note = _open_if_genuine(path, remote)
        if file:
            return file, path
        looked.append(f"{path} ({note})")
    if cache_dir(remote.room) is None:
        attempts = [
            "no download: there is no home folder to keep it in; set CNNPY_HOME to a folder that can be written"
        ]
        raise DatasetNotFoundError(_explain(remote, own_names, looked, attempts))
    target = cache_dir(remote.room) / remote.folder / remote.name
    try:
        _download.download(remote, target, limits or _download.Limits())
    except _download.DownloadError as error:
        raise DatasetNotFoundError(_explain(remote, own_names, looked, error.attempts)) from error
    file, note = _open_if_genuine(target, remote)
    if not file:
        raise DatasetNotFoundError(f"{target} was downloaded and is gone or altered ({note}); load again.")
    return file, target


def cached_paths(remote):
    """Where REMOTE's file would be in the caches, the first place first."""
    names = (remote.name, *(name for name in remote.other_names if name != remote.name))
    own, keras = cache_dir(remote.room), keras_dir(remote.room)
    paths = [own / remote.folder / remote.name] if own else []
    return paths + ([keras / remote.folder / name for name in names] if keras else [])


def _open_if_genuine(path, remote):
    """(open file, "") if PATH is REMOTE's file, else (None, why not)."""
    try:
        if not path.is_file():
            return None, "absent"
        file = open(path, "rb")  # noqa: SIM115 - the caller's, if genuine
    except OSError as error:
        return None, error.strerror or str(error)
    try:
        if genuine(file, remote):
            file.seek(0)
            return file, ""
        note = f"its size or {'MD5' if remote.md5 else 'SHA-256'} is not the published one"
    except OSError as error:
        note = error.strerror or str(error)
    file.close()
    return None, note


def genuine(file, remote):
    """True if the open FILE has REMOTE's size and checksum, as far as they are published."""
    size = os.fstat(file.fileno()).st_size
    if size > remote.largest or (remote.size is not None and size != remote.size):
        return False
    if remote.digest is None:
        return size > 0
    algorithm, expected = remote.digest
    return hashlib.file_digest(file, algorithm).hexdigest() == expected


def _describe_own(own_names):
    root = data_dir()
    if root is None:
        return "CNNPY_DATA_DIR (not set)"
    state = f"has not {own_names}" if root.is_dir() else "no such folder"
    return f"CNNPY_DATA_DIR={root} ({state})"


def _explain(remote, own_names, looked, attempts):
    home = cache_dir(remote.room)
    places = [str(home / remote.folder / remote.name)] if home else []
    if own_names:
        places.append(f"a folder of yours named by the environment variable CNNPY_DATA_DIR, as {own_names}")
    size = f" ({remote.size:,} bytes)" if remote.size else ""
    return "\n".join(
        [
            f"{remote.name}{size} is not on this machine and could not be downloaded.",
            "Looked in:",
            *(f"  {place}" for place in looked),
            "Tried:",
            *(f"  {attempt}" for attempt in attempts),
            f"To go on without a network, fetch the file elsewhere ({remote.addresses[0]}) and put it at"
            if remote.addresses and not own_names
            else "To go on without a network, fetch the file elsewhere and put it at",
            "  " + "\n  or in ".join(places),
        ]
    )
