"""Sequential: when it is built, adding and taking off, shapes, names, errors, the nets whose sizes are known."""

import copy
import pickle

import numpy as np
import pytest

import cnnpy
from cnnpy import layers

X = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")


def classifier(shape, strides=1, pooling=True):
    tail = [layers.MaxPooling2D(2), layers.Dropout(0.25)] if pooling else []
    return cnnpy.Sequential(
        [
            cnnpy.Input(shape),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Conv2D(64, 3, strides=strides, activation="relu"),
            *tail,
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )


def denoiser():
    def conv(filters, activation="relu", **more):
        return layers.Conv2D(filters, (3, 3), padding="same", activation=activation, **more)

    return cnnpy.Sequential(
        [
            *(conv(64, input_shape=(7, 7, 1)), conv(64), layers.UpSampling2D(2)),
            *(conv(128), conv(128), layers.UpSampling2D(2)),
            *(conv(128), conv(64), conv(1, "sigmoid")),
        ]
    )


@pytest.mark.parametrize(
    "make, count",
    [
        (lambda: classifier((28, 28, 1)), 1_199_882),
        (lambda: classifier((28, 28, 1), 2, False), 1_199_882),
        (lambda: classifier((32, 32, 3)), 1_626_442),
        (denoiser, 480_961),
    ],
)
def test_numbers_of_parameters(make, count):
    model = make()
    assert model.count_params() == count
    x = np.random.default_rng(0).random((2, *model.input_shape[1:]), "float32")
    y = np.asarray(model(x))
    assert y.shape == (2, *model.output_shape[1:])
    if y.ndim == 2:
        np.testing.assert_allclose(y.sum(1), 1, rtol=1e-5)


def test_built_by_input_by_input_shape_and_by_data():
    for make in (
        lambda: cnnpy.Sequential([cnnpy.Input((5,)), layers.Dense(4), layers.Dense(2)]),
        lambda: cnnpy.Sequential([layers.InputLayer((5,)), layers.Dense(4), layers.Dense(2)]),
        lambda: cnnpy.Sequential([layers.Dense(4, input_shape=(5,)), layers.Dense(2)]),
        lambda: cnnpy.Sequential([layers.Dense(4, input_dim=5), layers.Dense(2)]),
        lambda: cnnpy.Sequential([layers.Dense(4, batch_input_shape=(None, 5)), layers.Dense(2)]),
    ):
        model = make()
        assert model.built and len(model.weights) == 4 and len(model.layers) == 2
        assert model.input_shape == (None, 5) and model.output_shape == (None, 2)
        assert model(X).shape == (3, 2)
    for build in (
        lambda m: m(X),
        lambda m: m.build((None, 5)),
        lambda m: m.build((7, 5)),
        lambda m: m(cnnpy.Tensor(X)),
    ):
        model = cnnpy.Sequential([layers.Dense(4), layers.Dense(2)])
        assert not model.built and model.weights == [] and model.inputs is None
        with pytest.raises(AttributeError, match="has no output yet"):
            print(model.output)
        build(model)
        assert model.built and model.input_shape == (None, 5)
        assert model.layers[0].output.shape == (None, 4)
        assert model(X[:1]).shape == (1, 2)


def test_add_and_pop():
    model = cnnpy.Sequential(name="stack")
    model.add(cnnpy.Input((5,)))
    assert not model.built
    model.add(layers.Dense(4))
    assert model.built and model.output_shape == (None, 4)
    first = np.asarray(model(X))
    model.add(layers.Dense(2))
    assert model(X).shape == (3, 2) and len(model.weights) == 4
    last = model.pop()
    assert isinstance(last, layers.Dense) and len(model.weights) == 2
    np.testing.assert_array_equal(model(X), first)
    model.add(last)
    assert model(X).shape == (3, 2)
    model.pop(), model.pop()
    assert not model.built and model.layers == []
    with pytest.raises(ValueError, match='Sequential "stack": has no layers to take off'):
        model.pop()
    model.add(layers.Dense(3))
    assert model(X).shape == (3, 3)


def test_add_to_a_deferred_model():
    model = cnnpy.Sequential([layers.Dense(4)])
    model.add(layers.Dense(2))
    model.pop()
    model.add(layers.Dense(3))
    assert not model.built
    assert model(X).shape == (3, 3)
    model.add(layers.Dense(6))
    assert model(X).shape == (3, 6)


def test_models_and_shared_layers_on_the_stack():
    base = cnnpy.Sequential([cnnpy.Input((5,)), layers.Dense(4), layers.Dense(3)])
    top = cnnpy.Sequential([base, layers.Dense(2)])
    assert top.built and top.input_shape == (None, 5) and len(top.weights) == 6
    np.testing.assert_allclose(top(X), top.layers[1](base(X)), rtol=1e-6)
    part = cnnpy.Sequential(base.layers[:1])
    np.testing.assert_array_equal(part(X), base.layers[0](X))
    feature = cnnpy.Model(base.inputs, base.layers[0].output)
    np.testing.assert_array_equal(feature(X), base.layers[0](X))
    inputs = cnnpy.Input((5,))
    assert cnnpy.Model(inputs, top(inputs))(X).shape == (3, 2)


def test_errors():
    model = cnnpy.Sequential(name="stack")
    with pytest.raises(ValueError, match='Sequential "stack": has no layers'):
        model(X)
    with pytest.raises(ValueError, match="has no layers"):
        model.build((None, 5))
    with pytest.raises(ValueError, match="takes layers, got the class Dense; write Dense"):
        model.add(layers.Dense)
    with pytest.raises(ValueError, match="for a function use Lambda"):
        model.add(abs)
    with pytest.raises(TypeError, match="takes a list of layers"):
        cnnpy.Sequential(layers.Dense(2))
    model.add(layers.Dense(2, name="d"))
    with pytest.raises(ValueError, match="there is a layer called 'd' already"):
        model.add(layers.Dense(2, name="d"))
    with pytest.raises(ValueError, match="an Input must come first"):
        model.add(cnnpy.Input((5,)))
    with pytest.raises(ValueError, match="build needs input_shape"):
        model.build()
    with pytest.raises(ValueError, match="not the result of calling"):
        model.add(layers.Dense(2)(cnnpy.Input((5,))))
    with pytest.raises(ValueError, match=r"unknown argument 'nme'. Did you mean 'name'"):
        cnnpy.Sequential(nme="x")


def test_a_layer_that_does_not_fit_is_not_added():
    model = cnnpy.Sequential([cnnpy.Input((4, 4, 1)), layers.Conv2D(2, 3)])
    with pytest.raises(ValueError, match="too small"):
        model.add(layers.Conv2D(2, 3, name="big"))
    assert [layer.name for layer in model.layers] == [model.layers[0].name]
    assert model(np.zeros((1, 4, 4, 1))).shape == (1, 2, 2, 2)
    deferred = cnnpy.Sequential([layers.Conv2D(2, 3), layers.Conv2D(2, 3)])
    with pytest.raises(ValueError, match="too small"):
        deferred(np.zeros((1, 4, 4, 1)))
    assert not deferred.built


def test_wrong_data_names_the_model():
    model = cnnpy.Sequential([cnnpy.Input((28, 28, 1)), layers.Flatten()], name="net")
    with pytest.raises(
        ValueError, match=r'Sequential "net": input .* must have shape \(None, 28, 28, 1\), got \(2, 28, 28, 3\)'
    ):
        model(np.zeros((2, 28, 28, 3)))
    assert model(np.zeros((2, 28, 28))).shape == (2, 784)


def test_eager_layers_without_a_shape_rule():
    class Eager(layers.Layer):
        def call(self, inputs):
            return inputs * 2

        def compute_output_spec(self, inputs):
            raise NotImplementedError

    model = cnnpy.Sequential([cnnpy.Input((5,)), layers.Dense(5), Eager(), layers.Dropout(0.5)])
    np.testing.assert_allclose(model(X), 2 * np.asarray(model.layers[0](X)), rtol=1e-6)
    assert (np.asarray(model(X, training=True)) == 0).any()


def test_config_round_trip():
    model = cnnpy.Sequential(
        [layers.Conv2D(2, 3, activation="relu", input_shape=(8, 8, 3)), layers.BatchNormalization(), layers.Flatten()],
        name="net",
    )
    other = cnnpy.Sequential.from_config(model.get_config())
    assert other.name == "net" and other.built
    other.set_weights(model.get_weights())
    x = np.random.default_rng(1).random((2, 8, 8, 3), "float32")
    np.testing.assert_array_equal(other(x), model(x))
    deferred = cnnpy.Sequential.from_config(cnnpy.Sequential([layers.Dense(3)]).get_config())
    assert not deferred.built and deferred(X).shape == (3, 3)


def test_copies():
    model = cnnpy.Sequential([cnnpy.Input((5,)), layers.Dense(4), layers.Dense(2)])
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other(X), model(X))
        other.pop()
        other.add(layers.Dense(7))
        assert other(X).shape == (3, 7) and model(X).shape == (3, 2)
    deferred = copy.deepcopy(cnnpy.Sequential([layers.Dense(4)]))
    assert not deferred.built and deferred(X).shape == (3, 4)
    empty = copy.deepcopy(cnnpy.Sequential([cnnpy.Input((5,))]))
    empty.add(layers.Dense(3))
    assert empty.built and empty(X).shape == (3, 3)


