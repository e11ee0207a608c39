"""Masks: who makes them, how they travel, what they leave out."""

import copy
import gc
import pickle
import sys

import numpy as np
import pytest

import cnnpy
from cnnpy import layers, ops

WORDS = np.array([[1, 2, 0, 0], [3, 0, 0, 0], [1, 1, 1, 2]])
STEPS = np.array([[[0, 0], [1, 2], [0, 0], [0, 4]], [[1, 0], [0, 0], [0, 0], [0, 0]]], "float32")


class Seen(layers.Layer):
    """Keeps the mask it is passed."""

    def call(self, inputs, mask=None):
        self.seen = mask
        return inputs


def mask_of(tensor):
    return None if tensor._keras_mask is None else np.asarray(tensor._keras_mask)


# ---- the attribute ----


def test_a_tensor_holds_a_mask():
    x, mask = cnnpy.Tensor(np.ones((2, 3))), cnnpy.Tensor([True, False])
    assert x._keras_mask is None
    x._keras_mask = mask
    assert x._keras_mask is mask and (x + 1)._keras_mask is None
    x._keras_mask = None
    assert x._keras_mask is None
    v = cnnpy.Variable(np.ones(3))
    v._keras_mask = mask
    assert v._keras_mask is mask
    before = sys.getrefcount(mask)
    del v
    gc.collect()
    assert sys.getrefcount(mask) == before - 1


def test_a_mask_is_a_tensor_without_a_mask():
    x, mask = cnnpy.Tensor([1.0]), cnnpy.Tensor([True])
    with pytest.raises(TypeError, match="a mask must be a Tensor or None, got 3"):
        x._keras_mask = 3
    x._keras_mask = mask
    for wrong, tensor in ((x, x), (x, mask)):
        with pytest.raises(ValueError, match="a mask cannot have a mask itself"):
            tensor._keras_mask = wrong


# ---- making ----


def test_masking():
    y = layers.Masking()(STEPS)
    np.testing.assert_array_equal(mask_of(y), [[False, True, False, True], [True, False, False, False]])
    y = layers.Masking(mask_value=1.0)(np.ones((2, 3, 2)))
    assert not mask_of(y).any() and not np.asarray(y).any()
    with pytest.raises(ValueError, match=r'Masking "m": input must have at least 2 dimensions'):
        layers.Masking(name="m")(np.ones(3))


def test_embedding_with_and_without_zero():
    assert mask_of(layers.Embedding(5, 2)(WORDS)) is None
    layer = layers.Embedding(5, 2, mask_zero=True)
    np.testing.assert_array_equal(mask_of(layer(WORDS)), WORDS != 0)
    np.testing.assert_array_equal(layer.compute_mask(WORDS), WORDS != 0)
    assert layers.Embedding(5, 2).compute_mask(WORDS) is None
    assert layer.compute_mask(cnnpy.Input((4,))).shape == (None, 4)  # a step of a model


# ---- travelling ----


def masked(shape=(2, 4, 3)):
    x = cnnpy.Tensor(np.random.default_rng(0).normal(size=shape).astype("float32"))
    x._keras_mask = cnnpy.Tensor(np.arange(np.prod(shape[:2])).reshape(shape[:2]) % 3 > 0)
    return x


@pytest.mark.parametrize("first", [True, False])
def test_layers_that_support_masks_hand_them_on(first):
    x = masked()
    for layer in (
        layers.Dense(5),
        layers.Identity(),
        layers.Dropout(0.5),
        layers.Rescaling(2.0),
        layers.ReLU(),
        layers.Activation("tanh"),
        layers.BatchNormalization(),
        layers.LayerNormalization(),
        layers.GroupNormalization(1),
        layers.UnitNormalization(),
        layers.TimeDistributed(layers.Dense(2)),
    ):
        if not first:
            layer(np.asarray(x))  # a second call goes another, shorter way
        assert layer.supports_masking
        np.testing.assert_array_equal(mask_of(layer(x)), mask_of(x), err_msg=layer.name)


def test_a_cast_keeps_the_mask():
    x = masked().astype("float64")
    x._keras_mask = cnnpy.Tensor(np.ones((2, 4), bool))
    assert mask_of(layers.Dense(2)(x)).shape == (2, 4)


