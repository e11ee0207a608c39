"""Functional models: structures of inputs and outputs, shared layers, models inside, parts, configurations."""

import copy
import pickle

import numpy as np
import pytest

import cnnpy
from cnnpy import layers
from cnnpy.models import clone_model, model_from_json

RNG = np.random.default_rng(0)
IMAGE = RNG.normal(size=(2, 8, 8, 3)).astype("float32")
VECTOR = RNG.normal(size=(2, 4)).astype("float32")


def two_inputs():
    image, vector = cnnpy.Input((8, 8, 3), name="image"), cnnpy.Input((4,), name="vector")
    x = layers.Flatten(name="flat")(layers.Conv2D(2, 3, name="conv")(image))
    joined = layers.concatenate([x, vector])
    outputs = {"b": layers.Dense(2, name="first")(joined), "a": layers.Dense(3, name="second")(vector)}
    return cnnpy.Model({"image": image, "vector": vector}, outputs)


def test_structures_of_inputs_and_outputs():
    model = two_inputs()
    assert model.input_names == ["image", "vector"] and len(model.inputs) == 2
    y = model({"vector": VECTOR, "image": IMAGE})
    assert {k: v.shape for k, v in y.items()} == {"b": (2, 2), "a": (2, 3)}
    for given in ([IMAGE, VECTOR], (IMAGE, cnnpy.Tensor(VECTOR))):
        other = model(given)
        assert list(other) == list(y)
        for key in y:
            np.testing.assert_array_equal(other[key], y[key])
    listed = cnnpy.Model(model.inputs, [model.output["a"], model.output["b"]])
    np.testing.assert_array_equal(listed([IMAGE, VECTOR])[1], y["b"])
    named = listed({"image": IMAGE, "vector": VECTOR})
    np.testing.assert_array_equal(named[0], y["a"])
    with pytest.raises(ValueError, match=r"takes 2 inputs \['image', 'vector'\], got 1"):
        model(IMAGE)
    with pytest.raises(ValueError, match=r"lacks \['vector'\]"):
        model({"image": IMAGE})


def test_one_input_in_many_guises():
    inputs = cnnpy.Input((4,), name="x")
    model = cnnpy.Model(inputs, layers.Dense(2)(inputs))
    expected = np.asarray(model(VECTOR))
    for given in ([VECTOR], {"x": VECTOR}, VECTOR.astype("float64"), VECTOR.tolist(), cnnpy.Tensor(VECTOR)):
        np.testing.assert_allclose(model(given), expected, rtol=1e-6)
    np.testing.assert_allclose(model(inputs=VECTOR), expected)
    assert model(np.zeros((3, 4), "uint8")).dtype == "float32"


def test_shared_layer():
    a, b = cnnpy.Input((4,)), cnnpy.Input((4,))
    shared = layers.Dense(3)
    model = cnnpy.Model([a, b], layers.subtract([shared(a), shared(b)]))
    np.testing.assert_allclose(model([VECTOR, VECTOR]), np.zeros((2, 3)), atol=1e-6)
    assert len(model.weights) == 2 and model.count_params() == 15
    with cnnpy.GradientTape() as tape:
        y = model([VECTOR, 2 * VECTOR])
    np.testing.assert_allclose(tape.gradient(y, shared.bias), np.zeros(3), atol=1e-5)


def test_arithmetic_indexing_and_functions():
    inputs = cnnpy.Input((8, 8, 3))
    x = 1 - inputs[:, 1:, ::2, 0] * 2 + np.ones(4) / 2
    outputs = cnnpy.activations.tanh(abs(-x)) ** 2
    model = cnnpy.Model(inputs, outputs)
    expected = np.tanh(np.abs(1 - IMAGE[:, 1:, ::2, 0] * 2 + 0.5)) ** 2
    y = model(IMAGE)
    assert y.dtype == "float32" and y.shape == (2, *outputs.shape[1:])
    np.testing.assert_allclose(y, expected, rtol=1e-5)
    again = model_from_json(model.to_json())
    np.testing.assert_array_equal(again(IMAGE), y)
    assert [type(layer).__name__ for layer in model.layers] == ["InputLayer"]
    double = cnnpy.Input((3,), dtype="float64")
    assert cnnpy.Model(double, double * 2 + np.ones(3, "float32"))(np.ones((1, 3))).dtype == "float64"


