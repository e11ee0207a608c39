"""Where the files of data sets lie, and how one gets from a data set's name to an open, checked file.

The order: the user's own folder `$CNNPY_DATA_DIR` (files in the public formats, taken as they are), the cache
`~/.cnnpy/datasets` (or `$CNNPY_HOME/datasets`), Keras's cache `~/.keras/datasets` (or `$KERAS_HOME/datasets`), the
network. A file from a cache or the network is used only if its SHA-256 is the published one. It is hashed through the
same open file it is then read from, so that nothing can be exchanged in between.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from cnnpy.datasets.errors import DatasetNotFoundError


@dataclass(frozen=True)
class RemoteFile:
    """A published file: its name in the cache, where it is published, and what it must be."""

    name: str
    sha256: str
    size: int
    addresses: tuple
    folder: str = ""  # below the cache
    other_names: tuple = ()  # under which Keras's versions keep it


def data_dir():
    """The user's own folder of data sets, or None."""
    value = os.environ.get("CNNPY_DATA_DIR", "")
    return Path(os.path.expanduser(value)) if value else None


def cache_dir():
    """The folder in which downloads are kept; None when there is neither `$CNNPY_HOME` nor a home folder."""
    return _home_folder("CNNPY_HOME", ".cnnpy")


def keras_dir():
    """The folder in which Keras keeps its downloads, or None."""
    return _home_folder("KERAS_HOME", ".keras")


def _home_folder(variable, name):
    value = os.environ.get(variable, "")
    base = os.path.expanduser(value or f"~/{name}")
    return None if base.startswith("~") else Path(base) / "datasets"


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


def open_published(remote, own_names, limits=None):
    """Opens REMOTE's file from a cache, after a download if need be.

    Args:
        remote: the `RemoteFile`.
        own_names: what to write into the error about the files looked for in the user's own folder.
        limits: a `cnnpy.datasets._download.Limits`, for callers that cannot wait.

    Returns:
        `(file, path)`, the file open for reading at its start.

    Raises:
        DatasetNotFoundError: not in a cache, and the download failed.
    """
    from cnnpy.datasets import _download

    looked = [_describe_own(own_names)]
    for path in cached_paths(remote):
        file, note = _open_if_genuine(path, remote)
        if file:
            return file, path
        looked.append(f"{path} ({note})")
    if cache_dir() is None:
        attempts = [
            "no download: there is no home folder to keep it in; set CNNPY_HOME to a folder that can be written"
        ]
        raise DatasetNotFoundError(_explain(remote, own_names, looked, attempts))
    target = cache_dir() / remote.folder / remote.name
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
    paths = [cache_dir() / remote.folder / remote.name] if cache_dir() else []
    return paths + ([keras_dir() / remote.folder / name for name in names] if keras_dir() else [])


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
        note = "its size or SHA-256 is not the published one"
    except OSError as error:
        note = error.strerror or str(error)
    file.close()
    return None, note


def genuine(file, remote):
    """True if the open FILE has REMOTE's size and SHA-256."""
    return os.fstat(file.fileno()).st_size == remote.size and (
        hashlib.file_digest(file, "sha256").hexdigest() == remote.sha256
    )


def _describe_own(own_names):
    root = data_dir()
    if root is None:
        return "CNNPY_DATA_DIR (not set)"
    state = f"has not {own_names}" if root.is_dir() else "no such folder"
    return f"CNNPY_DATA_DIR={root} ({state})"


def _explain(remote, own_names, looked, attempts):
    home = cache_dir()
    places = [str(home / remote.folder / remote.name)] if home else []
    places.append(f"a folder of yours named by the environment variable CNNPY_DATA_DIR, as {own_names}")
    return "\n".join(
        [
            f"{remote.name} ({remote.size:,} bytes) is not on this machine and could not be downloaded.",
            "Looked in:",
            *(f"  {place}" for place in looked),
            "Tried:",
            *(f"  {attempt}" for attempt in attempts),
            "To go on without a network, fetch the file elsewhere and put it at",
            "  " + "\n  or in ".join(places),
        ]
    )
