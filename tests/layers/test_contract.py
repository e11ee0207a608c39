"""One contract that every layer keeps: building, shapes, dtypes, configurations, weights, flags, copies, bad input."""

import copy
import pickle

import numpy as np
import pytest

import cnnpy
from cnnpy import layers

IMAGE = (2, 7, 6, 4)
VECTOR = (3, 5)

# name, arguments, input shape (or shapes), names of the weights
CASES = [
    ("Dense", dict(units=4, activation="relu"), VECTOR, ["kernel", "bias"]),
    ("Dense", dict(units=4, use_bias=False, activation="silu"), (2, 3, 5), ["kernel"]),
    ("Conv2D", dict(filters=6, kernel_size=3, activation="relu"), IMAGE, ["kernel", "bias"]),
    ("Conv2D", dict(filters=4, kernel_size=(1, 2), strides=2, padding="same", groups=2), IMAGE, ["kernel", "bias"]),
    (
        "Conv2D",
        dict(filters=3, kernel_size=2, data_format="channels_first", activation="softmax"),
        IMAGE,
        ["kernel", "bias"],
    ),
    ("MaxPooling2D", dict(), IMAGE, []),
    ("MaxPooling2D", dict(pool_size=3, strides=1, padding="same", data_format="channels_first"), IMAGE, []),
    ("AveragePooling2D", dict(pool_size=(2, 3), padding="same"), IMAGE, []),
    ("GlobalMaxPooling2D", dict(), IMAGE, []),
    ("GlobalAveragePooling2D", dict(keepdims=True, data_format="channels_first"), IMAGE, []),
    ("Flatten", dict(), IMAGE, []),
    ("Flatten", dict(data_format="channels_first"), IMAGE, []),
    ("Reshape", dict(target_shape=(6, -1)), IMAGE, []),
    ("Reshape", dict(target_shape=(5, 1)), VECTOR, []),
    ("Permute", dict(dims=(3, 1, 2)), IMAGE, []),
    ("Activation", dict(activation="tanh"), IMAGE, []),
    ("Activation", dict(activation="mish"), VECTOR, []),
    ("ReLU", dict(max_value=6), IMAGE, []),
    ("LeakyReLU", dict(negative_slope=0.1), IMAGE, []),
    ("ELU", dict(), IMAGE, []),
    ("Softmax", dict(axis=1), IMAGE, []),
    ("Dropout", dict(rate=0.5, seed=3), IMAGE, []),
    ("Dropout", dict(rate=0.5, noise_shape=(None, 1, 1, 4)), IMAGE, []),
    ("SpatialDropout2D", dict(rate=0.5), IMAGE, []),
    ("BatchNormalization", dict(), IMAGE, ["gamma", "beta", "moving_mean", "moving_variance"]),
    ("BatchNormalization", dict(axis=1, scale=False), VECTOR, ["beta", "moving_mean", "moving_variance"]),
    ("UpSampling2D", dict(size=(2, 3)), IMAGE, []),
    ("UpSampling2D", dict(interpolation="bilinear", data_format="channels_first"), IMAGE, []),
    ("ZeroPadding2D", dict(padding=((1, 0), (2, 3))), IMAGE, []),
    ("Cropping2D", dict(cropping=((1, 0), (2, 3))), IMAGE, []),
    ("Cropping2D", dict(cropping=1, data_format="channels_first"), IMAGE, []),
    ("Rescaling", dict(scale=0.5, offset=1.0), IMAGE, []),
    ("Identity", dict(), IMAGE, []),
    ("Lambda", dict(function=cnnpy.activations.softplus), IMAGE, []),
    ("Add", dict(), [VECTOR, VECTOR, VECTOR], []),
    ("Add", dict(), [IMAGE, (2, 4)], []),
    ("Subtract", dict(), [VECTOR, VECTOR], []),
    ("Multiply", dict(), [IMAGE, (2, 1, 1, 4)], []),
    ("Average", dict(), [VECTOR, VECTOR], []),
    ("Maximum", dict(), [VECTOR, VECTOR], []),
    ("Minimum", dict(), [VECTOR, VECTOR], []),
    ("Concatenate", dict(), [VECTOR, (3, 2)], []),
    ("Concatenate", dict(axis=1), [IMAGE, (2, 3, 6, 4)], []),
]
CASE_NAMES = [f"{name}-{i}" for i, (name, *_) in enumerate(CASES)]
cases = pytest.mark.parametrize("name, arguments, shape, weights", CASES, ids=CASE_NAMES)
RANDOM = ("Dropout", "SpatialDropout2D")


