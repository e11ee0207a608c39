"""State trees, configs of compile, stateless calls, step functions, and what is refused."""

import pickle
import warnings

import numpy as np
import pytest

import cnnpy
from cnnpy import layers

X = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def net(**settings):
    model = cnnpy.Sequential([layers.Input((4,)), layers.Dense(1, name="d")], name="net")
    model.compile(**{"optimizer": "adam", "loss": "mse", **settings})
    return model


def test_trees_hold_all_state():
    model = net()
    model.fit(X, Y, verbose=0)
    tree = model.get_state_tree()
    assert sorted(tree["trainable_variables"]["net"]["d"]) == ["bias", "kernel"]
    assert isinstance(tree["trainable_variables"]["net"]["d"]["kernel"], cnnpy.Tensor)
    arrays = model.get_state_tree("numpy_array")
    first = model.fit(X, Y, verbose=0, shuffle=False).history
    model.set_state_tree(arrays)
    assert model.fit(X, Y, verbose=0, shuffle=False).history == first
    model.set_state_tree({"trainable_variables": {"net": {"d": {"bias": np.array([3.0])}}}})
    assert model.layers[0].bias.numpy() == [3]


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"weights": {}}, "unknown part 'weights'; there are trainable_variables"),
        ({"trainable_variables": {"net": {"e": {"bias": [1.0]}}}}, "no variable has the path 'net/e/bias'"),
        ({"trainable_variables": {"net": {"d": {"bias": [1.0, 2.0]}}}}, r"'net/d/bias' has shape \(1,\), its value"),
    ],
)
def test_trees_that_do_not_fit(tree, message):
    model = net()
    before = model.get_weights()
    tree.setdefault("trainable_variables", {}).setdefault("net", {}).setdefault("d", {})["kernel"] = np.ones((4, 1))
    with pytest.raises(ValueError, match=message):
        model.set_state_tree(tree)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    with pytest.raises(ValueError, match="value_format must be"):
        model.get_state_tree("list")


def test_settings_of_compile():
    assert cnnpy.Sequential().get_compile_config() == {}
    model = net(loss=cnnpy.losses.Huber(0.5), metrics=["mae", cnnpy.metrics.MeanSquaredError(name="square")])
    config = model.get_compile_config()
    other = net()
    other.compile_from_config(config)
    assert type(other.loss) is cnnpy.losses.Huber and other.optimizer.built
    assert set(other.fit(X, Y, verbose=0).history) == {"loss", "mae", "square"}

    class Own(cnnpy.Sequential):
        def compile(self, speed):
            super().compile(cnnpy.optimizers.SGD(speed), "mse")

    own = Own([layers.Input((4,)), layers.Dense(1)])
    with pytest.warns(UserWarning, match="Own has its own compile"):
        own.compile_from_config(config)
    assert not own.compiled


def test_stateless_calls_restore_everything_even_after_errors():
    model = net()
    before = model.get_weights()
    ones = [np.ones((4, 1)), np.ones(1)]
    outputs, others = model.stateless_call(ones, [], X)
    np.testing.assert_allclose(outputs, Y + 1, rtol=1e-5)
    counts = [np.zeros(v.shape) for v in model.metrics_variables]
    loss, state = model.stateless_compute_loss(ones, [], counts, y=Y, y_pred=cnnpy.Tensor(Y + 1))
    assert float(loss) == pytest.approx(1) and others == [] and len(state) == 3
    with pytest.raises(ValueError, match="input"):
        model.stateless_call(ones, [], X[:, :2])
    for a, b in zip(model.get_weights(), before):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="trainable_variables must have 2 values, got 1"):
        model.stateless_call(ones[:1], [], X)
    with pytest.raises(ValueError, match="needs a built layer"):
        layers.Dense(2).stateless_call([], [], X)


def test_step_functions():
    model = net()
    batches = iter([(cnnpy.Tensor(X), cnnpy.Tensor(Y))] * 3)
    train = model.make_train_function()
    assert model.make_train_function() is train is model.train_function
    first, second = train(batches)["loss"], train(batches)["loss"]
    assert float(second) < float(first)
    assert set(model.make_test_function()(batches)) == {"loss"}
    assert model.make_predict_function()(iter([cnnpy.Tensor(X)])).shape == (12, 1)
    assert model.make_predict_function(force=True) is model.predict_function
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X, verbose=0), model.predict(X, verbose=0))


def test_train_steps_of_keras_2():
    class Old(cnnpy.Sequential):
        def train_step(self, data):
            x, y = data
            with cnnpy.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compiled_loss(y, y_pred, regularization_losses=self.losses)
            variables = self.trainable_variables
            self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
            self.compiled_metrics.update_state(y, y_pred)
            return {m.name: m.result() for m in self.metrics}

    model = Old([layers.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert "mae" in model.fit(X, Y, verbose=0).history
    assert {w.category for w in said} == {DeprecationWarning}


def test_what_layers_refuse():
    layer = layers.Dense(2)
    for name in ("rematerialized_call", "quantized_build", "quantized_call"):
        with pytest.raises(NotImplementedError, match=f'Dense "dense.*": {name} is not offered'):
            getattr(layer, name)(None, None)
    with pytest.raises(NotImplementedError, match="quantize is not offered: weights are float32"):
        layer.quantize("int8")
    with pytest.raises(NotImplementedError, match=r"add_metric\(\) is Keras 2's. Pass metrics to compile"):
        layer.add_metric(1.0, name="m")
    assert layer.quantization_mode is None
    inputs = layers.Input((4,))
    with pytest.raises(NotImplementedError, match="put add_loss into the call"):
        cnnpy.Model(inputs, layer(inputs)).add_loss(cnnpy.ops.mean(layer.output))


def test_policies_can_be_set_before_building():
    layer = layers.Dense(2)
    layer.dtype_policy = "float64"
    assert layer(X.astype("float64")).dtype == layer.kernel.dtype == layer.compute_dtype == "float64"
    with pytest.raises(ValueError, match="has weights of float64 already"):
        layer.dtype_policy = "float32"


def test_arguments_of_build_must_be_those_of_call():
    class Own(layers.Layer):
        def build(self, first_shape, other_shape):
            pass

        def call(self, first, second):
            return first + second

    with pytest.raises(ValueError, match=r"build\(\) takes first_shape, other_shape; .* call\(\) takes first, second"):
        Own()(X, X)
