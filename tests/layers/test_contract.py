"""One contract that every layer keeps: building, shapes, dtypes, configurations, weights, flags, copies, bad input."""

import copy
import pickle

import numpy as np
import pytest

import cnnpy
from cnnpy import layers
from layer_cases import CASES, data, ids, open_batch, shapes


def each(condition=lambda case: True):
    """Runs a test for all cases that meet CONDITION."""
    chosen = [case for case in CASES if condition(case)]
    return pytest.mark.parametrize("case", chosen, ids=ids(chosen))


def symbolic(case):
    inputs = [cnnpy.Input(s[1:], dtype=case.dtype) for s in shapes(case.shape)]
    return inputs if isinstance(case.shape, list) else inputs[0]


@each()
def test_shapes_dtypes_and_weights(case):
    layer = case.make(cnnpy)
    y = layer(data(case))
    assert isinstance(y, cnnpy.Tensor) and y.dtype == "float32"
    assert layer.built
    assert layer.compute_output_shape(case.shape) == y.shape
    assert layer.compute_output_shape(open_batch(case.shape)) == (None, *y.shape[1:])
    assert [w.name for w in layer.weights] == case.weights
    assert all(w.path.startswith(f"{layer.name}/") for w in layer.weights)
    assert len({w.path for w in layer.weights}) == len(layer.weights)
    assert layer.count_params() == sum(int(np.prod(w.shape)) for w in layer.get_weights())


@each()
def test_float64(case):
    layer = case.make(cnnpy, dtype="float64")
    y = case.infer(layer, data(case, "float64" if case.dtype == "float32" else None))
    assert y.dtype == "float64"
    assert all(w.dtype == "float64" for w in layer.weights if w.dtype.startswith("float"))
    low = case.make(cnnpy)
    low.build(case.shape)
    low.set_weights(layer.get_weights())
    np.testing.assert_allclose(case.infer(low, data(case)), y, rtol=1e-4, atol=1e-5)


@each(lambda case: case.dtype == "float32")
def test_inputs_of_other_dtypes_are_cast(case):
    layer = case.make(cnnpy)
    low, high = case.infer(layer, data(case)), case.infer(layer, data(case, "float64"))
    assert high.dtype == "float32"
    np.testing.assert_allclose(low, high, rtol=1e-5, atol=1e-6)
    whole = data(case)
    whole = [(10 * np.abs(a)).astype("uint8") for a in (whole if isinstance(whole, list) else [whole])]
    y = layer(whole if isinstance(case.shape, list) else whole[0])
    assert y.dtype == ("float32" if layer._float_inputs or case.wraps or case.layer == "Lambda" else "uint8")


@each()
def test_symbolic_call(case):
    layer = case.make(cnnpy)
    inputs = symbolic(case)
    y = layer(inputs)
    real = case.infer(layer, data(case))
    assert y.shape == (None, *real.shape[1:]) and y.dtype == real.dtype
    assert layer.output is y
    assert layer.input is inputs or layer.input == inputs
    model = cnnpy.Model(inputs, y)
    np.testing.assert_array_equal(case.infer(model, data(case)), real)
    other = data(case, seed=1)
    np.testing.assert_array_equal(case.infer(model, other), case.infer(layer, other))


@each(lambda case: case.same_config)
def test_config_round_trip(case):
    layer = case.make(cnnpy, name="mine", trainable=False)
    again = layers.deserialize(layers.serialize(layer))
    assert type(again) is type(layer)
    assert again.name == "mine"
    assert again.get_config() == layer.get_config()
    again.build(case.shape)
    layer.build(case.shape)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(case.infer(again, data(case)), case.infer(layer, data(case)))
    cloned = type(layer).from_config(layer.get_config())
    assert cloned.get_config() == layer.get_config()


@each()
def test_training_flag(case):
    layer = case.make(cnnpy)
    x = data(case)
    inference = np.asarray(layer(x, training=False))
    if not case.trains_by_default:
        np.testing.assert_array_equal(layer(x), inference)
    training = np.asarray(layer(x, training=True))
    assert np.array_equal(training, inference) == (not (case.random or case.trains_otherwise))