def test_a_layer_without_support_ends_the_mask_and_says_so():
    for layer in (layers.Flatten(name="mine"), layers.RMSNormalization(name="mine")):
        with pytest.warns(UserWarning, match=f'{type(layer).__name__} "mine" was passed an input with a mask'):
            assert mask_of(layer(masked())) is None
    layer(np.ones((2, 4, 3)))  # nothing to say without a mask
    Seen()(np.ones((2, 4, 3)), mask=np.ones((2, 4), bool))  # nor where the caller passes one to `call`


def test_call_takes_the_mask_by_name():
    layer = Seen()
    layer.supports_masking = True
    x = masked()
    layer(x)
    assert layer.seen is x._keras_mask
    layer(x, mask=np.zeros((2, 4), bool))
    assert not np.asarray(layer.seen).any()
    layer(np.asarray(x))
    assert layer.seen is None
    layer([x, np.ones(2)])
    assert layer.seen[0] is x._keras_mask and layer.seen[1] is None


def test_arguments_with_masks_of_their_own_names():
    class Two(layers.Layer):
        def call(self, query, value, query_mask=None, value_mask=None):
            self.seen = query_mask, value_mask
            return query

    layer, x = Two(), masked()
    with pytest.warns(UserWarning, match="does not support masking"):
        layer(x, np.ones((2, 4)))
    assert layer.seen[0] is x._keras_mask and layer.seen[1] is None


def test_a_class_with_compute_mask_supports_masks():
    class Shifted(layers.Layer):
        def call(self, inputs):
            return inputs[:, 1:]

        def compute_mask(self, inputs, mask=None):
            return None if mask is None else mask[:, 1:]

    assert Shifted.supports_masking
    x = masked()
    np.testing.assert_array_equal(mask_of(Shifted()(x)), mask_of(x)[:, 1:])


def test_lambda():
    x = masked()
    with pytest.warns(UserWarning, match="does not support masking"):
        assert mask_of(layers.Lambda(lambda x: 2 * x)(x)) is None
    layer = layers.Lambda(lambda x, mask: ops.where(mask[..., None], x, 0.0), mask=lambda x, mask: mask)
    y = layer(x)
    np.testing.assert_array_equal(mask_of(y), mask_of(x))
    np.testing.assert_array_equal(np.asarray(y).any(axis=-1), mask_of(x))
    fixed = cnnpy.Tensor(np.ones((2, 4), bool))
    assert layers.Lambda(lambda x: x * 1, mask=fixed)(np.ones((2, 4)))._keras_mask is fixed


# ---- models ----


def tagger(outputs=2, **embedding):
    words = cnnpy.Input((4,), dtype="int32")
    h = layers.Embedding(5, 3, mask_zero=True, **embedding)(words)
    h = layers.Dropout(0.0)(h)
    return cnnpy.Model(words, layers.Dense(outputs)(h))


def test_masks_travel_through_models():
    model = tagger()
    y = model(WORDS)
    np.testing.assert_array_equal(mask_of(y), WORDS != 0)
    stack = cnnpy.Sequential([layers.Embedding(5, 3, mask_zero=True), layers.Dense(2), layers.ReLU()])
    np.testing.assert_array_equal(mask_of(stack(WORDS)), WORDS != 0)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), cnnpy.models.clone_model(model)):
        np.testing.assert_array_equal(mask_of(other(WORDS)), WORDS != 0)
    words = cnnpy.Input((4,), dtype="int32")
    outer = cnnpy.Model(words, layers.GlobalAveragePooling1D()(model(words)))
    kept = (WORDS != 0)[..., None]
    np.testing.assert_allclose(outer(WORDS), (np.asarray(y) * kept).sum(1) / kept.sum(1), rtol=1e-5)


def test_models_take_masks():
    model = cnnpy.Sequential([cnnpy.Input((4, 3)), layers.Dense(2), layers.GlobalAveragePooling1D()])
    x, mask = np.asarray(masked()), mask_of(masked())
    plain = np.asarray(model(x))
    expected = np.asarray(model.layers[0](x))
    expected = (expected * mask[..., None]).sum(1) / mask.sum(1)[:, None]
    given = cnnpy.Tensor(x)
    np.testing.assert_allclose(model(given, mask=mask), expected, rtol=1e-5)
    assert given._keras_mask is None
    np.testing.assert_allclose(model(masked()), expected, rtol=1e-5)
    np.testing.assert_array_equal(model(x), plain)
    inner = cnnpy.Sequential([cnnpy.Input((4, 3)), layers.Masking(), model])
    np.testing.assert_allclose(inner(x * mask[..., None]), expected, rtol=1e-4)


