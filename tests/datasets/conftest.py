"""An environment in which no data set is found and nothing is fetched, for all tests of this folder."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cnnpy.datasets import mnist


@pytest.fixture(autouse=True)
def bare(tmp_path, monkeypatch):
    """An empty home and a dead proxy."""
    for name in ("CNNPY_DATA_DIR", "CNNPY_HOME", "KERAS_HOME", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The user's own folder of data, empty."""
    folder = tmp_path / "own data é"
    folder.mkdir()
    monkeypatch.setenv("CNNPY_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "home" / ".cnnpy" / "datasets"


class Server:
    """Serves `files` (path: bytes, or a function of the request handler) on this machine and counts the requests."""

    def __init__(self):
        self.files, self.requests = {}, []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.requests.append(self.path)
                content = server.files.get(self.path)
                if callable(content):
                    return content(self)
                self.send_response(200 if content is not None else 404)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *arguments):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def close(self):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture
def publish(monkeypatch):
    """A function that makes CONTENT the published MNIST, to be had at ADDRESSES."""

    def publish(content, *addresses):
        monkeypatch.setattr(mnist, "SHA256", hashlib.sha256(content).hexdigest())
        monkeypatch.setattr(mnist, "SIZE", len(content))
        monkeypatch.setattr(mnist, "ADDRESSES", addresses)

    return publish
