"""Keras 2's backend functions, on tensors and in graphs."""

import warnings

import numpy as np
import pytest

import cnnpy
from cnnpy import backend, layers, ops


@pytest.fixture
def K(monkeypatch):
    """cnnpy.backend, with its warnings about old names left out."""

    class Quiet:
        def __getattr__(self, name):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return getattr(backend, name)

    return Quiet()


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def test_each_name_gives_one_warning():
    backend.__dict__.pop("batch_flatten", None)
    from cnnpy.utils import deprecation

    deprecation._said.discard("backend.batch_flatten")
    with pytest.warns(DeprecationWarning, match="backend.batch_flatten is Keras 2's; use cnnpy.ops") as found:
        assert backend.batch_flatten(random(2, 3, 4)).shape == (2, 12)
        assert backend.batch_flatten(random(2, 3, 4)).shape == (2, 12)
    assert len(found) == 1
    assert found[0].filename == __file__


def test_unknown_names_are_told():
    with pytest.raises(AttributeError, match=r"no 'categorical_crosentropy'\. Did you mean 'categorical_crossentropy'"):
        backend.categorical_crosentropy  # noqa: B018
    with pytest.raises(AttributeError, match="no sessions"):
        backend.get_session  # noqa: B018


def test_every_name_that_dir_lists_is_there(K):
    assert all(callable(getattr(K, name)) for name in dir(backend))


def test_defaults_differ_from_ops(K):
    x = random(3, 4)
    np.testing.assert_array_equal(K.argmax(x), x.argmax(-1))
    np.testing.assert_array_equal(K.argmin(x), x.argmin(-1))
    np.testing.assert_array_equal(K.concatenate([x, x]), np.concatenate([x, x], -1))
    assert K.expand_dims(x).shape == (3, 4, 1)
    np.testing.assert_array_equal(K.clip(x, 0, None), np.maximum(x, 0))
    np.testing.assert_array_equal(K.pow(x, 2), x**2)
    np.testing.assert_allclose(K.relu(x, alpha=0.1, max_value=0.5), np.where(x > 0, np.minimum(x, 0.5), 0.1 * x))


def test_products(K):
    a, b = random(2, 3, 4), random(4, 6, seed=1)
    np.testing.assert_allclose(K.dot(a, b), a @ b, rtol=1e-5, atol=1e-6)
    c = random(2, 4, 5, seed=2)
    np.testing.assert_allclose(K.batch_dot(a, c), a @ c, rtol=1e-5, atol=1e-6)


def test_images(K):
    x = random(2, 4, 6, 3)
    assert K.resize_images(x, 2, 3, "channels_last").shape == (2, 8, 18, 3)
    np.testing.assert_array_equal(
        K.spatial_2d_padding(x, ((1, 0), (0, 2))), np.pad(x, ((0, 0), (1, 0), (0, 2), (0, 0)))
    )
    np.testing.assert_array_equal(K.temporal_padding(x[0], (1, 2)), np.pad(x[0], ((0, 0), (1, 2), (0, 0))))
    assert K.conv2d(x, random(3, 3, 3, 5), padding="same").shape == (2, 4, 6, 5)
    assert K.pool2d(x, (2, 2), (2, 2), pool_mode="avg").shape == (2, 2, 3, 3)
    with pytest.raises(ValueError, match="pool_mode must be 'max' or 'avg', got 'mean'"):
        K.pool2d(x, (2, 2), pool_mode="mean")


def test_batch_normalization_along_an_axis(K):
    x, mean, var = random(2, 3, 4), random(3), np.abs(random(3, seed=1))
    got = K.batch_normalization(x, mean, var, None, None, axis=1)
    np.testing.assert_allclose(got, (x - mean[:, None]) / np.sqrt(var[:, None] + 1e-3), rtol=1e-5)


def test_variables(K):
    v = K.variable([1.0, 2.0])
    K.set_value(v, [3.0, 4.0])
    K.update_add(v, np.ones(2, "float32"))
    np.testing.assert_array_equal(K.get_value(v), [4, 5])
    assert K.int_shape(v) == (2,) and K.ndim(v) == 1 and K.dtype(v) == "float32" and K.count_params(v) == 2
    np.testing.assert_array_equal(K.constant(3, shape=(2, 2)), np.full((2, 2), 3.0))


def test_phases(K):
    assert K.in_train_phase(1, 2, training=True) == 1
    assert K.in_train_phase(lambda: 1, lambda: 2) == 2
    assert K.in_test_phase(1, 2, training=False) == 1


def small_net():
    cnnpy.utils.set_random_seed(0)
    return cnnpy.Sequential(
        [
            layers.Input((8, 8, 3)),
            layers.Conv2D(4, 3, activation="relu", name="seen"),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(2, name="scores"),
        ]
    )


