"""Configurations as plain dicts and back, and what is refused."""

import json

import numpy as np
import pytest

import cnnpy
from cnnpy import layers, saving


@pytest.mark.parametrize(
    "value",
    [None, True, 3, 2.5, "text", [1, [2, "a"]], {"a": [1], "b": None}, slice(1, None, 2), Ellipsis, b"bytes"],
)
def test_plain_values(value):
    config = json.loads(json.dumps(saving.serialize_keras_object(value)))
    assert saving.deserialize_keras_object(config) == value


def test_arrays():
    array = np.arange(6, dtype="float32").reshape(2, 3)
    again = saving.deserialize_keras_object(saving.serialize_keras_object(array))
    np.testing.assert_array_equal(again, array)
    assert again.dtype == array.dtype
    tensor = saving.deserialize_keras_object(saving.serialize_keras_object(cnnpy.Tensor(array)))
    assert isinstance(tensor, cnnpy.Tensor)
    assert saving.serialize_keras_object(np.float32(2)) == 2.0
    assert saving.serialize_keras_object(np.dtype("int32")) == "int32"


class Local(layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def call(self, inputs):
        return inputs

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def test_own_classes():
    config = saving.serialize_keras_object(Local(3, name="mine"))
    assert config["class_name"] == "Local" and config["config"]["units"] == 3
    assert saving.deserialize_keras_object(config).units == 3  # its module is loaded
    config["module"] = "elsewhere"
    with pytest.raises(ValueError, match="'Local' of module 'elsewhere' is not known"):
        saving.deserialize_keras_object(config)
    assert saving.deserialize_keras_object(config, {"Local": Local}).units == 3
    with saving.custom_object_scope({"Local": Local}):
        assert saving.deserialize_keras_object(config).name == "mine"
    assert "Local" not in saving.get_custom_objects()


def test_registered_classes():
    @saving.register_keras_serializable(package="tests", name="Renamed")
    class Registered(Local):
        pass

    config = saving.serialize_keras_object(Registered(4))
    assert config["registered_name"] == "tests>Renamed"
    config["module"] = "gone"
    assert type(saving.deserialize_keras_object(config)) is Registered
    assert saving.get_registered_name(Registered) == "tests>Renamed"
    assert saving.get_registered_object("tests>Renamed") is Registered
    with pytest.raises(ValueError, match="no get_config"):
        saving.register_keras_serializable()(type("Bare", (), {}))


def test_nothing_is_imported_by_name():
    config = {"module": "antigravity", "class_name": "fly", "config": {}, "registered_name": None}
    with pytest.raises(ValueError, match="is not known"):
        saving.deserialize_keras_object(config)
    import sys

    assert "antigravity" not in sys.modules


def test_misspelt_layer():
    with pytest.raises(ValueError, match=r"'Conv2d' of module 'keras.layers' is not known. Did you mean 'Conv2D'"):
        saving.deserialize_keras_object({"module": "keras.layers", "class_name": "Conv2d", "config": {}})
    with pytest.raises(TypeError, match=r"Dense.from_config.*unknown argument 'unts'.*Did you mean 'units'"):
        saving.deserialize_keras_object(
            {"module": "keras.layers", "class_name": "Dense", "config": {"units": 1, "unts": 2}}
        )


@pytest.mark.parametrize("safe_mode", [True, False, None])
def test_code_in_configs_is_never_run(safe_mode):
    factor = 3
    layer = layers.Lambda(lambda x, y=2: x * factor * y, output_shape=lambda shape: shape, name="times")
    config = json.loads(json.dumps(layers.serialize(layer)))
    with pytest.raises(ValueError, match=r"never runs it, with safe_mode=False neither.*under the layer's name"):
        saving.deserialize_keras_object(config, safe_mode=safe_mode)
    functions = {"times": lambda x: x * 5}
    with pytest.raises(ValueError, match="never runs it"):  # the shape's function is missing
        saving.deserialize_keras_object(config, functions, safe_mode)
    functions["times/output_shape"] = lambda shape: (1, 2)
    again = saving.deserialize_keras_object(config, functions, safe_mode)
    np.testing.assert_array_equal(again(np.ones((1, 2))), [[5, 5]])
    assert again.compute_output_shape((None, 2)) == (1, 2)


def test_copies_in_one_process_keep_the_lambda_itself():
    factor = [3]
    model = cnnpy.Sequential([layers.Input((2,)), layers.Lambda(lambda x: x * factor[0])])
    again = cnnpy.models.clone_model(model)
    factor[0] = 4
    np.testing.assert_array_equal(again(np.ones((1, 2))), [[4, 4]])
    config = {"class_name": "__lambda__", "config": {"kept": 0}}
    with pytest.raises(ValueError, match="never runs it"):
        saving.deserialize_keras_object(config)


def test_what_has_no_config_is_told():
    with pytest.raises(TypeError, match="no get_config"):
        saving.serialize_keras_object(object())
