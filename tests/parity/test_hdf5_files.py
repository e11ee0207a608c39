"""`.h5` files of Keras 3 and of Keras 2 (tf_keras) in cnnpy, and cnnpy's in Keras 3: predictions and training go on."""

import os

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

import cnnpy  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),  # HDF5 is an old format, say both Keras
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

X = np.random.default_rng(0).normal(size=(8, 12, 12, 3)).astype("float32")
Y = np.eye(4, dtype="float32")[np.arange(8) % 4]


def tf_keras():
    return pytest.importorskip("tf_keras")


def sequential(k):
    layers = k.layers
    return k.Sequential(
        [
            layers.Conv2D(4, 3, padding="same", kernel_regularizer=k.regularizers.L2(1e-3), input_shape=(12, 12, 3)),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.MaxPooling2D(),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.SeparableConv2D(5, 3, activation="tanh"),
            layers.Conv2DTranspose(3, 2, strides=2),
            layers.ZeroPadding2D(1),
            layers.UpSampling2D(2),
            layers.AveragePooling2D(3),
            layers.LeakyReLU(),
            layers.Dropout(0.0),
            layers.Flatten(),
            layers.Dense(4, activation="softmax"),
        ]
    )


def branches(k):
    layers = k.layers
    inputs = k.Input((12, 12, 3), name="image")
    x = layers.Conv2D(4, 3, activation="relu", name="first", dilation_rate=2)(inputs)
    inner = k.Sequential([k.Input((8, 8, 4)), layers.BatchNormalization(), layers.Conv2D(4, 3)], name="inner")
    shared = layers.Conv2D(4, 1, name="shared", groups=2)
    y = inner(x)
    y = layers.Concatenate()([shared(y), layers.PReLU(shared_axes=[1, 2])(shared(shared(y)))])
    z = layers.Add()([layers.GlobalAveragePooling2D()(y), layers.GlobalMaxPooling2D()(y)])
    return k.Model(inputs, layers.Dense(4, activation="softmax", name="out")(layers.LayerNormalization()(z)))


def compiled(k, build, optimizer):
    model = build(k)
    arguments = {"momentum": 0.9} if optimizer == "SGD" else {}
    model.compile(getattr(k.optimizers, optimizer)(0.01, **arguments), "categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, epochs=2, batch_size=4, shuffle=False, verbose=0)
    return model


def check(again, model):
    np.testing.assert_allclose(again.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-5, atol=1e-5)
    assert int(np.asarray(again.optimizer.iterations)) == 4
    for one in (model, again):
        one.fit(X, Y, epochs=1, batch_size=4, shuffle=False, verbose=0)
    np.testing.assert_allclose(again.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-3, atol=1e-4)


builds = pytest.mark.parametrize("build", [sequential, branches])


@builds
@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_from_keras_3(tmp_path, build, optimizer):
    model = compiled(keras, build, optimizer)
    model.save(tmp_path / "m.h5")
    check(cnnpy.models.load_model(tmp_path / "m.h5"), model)


@builds
@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_to_keras_3(tmp_path, build, optimizer):
    model = compiled(cnnpy, build, optimizer)
    model.save(tmp_path / "m.h5")
    again = keras.models.load_model(tmp_path / "m.h5")  # Keras 3.15 cannot train on after it, its own files neither
    np.testing.assert_allclose(again.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-5, atol=1e-5)
    assert again.optimizer.get_config()["learning_rate"] == pytest.approx(0.01)


@builds
@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "RMSprop"])
def test_from_keras_2(tmp_path, build, optimizer):
    model = compiled(tf_keras(), build, optimizer)
    model.save(tmp_path / "m.h5")
    check(cnnpy.models.load_model(tmp_path / "m.h5"), model)


@builds
def test_from_keras_2_with_its_old_optimizers(tmp_path, build):
    k = tf_keras()
    model = build(k)
    model.compile(k.optimizers.legacy.Adam(0.01, decay=0.1), "categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, epochs=2, batch_size=4, shuffle=False, verbose=0)
    model.save(tmp_path / "m.h5")
    check(cnnpy.models.load_model(tmp_path / "m.h5"), model)


@builds
def test_keras_files_of_keras_2(tmp_path, build):
    model = compiled(tf_keras(), build, "Adam")
    model.save(tmp_path / "m.keras")
    again = cnnpy.models.load_model(tmp_path / "m.keras", compile=False)
    np.testing.assert_allclose(again.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-5, atol=1e-5)


@builds
@pytest.mark.parametrize("by_name", [False, True])
def test_weights_of_keras_2(tmp_path, build, by_name):
    model, again = build(tf_keras()), build(cnnpy)
    model.save_weights(tmp_path / "w.h5")
    if by_name and build is sequential:
        pytest.skip("its layers have names made by counting")
    again.load_weights(tmp_path / "w.h5", by_name=by_name)
    if not by_name:
        np.testing.assert_allclose(again.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(
        again.layers[1].kernel if build is branches else again.layers[0].kernel, model.get_weights()[0]
    )


@builds
def test_json_of_keras_2_and_3(build):
    for k in (keras, tf_keras()):
        model = build(k)
        again = cnnpy.models.model_from_json(model.to_json())
        again.set_weights(model.get_weights())
        np.testing.assert_allclose(again.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-5, atol=1e-5)
