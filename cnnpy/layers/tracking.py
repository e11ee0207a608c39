"""How layers know what they hold.

A layer finds its variables and sublayers by looking through its attributes, and remembers them until something changes:
any assignment of a layer, a variable or a container to any layer, any change of such a container and any new weight
gives one counter a value it never had, against which all remembered lists are checked. They note its value from before
they were made, and whoever changes something does so before the counter.
"""

import itertools


class _Structure:
    version = 0
    freezings = 0  # the same for `trainable` of all layers


structure = _Structure()
_values = itertools.count(1)  # one for each change, whichever threads make them: `+= 1` could bring an old one back


def structure_changed():
    """Makes every layer look again."""
    structure.version = next(_values)


def freezing_changed():
    """Makes every model compare `trainable` of its layers with what it has settled."""
    structure.freezings = next(_values)


def _changing(name, base):
    method = getattr(base, name)

    def call(self, *args, **kwargs):
        try:
            return method(self, *args, **kwargs)
        finally:
            structure_changed()

    call.__name__ = name
    return call


class TrackedList(list):
    """A list whose changes are noticed."""

    def __reduce__(self):
        return TrackedList, (list(self),)


class TrackedDict(dict):
    """A dict whose changes are noticed."""

    def __reduce__(self):
        return TrackedDict, (dict(self),)


_BOTH = ("clear", "pop", "__setitem__", "__delitem__")
for _name in (*_BOTH, "append", "extend", "insert", "remove", "sort", "reverse", "__iadd__"):
    setattr(TrackedList, _name, _changing(_name, list))
for _name in (*_BOTH, "update", "setdefault", "popitem", "__ior__"):
    setattr(TrackedDict, _name, _changing(_name, dict))


def tracked(value):
    """VALUE itself, or for a list or dict one of the same entries that notices changes, all the way down."""
    kind = type(value)
    if kind is list:
        return TrackedList(tracked(item) for item in value)
    if kind is dict:
        return TrackedDict((key, tracked(item)) for key, item in value.items())
    if kind is tuple and any(type(item) in (list, dict, tuple) for item in value):
        return tuple(tracked(item) for item in value)
    return value


def find(value, layer_type, variable_type, layers, variables, seen):
    """Appends the layers and variables in VALUE and its containers to LAYERS and VARIABLES, each once."""
    if isinstance(value, layer_type):
        if id(value) not in seen:
            seen.add(id(value))
            layers.append(value)
    elif isinstance(value, variable_type):
        if id(value) not in seen:
            seen.add(id(value))
            variables.append(value)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            find(item, layer_type, variable_type, layers, variables, seen)
    elif isinstance(value, dict):
        for item in value.values():
            find(item, layer_type, variable_type, layers, variables, seen)