def test_models_without_masks_stay_lean():
    model = cnnpy.Sequential([cnnpy.Input((4, 3)), layers.Dense(2), layers.BatchNormalization(), layers.ReLU()])
    assert model._current_plan().lean
    model.add(layers.Masking())
    assert not model._current_plan().lean


def test_subclassed_models():
    class Net(cnnpy.Model):
        def __init__(self):
            super().__init__()
            self.embedding = layers.Embedding(5, 3, mask_zero=True)
            self.last = layers.Dense(2)

        def call(self, words):
            return self.last(self.embedding(words))

    np.testing.assert_array_equal(mask_of(Net()(WORDS)), WORDS != 0)


# ---- merging ----


def test_a_sum_is_masked_where_all_are():
    x, other = masked(), masked()
    assert mask_of(layers.Add()([x, np.ones((2, 4, 3))])) is None
    other._keras_mask = cnnpy.Tensor(~mask_of(x))
    assert mask_of(layers.Add()([x, other])).all()
    np.testing.assert_array_equal(mask_of(layers.Subtract()([x, x])), mask_of(x))
    with pytest.raises(ValueError, match=r'Add "a": compute_mask takes a list of inputs'):
        layers.Add(name="a").compute_mask(x, [x._keras_mask])


# ---- losses and metrics ----


def test_losses_and_metrics_leave_masked_values_out():
    kept = WORDS != 0
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.normal(size=(3, 4, 2)), cnnpy.Tensor(rng.normal(size=(3, 4, 2)))
    y_pred._keras_mask = cnnpy.Tensor(kept)
    errors = ((y_true - np.asarray(y_pred)) ** 2).mean(-1)
    weight = rng.uniform(size=3)
    for reduction, expected in [
        ("sum_over_batch_size", errors[kept].mean()),
        ("sum", errors[kept].sum()),
        ("mean_with_sample_weight", errors[kept].mean()),
    ]:
        loss = cnnpy.losses.MeanSquaredError(reduction=reduction)
        np.testing.assert_allclose(loss(y_true, y_pred), expected)
    loss = cnnpy.losses.MeanSquaredError()
    np.testing.assert_allclose(
        loss(y_true, y_pred, weight), (errors * weight[:, None])[kept].sum() / kept.sum(), rtol=1e-6
    )
    for metric in (cnnpy.metrics.MeanSquaredError(), cnnpy.metrics.MeanMetricWrapper(cnnpy.losses.mean_squared_error)):
        np.testing.assert_allclose(metric(y_true, y_pred), errors[kept].mean())
    y_pred._keras_mask = cnnpy.Tensor(np.zeros((3, 4), bool))
    assert float(loss(y_true, y_pred)) == 0


def test_a_mask_and_an_ignored_class_leave_out_together():
    y_pred = cnnpy.Tensor(np.full((1, 4, 2), 0.5))
    y_pred._keras_mask = cnnpy.Tensor([[True, True, False, False]])
    loss = cnnpy.losses.SparseCategoricalCrossentropy(ignore_class=1)
    np.testing.assert_allclose(loss([[0, 1, 0, 0]], y_pred), np.log(2), rtol=1e-6)


def test_training_ignores_what_is_masked():
    model = tagger()
    model.compile("sgd", "mse", metrics=["mae"])
    y = np.random.default_rng(0).normal(size=(3, 4, 2))
    first = model.test_on_batch(WORDS, y)
    y[WORDS == 0] = 1000
    np.testing.assert_allclose(model.test_on_batch(WORDS, y), first, rtol=1e-6)
    before = [np.array(w) for w in model.weights]
    model.train_on_batch(WORDS, y)
    np.testing.assert_array_equal(np.asarray(model.weights[0])[0], before[0][0])  # the row of the padding
    assert not np.array_equal(np.asarray(model.weights[0])[1], before[0][1])
