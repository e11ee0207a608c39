"""cnnpy.tree: nested structures."""

from collections import OrderedDict, defaultdict, deque, namedtuple

import pytest

from cnnpy import tree

Pair = namedtuple("Pair", "x y")
NEST = {"b": [1, (2, None)], "a": Pair(3, OrderedDict([("z", 4), ("c", 5)]))}


def test_flatten_and_pack():
    assert tree.flatten(NEST) == [3, 4, 5, 1, 2, None]
    assert tree.flatten(7) == [7] and tree.flatten(None) == [None] and tree.flatten([]) == []
    packed = tree.pack_sequence_as(NEST, "abcdef")
    assert packed == {"b": ["d", ("e", "f")], "a": Pair("a", OrderedDict([("z", "b"), ("c", "c")]))}
    assert list(packed) == ["b", "a"] and type(packed["a"].y) is OrderedDict
    assert tree.pack_sequence_as(5, [1]) == 1
    assert tree.flatten({2: 1, "a": 2}) == [1, 2]  # keys that cannot be sorted


def test_paths():
    paths = [("a", 0), ("a", 1, "z"), ("a", 1, "c"), ("b", 0), ("b", 1, 0), ("b", 1, 1)]
    assert tree.flatten_with_path(NEST) == list(zip(paths, tree.flatten(NEST)))
    assert tree.flatten_with_path(3) == [((), 3)]


def test_kinds_are_kept():
    count = defaultdict(int, a=1)
    mapped = tree.map_structure(lambda x: x + 1, [deque([1], maxlen=3), count, Pair(1, (2,))])
    assert mapped == [deque([2]), {"a": 2}, Pair(2, (3,))] and mapped[0].maxlen == 3
    assert mapped[1].default_factory is int
    assert tree.is_nested(deque()) and tree.is_nested({}) and not tree.is_nested("ab") and not tree.is_nested(None)


def test_map_several():
    assert tree.map_structure(lambda a, b: a + b, {"x": 1, "y": (2,)}, OrderedDict(y=(20,), x=10)) == {
        "x": 11,
        "y": (22,),
    }
    assert tree.map_structure(lambda x: x + 1, {"a": None, "b": 1}, none_is_leaf=False) == {"a": None, "b": 2}
    assert tree.map_structure_up_to([0, {"k": 0}], lambda a, b: (a, b), [1, {"k": [2]}], [3, {"k": 4}]) == [
        (1, 3),
        {"k": ([2], 4)},
    ]


def test_traverse():
    assert tree.traverse(lambda x: tree.MAP_TO_NONE if isinstance(x, int) else None, [1, (2, "a")]) == [
        None,
        (None, "a"),
    ]
    assert tree.traverse(lambda x: len(x) if isinstance(x, list) else None, [[1, 2], 3]) == 2
    assert tree.traverse(lambda x: sum(x) if isinstance(x, list) else None, [[1, 2], 3], top_down=False) == 6
    assert tree.lists_to_tuples([1, {"a": [2, []]}]) == (1, {"a": (2, ())})


def test_shapes():
    shapes = {"a": (1, 2), "b": [(1, None), [3]]}
    assert tree.map_shape_structure(len, shapes) == {"a": 2, "b": [2, 1]}


def test_same_structure_and_paths():
    tree.assert_same_structure([(0, 1), {"a": 2}], [(2, 3), OrderedDict(a=1)])
    tree.assert_same_paths([1, (2,)], (1, [2]))
    with pytest.warns(DeprecationWarning, match="check_types"):
        tree.assert_same_structure([1], [2], check_types=True)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: tree.map_structure(max, [1, 2], (1, 2)), "a list where the other has"),
        (lambda: tree.map_structure(max, [1, 2], [1, [2]]), "where another is nested"),
        (lambda: tree.map_structure(max, [1, [2]], [1, 2]), "a list where the other has 2"),
        (lambda: tree.map_structure(max, [1], [1, 2]), "1 and 2 entries"),
        (lambda: tree.map_structure(max, {"a": 1}, {"b": 1}), "keys"),
        (lambda: tree.map_structure(max, Pair(1, 2), (1, 2)), "a Pair where"),
        (lambda: tree.map_structure(max), "at least one"),
        (lambda: tree.map_structure_up_to([0]), "missing"),
        (lambda: tree.pack_sequence_as([1, 2], [1]), "too few leaves: 1 for the 2"),
        (lambda: tree.pack_sequence_as([1, 2], [1, 2, 3]), "too many leaves"),
        (lambda: tree.pack_sequence_as([1], 5), "list of leaves"),
        (lambda: tree.assert_same_structure([1], (1,)), "differ"),
        (lambda: tree.assert_same_paths([1, 2], {0: 1}), "only in a"),
    ],
)
def test_bad_structures(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()
