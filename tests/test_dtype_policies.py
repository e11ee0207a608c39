"""cnnpy.dtype_policies: policies, maps of them, configs; and result_type."""

import numpy as np
import pytest

import cnnpy
from cnnpy import dtype_policies, layers
from cnnpy.dtype_policies import DTypePolicy, DTypePolicyMap, FloatDTypePolicy


def test_policies():
    policy = DTypePolicy("float64")
    assert (policy.name, policy.compute_dtype, policy.variable_dtype) == ("float64", "float64", "float64")
    assert policy.quantization_mode is None and repr(policy) == '<DTypePolicy "float64">'
    assert DTypePolicy().name == "float32" and cnnpy.FloatDTypePolicy is FloatDTypePolicy
    assert FloatDTypePolicy("float64") == policy and hash(policy) == hash(DTypePolicy("float64"))
    assert DTypePolicy.from_config(policy.get_config()) == policy != DTypePolicy("float32")
    for identifier in (policy, "float64", np.float64, np.dtype("float64"), dtype_policies.serialize(policy)):
        assert dtype_policies.get(identifier) == policy
    assert dtype_policies.get(None) == cnnpy.config.dtype_policy()
    config = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float64"}, "registered_name": None}
    assert dtype_policies.serialize(policy) == config and dtype_policies.deserialize(config) == policy


def test_convert_input():
    policy = DTypePolicy("float32")
    x = np.ones(2)
    assert policy.convert_input(x, True, "float32").dtype == "float32"
    assert policy.convert_input(x, False, "float32").dtype == "float64"
    assert policy.convert_input(np.ones(2, "int32"), True, "float32").dtype == "int32"
    assert policy.convert_input("text", True, "float32") == "text"
    assert policy.convert_input(cnnpy.Input((2,), dtype="float64"), True, "float32").dtype == "float32"


def test_map():
    policies = DTypePolicyMap("float32", {"encoder/.*": "float64", "exact": DTypePolicy("int32")})
    assert policies.name == "map_float32" and policies.compute_dtype == policies.variable_dtype == "float32"
    assert [policies[path].name for path in ("exact", "encoder/dense", "encoder", "x")] == [
        "int32",
        "float64",
        "float32",
        "float32",
    ]
    assert len(policies) == 2 and list(policies) == ["encoder/.*", "exact"] and "exact" in policies
    policies["encoder/de.*"] = "float32"
    with pytest.raises(ValueError, match="matches"):
        policies["encoder/dense"]
    with pytest.raises(ValueError, match="already"):
        policies["exact"] = "float32"
    del policies["encoder/de.*"]
    with pytest.raises(KeyError):
        del policies["nothing"]
    assert dtype_policies.get(dtype_policies.serialize(policies)) == policies
    assert "default_policy=float32" in repr(policies)
    assert DTypePolicyMap().default_policy.name == "float32"
    with pytest.raises(ValueError, match="no DTypePolicyMap"):
        DTypePolicyMap(policies)
    with pytest.raises(TypeError, match="must be a dict"):
        DTypePolicyMap(None, ["float32"])


def test_map_of_a_layer():
    policies = DTypePolicyMap("float32", {"wide.*": "float64"})
    assert layers.Dense(1, name="wide_1", dtype=policies).compute_dtype == "float64"
    layer = layers.Dense(1, name="other", dtype=policies)
    assert layer.compute_dtype == "float32" and layers.Dense.from_config(layer.get_config()).compute_dtype == "float32"


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: DTypePolicy("mixed_float16"), ValueError, "no half precision"),
        (lambda: DTypePolicy("bfloat16"), ValueError, "no half precision"),
        (lambda: dtype_policies.get("int8_from_float32"), ValueError, "no quantised dtypes"),
        (lambda: DTypePolicy("float"), ValueError, "must be one of float32"),
        (lambda: DTypePolicy(3), TypeError, "must be a string"),
        (lambda: dtype_policies.QuantizedDTypePolicy, AttributeError, "no quantised dtypes"),
        (lambda: dtype_policies.get({"class_name": "Int4DTypePolicy", "config": {}}), NotImplementedError, "quantised"),
    ],
)
def test_bad_policies(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_result_type():
    result_type = cnnpy.backend.result_type
    assert result_type() == "float32" and result_type("uint8", "int32") == "int32"
    assert result_type("int64", float) == "float32" and result_type("float64", float) == "float64"
    assert result_type("bool", int) == "int32" and result_type("uint8", int) == "uint8"
    assert result_type(np.float32, np.dtype("int64")) == "float32" and result_type(bool) == "bool"
    with pytest.raises(ValueError, match="dtype must be one of"):
        result_type("float16")