def test_models_inside_models():
    inner_input = cnnpy.Input((4,))
    inner = cnnpy.Model(inner_input, [layers.Dense(3)(inner_input), layers.Dense(2)(inner_input)], name="inner")
    stack = cnnpy.Sequential([layers.Dense(5, activation="relu"), layers.Dropout(0.5)], name="stack")
    inputs = cnnpy.Input((4,))
    first, second = inner(inputs)
    model = cnnpy.Model(inputs, layers.concatenate([stack(first), second]))
    x = np.asarray(model(VECTOR))
    hidden, tail = inner(VECTOR)
    np.testing.assert_allclose(x, np.concatenate([stack(hidden), tail], 1), rtol=1e-6)
    assert not np.array_equal(model(VECTOR, training=True), x)
    assert len(model.weights) == 6
    assert {layer.name for layer in model.layers} >= {"inner", "stack"}
    other = cnnpy.Model(inputs, inner(layers.Dense(4)(inputs))[1])
    assert other(VECTOR).shape == (2, 2)
    with pytest.raises(ValueError, match=r'Functional "inner": input .* must have shape'):
        inner(cnnpy.Input((5,)))


def test_parts_of_models():
    model = two_inputs()
    conv = model.get_layer("conv")
    features = cnnpy.Model(model.input, conv.output)
    np.testing.assert_array_equal(features([IMAGE, VECTOR]), conv(IMAGE))
    only_image = cnnpy.Model(model.get_layer("image").output, model.get_layer("flat").output)
    assert only_image(IMAGE).shape == (2, 72)
    tail = cnnpy.Model(conv.output, model.get_layer("flat").output)
    np.testing.assert_array_equal(tail(conv(IMAGE)), only_image(IMAGE))
    assert [layer.name for layer in tail.layers] == ["flat"]
    assert features.weights == [conv.kernel, conv.bias]
    with pytest.raises(NotImplementedError, match="starts inside another"):
        tail.get_config()
    everything = cnnpy.Model(model.inputs, [layer.output for layer in model.layers])
    assert len(everything([IMAGE, VECTOR])) == len(model.layers)


def test_output_that_is_an_input():
    inputs = cnnpy.Input((4,))
    model = cnnpy.Model(inputs, [inputs, layers.Dense(2)(inputs)])
    np.testing.assert_array_equal(model(VECTOR)[0], VECTOR)
    same = cnnpy.Model(inputs, inputs)
    np.testing.assert_array_equal(same(VECTOR), VECTOR)


def test_outputs_of_one_layer_twice():
    inputs = cnnpy.Input((4,))
    dense = layers.Dense(4, name="d")
    model = cnnpy.Model(inputs, [dense(inputs), dense(dense(inputs))])
    assert model.output_names == ["d", "d_1"]
    a, b = model(VECTOR)
    np.testing.assert_allclose(dense(a), b, rtol=1e-5)


def test_errors_of_construction():
    a, b = cnnpy.Input((4,), name="a"), cnnpy.Input((4,), name="b")
    y = layers.Dense(2)(layers.add([a, b]))
    with pytest.raises(ValueError, match=r"depend on the input 'b' .*not among the model's inputs"):
        cnnpy.Model(a, y)
    with pytest.raises(ValueError, match="symbolic tensors"):
        cnnpy.Model([a, b], VECTOR)
    with pytest.raises(ValueError, match="symbolic tensors"):
        cnnpy.Model(layers.Dense(2), y)
    with pytest.raises(ValueError, match=r"write Model\(inputs=..., outputs=...\)"):
        cnnpy.Model(input=a, output=y)
    with pytest.raises(ValueError, match="listed twice"):
        cnnpy.Model([a, b, a], y)
    with pytest.raises(ValueError, match="two layers bear the name 'same'"):
        cnnpy.Model(a, layers.Dense(1, name="same")(layers.Dense(1, name="same")(a)))


def test_errors_of_shape():
    inputs = cnnpy.Input((8, 8, 3), name="image")
    model = cnnpy.Model(inputs, layers.Flatten()(inputs), name="net")
    for bad, hint in [
        ((8, 8, 3), r"did you forget the batch dimension, x\[None\]"),
        ((2, 3, 8, 8), "the channels seem to come first"),
        ((2, 8, 8, 1), r"Pass shape=\(8, 8, 1\) to the model's Input"),
        ((2, 8, 8), r"np.expand_dims\(x, -1\)"),
        ((2, 9, 8, 3), "got"),
    ]:
        with pytest.raises(
            ValueError, match=rf'Functional "net": input .image. must have shape \(None, 8, 8, 3\).*{hint}'
        ):
            model(np.zeros(bad, "float32"))
        with pytest.raises(ValueError, match='Functional "net"'):
            model(cnnpy.Tensor(np.zeros(bad, "float32")))
    with pytest.raises(TypeError, match=r'Functional "net": input .image.'):
        model(np.array(["text"]))
    with pytest.raises(TypeError, match="takes one argument"):
        model(IMAGE, IMAGE)
    assert model(np.zeros((0, 8, 8, 3), "float32")).shape == (0, 192)