def make(kind, arguments, **more):
    return getattr(layers, kind)(**arguments, **more)


def shapes_of(shape):
    return shape if isinstance(shape, list) else [shape]


def data(shape, dtype="float32", seed=0):
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=s).astype(dtype) for s in shapes_of(shape)]
    return arrays if isinstance(shape, list) else arrays[0]


def open_batch(shape):
    return [(None, *s[1:]) for s in shape] if isinstance(shape, list) else (None, *shape[1:])


def symbolic(shape, dtype="float32"):
    inputs = [cnnpy.Input(s[1:], dtype=dtype) for s in shapes_of(shape)]
    return inputs if isinstance(shape, list) else inputs[0]


@cases
def test_shapes_dtypes_and_weights(name, arguments, shape, weights):
    layer = make(name, arguments)
    y = layer(data(shape))
    assert isinstance(y, cnnpy.Tensor) and y.dtype == "float32"
    assert layer.built
    assert layer.compute_output_shape(shape) == y.shape
    assert layer.compute_output_shape(open_batch(shape)) == (None, *y.shape[1:])
    assert [w.name for w in layer.weights] == weights
    assert [w.path for w in layer.weights] == [f"{layer.name}/{w}" for w in weights]
    assert layer.count_params() == sum(int(np.prod(w.shape)) for w in layer.get_weights())
    frozen = [w.name for w in layer.non_trainable_weights]
    assert frozen == [w for w in weights if w.startswith("moving")]


@cases
def test_float64(name, arguments, shape, weights):
    layer = make(name, arguments, dtype="float64")
    y = layer(data(shape, "float64"))
    assert y.dtype == "float64"
    assert all(w.dtype == "float64" for w in layer.weights)
    low = make(name, arguments)
    low.build(shape)
    low.set_weights(layer.get_weights())
    np.testing.assert_allclose(low(data(shape)), y, rtol=1e-4, atol=1e-5)


@cases
def test_inputs_of_other_dtypes_are_cast(name, arguments, shape, weights):
    layer = make(name, arguments)
    low, high = layer(data(shape)), layer(data(shape, "float64"))
    assert high.dtype == "float32"
    np.testing.assert_allclose(low, high, rtol=1e-5, atol=1e-6)
    whole = data(shape)
    whole = (
        [(10 * a).astype("uint8") for a in whole] if isinstance(whole, list) else (10 * np.abs(whole)).astype("uint8")
    )
    y = layer(whole)
    assert y.dtype == ("float32" if layer._float_inputs or name == "Lambda" else "uint8")


@cases
def test_symbolic_call(name, arguments, shape, weights):
    layer = make(name, arguments)
    inputs = symbolic(shape)
    y = layer(inputs)
    real = layer(data(shape))
    assert y.shape == (None, *real.shape[1:]) and y.dtype == real.dtype
    assert layer.output is y
    assert layer.input is inputs or layer.input == inputs
    model = cnnpy.Model(inputs, y)
    np.testing.assert_array_equal(model(data(shape)), real)
    other = data(shape, seed=1)
    np.testing.assert_array_equal(model(other), layer(other))


