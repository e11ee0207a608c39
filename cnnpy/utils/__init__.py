"""Small helpers: seeds, one-hot labels, names, serialization, progress."""

import importlib

# Where each public name lives; modules are loaded when first used.
_NAMES = {
    "CustomObjectScope": "cnnpy.saving",
    "Progbar": "cnnpy.utils.progbar",
    "PyDataset": "cnnpy.utils.py_dataset",
    "SeedGenerator": "cnnpy.utils.random",
    "Sequence": "cnnpy.utils.py_dataset",
    "array_to_img": "cnnpy.preprocessing.image",
    "clear_session": "cnnpy.backend",
    "custom_object_scope": "cnnpy.saving",
    "deserialize_keras_object": "cnnpy.saving",
    "disable_interactive_logging": "cnnpy.config",
    "enable_interactive_logging": "cnnpy.config",
    "get_custom_objects": "cnnpy.saving",
    "get_registered_name": "cnnpy.saving",
    "get_registered_object": "cnnpy.saving",
    "image_dataset_from_directory": "cnnpy.data.image_folder",
    "img_to_array": "cnnpy.preprocessing.image",
    "is_interactive_logging_enabled": "cnnpy.config",
    "is_keras_tensor": "cnnpy.layers.symbolic",
    "load_img": "cnnpy.preprocessing.image",
    "memory_estimate": "cnnpy.utils.memory",
    "model_to_dot": "cnnpy.visualize.graph",
    "normalize": "cnnpy.utils.numerical",
    "pack_x_y_sample_weight": "cnnpy.models.data",
    "pad_sequences": "cnnpy.utils.pad_sequences",
    "plot_model": "cnnpy.visualize.graph",
    "register_keras_serializable": "cnnpy.saving",
    "save_img": "cnnpy.preprocessing.image",
    "serialize_keras_object": "cnnpy.saving",
    "set_random_seed": "cnnpy.utils.random",
    "split_dataset": "cnnpy.utils.split_dataset",
    "standardize_dtype": "cnnpy.dtype_policies",
    "to_categorical": "cnnpy.utils.numerical",
    "unpack_x_y_sample_weight": "cnnpy.models.data",
}
_MODULES = ("naming", "numerical", "progbar", "random", "suggest")

# What Keras has there and this version has not.
_ABSENT = """
    FeatureSpace audio_dataset_from_directory get_file text_dataset_from_directory
    timeseries_dataset_from_array
"""

__all__ = sorted(_NAMES)


def __getattr__(name):
    if name in _NAMES:
        value = getattr(importlib.import_module(_NAMES[name]), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        return importlib.import_module(f"cnnpy.utils.{name}")
    if name.startswith("__"):
        raise AttributeError(f"module 'cnnpy.utils' has no attribute '{name}'")
    from cnnpy.utils.suggest import no_attribute, suggestion

    if name in _ABSENT.split():
        raise no_attribute("cnnpy.utils", name, f"cnnpy.utils.{name} is not offered: it is not in this version")
    raise no_attribute("cnnpy.utils", name, f"cnnpy.utils has no {name!r}.{suggestion(name, _NAMES)}")


def __dir__():
    return sorted({*_NAMES, *_MODULES})


importlib.import_module("cnnpy.utils.old_paths").install("cnnpy.utils")