def test_a_missing_or_extra_last_size_of_one():
    inputs = cnnpy.Input((6, 6, 1))
    model = cnnpy.Model(inputs, layers.Flatten()(inputs))
    assert model(np.zeros((2, 6, 6))).shape == (2, 36)
    flat = cnnpy.Input((6,))
    assert cnnpy.Model(flat, layers.Dense(1)(flat))(np.zeros((2, 6, 1))).shape == (2, 1)


def test_training_flag():
    inputs = cnnpy.Input((100,))
    always = layers.Dropout(0.5)(inputs, training=True)
    model = cnnpy.Model(inputs, [layers.Dropout(0.5)(inputs), always])
    x = np.ones((2, 100), "float32")
    kept, dropped = model(x)
    np.testing.assert_array_equal(kept, x)
    assert (np.asarray(dropped) == 0).any()
    assert (np.asarray(model(x, training=True)[0]) == 0).any()


def test_freezing_and_layers():
    model = two_inputs()
    assert len(model.trainable_weights) == 6
    model.get_layer("conv").trainable = False
    assert len(model.trainable_weights) == 4 and len(model.non_trainable_weights) == 2
    model.trainable = False
    assert model.trainable_weights == [] and not model.get_layer("first").kernel.trainable
    with pytest.raises(ValueError, match=r"no layer is called 'cnv'. Did you mean 'conv'"):
        model.get_layer("cnv")
    assert model.get_layer(index=0) is model.layers[0]
    with pytest.raises(ValueError, match="either name or index"):
        model.get_layer()
    with pytest.raises(AttributeError):
        model.layers = []


def test_add_loss_and_activity_regularizers():
    class Adds(layers.Layer):
        def call(self, inputs):
            self.add_loss(inputs.sum())
            return inputs

    inputs = cnnpy.Input((4,))
    x = layers.Dense(4, activity_regularizer="l2", kernel_regularizer="l2")(Adds()(inputs))
    model = cnnpy.Model(inputs, x)
    assert len(model.losses) == 1
    for _ in range(2):
        model(VECTOR)
        assert len(model.losses) == 3
    outer_input = cnnpy.Input((4,))
    outer = cnnpy.Model(outer_input, model(outer_input))
    outer(VECTOR)
    assert len(outer.losses) == 3
    np.testing.assert_allclose(outer.losses[0], VECTOR.sum(), rtol=1e-4)


def with_all_kinds_of_parts():
    first = layers.Conv2D(2, 3, input_shape=(8, 8, 3))
    inner = cnnpy.Sequential([first, layers.BatchNormalization(), layers.Flatten()])
    image, vector = cnnpy.Input((8, 8, 3)), cnnpy.Input((4,))
    shared = layers.Dense(3, activation="relu", trainable=False)
    x = layers.add([shared(vector), shared(vector * 2)])
    return cnnpy.Model([image, vector], {"y": layers.concatenate([inner(image), x])}, name="mine")


@pytest.mark.parametrize(
    "copy", [clone_model, lambda m: model_from_json(m.to_json()), lambda m: type(m).from_config(m.get_config())]
)
def test_copies(copy):
    inner = cnnpy.Sequential(
        [layers.Conv2D(2, 3, input_shape=(8, 8, 3)), layers.BatchNormalization(), layers.Flatten()]
    )
    image, vector = cnnpy.Input((8, 8, 3)), cnnpy.Input((4,))
    shared = layers.Dense(3, activation="relu", trainable=False)
    x = layers.add([shared(vector), shared(vector * 2)])
    model = cnnpy.Model([image, vector], {"y": layers.concatenate([inner(image), x])}, name="mine")
    other = copy(model)
    assert other.name == "mine"
    assert [layer.name for layer in other.layers] == [layer.name for layer in model.layers]
    assert [w.path for w in other.weights] == [w.path for w in model.weights]
    assert not {id(w) for w in other.weights} & {id(w) for w in model.weights}
    assert len(other.trainable_weights) == len(model.trainable_weights)
    assert not np.array_equal(other.get_weights()[0], model.get_weights()[0])
    other.set_weights(model.get_weights())
    np.testing.assert_array_equal(other([IMAGE, VECTOR])["y"], model([IMAGE, VECTOR])["y"])


