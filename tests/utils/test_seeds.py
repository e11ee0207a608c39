"""Seeds, random tensors, names, settings, trees."""

import random

import numpy as np
import pytest

import cnnpy
from cnnpy import config, tree
from cnnpy.utils.naming import to_snake_case


def test_set_random_seed_fixes_all():
    drawn = []
    for _ in range(2):
        cnnpy.utils.set_random_seed(5)
        drawn.append(
            [random.random(), np.random.random(), float(cnnpy.random.normal(())), float(cnnpy.random.uniform(()))]
        )
    assert drawn[0] == drawn[1] and drawn[0][2] != drawn[0][3]
    for bad in (-1, 2**32, 1.5, "x", None, True):
        with pytest.raises(ValueError, match="set_random_seed: seed must be"):
            cnnpy.utils.set_random_seed(bad)


def test_seed_generator():
    one, other = cnnpy.random.SeedGenerator(3), cnnpy.random.SeedGenerator(3)
    assert [one.next() for _ in range(3)] == [other.next() for _ in range(3)] == [(3, 0), (3, 1), (3, 2)]
    assert one.state == [3, 3]
    assert cnnpy.random.SeedGenerator.from_config(one.get_config()).next() == (3, 0)
    assert cnnpy.random.SeedGenerator().seed != cnnpy.random.SeedGenerator().seed
    with pytest.raises(ValueError, match="seed must be an integer or None"):
        cnnpy.random.SeedGenerator("x")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["normal", "uniform", "truncated_normal"])
def test_random_tensors(name, dtype):
    function = getattr(cnnpy.random, name)
    x = function((1000, 10), 1.0, 2.0, dtype=dtype, seed=3)
    assert isinstance(x, cnnpy.Tensor) and x.shape == (1000, 10) and x.dtype == dtype
    np.testing.assert_array_equal(x, function((1000, 10), 1.0, 2.0, dtype=dtype, seed=3))
    assert not np.array_equal(x, function((1000, 10), 1.0, 2.0, dtype=dtype))
    assert abs(float(np.asarray(x).mean()) - (1.5 if name == "uniform" else 1.0)) < 0.1
    with pytest.raises(ValueError, match="dtype must be float32 or float64"):
        function((2,), dtype="int32") if name != "uniform" else cnnpy.random.normal((2,), dtype="bool")


def test_whole_numbers_and_order():
    x = np.asarray(cnnpy.random.randint((1000,), 2, 5, seed=1))
    assert set(x.tolist()) == {2, 3, 4} and x.dtype == np.int32
    order = np.asarray(cnnpy.random.shuffle(np.arange(20), seed=1))
    assert sorted(order) == list(range(20)) and list(order) != list(range(20))
    rows = np.asarray(cnnpy.random.shuffle(np.arange(12).reshape(6, 2), seed=1))
    assert all(b == a + 1 for a, b in rows)
    dropped = np.asarray(cnnpy.random.dropout(np.ones((100, 10)), 0.5, seed=1))
    assert set(np.unique(dropped)) == {0.0, 2.0}


@pytest.mark.parametrize(
    "name, snake",
    [
        ("Conv2D", "conv2d"), ("ReLU", "re_lu"), ("PReLU", "p_re_lu"), ("LeakyReLU", "leaky_re_lu"), ("ELU", "elu"),
        ("MaxPooling2D", "max_pooling2d"), ("Conv2DTranspose", "conv2d_transpose"), ("ZeroPadding2D", "zero_padding2d"),
        ("BatchNormalization", "batch_normalization"), ("MyNet2", "my_net2"),
    ],
)  # fmt: skip
def test_snake_case(name, snake):
    assert to_snake_case(name) == snake


def test_settings():
    try:
        config.set_floatx("float64")
        layer = cnnpy.layers.Dense(2)
        assert layer(np.zeros((1, 3))).dtype == "float64" and cnnpy.Input((3,)).dtype == "float64"
    finally:
        config.set_floatx("float32")
    with pytest.raises(ValueError, match="floatx must be one of"):
        config.set_floatx("float16")
    try:
        config.set_image_data_format("channels_first")
        assert cnnpy.layers.Conv2D(2, 1)(np.zeros((1, 3, 4, 5))).shape == (1, 2, 4, 5)
    finally:
        config.set_image_data_format("channels_last")
    with pytest.raises(ValueError, match="data_format must be one of"):
        config.set_image_data_format("last")
    try:
        config.set_epsilon(1e-3)
        assert cnnpy.backend.epsilon() == 1e-3
    finally:
        config.set_epsilon(1e-7)
    assert cnnpy.backend.floatx() == "float32" and cnnpy.backend.image_data_format() == "channels_last"
    assert config.dtype_policy().name == "float32"
    with pytest.raises(ValueError, match="dtype policy must be one of"):
        config.set_dtype_policy("mixed_float16")


def test_clear_session_counts_anew():
    cnnpy.layers.Dense(1)
    cnnpy.backend.clear_session()
    assert [cnnpy.layers.Dense(1).name, cnnpy.layers.Dense(1).name] == ["dense", "dense_1"]
    assert [cnnpy.backend.get_uid("x"), cnnpy.backend.get_uid("x")] == [1, 2]


def test_trees():
    structure = {"b": [1, (2, 3)], "a": 4}
    assert tree.flatten(structure) == [4, 1, 2, 3]
    assert tree.map_structure(lambda a, b: a + b, structure, structure) == {"b": [2, (4, 6)], "a": 8}
    assert tree.pack_sequence_as(structure, [40, 10, 20, 30]) == {"b": [10, (20, 30)], "a": 40}
    for wrong in ([1], [1, 2, 3, 4, 5]):
        with pytest.raises(ValueError, match="too"):
            tree.pack_sequence_as(structure, wrong)
    assert tree.is_shape((None, 3)) and not tree.is_shape([(None, 3)])
    assert tree.map_shapes(len, [(1, 2), {"x": (3,)}]) == [2, {"x": 1}]


def test_lazy_names():
    assert cnnpy.layers.Dense is cnnpy.layers.core.Dense
    assert {"layers", "models", "Sequential", "Tensor"} <= set(dir(cnnpy))
    assert {"set_random_seed", "to_categorical"} <= set(dir(cnnpy.utils))
    for module in (cnnpy, cnnpy.layers, cnnpy.models, cnnpy.utils):
        with pytest.raises(AttributeError):
            print(module.nothing_of_this_name)
