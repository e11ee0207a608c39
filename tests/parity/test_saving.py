"""Model files travel between Keras and cnnpy, both ways, with the optimizer's state."""

import os

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

import cnnpy  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own

X = np.random.default_rng(0).normal(size=(16, 8, 8, 2)).astype("float32")
Y = np.eye(3, dtype="float32")[np.random.default_rng(1).integers(0, 3, 16)]


def sequential(k):
    layers = k.layers
    return k.Sequential(
        [
            k.Input((8, 8, 2)),
            layers.Conv2D(4, 3, padding="same", use_bias=False, kernel_regularizer=k.regularizers.L2(1e-3)),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.0),
            layers.Flatten(),
            layers.Dense(3, activation="softmax", kernel_initializer="he_normal"),
        ]
    )


def functional(k):
    layers = k.layers
    inputs = k.Input((8, 8, 2), name="image")
    x = layers.Conv2D(4, 3, activation="relu", name="first")(inputs)
    inner = k.Sequential([k.Input((6, 6, 4)), layers.Conv2D(3, 3), layers.Flatten(), layers.Dense(5)], name="inner")
    shared = layers.Dense(5, activation="tanh")
    y = inner(x)
    z = layers.add([y, shared(y), shared(shared(y))])
    return k.Model(inputs, layers.Dense(3, activation="softmax", name="out")(z))


LIBRARIES = [(keras, cnnpy), (cnnpy, keras)]
each_way = pytest.mark.parametrize("writer, reader", LIBRARIES, ids=["from Keras", "to Keras"])


def load(library, path):
    return library.models.load_model(path)


@each_way
@pytest.mark.parametrize("build", [sequential, functional])
@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "RMSprop"])
def test_models(tmp_path, writer, reader, build, optimizer):
    model = build(writer)
    arguments = {"momentum": 0.9} if optimizer == "SGD" else {}
    model.compile(
        getattr(writer.optimizers, optimizer)(0.01, **arguments), "categorical_crossentropy", metrics=["accuracy"]
    )
    model.fit(X, Y, epochs=2, batch_size=8, shuffle=False, verbose=0)
    path = str(tmp_path / "m.keras")
    model.save(path)
    again = load(reader, path)
    np.testing.assert_allclose(again.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-5, atol=1e-5)
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    assert int(np.asarray(again.optimizer.iterations)) == 4
    # Training goes on: momenta and moving averages have come along.
    for one in (model, again):
        one.fit(X, Y, epochs=2, batch_size=8, shuffle=False, verbose=0)
    for a, b in zip(again.get_weights(), model.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
    logs = [one.evaluate(X, Y, verbose=0, return_dict=True) for one in (model, again)]
    assert list(logs[0]) == list(logs[1])
    for name in logs[0]:
        np.testing.assert_allclose(logs[0][name], logs[1][name], rtol=1e-4)


@each_way
@pytest.mark.parametrize("build", [sequential, functional])
def test_weights(tmp_path, writer, reader, build):
    model, other = build(writer), build(reader)
    path = str(tmp_path / "m.weights.h5")
    model.save_weights(path)
    other.load_weights(path)
    for a, b in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def subclassed(k):
    class Block(k.layers.Layer):
        def __init__(self):
            super().__init__()
            self.conv = k.layers.Conv2D(2, 3, padding="same")
            self._norm = k.layers.BatchNormalization()

        def build(self, shape):
            self.scale = self.add_weight(shape=(2,), initializer="ones", name="scale")
            self.conv.build(shape)
            self._norm.build(shape)

        def call(self, x):
            return self._norm(self.conv(x)) * self.scale

    class Net(k.Model):
        def __init__(self):
            super().__init__()
            self.blocks = [Block(), Block()]
            self.parts = {"flat": k.layers.Flatten(), "end": k.layers.Dense(3)}

        def call(self, x):
            for block in self.blocks:
                x = block(x)
            return self.parts["end"](self.parts["flat"](x))

    net = Net()
    net(X)
    return net


@each_way
def test_weights_of_subclassed_models(tmp_path, writer, reader):
    model, other = subclassed(writer), subclassed(reader)
    path = str(tmp_path / "m.weights.h5")
    model.save_weights(path)
    other.load_weights(path)
    np.testing.assert_allclose(np.asarray(other(X)), np.asarray(model(X)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("layer", ["conv_transpose", "depthwise", "normalization", "prelu"])
@each_way
def test_layers_with_other_weights(tmp_path, writer, reader, layer):
    make = {
        "conv_transpose": lambda k: k.layers.Conv2DTranspose(3, 3, strides=2),
        "depthwise": lambda k: k.layers.SeparableConv2D(3, 3, depth_multiplier=2),
        "normalization": lambda k: k.layers.GroupNormalization(2),
        "prelu": lambda k: k.layers.PReLU(shared_axes=[1, 2]),
    }[layer]
    model = writer.Sequential([writer.Input((8, 8, 2)), make(writer)])
    path = str(tmp_path / "m.keras")
    model.save(path)
    again = load(reader, path)
    np.testing.assert_allclose(again.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-5, atol=1e-5)


@keras.saving.register_keras_serializable("tests", "double")
def keras_double(x):
    return keras.ops.relu(x) * 2


@cnnpy.saving.register_keras_serializable("tests", "double")
def cnnpy_double(x):
    return cnnpy.ops.relu(x) * 2


@each_way
def test_registered_functions(tmp_path, writer, reader):
    function = keras_double if writer is keras else cnnpy_double
    model = writer.Sequential([writer.Input((8, 8, 2)), writer.layers.Conv2D(2, 3, activation=function)])
    path = str(tmp_path / "m.keras")
    model.save(path)
    again = load(reader, path)
    np.testing.assert_allclose(again.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-5, atol=1e-5)


def functions(k):
    """Functions between layers, with arguments that are tensors, numbers, shapes and slices."""
    ops, x = k.ops, k.Input((4, 4, 2))
    y = ops.relu(x + 0.5) * (1.0 / 6.0) - 2.0 / (ops.abs(x) + 1.0)
    y = ops.concatenate([y, ops.maximum(x, y), -x], axis=-1)
    y = ops.transpose(ops.reshape(y[:, 1:, ::2], (-1, 6, 6)), (0, 2, 1))
    z = ops.softmax(ops.mean(y, axis=1, keepdims=True), axis=-1) + ops.max(ops.square(y), axis=[1, 2], keepdims=True)
    z = ops.clip(ops.expand_dims(ops.squeeze(z, axis=1), axis=-1), 0.1, 0.9) ** 2
    return k.Model(x, [z, ops.cast(ops.stack([y, y], axis=1) > 0, "float32"), ops.gelu(x, approximate=False)])


@each_way
@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_functions_between_layers(tmp_path, writer, reader, ending):
    model = functions(writer)
    path = str(tmp_path / f"m.{ending}")
    model.save(path)
    again = load(reader, path) if ending == "keras" else reader.models.load_model(path, compile=False)
    x = np.random.default_rng(0).normal(size=(3, 4, 4, 2)).astype("float32")
    for a, b in zip(again.predict(x, verbose=0), model.predict(x, verbose=0), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
