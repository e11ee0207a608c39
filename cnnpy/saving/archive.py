"""Model files: `.keras`, a zip archive of configuration and weights; `.weights.h5`, the weights alone; and whole models
in HDF5, `.h5`, as Keras 2 had them (cnnpy/saving/hdf5_model.py).

They are written beside their place and moved there whole; they are read as data that anybody may have made: nothing in
them runs, and no more is unpacked than the model needs.
"""

import contextlib
import io
import json
import os
import time
import warnings
import zipfile
from pathlib import Path

from cnnpy.saving import hdf5_model, keras2_weights
from cnnpy.saving.hdf5_image import image
from cnnpy.saving.serialization import CustomObjectScope, deserialize_keras_object, serialize_keras_object
from cnnpy.saving.store import KERAS_VERSION, descend, opened, parse_json
from cnnpy.utils.atomic_file import replacing

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_LARGEST_CONFIG = 64 << 20  # bytes
_SMALL = 8 << 20  # bytes of HDF5's own that a weights file may have beside the arrays


# ---- whole models ----


def save_model(model, filepath, overwrite=True, zipped=None, **kwargs):
    """Saves MODEL whole to FILEPATH, `.keras` or `.h5`: architecture, weights, compile settings, optimizer state.

    The file is there whole or the old one stays. With OVERWRITE=False an existing file is not replaced. A `.h5` file,
    Keras 2's format, does not keep the state of random generators; INCLUDE_OPTIMIZER=False leaves the compile settings
    and the optimizer's state out of it.

    Raises:
        ValueError: another ending. FileExistsError, OSError: the file cannot be written. NotImplementedError: formats
        that are not offered.
    """
    kwargs.pop("save_format", None)
    include_optimizer = kwargs.pop("include_optimizer", True)
    if kwargs:
        raise ValueError(f"save: unknown argument(s) {', '.join(sorted(kwargs))}")
    path = _path(filepath, "save")
    if path.suffix in hdf5_model.ENDINGS and not path.name.endswith(".weights.h5"):
        _save_hdf5(model, path, overwrite, include_optimizer)
        return
    if zipped is False or not include_optimizer:
        raise NotImplementedError(
            "save: zipped=False and include_optimizer=False are not offered for .keras files; save an .h5 file, or the "
            "weights alone with save_weights('x.weights.h5')"
        )
    if path.suffix != ".keras":
        raise ValueError(f"save: the file's name must end in .keras or .h5, got {str(path)!r}")
    _check_overwrite(path, overwrite)
    config = json.dumps(serialize_model(model))
    metadata = json.dumps({"keras_version": KERAS_VERSION, "date_saved": time.strftime("%Y-%m-%d@%H:%M:%S")})
    weights = _weights_image(model)
    with replacing(path) as part, zipfile.ZipFile(part, "w") as archive:
        archive.writestr(_METADATA, metadata)
        archive.writestr(_CONFIG, config)
        archive.writestr(_WEIGHTS, weights)


def _save_hdf5(model, path, overwrite, include_optimizer):
    if not model.built:
        raise ValueError(f"save: {model.name!r} has no weights yet; call it on data, or build it, first")
    _check_overwrite(path, overwrite)
    content = image(lambda file: hdf5_model.write_model(file, model, include_optimizer))
    with replacing(path) as part:
        part.write_bytes(content)


def serialize_model(model):
    """MODEL's configuration with its compile settings, as a .keras file has it."""
    config = serialize_keras_object(model)
    compiled = model.get_compile_config() if model.compiled else None
    if compiled:
        config["compile_config"] = compiled
    return config


def load_model(filepath, custom_objects=None, compile=True, safe_mode=True):
    """The model in FILEPATH, a `.keras` file of Keras 3 or a `.h5` file of Keras 2 or 3, or one that `save` wrote.

    CUSTOM_OBJECTS maps names to classes and functions of yours. COMPILE=False leaves compile settings and optimizer
    out. Code in the file (lambdas) is never run: pass the function of a Lambda layer in CUSTOM_OBJECTS, under the
    layer's name. SAFE_MODE, which decides on that in Keras, therefore changes nothing.

    Raises:
        ValueError: no model file, damaged, or with names nothing is known of. FileNotFoundError, OSError.
    """
    path = _path(filepath, "load_model")
    if path.suffix in hdf5_model.ENDINGS:
        return _load_hdf5(path, custom_objects, compile)
    with _opened_archive(path) as archive:
        config = _read_json(archive, _CONFIG, path)
        if not isinstance(config, dict):
            raise ValueError(f"{path}: its {_CONFIG} describes no model")
        with CustomObjectScope(custom_objects):
            compiled = config.pop("compile_config", None)
            model = _model_of(config, path)
            if compile and compiled:
                model.compile_from_config(compiled)
        with _opened_weights(archive, path, _needed_bytes(model)) as file:
            _load(model, file, compile and bool(compiled))
    return model


