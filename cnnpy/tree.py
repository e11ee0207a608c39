"""Nested lists, tuples and dicts of things. Dicts are walked in the order of their sorted keys."""


def is_nested(structure):
    """True for a list, tuple or dict."""
    return isinstance(structure, (list, tuple, dict))


def _sorted_keys(mapping):
    try:
        return sorted(mapping)
    except TypeError:
        return list(mapping)


def flatten(structure):
    """All leaves, in order."""
    if isinstance(structure, dict):
        return [leaf for key in _sorted_keys(structure) for leaf in flatten(structure[key])]
    if isinstance(structure, (list, tuple)):
        return [leaf for item in structure for leaf in flatten(item)]
    return [structure]


def _rebuild(like, items):
    """ITEMS in a list or tuple of LIKE's type."""
    if isinstance(like, list):
        return list(items)
    if hasattr(like, "_fields"):
        return type(like)(*items)
    return tuple(items)


def map_structure(function, structure, *others):
    """FUNCTION applied to the leaves of equally built structures, in a structure of the same build."""
    if isinstance(structure, dict):
        return {key: map_structure(function, structure[key], *(other[key] for other in others)) for key in structure}
    if isinstance(structure, (list, tuple)):
        for other in others:
            if len(other) != len(structure):
                raise ValueError(f"the structures differ: {len(structure)} and {len(other)} entries")
        return _rebuild(structure, [map_structure(function, *items) for items in zip(structure, *others)])
    return function(structure, *others)


def pack_sequence_as(structure, flat):
    """The leaves FLAT in a structure built like STRUCTURE; what `flatten` takes apart."""
    leaves = iter(flat)

    def pack(part):
        if isinstance(part, dict):
            packed = {key: pack(part[key]) for key in _sorted_keys(part)}
            return {key: packed[key] for key in part}
        if isinstance(part, (list, tuple)):
            return _rebuild(part, [pack(item) for item in part])
        return next(leaves)

    try:
        packed = pack(structure)
    except (StopIteration, RuntimeError):
        raise ValueError(f"too few leaves: {len(flat)} for {structure!r}") from None
    if next(leaves, leaves) is not leaves:
        raise ValueError(f"too many leaves: {len(flat)} for {structure!r}")
    return packed


def is_shape(value):
    """True for a tuple or list of numbers and None: one shape, no structure of shapes."""
    return isinstance(value, (tuple, list)) and all(d is None or isinstance(d, int) for d in value)


def map_shapes(function, shapes):
    """FUNCTION applied to each shape of a structure of shapes."""
    if shapes is None or is_shape(shapes):
        return function(shapes)
    if isinstance(shapes, dict):
        return {key: map_shapes(function, shapes[key]) for key in shapes}
    return _rebuild(shapes, [map_shapes(function, item) for item in shapes])
