"""RemoteMonitor."""

import json
import warnings

import numpy as np

from cnnpy.callbacks.callback import Callback


class RemoteMonitor(Callback):
    """Sends the logs of each epoch to a server, by POST to ROOT + PATH.

    The epoch and the logs go as JSON in the form's FIELD, or as the body itself with SEND_AS_JSON. HEADERS are added.
    A server that cannot be reached gives a warning; training goes on.
    """

    timeout = 10.0  # seconds

    def __init__(
        self,
        root="http://localhost:9000",
        path="/publish/epoch/end/",
        field="data",
        headers=None,
        send_as_json=False,
    ):
        super().__init__()
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch, logs=None):
        from http.client import HTTPException
        from urllib.parse import urlencode
        from urllib.request import Request, urlopen

        values = {name: v.item() if isinstance(v, (np.ndarray, np.generic)) else v for name, v in (logs or {}).items()}
        data = json.dumps({"epoch": epoch, **values})
        kind = "application/json" if self.send_as_json else "application/x-www-form-urlencoded"
        body = data if self.send_as_json else urlencode({self.field: data})
        headers = {"Content-Type": kind, **(self.headers or {})}
        try:
            with urlopen(Request(self.root + self.path, body.encode(), headers), timeout=self.timeout):
                pass
        except (OSError, HTTPException, ValueError) as error:
            warnings.warn(f"RemoteMonitor: could not reach {self.root}: {error}", stacklevel=2)
