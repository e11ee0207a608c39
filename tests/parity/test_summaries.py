"""Summaries of models of every form have Keras's text."""

import pytest
from parity.programs import compare

pytest.importorskip("keras")
pytest.importorskip("tensorflow")


def told(model, **arguments):
    """What `summary` prints, 110 characters wide."""
    lines = []
    model.summary(print_fn=lambda text, line_break=None: lines.append(text), **{"line_length": 110, **arguments})
    return "\n".join(lines).splitlines()


def nested_and_shared(k):
    inner = [k.Input((6,)), k.layers.Dense(3, name="in"), k.layers.BatchNormalization(name="bn")]
    inner = k.Sequential(inner, name="inner")
    inner.trainable = False
    a, b, shared = k.Input((6,), name="a"), k.Input((6,), name="b"), k.layers.Dense(4, name="shared")
    joined = k.layers.Concatenate(name="join")([shared(a), shared(b)])
    return k.Model([a, b], [joined, inner(a) * 2], name="model")


def feature_maps(k):
    a = k.Input((6,), name="a")
    first = k.layers.Dense(3, name="first")(a)
    return k.Model(a, [first, k.layers.Dense(2, name="second")(first)], name="model")


def several_outputs_of_a_layer(k):
    a = k.Input((6,), name="a")
    return k.Model(a, k.layers.Lambda(lambda x: [x, x + 1], name="both")(a), name="model")


def operations(k):
    a = k.Input((6,), name="a")
    return k.Model(a, k.ops.concatenate([a * 2, a[:, 1:], round(a // 3)], axis=-1), name="model")


def unbuilt(k):
    return k.Sequential([k.layers.Dense(3, name="first"), k.layers.Dense(2, name="second")], name="model")


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


@pytest.mark.parametrize("make", [nested_and_shared, feature_maps, several_outputs_of_a_layer, operations, unbuilt])
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"expand_nested": True},
        {"show_trainable": True, "expand_nested": True},
        {"line_length": 90},
        {"positions": [0.2, 0.5, 0.8, 1.0]},
    ],
)
def test_text(make, arguments):
    compare(lambda k, tape: told(make(k), **arguments))


def test_ranges():
    compare(lambda k, tape: told(nested_and_shared(k), layer_range=["shared", "join"]))
    compare(lambda k, tape: told(feature_maps(k), layer_range=["fir.*", "second"]))


def test_with_an_optimizer():
    def program(k, tape):
        model = feature_maps(k)
        model.compile("adam", "mse")
        model.optimizer.build(model.trainable_variables)
        return told(model)

    compare(program)