def _load_hdf5(path, custom_objects, compile):
    with opened(path, str(path)) as file:
        with CustomObjectScope(custom_objects):
            model = _model_of(hdf5_model.model_config(file, path), path)
        group = descend(file, "model_weights")
        if group is None:
            raise ValueError(f"{path} has an architecture, but no weights")
        if not model.built:
            raise ValueError(
                f"{path}: its model does not say for which input it was built, so it has no weights to load"
            )
        keras2_weights.load_weights(model, group)
        if compile:
            with CustomObjectScope(custom_objects):
                hdf5_model.load_training(model, file, path)
    return model


def _model_of(config, path):
    """The model that CONFIG describes; a ValueError for whatever is wrong with it."""
    from cnnpy.models import Model

    try:
        model = deserialize_keras_object(config)
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError) as error:
        what = f"{type(error).__name__}: {error}"
        raise ValueError(f"{path}: its architecture cannot be read ({what})") from error
    if not isinstance(model, Model):
        raise ValueError(f"{path}: it describes a {type(model).__name__}, no model")
    return model


# ---- weights ----


def save_weights(model, filepath, overwrite=True):
    """Saves the weights of MODEL, and the optimizer's state, to FILEPATH, which ends in `.weights.h5`."""
    path = _path(filepath, "save_weights")
    if not path.name.endswith(".weights.h5"):
        raise ValueError(f"save_weights: the file's name must end in .weights.h5, got {str(path)!r}")
    _check_overwrite(path, overwrite)
    if not model.built:
        raise ValueError(f"save_weights: {model.name!r} has no weights yet; call it on data, or build it, first")
    write_weights(model, path)


def load_weights(model, filepath, skip_mismatch=False, **kwargs):
    """Gives MODEL the weights in FILEPATH: a `.weights.h5` or `.keras` file, or an `.h5` file of Keras 2.

    Keras 3's files go by structure, not by names. Those in Keras 2's layout go by the order of the layers that have
    weights, or, with `by_name=True`, to the layers whose names are in the file. SKIP_MISMATCH leaves what does not fit
    as it is, with a warning. Raises ValueError, before anything has changed, if the file does not fit the model.
    """
    by_name = kwargs.pop("by_name", False)
    if kwargs:
        raise NotImplementedError(f"load_weights: {', '.join(sorted(kwargs))} is not offered")
    path = _path(filepath, "load_weights")
    if path.suffix not in (".keras", *hdf5_model.ENDINGS):
        raise ValueError(f"load_weights: the file's name must end in .weights.h5, .h5 or .keras, got {str(path)!r}")
    with contextlib.ExitStack() as stack:
        if path.suffix == ".keras":
            archive = stack.enter_context(_opened_archive(path))
            file = stack.enter_context(_opened_weights(archive, path, _needed_bytes(model)))
        else:
            file = stack.enter_context(opened(path, str(path)))
            group = keras2_weights.found_in(file)
            if group is not None:
                keras2_weights.load_weights(model, group, by_name, skip_mismatch)
                return
        if by_name:
            raise ValueError(f"load_weights: {path} has no names of layers to go by; leave by_name out")
        _load(model, file, model.optimizer is not None, skip_mismatch)


def write_weights(model, path, also=None):
    """Writes the state of MODEL to an HDF5 file at PATH, whole; ALSO(file) may add to it."""
    content = _weights_image(model, also)
    with replacing(path) as part:
        part.write_bytes(content)


def _weights_image(model, also=None):
    """The bytes of an HDF5 file with the state of MODEL and what ALSO(file) adds."""
    from cnnpy.saving import state, store

    def write(file):
        state.save_state(model, store.Writer(file))
        if also is not None:
            also(file)

    return image(write)


def load_from(model, file):
    """Reads the state of MODEL, its optimizer's too, from an open HDF5 FILE."""
    _load(model, file, model.optimizer is not None)


