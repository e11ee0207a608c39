"""Downloads a published file into the cache: https only, bounded in size, checked by its checksum, moved there whole.

The file grows under a name of its own beside the target and is renamed when it is complete, checked and on the disk,
so that nobody ever reads a part, however many processes start at once and wherever one of them is killed. A lock
spares the others the download; it is only a courtesy (where the file system has none, each downloads and the last
rename wins).
"""

import contextlib
import hashlib
import http.client
import os
import secrets
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

CHUNK = 1 << 16
STALE = 24 * 3600  # seconds after which a part that a killed process left is removed
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass
class Limits:
    """How long a download may take."""

    timeout: float = 15.0  # seconds without an answer or a byte
    deadline: float = float("inf")  # of time.monotonic(), for the whole
    quiet: bool = False  # says nothing
    cancelled: bool = field(default=False)  # set by another thread to stop it

    def check(self):
        if self.cancelled or time.monotonic() > self.deadline:
            raise TimeoutError("it took too long")


class DownloadError(OSError):
    """All addresses failed; `attempts` has a line on each."""

    def __init__(self, attempts):
        super().__init__("; ".join(attempts))
        self.attempts = attempts


def download(remote, target, limits):
    """Makes TARGET hold the published file REMOTE (`cnnpy.datasets._files.RemoteFile`).

    Raises:
        DownloadError: no address gave the file, or the folder cannot be written.
    """
    from cnnpy.datasets import _files

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale_parts(target)
        part = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
        handle = open(part, "xb+")  # noqa: SIM115 - closed below, before the rename
    except OSError as error:
        reason = error.strerror or error
        remedy = "set CNNPY_HOME to a folder that can be written"
        raise DownloadError([f"no download: cannot write to {target.parent} ({reason}); {remedy}"]) from error
    try:
        with handle, _lock(target, limits):
            with contextlib.suppress(OSError), open(target, "rb") as there:
                if _files.genuine(there, remote):  # another process was faster
                    return
            attempts = []
            for address in remote.addresses:
                problem = _fetch(address, remote, handle, limits)
                if problem is None:
                    break
                attempts.append(f"{address} ({problem})")
            else:
                raise DownloadError(attempts)
            handle.flush()
            os.fsync(handle.fileno())
            os.replace(part, target)
            _sync_folder(target.parent)
    except DownloadError:
        raise
    except OSError as error:
        raise DownloadError([f"{target}: {error.strerror or error}"]) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def _fetch(address, remote, handle, limits):
    """Fills HANDLE from ADDRESS. Returns None, or in a few words what went wrong there; a failing disk raises."""
    handle.seek(0)
    handle.truncate()
    algorithm, expected = remote.digest or ("sha256", None)
    digest = hashlib.new(algorithm)
    try:
        limits.check()
        answer = _open(address, limits.timeout)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _reason(error)
    with answer, _progress(remote, address, limits, answer.headers.get("Content-Length")) as advance:
        length = answer.headers.get("Content-Length", "")
        length = int(length) if length.isdecimal() else None
        if length is not None and (length > remote.largest or (remote.size is not None and length != remote.size)):
            return f"offers {length:,} bytes, expected {remote.largest:,}{'' if remote.size else ' at most'}"
        done = 0
        while True:
            try:
                limits.check()
                chunk = answer.read(CHUNK)
            except (OSError, http.client.HTTPException, ValueError) as error:
                return _reason(error)
            if not chunk:
                break
            done += len(chunk)
            if done > remote.largest:
                return f"sends more than the expected {remote.largest:,} bytes"
            digest.update(chunk)
            handle.write(chunk)
            advance(done)
    whole = length if remote.size is None else remote.size
    if whole is not None and done != whole:
        return f"sent {done:,} of {whole:,} bytes"
    if expected and digest.hexdigest() != expected:
        return f"{'SHA-256' if algorithm == 'sha256' else 'MD5'} is {digest.hexdigest()}, expected {expected}"
    return None


def _open(address, timeout):
    """An open answer from ADDRESS; neither it nor a redirection may leave https (but for this machine itself)."""
    import urllib.request

    class OnlyHttps(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, request, answer, code, message, headers, new_address):
            _require_https(new_address)
            return super().redirect_request(request, answer, code, message, headers, new_address)

    _require_https(address)
    request = urllib.request.Request(address, headers={"User-Agent": "cnnpy", "Accept-Encoding": "identity"})
    return urllib.request.build_opener(OnlyHttps).open(request, timeout=timeout)


def _require_https(address):
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ValueError(f"refused: {address} is not an https address")


def _reason(error):
    inner = getattr(error, "reason", None)
    return " ".join(str(inner or error or type(error).__name__).split())


@contextlib.contextmanager
def _lock(target, limits):
    """Waits until no other process downloads TARGET. Ends with the process that holds it, however that ends."""
    try:
        import fcntl

        path = target.with_name(f".{target.name}.lock")
        handle = open(path, "ab")  # noqa: SIM115
    except (ImportError, OSError):
        yield
        return
    with handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                limits.check()
                time.sleep(0.1)
            except OSError:  # a file system without locks
                break
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # who waits for it then runs beside who makes a new one: harmless
                path.unlink()


def _remove_stale_parts(target):
    for part in target.parent.glob(f".{target.name}.*.part"):
        with contextlib.suppress(OSError):
            if time.time() - part.stat().st_mtime > STALE:
                part.unlink()


def _sync_folder(folder):
    with contextlib.suppress(OSError):
        descriptor = os.open(Path(folder), os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _progress(remote, address, limits, length):
    """Yields a function of the bytes that have come: a bar on a terminal or in a notebook, else one line."""
    if limits.quiet or sys.stderr is None:
        yield lambda done: None
        return
    size = remote.size or (int(length) if length and length.isdecimal() else 0)
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    console = Console(stderr=True)
    if not (console.is_terminal or console.is_jupyter):
        with contextlib.suppress(OSError, ValueError):  # stderr may be closed
            print(f"cnnpy: downloading {remote.name} ({size / 1e6:.1f} MB) from {address}", file=sys.stderr)
        yield lambda done: None
        return
    columns = (TextColumn(remote.name), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(remote.name, total=size or None)
        yield lambda done: bar.update(task, completed=done)
