"""Name scopes and devices."""

import pytest

import cnnpy
from cnnpy import layers


def test_name_scopes_stand_before_the_paths_of_weights():
    with cnnpy.name_scope("outer"), cnnpy.name_scope("inner"):
        dense = layers.Dense(2, name="d")
        dense.build((1, 3))
    assert [w.path for w in dense.weights] == ["outer/inner/d/kernel", "outer/inner/d/bias"]
    later = layers.Dense(2, name="e")
    later.build((1, 3))
    assert later.kernel.path == "e/kernel"
    for bad in ("", "a/b", None):
        with pytest.raises(ValueError, match="name_scope: name must be a str"), cnnpy.name_scope(bad):
            pass


def test_the_only_device_is_the_cpu():
    for name in ("cpu", "cpu:0", "CPU:0", "/CPU:0", "/device:CPU:0"):
        with cnnpy.device(name):
            assert cnnpy.array([1.0]).shape == (1,)
    for name in ("gpu:0", "/GPU:0", "cpu:1"):
        with pytest.raises(ValueError, match="cnnpy computes on the CPU"), cnnpy.device(name):
            pass


def test_mixed_precision_names_the_policy_of_new_layers(monkeypatch):
    from cnnpy import config, mixed_precision

    monkeypatch.setitem(config._settings, "dtype_policy", None)
    mixed_precision.set_global_policy("float64")
    assert layers.Dense(1).compute_dtype == mixed_precision.global_policy().name == "float64"
    with pytest.raises(ValueError, match="policy"):
        mixed_precision.set_global_policy("mixed_float16")


def test_version():
    assert cnnpy.version() == cnnpy.__version__