def test_trainable():
    model = cnnpy.Sequential([cnnpy.Input((5,)), layers.Dense(4), layers.Dense(2)])
    model.layers[0].trainable = False
    assert len(model.trainable_weights) == 2
    model.trainable = False
    assert not model.trainable_weights
    frozen = cnnpy.Sequential([layers.Dense(4)], trainable=False)
    frozen(X)
    assert not frozen.trainable_weights and len(frozen.weights) == 2


def test_dtypes():
    model = cnnpy.Sequential([layers.Dense(4, dtype="float64", input_shape=(5,)), layers.Dense(2)])
    assert model.inputs[0].dtype == "float64" and model(X).dtype == "float32"
    counts = cnnpy.Sequential([cnnpy.Input((4, 4, 1), dtype="uint8"), layers.Rescaling(1 / 255), layers.Flatten()])
    y = counts(np.full((1, 4, 4, 1), 255, "uint8"))
    np.testing.assert_allclose(y, np.ones((1, 16)), rtol=1e-6)
    assert y.dtype == "float32"


def test_spatial_sizes_may_stay_open():
    model = cnnpy.Sequential(
        [cnnpy.Input((None, None, 1)), layers.Conv2D(2, 3, padding="same"), layers.GlobalAveragePooling2D()]
    )
    assert model.output_shape == (None, 2)
    assert model(np.zeros((1, 5, 9, 1))).shape == model(np.zeros((1, 32, 4, 1))).shape == (1, 2)
    with pytest.raises(ValueError, match="must be known"):
        cnnpy.Sequential([cnnpy.Input((None, None, 1)), layers.Flatten(), layers.Dense(2)])


def test_training_by_hand():
    """A loop with GradientTape brings the loss down."""
    cnnpy.utils.set_random_seed(0)
    model = cnnpy.Sequential([layers.Dense(16, activation="relu"), layers.Dense(1)])
    x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    y = (x[:, :1] * x[:, 1:2]).astype("float32")
    losses = []
    for _ in range(60):
        with cnnpy.GradientTape() as tape:
            loss = ((model(x, training=True) - y) ** 2).mean()
        for v, g in zip(model.trainable_weights, tape.gradient(loss, model.trainable_weights)):
            v.assign_sub(0.1 * g)
        losses.append(float(loss))
    assert losses[-1] < 0.5 * losses[0]
