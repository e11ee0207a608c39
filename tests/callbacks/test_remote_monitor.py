"""RemoteMonitor, against a server on this machine."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import numpy as np
import pytest

from cnnpy import callbacks


@pytest.fixture
def server():
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            received.append((self.path, self.headers, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    thread.join()
    server.server_close()


def test_logs_are_posted(server):
    root, received = server
    logs = {"loss": 0.5, "val_loss": np.float32(0.25), "scores": np.array(3)}
    callbacks.RemoteMonitor(root, headers={"X-Run": "7"}).on_epoch_end(2, logs)
    callbacks.RemoteMonitor(root, path="/json", send_as_json=True).on_epoch_end(3, logs)
    (path, headers, form), (json_path, json_headers, body) = received
    expected = {"epoch": 2, "loss": 0.5, "val_loss": 0.25, "scores": 3}
    assert path == "/publish/epoch/end/" and headers["X-Run"] == "7"
    assert json.loads(parse_qs(form)["data"][0]) == expected
    assert json_path == "/json" and json_headers["Content-Type"] == "application/json"
    assert json.loads(body) == {**expected, "epoch": 3}


def test_a_server_that_is_not_there_gives_a_warning():
    with pytest.warns(UserWarning, match="RemoteMonitor: could not reach http://127.0.0.1:9"):
        callbacks.RemoteMonitor("http://127.0.0.1:9").on_epoch_end(0, {"loss": 1.0})
