"""Each test gets imports that lead to cnnpy, and leaves `sys.modules` as it was."""

import sys

import pytest

from cnnpy import compat
from cnnpy.compat import _finder, _record
from cnnpy.utils import deprecation


def _foreign():
    return {name: module for name, module in sys.modules.items() if _finder._is_foreign(name)}


@pytest.fixture
def clean(monkeypatch):
    """Neither Keras nor TensorFlow is imported; who is, waits outside."""
    before = _foreign()
    for name in before:
        del sys.modules[name]
    monkeypatch.setattr(deprecation, "_said", set())
    monkeypatch.setattr(_record, "_used", {})
    yield
    compat.uninstall()
    for name in _foreign():
        del sys.modules[name]
    sys.modules.update(before)


@pytest.fixture
def installed(clean):
    compat.install()