@cases
def test_config_round_trip(name, arguments, shape, weights):
    layer = make(name, arguments, name="mine", trainable=False)
    again = layers.deserialize(layers.serialize(layer))
    assert type(again) is type(layer)
    assert again.name == "mine"
    assert again.get_config() == layer.get_config()
    again.build(shape)
    layer.build(shape)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(data(shape)), layer(data(shape)))
    cloned = type(layer).from_config(layer.get_config())
    assert cloned.get_config() == layer.get_config()


@cases
def test_training_flag(name, arguments, shape, weights):
    layer = make(name, arguments)
    x = data(shape)
    inference = np.asarray(layer(x, training=False))
    np.testing.assert_array_equal(layer(x), inference)
    training = np.asarray(layer(x, training=True))
    same = np.array_equal(training, inference)
    assert same == (name not in (*RANDOM, "BatchNormalization"))


@cases
def test_gradients_reach_inputs_and_weights(name, arguments, shape, weights):
    layer = make(name, arguments)
    tensors = [cnnpy.Tensor(a) for a in (data(shape) if isinstance(shape, list) else [data(shape)])]
    layer.build(shape)
    with cnnpy.GradientTape() as tape:
        tape.watch(tensors)
        y = layer(tensors if isinstance(shape, list) else tensors[0])
    gradients = tape.gradient(y, [*tensors, *layer.trainable_weights])
    assert all(g is not None for g in gradients)
    assert [g.shape for g in gradients] == [t.shape for t in [*tensors, *layer.trainable_weights]]


@cases
def test_copies(name, arguments, shape, weights):
    layer = make(name, arguments)
    x = data(shape)
    expected = np.asarray(layer(x))
    copies = [copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))]
    for other in copies:
        assert other.get_config() == layer.get_config()
        np.testing.assert_array_equal(other(x), expected)
    for w in layer.weights:
        w.assign(np.zeros(w.shape))
    for other in copies:
        np.testing.assert_array_equal(other(x), expected)


ANY_SHAPE = ("Activation", "ReLU", "LeakyReLU", "ELU", "Softmax", "Dropout", "Rescaling", "Identity", "Flatten")


@pytest.mark.parametrize("name, arguments, shape, weights", [c for c in CASES if c[0] != "Lambda"])
def test_wrong_inputs_name_the_layer(name, arguments, shape, weights):
    layer = make(name, arguments, name="mine")
    label = f'{name} "mine"'
    for bad in ("text", np.array(["a", "b"]), layer, None, [None]):
        with pytest.raises(TypeError, match=label):
            layer(bad)
    with pytest.raises(TypeError, match=label):
        layer()
    layer.build(shape)
    if name in ANY_SHAPE:
        return
    wrong = (5, 11)
    with pytest.raises(ValueError, match=label):
        layer(np.zeros(wrong, "float32"))
    with pytest.raises(ValueError, match=label):
        layer(cnnpy.Input(wrong[1:]))


@cases
def test_unknown_argument(name, arguments, shape, weights):
    with pytest.raises(TypeError, match=f"{name}: unknown argument 'activty_regularizer'. Did you mean .*It takes:"):
        make(name, arguments, activty_regularizer="l2")


@pytest.mark.parametrize("name, arguments, shape, weights", [c for c in CASES if not isinstance(c[2], list)])
def test_activity_regularizer(name, arguments, shape, weights):
    layer = make(name, arguments, activity_regularizer=cnnpy.regularizers.L2(0.1))
    y = np.asarray(layer(data(shape)))
    assert len(layer.losses) == 1
    np.testing.assert_allclose(layer.losses[0], 0.1 * (y**2).sum() / y.shape[0], rtol=1e-4)
    assert "activity_regularizer" in layer.get_config()


def test_every_layer_is_tested():
    tested = {name for name, *_ in CASES}
    public = {
        n
        for n in layers.__all__
        if isinstance(getattr(layers, n), type) and issubclass(getattr(layers, n), layers.Layer)
    }
    aliases = {n for n in public if getattr(layers, n).__name__ != n}
    assert public - aliases - tested == {"Layer", "InputLayer"}
