"""Initializers: their distributions, fans, seeds, names and errors."""

import numpy as np
import pytest

import cnnpy
from cnnpy import initializers

RANDOM = [
    "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform", "Orthogonal",
    "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling",
]  # fmt: skip
FIXED = ["Constant", "Identity", "Ones", "STFT", "Zeros"]


def values(initializer, shape, dtype=None):
    tensor = initializer(shape, dtype=dtype)
    assert tensor.shape == tuple(shape) and tensor.dtype == (dtype or "float32")
    return np.asarray(tensor)


@pytest.mark.parametrize(
    "name, shape, variance",
    [
        ("GlorotNormal", (3, 3, 40, 60), 2 / (9 * 40 + 9 * 60)),
        ("GlorotUniform", (3, 3, 40, 60), 2 / (9 * 40 + 9 * 60)),
        ("HeNormal", (3, 3, 40, 60), 2 / (9 * 40)),
        ("HeUniform", (200, 100), 2 / 200),
        ("LecunNormal", (200, 100), 1 / 200),
        ("LecunUniform", (200, 100), 1 / 200),
        ("VarianceScaling", (200, 100), 1 / 200),
        ("RandomNormal", (200, 100), 0.05**2),
        ("TruncatedNormal", (200, 100), (0.05 * 0.8796) ** 2),
        ("RandomUniform", (200, 100), 0.1**2 / 12),
        ("GlorotUniform", (20000,), 1 / 20000),
    ],
)
def test_variance_and_mean(name, shape, variance):
    x = values(getattr(initializers, name)(seed=1), shape)
    np.testing.assert_allclose(x.var(), variance, rtol=0.03)
    assert abs(x.mean()) < 4 * np.sqrt(variance / x.size)


def test_bounds():
    assert np.abs(values(initializers.TruncatedNormal(stddev=1.0), (1000, 10))).max() <= 2
    limit = np.sqrt(6 / 30)
    x = values(initializers.GlorotUniform(), (10, 20))
    assert -limit <= x.min() and x.max() < limit
    assert np.abs(values(initializers.VarianceScaling(distribution="untruncated_normal"), (100, 100))).max() > 0.25


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", RANDOM)
def test_seeds(name, dtype):
    cls = getattr(initializers, name)
    seeded = cls(seed=3)
    first = values(seeded, (6, 5), dtype)
    np.testing.assert_array_equal(first, values(seeded, (6, 5), dtype))
    np.testing.assert_array_equal(first, values(cls(seed=3), (6, 5), dtype))
    assert not np.array_equal(first, values(cls(seed=4), (6, 5), dtype))
    assert not np.array_equal(values(cls(), (6, 5)), values(cls(), (6, 5)))
    flowing = cls(seed=cnnpy.random.SeedGenerator(1))
    assert not np.array_equal(values(flowing, (6, 5)), values(flowing, (6, 5)))
    with pytest.raises(ValueError, match=f"{name}: seed must be"):
        cls(seed="one")


def test_set_random_seed_repeats_unseeded_ones():
    made = []
    for _ in range(2):
        cnnpy.utils.set_random_seed(11)
        layer = cnnpy.layers.Conv2D(3, 3)
        layer.build((None, 8, 8, 2))
        dropout = cnnpy.layers.Dropout(0.5)
        made.append((layer.get_weights()[0], np.asarray(dropout(np.ones((5, 5)), training=True))))
    for a, b in zip(*made):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (3, 3, 2, 5), (2, 9)])
def test_orthogonal(shape):
    x = values(initializers.Orthogonal(gain=2.0), shape, "float64").reshape(-1, shape[-1])
    small = x.T @ x if x.shape[0] >= x.shape[1] else x @ x.T
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-10)
    with pytest.raises(ValueError, match="at least 2 dimensions"):
        initializers.Orthogonal()((3,))


def test_fixed_ones():
    np.testing.assert_array_equal(values(initializers.Zeros(), (2, 3)), np.zeros((2, 3)))
    np.testing.assert_array_equal(values(initializers.Ones(), (2,), "int64"), np.ones(2))
    np.testing.assert_array_equal(values(initializers.Constant(0.5), ()), 0.5)
    np.testing.assert_array_equal(values(initializers.Constant([1, 2]), (3, 2)), [[1, 2]] * 3)
    np.testing.assert_array_equal(values(initializers.Identity(3.0), (2, 3)), [[3, 0, 0], [0, 3, 0]])
    with pytest.raises(ValueError, match="2 dimensions"):
        initializers.Identity()((2, 2, 2))


@pytest.mark.parametrize("name", RANDOM + FIXED)
def test_names_and_configs(name):
    cls = getattr(initializers, name)
    snake = cnnpy.utils.naming.to_snake_case(name)
    assert type(initializers.get(name)) is cls and type(initializers.get(snake)) is cls
    assert type(initializers.get(cls)) is cls
    given = cls(**({"seed": 5} if name in RANDOM else {}))
    assert initializers.get(given) is given
    again = initializers.deserialize(initializers.serialize(given))
    assert type(again) is cls and again.get_config() == given.get_config()
    shape = (4, 1, 4) if name == "STFT" else (4, 4)
    np.testing.assert_array_equal(values(again, shape), values(given, shape))
    assert type(initializers.get({"class_name": name, "config": {}})) is cls
    assert type(given.clone()) is cls


