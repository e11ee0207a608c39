"""`with` blocks around the making of layers and tensors."""

import contextlib

from cnnpy.layers.symbolic import call_state


@contextlib.contextmanager
def name_scope(name):
    """Puts NAME before the paths of weights that are made inside, as the name of a layer around them would."""
    if not isinstance(name, str) or not name or "/" in name:
        raise ValueError(f"name_scope: name must be a str without '/', got {name!r}")
    before = call_state.scope
    call_state.scope = (*before, name)
    try:
        yield
    finally:
        call_state.scope = before


@contextlib.contextmanager
def device(device_name):
    """Where tensors live: DEVICE_NAME must be a CPU ('cpu', 'cpu:0', '/CPU:0'), since there is nothing else here."""
    kind, _, number = str(device_name).lower().lstrip("/").removeprefix("device:").partition(":")
    if kind != "cpu" or number not in ("", "0"):
        raise ValueError(f"device: cnnpy computes on the CPU, 'cpu:0'; {device_name!r} is not offered")
    yield