@each(lambda case: case.differentiable)
def test_gradients_reach_inputs_and_weights(case):
    layer = case.make(cnnpy)
    tensors = [cnnpy.Tensor(a) for a in (data(case) if isinstance(case.shape, list) else [data(case)])]
    layer.build(case.shape)
    with cnnpy.GradientTape() as tape:
        tape.watch(tensors)
        y = layer(tensors if isinstance(case.shape, list) else tensors[0])
    wanted = [*tensors, *layer.trainable_weights] if case.dtype == "float32" else layer.trainable_weights
    gradients = tape.gradient(y, wanted)
    assert all(g is not None for g in gradients)
    assert [g.shape for g in gradients] == [t.shape for t in wanted]


@each()
def test_a_training_step_changes_the_weights(case):
    layer = case.make(cnnpy)
    inputs = symbolic(case)
    model = cnnpy.Model(inputs, layer(inputs))
    model.compile(cnnpy.optimizers.SGD(0.1), "mse")
    before = [np.array(w) for w in layer.trainable_weights]
    x = data(case)
    y = np.ones_like(np.asarray(model(x)))
    if before:
        assert np.isfinite(model.train_on_batch(x, y))
    else:
        assert np.isfinite(model.test_on_batch(x, y))
    for old, weight in zip(before, layer.trainable_weights):
        assert not np.array_equal(old, np.asarray(weight)), weight.path


@each()
def test_copies(case):
    layer = case.make(cnnpy)
    x = data(case)
    expected = np.asarray(case.infer(layer, x))
    copies = [copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))]
    for other in copies:
        if case.same_config:
            assert other.get_config() == layer.get_config()
        np.testing.assert_array_equal(case.infer(other, x), expected)
    for w in layer.weights:
        w.assign(np.zeros(w.shape))
    for other in copies:
        np.testing.assert_array_equal(case.infer(other, x), expected)


@each(lambda case: case.layer != "Lambda")
def test_wrong_inputs_name_the_layer(case):
    layer = case.make(cnnpy, name="mine")
    label = f'{case.layer} "mine"'
    for bad in ("text", np.array(["a", "b"]), layer, None, [None]):
        with pytest.raises(TypeError, match=label):
            layer(bad)
    with pytest.raises(TypeError, match=label):
        layer()
    layer.build(case.shape)
    if case.any_shape:
        return
    wrong = (5, 11)
    with pytest.raises(ValueError, match=label):
        layer(np.zeros(wrong, case.dtype))
    with pytest.raises(ValueError, match=label):
        layer(cnnpy.Input(wrong[1:], dtype=case.dtype))


@each()
def test_unknown_argument(case):
    with pytest.raises(
        ValueError, match=f"{case.layer}: unknown argument 'activty_regularizer'. Did you mean .*It takes:"
    ):
        case.make(cnnpy, activty_regularizer="l2")


@each(lambda case: not isinstance(case.shape, list) and case.layer != "ActivityRegularization")
def test_activity_regularizer(case):
    layer = case.make(cnnpy, activity_regularizer=cnnpy.regularizers.L2(0.1))
    y = np.asarray(layer(data(case)))
    assert len(layer.losses) == 1 + sum(w.regularizer is not None for w in layer.trainable_weights)
    np.testing.assert_allclose(layer.losses[0], 0.1 * (y**2).sum() / y.shape[0], rtol=1e-4)
    assert "activity_regularizer" in layer.get_config()


def test_every_layer_is_tested():
    tested = {case.layer for case in CASES}
    public = {
        n
        for n in layers.__all__
        if isinstance(getattr(layers, n), type) and issubclass(getattr(layers, n), layers.Layer)
    }
    aliases = {n for n in public if getattr(layers, n).__name__ != n}
    assert public - aliases - tested == {"Layer", "InputLayer", "Wrapper"}
