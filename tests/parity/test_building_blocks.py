"""Activations, initializers, regularizers, constraints: each name of Keras gives the same; configs are alike."""

import inspect

import numpy as np
import pytest

import cnnpy

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")
if keras.backend.backend() != "tensorflow":
    pytest.skip("compared on TensorFlow", allow_module_level=True)

rng = np.random.default_rng(4)
ROOMS = ["activations", "constraints", "initializers", "regularizers"]
PLAIN = ("get", "serialize", "deserialize")


def names(room):
    return [name for name in dir(getattr(keras, room)) if name[0] != "_" and name not in PLAIN]


EVERY = [(room, name) for room in ROOMS for name in names(room)]


@pytest.mark.parametrize(("room", "name"), EVERY)
def test_signatures(room, name):
    ours, theirs = getattr(getattr(cnnpy, room), name), getattr(getattr(keras, room), name)
    assert isinstance(ours, type) == isinstance(theirs, type)
    if isinstance(theirs, type):
        ours, theirs = ours.__init__, theirs.__init__
    assert str(inspect.signature(ours)) == str(inspect.signature(theirs))


@pytest.mark.parametrize("room", ROOMS)
def test_strings(room):
    """What Keras's `get` knows ours knows, as the same thing."""
    import importlib

    objects = importlib.import_module(f"keras.src.{room}").ALL_OBJECTS_DICT
    for name in objects:
        if name.lower() in ("initializer", "regularizer", "constraint", "constant", "stft", "stftinitializer"):
            continue  # the bases; what Keras does not make from the name alone, or only with scipy
        ours, theirs = getattr(cnnpy, room).get(name), getattr(keras, room).get(name)
        assert getattr(ours, "__name__", type(ours).__name__) == getattr(theirs, "__name__", type(theirs).__name__)


OBJECTS = [
    ("constraints", "MaxNorm", {"max_value": 0.7, "axis": 0}),
    ("constraints", "MinMaxNorm", {"min_value": 0.3, "max_value": 0.6, "rate": 0.4, "axis": 1}),
    ("constraints", "NonNeg", {}),
    ("constraints", "UnitNorm", {"axis": 1}),
    ("regularizers", "L1", {"l1": 0.3}),
    ("regularizers", "L2", {"l2": 0.3}),
    ("regularizers", "L1L2", {"l1": 0.3, "l2": 0.2}),
    ("regularizers", "L1L2", {}),
    ("regularizers", "OrthogonalRegularizer", {"factor": 0.3}),
    ("regularizers", "OrthogonalRegularizer", {"factor": 0.3, "mode": "columns"}),
    *[
        ("initializers", "STFT", {"side": side, "window": window, "scaling": scaling, "periodic": periodic})
        for side, window, scaling, periodic in [
            ("real", None, None, False),
            ("imag", "hann", "density", True),
            ("real", "hamming", "spectrum", False),
            ("imag", "blackman", None, True),
            ("real", "nuttall", "density", False),
            ("real", "blackmanharris", "density", True),
            ("real", "boxcar", "density", False),
        ]
    ],
    ("initializers", "Constant", {"value": 0.3}),
    ("initializers", "Identity", {"gain": 0.3}),
    ("initializers", "Ones", {}),
    ("initializers", "Zeros", {}),
]


@pytest.mark.parametrize(("room", "name", "arguments"), OBJECTS)
def test_objects(room, name, arguments):
    if isinstance(arguments.get("window"), str):
        pytest.importorskip("scipy", reason="Keras takes windows by name from scipy")
    ours, theirs = (getattr(getattr(m, room), name)(**arguments) for m in (cnnpy, keras))
    if room == "initializers":
        shape = (8, 1, 5) if name == "STFT" else (4, 3)
        a, b = ours(shape, "float32"), theirs(shape, "float32")
    else:
        w = rng.normal(size=(4, 3)).astype("float32")
        a, b = ours(cnnpy.Tensor(w)), theirs(tf.constant(w))
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5, atol=1e-6)
    config = {k: v for k, v in theirs.get_config().items() if k != "factor"}
    for key, value in config.items():
        own = ours.get_config()[key]
        assert str(own) == str(value) or own == pytest.approx(value)
    check_round_trip(room, ours, theirs)