def test_other_identifiers():
    assert initializers.get(None) is None
    assert type(initializers.get("zeros")) is initializers.Zeros
    assert type(initializers.get("uniform")) is initializers.RandomUniform
    array = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(initializers.get(array)((2, 3), "float32"), array)
    with pytest.raises(ValueError, match=r"shape \(3, 2\), the array given as its initializer \(2, 3\)"):
        initializers.get(array)((3, 2))
    layer = cnnpy.layers.Dense(3, kernel_initializer=array, bias_initializer=lambda shape, dtype=None: np.ones(shape))
    layer(np.zeros((1, 2)))
    np.testing.assert_array_equal(layer.kernel, array)
    np.testing.assert_array_equal(layer.bias, np.ones(3))
    with pytest.raises(ValueError, match=r"unknown initializer 'glorot_unifrm'. Did you mean 'glorot_uniform'"):
        initializers.get("glorot_unifrm")
    with pytest.raises(ValueError, match="an initializer is a name"):
        initializers.get(3)
    for bad in (dict(scale=0), dict(mode="fan"), dict(distribution="cauchy")):
        with pytest.raises(ValueError, match="VarianceScaling"):
            initializers.VarianceScaling(**bad)


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
@pytest.mark.parametrize("distribution", ["truncated_normal", "normal", "untruncated_normal", "uniform"])
def test_modes_and_distributions(mode, distribution):
    shape, scale = (3, 2, 40, 90), 3.0
    fan = {"fan_in": 240, "fan_out": 540, "fan_avg": 390}[mode]
    x = values(initializers.VarianceScaling(scale, mode, distribution, seed=2), shape, "float64").ravel()
    deviation = np.sqrt(scale / fan)
    np.testing.assert_allclose(x.var(), deviation**2, rtol=0.03)
    kurtosis = (x**4).mean() / x.var() ** 2  # 1.8 of a uniform, 3 of a normal distribution, less when it is cut
    np.testing.assert_allclose(kurtosis, {"uniform": 1.8, "untruncated_normal": 3.0}.get(distribution, 2.36), rtol=0.04)
    if distribution == "uniform":
        assert np.abs(x).max() <= np.sqrt(3) * deviation
    elif distribution != "untruncated_normal":
        assert np.abs(x).max() <= 2 * deviation / 0.8796


@pytest.mark.parametrize(
    ("shape", "axes", "fans"),
    [
        ((), (), (1, 1)),
        ((5,), (), (5, 5)),
        ((5, 7), (), (5, 7)),
        ((3, 5, 7), (), (15, 21)),
        ((3, 3, 5, 7), (), (45, 63)),
        ((2, 3, 4, 5, 7), (), (120, 168)),
        ((3, 3, 8, 1), (), (72, 9)),  # a depthwise kernel (height, width, channels, multiplier)
        ((4, 3, 2), ([0, 2], [1]), (8, 3)),
    ],
)
def test_fans(shape, axes, fans):
    assert initializers.compute_fans(shape, *axes) == fans


def test_stft():
    length, frequencies = 8, 5
    signal = np.random.default_rng(0).normal(size=length)
    real, imag = (
        values(initializers.STFT(side, None), (length, 1, frequencies), "float64")[:, 0] for side in ("real", "imag")
    )
    np.testing.assert_allclose(signal @ real + 1j * (signal @ imag), np.fft.rfft(signal))
    windowed = values(initializers.STFT("real", "hann", None), (length, 1, frequencies), "float64")[:, 0]
    np.testing.assert_allclose(windowed, np.hanning(length)[:, None] * real, atol=1e-12)
    given = initializers.STFT("imag", np.linspace(0, 1, length), "spectrum")
    again = initializers.deserialize(initializers.serialize(given))
    np.testing.assert_array_equal(values(again, (length, 1, frequencies)), values(given, (length, 1, frequencies)))
    for bad in (dict(side="left"), dict(scaling="none"), dict(window="no such window")):
        with pytest.raises((ValueError, ImportError)):
            initializers.STFT(**bad)
    with pytest.raises(ValueError, match="the window must have 8 values"):
        initializers.STFT(window=np.ones(4))((8, 1, 5))
    with pytest.raises(ValueError, match="must be \\(window, 1, frequencies\\)"):
        initializers.STFT()((8, 5))


def test_own_initializer():
    class Ramp(initializers.Initializer):
        def __call__(self, shape, dtype=None):
            return np.linspace(0, 1, int(np.prod(shape))).reshape(shape)

    layer = cnnpy.layers.Dense(2, kernel_initializer=Ramp())
    layer(np.zeros((1, 3)))
    np.testing.assert_allclose(layer.kernel.numpy().reshape(-1), np.linspace(0, 1, 6), rtol=1e-6)
