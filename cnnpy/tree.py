"""Nested structures, as `keras.tree`: lists, tuples, named tuples, deques and dicts with leaves of any other kind.

Dicts are walked in the order of their sorted keys, an OrderedDict in its own. None is a leaf.
"""

import collections

_NESTED = (list, tuple, dict, collections.deque)


class MAP_TO_NONE:
    """What the function of `traverse` returns to put None in a place, since None itself means to go on inside."""


def is_nested(structure):
    """True for a list, tuple, deque or dict."""
    return isinstance(structure, _NESTED)


def _keys(mapping):
    """The keys of a dict in the order of the walk; those that cannot be sorted keep theirs."""
    if isinstance(mapping, collections.OrderedDict):
        return list(mapping)
    try:
        return sorted(mapping)
    except TypeError:
        return list(mapping)


def _entries(structure):
    """(key or place, what is there) of a nested structure, in the order of the walk."""
    if isinstance(structure, dict):
        return [(key, structure[key]) for key in _keys(structure)]
    return list(enumerate(structure))


def _rebuild(like, items):
    """ITEMS, in the order of the walk, in a structure of LIKE's type."""
    if isinstance(like, list):
        return list(items)
    if isinstance(like, dict):
        found = dict(zip(_keys(like), items))
        values = {key: found[key] for key in like}
        if isinstance(like, collections.defaultdict):
            return collections.defaultdict(like.default_factory, values)
        return collections.OrderedDict(values) if isinstance(like, collections.OrderedDict) else values
    if isinstance(like, collections.deque):
        return collections.deque(items, like.maxlen)
    return type(like)(*items) if hasattr(like, "_fields") else tuple(items)


def flatten(structure):
    """A list of all leaves."""
    leaves = []
    _collect(structure, leaves)
    return leaves


def _collect(structure, leaves):
    if isinstance(structure, dict):
        for key in _keys(structure):
            _collect(structure[key], leaves)
    elif isinstance(structure, _NESTED):
        for item in structure:
            _collect(item, leaves)
    else:
        leaves.append(structure)


def flatten_with_path(structure):
    """A list of (path, leaf); a path is a tuple of keys and places."""
    if not is_nested(structure):
        return [((), structure)]
    return [((key, *path), leaf) for key, part in _entries(structure) for path, leaf in flatten_with_path(part)]


def _kind(structure):
    """What two structures must have in common: dicts of all kinds count as one, named tuples only as themselves."""
    for kind in (list, dict, collections.deque):
        if isinstance(structure, kind):
            return kind
    return type(structure) if hasattr(structure, "_fields") else tuple


def _like(structure, other):
    """The parts of OTHER in the order in which STRUCTURE, which is nested, is walked; ValueError if it differs."""
    if not is_nested(other) or _kind(other) is not _kind(structure):
        raise ValueError(f"the structures differ: one has a {_kind(structure).__name__} where the other has {other!r}")
    if isinstance(structure, dict):
        if structure.keys() != other.keys():
            raise ValueError(f"the structures differ: dicts with the keys {list(structure)} and {list(other)}")
        return [other[key] for key in _keys(structure)]
    if len(structure) != len(other):
        raise ValueError(f"the structures differ: {len(structure)} and {len(other)} entries")
    return list(other)


def _map(func, structure, others, none_is_leaf, deeper):
    if not is_nested(structure):
        if not deeper and any(map(is_nested, others)):
            raise ValueError(f"the structures differ: one has the leaf {structure!r} where another is nested")
        if structure is None and not none_is_leaf:
            return None
        return func(*others) if deeper else func(structure, *others)
    if not others:
        parts = [structure[key] for key in _keys(structure)] if isinstance(structure, dict) else structure
        return _rebuild(structure, [_map(func, part, (), none_is_leaf, False) for part in parts])
    columns = zip(*[_like(structure, other) for other in (structure, *others)])
    return _rebuild(structure, [_map(func, part, rest, none_is_leaf, deeper) for part, *rest in columns])


def map_structure(func, *structures, none_is_leaf=True):
    """FUNC of the corresponding leaves of STRUCTURES, which must be built alike (else ValueError), in such a structure.
    Without NONE_IS_LEAF None stays None."""
    if not structures:
        raise ValueError("map_structure: there must be at least one structure")
    return _map(func, structures[0], structures[1:], none_is_leaf, False)


def map_structure_up_to(shallow_structure, func, *structures):
    """FUNC of what STRUCTURES have in the places of the leaves of SHALLOW_STRUCTURE, which may be nested further."""
    if not structures:
        raise ValueError("map_structure_up_to: there must be at least one structure")
    return _map(func, shallow_structure, structures, True, True)


def assert_same_structure(a, b, check_types=None):
    """ValueError unless A and B are built alike. Dicts of all kinds count as one; lists, tuples, each kind of named
    tuple and deques do not. CHECK_TYPES is Keras 2's and means nothing any more."""
    if check_types is not None:
        from cnnpy.utils.deprecation import warn_once

        warn_once("check_types", "assert_same_structure: check_types means nothing any more; see assert_same_paths")
    _map(lambda x, y: None, a, (b,), True, False)


def assert_same_paths(a, b):
    """ValueError unless the leaves of A and B have the same paths; lists, tuples and deques count as one."""
    paths = [{path for path, _ in flatten_with_path(structure)} for structure in (a, b)]
    if paths[0] != paths[1]:
        raise ValueError(
            f"the structures have not the same paths: only in a {sorted(paths[0] - paths[1], key=repr)}, only in b "
            f"{sorted(paths[1] - paths[0], key=repr)}"
        )


def pack_sequence_as(structure, flat_sequence):
    """The leaves FLAT_SEQUENCE in a structure built like STRUCTURE; what `flatten` takes apart."""
    if not isinstance(flat_sequence, collections.abc.Iterable):
        raise TypeError(f"pack_sequence_as: flat_sequence must be a list of leaves, got {flat_sequence!r}")
    flat_sequence = list(flat_sequence)
    count = len(flatten(structure))
    if len(flat_sequence) != count:
        few = "few" if len(flat_sequence) < count else "many"
        raise ValueError(f"too {few} leaves: {len(flat_sequence)} for the {count} of {structure!r}")
    leaves = iter(flat_sequence)
    return map_structure(lambda _: next(leaves), structure)


def traverse(func, structure, top_down=True):
    """STRUCTURE with each part for which FUNC returns something replaced by that; None means to keep it and go on
    inside, MAP_TO_NONE stands for None. Parents come before their children if TOP_DOWN, else after."""

    def inside():
        if not is_nested(structure):
            return structure
        return _rebuild(structure, [traverse(func, part, top_down) for _, part in _entries(structure)])

    if top_down:
        result = func(structure)
        if result is None:
            return inside()
    else:
        kept = inside()
        result = func(kept)
        if result is None:
            return kept
    return None if result is MAP_TO_NONE else result


def lists_to_tuples(structure):
    """STRUCTURE with tuples in the places of lists."""
    return traverse(lambda part: tuple(part) if isinstance(part, list) else None, structure, top_down=False)


def is_shape(value):
    """True for a tuple or list of numbers and None: one shape, no structure of shapes."""
    return isinstance(value, (tuple, list)) and all(d is None or isinstance(d, int) for d in value)


def map_shape_structure(func, structure):
    """FUNC applied to each shape (a tuple or list of integers and None) of a structure of shapes, and other leaves."""
    if is_shape(structure) or not is_nested(structure):
        return func(structure)
    return _rebuild(structure, [map_shape_structure(func, part) for _, part in _entries(structure)])


map_shapes = map_shape_structure  # what layers and models call it
