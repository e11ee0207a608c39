"""cnnpy.tree against keras.tree: the same results and the same errors."""

import inspect
from collections import OrderedDict, deque, namedtuple

import pytest

import cnnpy

keras = pytest.importorskip("keras")

Pair = namedtuple("Pair", "x y")
NEST = {"b": [1, (2, None)], "a": Pair(3, OrderedDict([("z", 4), ("c", 5)])), "d": deque([6])}
CALLS = [
    lambda t: t.flatten(NEST),
    lambda t: t.flatten_with_path(NEST),
    lambda t: t.map_structure(str, NEST),
    lambda t: t.map_structure(lambda a, b: (a, b), NEST, NEST),
    lambda t: t.map_structure(str, NEST, none_is_leaf=False),
    lambda t: t.map_structure_up_to({"a": 0, "b": [0, 0], "d": 0}, str, NEST),
    lambda t: t.pack_sequence_as(NEST, list("abcdefg")),
    lambda t: t.lists_to_tuples(NEST),
    lambda t: t.map_shape_structure(str, {"a": (1, 2), "b": [(1, None), [3]]}),
    lambda t: t.traverse(lambda x: t.MAP_TO_NONE if x == 2 else None, NEST),
    lambda t: t.traverse(lambda x: "leaf" if not t.is_nested(x) else None, NEST, top_down=False),
    lambda t: [t.is_nested(x) for x in (None, "a", [], {}, deque(), Pair(1, 2), 3)],
    lambda t: t.assert_same_structure([1, {"a": 2}], [3, OrderedDict(a=4)]),
    lambda t: t.assert_same_paths([1, (2,)], (1, [2])),
    lambda t: t.map_structure(max, [1, 2], (1, 2)),
    lambda t: t.map_structure(max, [1, 2], [1, [2]]),
    lambda t: t.map_structure(max, [1, [2]], [1, 2]),
    lambda t: t.map_structure(max, None, [2]),
    lambda t: t.map_structure(max, {"a": 1}, {"b": 1}),
    lambda t: t.map_structure_up_to([1, [2]], str, [1, 2]),
    lambda t: t.pack_sequence_as([1, 2], [1]),
    lambda t: t.pack_sequence_as([1, 2], [1, 2, 3]),
    lambda t: t.pack_sequence_as([1, 2], 5),
    lambda t: t.assert_same_structure([1], (1,)),
    lambda t: t.assert_same_structure(Pair(1, 2), (1, 2)),
    lambda t: t.assert_same_paths([1, 2], {0: 1}),
]


@pytest.mark.parametrize("call", CALLS)
def test_same_as_keras(call):
    outcomes = []
    for module in (cnnpy.tree, keras.tree):
        try:
            outcomes.append(call(module))
        except (ValueError, TypeError) as error:
            outcomes.append(type(error))
    assert outcomes[0] == outcomes[1] and type(outcomes[0]) is type(outcomes[1])


def test_names_and_arguments():
    for name in dir(keras.tree):
        if name.startswith("_") or name == "MAP_TO_NONE":
            continue
        assert inspect.signature(getattr(cnnpy.tree, name)) == inspect.signature(getattr(keras.tree, name)), name
    assert cnnpy.tree.MAP_TO_NONE