@pytest.mark.parametrize("copy", [copy.deepcopy, copy.copy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_with_weights(copy):
    inner = cnnpy.Sequential(
        [layers.Conv2D(2, 3, input_shape=(8, 8, 3)), layers.BatchNormalization(), layers.Flatten()]
    )
    image, vector = cnnpy.Input((8, 8, 3)), cnnpy.Input((4,))
    shared = layers.Dense(3, activation="relu", trainable=False)
    x = layers.add([shared(vector), shared(vector * 2)])
    model = cnnpy.Model([image, vector], {"y": layers.concatenate([inner(image), x])}, name="mine")
    model.compile("adam", "mse")
    model.train_on_batch([IMAGE, VECTOR], {"y": np.zeros((2, 75))})
    other = copy(model)
    assert other.name == "mine" and len(other.trainable_weights) == len(model.trainable_weights)
    expected = np.asarray(model([IMAGE, VECTOR])["y"])
    np.testing.assert_array_equal(other([IMAGE, VECTOR])["y"], expected)
    part = cnnpy.Model(other.inputs, other.layers[-1].output)
    np.testing.assert_array_equal(part([IMAGE, VECTOR]), expected)
    assert other.get_config() == model.get_config()
    for m in (model, other):
        m.train_on_batch([IMAGE, VECTOR], {"y": np.zeros((2, 75))})
    np.testing.assert_array_equal(other([IMAGE, VECTOR])["y"], model([IMAGE, VECTOR])["y"])


def test_copies_of_a_deep_and_of_a_partial_model():
    inputs = x = cnnpy.Input((4,))
    for _ in range(400):
        x = layers.Identity()(x)
    dense = layers.Dense(2)
    outputs = dense(x)
    for model in (cnnpy.Model(inputs, outputs), cnnpy.Model(x, outputs)):
        for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            np.testing.assert_array_equal(other(VECTOR), dense(VECTOR))
            assert other.weights[0] is not dense.kernel


def test_clone_with_other_inputs_and_layers():
    inputs = cnnpy.Input((4,))
    model = cnnpy.Model(inputs, layers.Dropout(0.1)(layers.Dense(3, name="d")(inputs)))
    seen = []

    def clone(layer):
        seen.append(layer.name)
        return type(layer).from_config(layer.get_config())

    fresh = cnnpy.Input((4,), name="fresh")
    other = clone_model(model, input_tensors=fresh, clone_function=clone)
    assert other.input is fresh and seen[0] == "d"
    assert clone_model(cnnpy.Sequential([layers.Lambda(lambda x: x * 3)]))(VECTOR).shape == (2, 4)


class Net(cnnpy.Model):
    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.blocks = [layers.Dense(4, activation="relu") for _ in range(2)]
        self.drop = layers.Dropout(0.5)
        self.head = layers.Dense(units)

    def call(self, inputs, training=None):
        x = inputs
        for block in self.blocks:
            x = x + block(x)
        return self.head(self.drop(x))


def test_subclassed_model():
    model = Net(name="net")
    assert not model.built and model.weights == []
    y = model(VECTOR)
    assert y.shape == (2, 3) and model.built and len(model.weights) == 6
    assert [layer.name.rstrip("_0123456789") for layer in model.layers] == ["dense", "dense", "dropout", "dense"]
    assert model.weights[0].path.startswith("net/")
    assert not np.array_equal(model(VECTOR, training=True), y)
    again = Net.from_config(model.get_config())
    assert again.units == 3 and again.name == "net"
    again.build((None, 4))
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again(VECTOR), y)
    inputs = cnnpy.Input((4,))
    wrapped = cnnpy.Model(inputs, model(inputs))
    np.testing.assert_allclose(wrapped(VECTOR), y, rtol=1e-6)
    with pytest.raises(NotImplementedError, match="must define call"):
        cnnpy.Model()(VECTOR)


def test_subclass_that_draws_itself():
    class Drawn(cnnpy.Model):
        def __init__(self, units):
            inputs = cnnpy.Input((4,))
            super().__init__(inputs, layers.Dense(units)(inputs), name="drawn")
            self.extra = 3

    model = Drawn(2)
    assert isinstance(model, cnnpy.Functional) and model(VECTOR).shape == (2, 2)
    assert Drawn(5)(VECTOR).shape == (2, 5)
    assert len(model.weights) == 2


def test_functional_subclass_with_a_call_of_its_own():
    class Doubled(cnnpy.Functional):
        def call(self, inputs, training=None):
            return 2 * super().call(inputs, training=training)

    inputs = cnnpy.Input((4,))
    dense = layers.Dense(2)
    model = Doubled(inputs, dense(inputs))
    for x in (VECTOR, cnnpy.Tensor(VECTOR), cnnpy.Tensor(VECTOR)):
        np.testing.assert_allclose(model(x), 2 * np.asarray(dense(VECTOR)), rtol=1e-6)


def test_deep_models_need_no_deep_stack():
    inputs = x = cnnpy.Input((2,))
    for _ in range(1500):
        x = layers.Identity()(x)
    model = cnnpy.Model(inputs, x)
    np.testing.assert_array_equal(model(np.ones((1, 2))), np.ones((1, 2)))


def test_intermediate_results_are_let_go():
    """A branching model keeps no tensor longer than somebody needs it."""
    inputs = cnnpy.Input((1000,))
    x = inputs
    for _ in range(20):
        x = layers.add([x, layers.ReLU()(x)])
    model = cnnpy.Model(inputs, x)
    data = cnnpy.Tensor(np.ones((1000, 1000), "float32"))
    model(data)
    cnnpy._core.memory_reset_peak()
    before = cnnpy._core.memory_stats()["in_use"]
    y = model(data)
    peak = cnnpy._core.memory_stats()["peak"] - before
    assert peak < 6 * data.size * 4, peak / data.size / 4
    assert float(y[0, 0]) == 2.0**20


def test_plan_follows_changes():
    inputs = cnnpy.Input((4,))
    norm = layers.BatchNormalization()
    model = cnnpy.Model(inputs, norm(inputs))
    model(VECTOR, training=True)
    moved = norm.moving_mean.numpy()
    model.trainable = False
    model(VECTOR, training=True)
    np.testing.assert_array_equal(norm.moving_mean, moved)
    norm.activity_regularizer = cnnpy.regularizers.L2(1.0)
    model(VECTOR)
    assert len(model.losses) == 1


def test_what_symbolic_tensors_tell_and_refuse():
    x = cnnpy.KerasTensor((None, 3), name="x")
    assert repr(x) == "<KerasTensor shape=(None, 3), dtype=float32, sparse=False, ragged=False, name=x>"
    assert (x.shape, x.dtype, x.ndim, x.sparse, x.ragged) == ((None, 3), "float32", 2, False, False)
    with pytest.raises(AttributeError):
        x.shape = (1,)
    for convert in (float, int, np.array, np.sin):
        with pytest.raises(ValueError, match="is symbolic and has no values yet"):
            convert(x)
    with pytest.raises(TypeError, match="is symbolic"):
        bool(x > 0)
    with pytest.raises(NotImplementedError, match="its first size is open"):
        list(x)
    assert len(list(cnnpy.Input(batch_shape=(2, 3)))) == 2
    with pytest.raises(NotImplementedError, match="sparse and ragged"):
        cnnpy.KerasTensor((3,), sparse=True)
    assert (x == x) is True and [y is x for y in (x,)] == [True]


def test_numpy_arrays_meet_symbolic_tensors_on_either_side():
    a = cnnpy.Input((4,))
    scale = np.arange(4.0)
    for y, expected in (
        (scale * a, scale * VECTOR),
        (scale - a, scale - VECTOR),
        (scale < a, scale < VECTOR),
        (np.eye(4)[:3] @ cnnpy.ops.transpose(a), np.eye(4)[:3] @ VECTOR.T),
        (np.float64(2) ** a, 2**VECTOR),
    ):
        np.testing.assert_allclose(np.asarray(cnnpy.Model(a, y)(VECTOR)), expected, rtol=1e-5)


def test_histories():
    a = cnnpy.Input((4,))
    y = a + 1
    assert y._keras_history.operation.name.startswith("add")
    assert (y._keras_history.node_index, y._keras_history.tensor_index) == (0, 0)
    forgetful = layers.Dense(2)(cnnpy.KerasTensor((None, 4), record_history=False))
    assert forgetful.shape == (None, 2) and forgetful._keras_history is None


def test_functions():
    a, b = cnnpy.Input((4,), name="a"), cnnpy.Input((4,), name="b")
    function = cnnpy.Function({"a": a, "b": b}, [a + b, (a * 2)[:, 0]], name="f")
    total, first = function({"a": VECTOR, "b": VECTOR})
    np.testing.assert_allclose(np.asarray(total), 2 * VECTOR)
    np.testing.assert_allclose(np.asarray(first), 2 * VECTOR[:, 0])
    assert [o.name for o in function.operations][:2] == ["a", "b"] and len(function.operations) == 5
    assert function.compute_output_shape({"a": (3, 4), "b": (3, 4)}) == [(3, 4), (3,)]
    assert repr(function) == "<Function name=f>" and len(function.inputs) == len(function.outputs) == 2
