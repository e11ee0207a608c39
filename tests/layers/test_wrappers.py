"""Layers around another layer."""

import numpy as np
import pytest

from cnnpy import layers


class Doubled(layers.Wrapper):
    """Twice what the layer gives."""

    def call(self, inputs):
        return 2 * self.layer(inputs)


def test_wrapper_builds_holds_and_copies_its_layer():
    wrapper = Doubled(layers.Dense(3, name="inner"), name="outer")
    x = np.ones((2, 4), "float32")
    y = wrapper(x)
    np.testing.assert_allclose(y, 2 * np.asarray(wrapper.layer(x)))
    assert [w.path for w in wrapper.weights] == ["outer/inner/kernel", "outer/inner/bias"]
    config = wrapper.get_config()
    again = Doubled.from_config(config)
    assert again.get_config() == config and again.layer is not wrapper.layer
    again.build((None, 4))
    again.set_weights(wrapper.get_weights())
    np.testing.assert_array_equal(again(x), y)


def test_wrapper_takes_layers_only():
    with pytest.raises(ValueError, match=r"Doubled: layer must be a Layer, got .*; write Dense\(\.\.\.\)"):
        Doubled(layers.Dense)
    with pytest.raises(ValueError, match="Doubled: layer must be a Layer, got 3"):
        Doubled(3)
