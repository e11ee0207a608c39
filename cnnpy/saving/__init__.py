"""Objects as plain dicts and back, and model files."""

import importlib

from cnnpy.saving.serialization import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]

_FILES = ("load_model", "load_weights", "save_model", "save_weights")


def __getattr__(name):
    """What reads and writes files is loaded when it is first used."""
    if name in _FILES:
        return getattr(importlib.import_module("cnnpy.saving.archive"), name)
    raise AttributeError(f"module 'cnnpy.saving' has no attribute {name!r}")