def check_round_trip(room, ours, theirs):
    mine, his = getattr(cnnpy, room), getattr(keras, room)
    assert {**mine.serialize(ours), "config": None} == {**his.serialize(theirs), "config": None}
    assert str(his.deserialize(mine.serialize(ours)).get_config()) == str(theirs.get_config())
    assert type(mine.deserialize(his.serialize(theirs))) is type(ours)


RANDOM = [
    ("GlorotNormal", {}),
    ("GlorotUniform", {}),
    ("HeNormal", {}),
    ("HeUniform", {}),
    ("LecunNormal", {}),
    ("LecunUniform", {}),
    ("Orthogonal", {"gain": 2.0}),
    ("RandomNormal", {"mean": 1.0, "stddev": 0.5}),
    ("RandomUniform", {"minval": -1.0, "maxval": 3.0}),
    ("TruncatedNormal", {"mean": 1.0, "stddev": 0.5}),
    ("VarianceScaling", {"scale": 2.0, "mode": "fan_out", "distribution": "uniform"}),
    ("VarianceScaling", {"input_axes": [0, 2], "output_axes": [1]}),
]


@pytest.mark.parametrize(("name", "arguments"), RANDOM)
def test_distributions_and_configs(name, arguments):
    ours, theirs = (getattr(m.initializers, name)(seed=7, **arguments) for m in (cnnpy, keras))
    for shape in ((40, 50, 30), (200, 300), (3, 3, 60, 50)):
        if "input_axes" in arguments and len(shape) != 3:
            continue
        a, b = np.asarray(ours(shape)), np.asarray(theirs(shape))
        spread = b.std()
        np.testing.assert_allclose(a.mean(), b.mean(), atol=5 * spread / np.sqrt(a.size) * 1.5)
        np.testing.assert_allclose(a.std(), spread, rtol=0.02)
        np.testing.assert_allclose(np.quantile(a, [0.05, 0.3, 0.7, 0.95]), np.quantile(b, [0.05, 0.3, 0.7, 0.95]),
                                   atol=0.04 * spread)  # fmt: skip
    assert ours.get_config() == theirs.get_config()
    check_round_trip("initializers", ours, theirs)


ARGUMENTS = {
    "threshold": [{"threshold": 0.3, "default_value": 0.7}],
    "relu": [{}, {"negative_slope": 0.1, "max_value": 1.5, "threshold": 0.5}],
    "leaky_relu": [{}, {"negative_slope": 0.4}],
    "elu": [{}, {"alpha": 0.5}],
    "celu": [{}, {"alpha": 0.5}],
    "gelu": [{}, {"approximate": True}],
    "softmax": [{}, {"axis": 0}],
    "log_softmax": [{}, {"axis": 0}],
    "glu": [{}, {"axis": 0}],
    "hard_shrink": [{}, {"threshold": 1.0}],
    "soft_shrink": [{}, {"threshold": 1.0}],
    "squareplus": [{}, {"b": 2}],
}


@pytest.mark.parametrize("name", [name for name in names("activations") if name != "sparsemax"])
def test_activations(name):
    x = np.concatenate([rng.normal(size=(6, 8)) * 2, [[-20, -6, -1, 0, 1, 6, 20, 3]] * 2]).astype("float32")
    ours, theirs = getattr(cnnpy.activations, name), getattr(keras.activations, name)
    for arguments in ARGUMENTS.get(name, [{}]):
        t, v = cnnpy.Tensor(x), tf.Variable(x)
        with cnnpy.GradientTape() as tape:
            tape.watch(t)
            y = ours(t, **arguments)
        with tf.GradientTape() as their_tape:
            z = theirs(tf.convert_to_tensor(v), **arguments)
        np.testing.assert_allclose(y.numpy(), z.numpy(), rtol=1e-5, atol=1e-6)
        smooth = ~np.isin(x, [-1, 0, 1])  # away from kinks
        a, b = tape.gradient(y, t).numpy(), their_tape.gradient(z, v).numpy()
        np.testing.assert_allclose(a[smooth], b[smooth], rtol=1e-4, atol=1e-5)
    assert cnnpy.activations.serialize(ours) == keras.activations.serialize(theirs)
    assert keras.activations.deserialize(cnnpy.activations.serialize(ours)) is theirs
    assert cnnpy.activations.deserialize(keras.activations.serialize(theirs)) is ours