def test_function_gives_feature_maps_and_takes_the_phase(K):
    model = small_net()
    x = random(2, 8, 8, 3)
    (maps,) = K.function([model.input], [model.get_layer("seen").output])([x])
    np.testing.assert_array_equal(maps, cnnpy.Model(model.input, model.get_layer("seen").output).predict(x, verbose=0))
    scores = K.function([model.layers[0].input, K.learning_phase()], [model.output])
    np.testing.assert_array_equal(scores([x, 0])[0], model(x))
    assert not np.array_equal(scores([x, 1])[0], np.asarray(model(x)))
    assert K.function(model.input, model.output)(x).shape == (2, 2)
    with pytest.raises(ValueError, match="takes a list of 2 inputs, got 1"):
        scores([x])
    with pytest.raises(NotImplementedError, match="updates are not offered"):
        K.function([model.input], [model.output], updates=[1])
    with pytest.raises(TypeError, match=r"symbolic tensors, like model.input"):
        K.function([x], [model.output])


def test_gradients_climb_a_filter(K):
    model = small_net()
    loss = K.mean(model.get_layer("seen").output[..., 1])
    gradient = K.gradients(loss, model.input)[0]
    gradient = gradient / (K.sqrt(K.mean(K.square(gradient))) + 1e-5)
    iterate = K.function([model.input], [loss, gradient])
    x = random(1, 8, 8, 3)
    losses = []
    for _ in range(4):
        value, step = iterate([x])
        losses.append(float(value))
        x += step
    assert losses == sorted(losses) and losses[-1] > losses[0]


def test_gradients_equal_the_tape(K):
    model = small_net()
    x = random(2, 8, 8, 3)
    maps, loss = model.get_layer("seen").output, model.output[:, 1]
    weights = model.get_layer("scores").trainable_weights
    found = K.function([model.input], [*K.gradients(loss, [maps, model.input]), *K.gradients(loss, weights)])([x])
    inner = cnnpy.Model(model.input, [maps, model.output])
    with cnnpy.GradientTape() as tape:
        image = cnnpy.Tensor(x)
        tape.watch(image)
        seen, scores = inner(image)
        total = ops.sum(scores[:, 1])
    expected = tape.gradient(total, [seen, image, *weights])
    for got, wanted in zip(found, expected):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


def test_gradients_where_a_short_cut_passes_the_tensor(K):
    x = layers.Input((4,))
    hidden = layers.Dense(4, activation="tanh")(x)
    y = layers.Dense(1)(layers.add([hidden, x]))
    gradient = K.gradients(y, hidden)[0]
    (got,) = K.function([x], [gradient])([random(3, 4)])
    kernel = y._keras_history[0].get_weights()[0]
    np.testing.assert_allclose(got, np.broadcast_to(kernel[:, 0], (3, 4)), rtol=1e-6)


def test_gradients_of_what_the_loss_does_not_depend_on_are_none(K):
    model, other = small_net(), small_net()
    found = K.gradients(K.sum(model.output), [other.input, model.input])
    assert found[0] is None and found[1].shape == (None, 8, 8, 3)


def test_old_layers_losses_and_metrics_run(K):
    """Keras 2's Lambda layers, losses and metrics, as notebooks write them."""
    model = cnnpy.Sequential(
        [
            layers.Input((6, 6, 3)),
            layers.Lambda(lambda x: K.mean(x, axis=-1, keepdims=True)),
            layers.Flatten(),
            layers.Dense(2, activation="sigmoid"),
        ]
    )

    def dice_loss(y_true, y_pred):
        a, b = K.flatten(y_true), K.flatten(y_pred)
        return 1 - (2 * K.sum(a * b) + 1) / (K.sum(a) + K.sum(b) + 1)

    def hits(y_true, y_pred):
        return K.mean(K.equal(y_true, K.round(K.clip(y_pred, 0, 1))), axis=-1)

    model.compile("sgd", dice_loss, metrics=[hits])
    history = model.fit(random(8, 6, 6, 3), (random(8, 2) > 0).astype("float32"), epochs=2, verbose=0)
    assert 0 < history.history["loss"][-1] < history.history["loss"][0] < 1
    assert 0 <= history.history["hits"][-1] <= 1


def test_map_fn_gives_the_dtype_asked_for(K):
    y = K.map_fn(lambda row: row * 2, K.constant([[1.0, 2.0], [3.0, 4.0]]), dtype="int32")
    assert y.dtype == "int32"
    np.testing.assert_array_equal(y, [[2, 4], [6, 8]])
