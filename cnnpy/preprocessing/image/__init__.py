"""Images: files and arrays, random transforms, and generators of augmented batches."""

import importlib

# file: the public names in it; loaded when first used.
_FILES = {
    "files": "array_to_img img_to_array load_img save_img",
    "file_iterators": "DataFrameIterator DirectoryIterator",
    "generator": "ImageDataGenerator",
    "iterators": "Iterator NumpyArrayIterator",
    "resizing": "smart_resize",
    "transforms": """
        apply_affine_transform apply_brightness_shift apply_channel_shift flip_axis random_brightness
        random_channel_shift random_rotation random_shear random_shift random_zoom
    """,
}
_HOMES = {name: file for file, names in _FILES.items() for name in names.split()}

__all__ = sorted(_HOMES)


def __getattr__(name):
    if name in _HOMES:
        value = getattr(importlib.import_module(f"cnnpy.preprocessing.image.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    if name == "image_dataset_from_directory":  # where Keras 2 had it too
        return importlib.import_module("cnnpy.data.image_folder").image_dataset_from_directory
    if name.startswith("__"):
        raise AttributeError(f"module 'cnnpy.preprocessing.image' has no attribute '{name}'")
    from cnnpy.utils.suggest import no_attribute, suggestion

    raise no_attribute(
        "cnnpy.preprocessing.image", name, f"cnnpy.preprocessing.image has no {name!r}.{suggestion(name, _HOMES)}"
    )


def __dir__():
    return sorted(_HOMES)