def _load(model, file, with_optimizer, skip_mismatch=False):
    """Reads MODEL's state from an open HDF5 FILE; the optimizer's if it is there and fits."""
    from cnnpy.saving import state, store

    reader = store.Reader(file)
    optimizer = model.optimizer if with_optimizer else None
    saved = len(reader.entry("optimizer"))
    if optimizer is not None and not optimizer.built and saved > len(optimizer.variables):
        optimizer.build(model.trainable_variables)
    if optimizer is not None and saved == len(optimizer.variables):
        state.load_state(model, reader, skip_mismatch)
        return
    if saved > 2 and optimizer is not None:  # one that had made no step has its rate and count alone
        warnings.warn(
            f"the state of optimizer {optimizer.name!r} was not loaded: it has {len(optimizer.variables)} variables, "
            f"the file {saved}",
            stacklevel=3,
        )
    kept = model.optimizer
    model._keep(optimizer=None)  # the file has none, or one of another kind: only the weights are read
    try:
        state.load_state(model, reader, skip_mismatch)
    finally:
        model._keep(optimizer=kept)


def _needed_bytes(model):
    """What the arrays of MODEL take, with three times as much for an optimizer."""
    return 5 * sum(w.size for w in model.weights) * 8


# ---- files ----


def _path(filepath, what):
    try:
        return Path(os.path.expanduser(os.fspath(filepath)))
    except TypeError:
        raise TypeError(f"{what}: takes the path of a file, got {filepath!r}") from None


def _check_overwrite(path, overwrite):
    if not overwrite and path.exists():
        raise FileExistsError(f"{path} exists, and overwrite is False")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent}; make it first")


@contextlib.contextmanager
def _opened_archive(path):
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: there is no such file") from None
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} is no .keras file, or a damaged one: {error}") from None
    with archive:
        names = archive.namelist()
        for name in (_CONFIG, _WEIGHTS):
            if names.count(name) != 1:
                raise ValueError(f"{path} is no model file: it has {names.count(name)} entries {name!r}")
        yield archive


def _read_json(archive, name, path):
    """The JSON in the entry NAME, of bounded size and depth."""
    raw = _unpack(archive, name, _LARGEST_CONFIG, path)
    return parse_json(raw, f"{path}: its {name}")


def _unpack(archive, name, most, path):
    """The bytes of the entry NAME, at most MOST of them."""
    try:
        with archive.open(name) as entry:
            raw = entry.read(most + 1)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        raise ValueError(f"{path}: its {name} is damaged or cannot be unpacked: {error}") from None
    if len(raw) > most:
        raise ValueError(f"{path}: its {name} unpacks to more than {most:,} bytes, more than such a file needs")
    return raw


def _check_whole(archive, path):
    """Raises ValueError if the weights are not what was written, by their checksum; reads them piece by piece."""
    if archive.getinfo(_WEIGHTS).compress_type != zipfile.ZIP_STORED:
        return  # unpacking checks it
    try:
        with archive.open(_WEIGHTS) as entry:
            while entry.read(1 << 20):
                pass
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError) as error:
        raise ValueError(f"{path}: its {_WEIGHTS} is damaged: {error}") from None


@contextlib.contextmanager
def _opened_weights(archive, path, needed):
    """The HDF5 file in the archive: read in place where it is stored as it is, else unpacked within bounds."""
    entry = archive.getinfo(_WEIGHTS)
    _check_whole(archive, path)
    if entry.compress_type == zipfile.ZIP_STORED and not entry.flag_bits & 1:
        file = archive.fp  # and not PATH again, where another file may be by now
        file.seek(entry.header_offset + 26)
        name, extra = (int.from_bytes(file.read(2), "little") for _ in range(2))
        source = _Window(file, entry.header_offset + 30 + name + extra, entry.file_size)
        with opened(source, f"{_WEIGHTS} of {path}") as inside:
            yield inside
        return
    raw = _unpack(archive, _WEIGHTS, needed + _SMALL, path)
    with opened(io.BytesIO(raw), f"{_WEIGHTS} of {path}") as inside:
        yield inside


class _Window(io.RawIOBase):
    """SIZE bytes of an open FILE from BEGIN on, as a file for reading."""

    def __init__(self, file, begin, size):
        self._file, self._begin, self._size, self._at = file, begin, size, 0

    def readable(self):
        return True

    def seekable(self):
        return True

    def tell(self):
        return self._at

    def seek(self, offset, whence=io.SEEK_SET):
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def readinto(self, buffer):
        left = max(min(len(buffer), self._size - self._at), 0)
        self._file.seek(self._begin + self._at)
        read = self._file.readinto(memoryview(buffer)[:left]) if left else 0
        self._at += read
        return read
