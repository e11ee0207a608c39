"""Arrays in an HDF5 file: written and read one object's at a time, in Keras 3's layout `<path>/vars/0`, `1`, ...

A file is data that anybody may have made. Only plain groups and datasets in the file itself are read: links, virtual
and external datasets, which lead to other files, are refused, and no array is read before its shape is known to be the
wanted one.
"""

import contextlib
import json

import numpy as np

KERAS_VERSION = "3.15.1"  # whose files ours are, as Keras reads it in them
_NUMBERS = "fiub"


class Writer:
    """Writes the variables of objects to an open HDF5 FILE."""

    def __init__(self, file):
        self._file = file

    def entry(self, path, name=None):
        """What an object's `save_own_variables` writes to: a mapping of name to array."""
        group = self._file.require_group(f"{path}/vars" if path else "vars")
        if name:
            group.attrs["name"] = name
        return _EntryOut(group)


class _EntryOut:
    def __init__(self, group):
        self._group = group

    def __setitem__(self, key, value):
        self._group[str(key)] = np.asarray(value)


class Reader:
    """Reads the variables of objects from an open HDF5 FILE."""

    def __init__(self, file):
        self._file = file

    def has(self, path):
        """True if the file has anything under PATH."""
        return path in self._file

    def entry(self, path):
        """What an object's `load_own_variables` reads from: a mapping of name to array, empty if there is none."""
        for place in dict.fromkeys((path, path.replace("layers", "_layer_checkpoint_dependencies"))):  # Keras 2.13
            group = descend(self._file, f"{place}/vars" if place else "vars")
            if group is not None:
                return EntryIn(group, path)
        return EntryIn({}, path)


class EntryIn:
    """The arrays of one object. `shape(key)` tells an array's shape without reading it."""

    def __init__(self, group, path):
        self._group = group
        self.path = path

    def keys(self):
        """Names of the arrays."""
        return list(self._group)

    def __len__(self):
        return len(self._group)

    def __contains__(self, key):
        return key in self._group

    def _dataset(self, key):
        import h5py

        if key not in self._group:
            raise KeyError(f"the file has no array {key!r} under {self.path!r}, only {self.keys()}")
        data = _plain(self._group, key)
        if not isinstance(data, h5py.Dataset) or data.dtype.kind not in _NUMBERS:
            raise ValueError(f"the file's entry {data.name} is no array of numbers")
        chunk = np.prod(data.chunks or (1,), dtype=float) * data.dtype.itemsize
        if chunk > max(4 * data.size * data.dtype.itemsize, 1 << 20):
            raise ValueError(f"the file's array {data.name} has pieces larger than itself")
        return data

    def shape(self, key):
        """The shape of the array KEY."""
        return tuple(self._dataset(key).shape)

    def read(self, key, shape):
        """The array KEY, which must have SHAPE.

        Raises:
            ValueError: it has another.
        """
        data = self._dataset(key)
        if tuple(data.shape) != tuple(shape):
            raise ValueError(f"the file's array {data.name} has shape {tuple(data.shape)}, expected {tuple(shape)}")
        return data[()]

    def __getitem__(self, key):
        return self._dataset(key)[()]


def _plain(group, name):
    """The entry NAME of GROUP, if it lies in the file itself."""
    import h5py

    link = group.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        raise ValueError(f"the file's entry {group.name}/{name} is a link to somewhere else, which is not followed")
    entry = group[name]
    if isinstance(entry, h5py.Dataset) and (entry.is_virtual or entry.external):
        raise ValueError(f"the file's array {entry.name} keeps its data in another file, which is not read")
    return entry


def descend(group, path):
    """The group at PATH below GROUP; None if it is not there."""
    import h5py

    for name in path.split("/"):
        if name not in group:
            return None
        group = _plain(group, name)
        if not isinstance(group, h5py.Group):
            raise ValueError(f"the file's entry {group.name} is no group")
    return group


def parse_json(text, what):
    """The value of JSON TEXT; a ValueError that names WHAT it is of if it is damaged."""
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{what} is damaged: {error}") from None


@contextlib.contextmanager
def opened(source, what):
    """An HDF5 file for reading, SOURCE a path or an open file; WHAT names it in errors."""
    import h5py

    try:
        file = h5py.File(source, "r")
    except FileNotFoundError:
        raise FileNotFoundError(f"{what}: there is no such file") from None
    except OSError as error:
        raise OSError(f"{what} cannot be read as HDF5: {error}") from error
    with file:
        yield file
