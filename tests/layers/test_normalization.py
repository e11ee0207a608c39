"""The normalising layers beyond what the tables of layers show: odd input, messages, flags, spectral norms."""

import numpy as np
import pytest

import cnnpy
from cnnpy import layers
from gradients import check_gradients

X = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")


def test_frozen_batch_normalization_infers_even_in_training():
    for options in (dict(), dict(renorm=True)):
        layer = layers.BatchNormalization(**options)
        layer(X, training=True)
        layer.trainable = False
        before = layer.get_weights()
        np.testing.assert_array_equal(layer(X, training=True), layer(X, training=False))
        for a, b in zip(layer.get_weights(), before):
            np.testing.assert_array_equal(a, b)


def test_batch_normalization_of_no_samples():
    layer = layers.BatchNormalization(name="norm")
    layer(X, training=True)
    before = layer.get_weights()
    assert layer(X[:0]).shape == (0, 6, 3)
    with pytest.raises(ValueError, match=r'BatchNormalization "norm": x of shape \(0, 6, 3\) has no values'):
        layer(X[:0], training=True)
    for a, b in zip(layer.get_weights(), before):
        np.testing.assert_array_equal(a, b)


def test_batch_normalization_of_one_value_a_channel():
    layer = layers.BatchNormalization(momentum=0.5)
    x = np.array([[3.0, -2.0]], "float32")
    np.testing.assert_array_equal(layer(x, training=True), np.zeros((1, 2)))
    np.testing.assert_allclose(layer.moving_mean, x[0] / 2)
    np.testing.assert_allclose(layer.moving_variance, [0.5, 0.5])


def test_the_moving_variance_is_biased():
    layer = layers.BatchNormalization(momentum=0.0)
    layer(X, training=True)
    np.testing.assert_allclose(layer.moving_variance, X.var(axis=(0, 1)), rtol=1e-5)


def test_gradients_of_masked_and_renormalised_batches():
    x = X.astype("float64")
    mask = np.arange(24).reshape(4, 6) % 3 > 0
    layer = layers.BatchNormalization(dtype="float64")
    check_gradients(lambda t: layer(t, training=True, mask=mask), [x])
    for given in (None, mask):
        layer = layers.BatchNormalization(renorm=True, renorm_momentum=1.0, dtype="float64")
        layer.build(x.shape)
        start = layer.get_weights()
        y = np.asarray(layer(x, training=True, mask=given))
        layer.set_weights(start)
        assert np.isfinite(y).all()
        with cnnpy.GradientTape() as tape:
            t = cnnpy.Tensor(x)
            tape.watch(t)
            y = layer(t, training=True, mask=given)
        assert np.isfinite(np.asarray(tape.gradient(y, t))).all()


@pytest.mark.parametrize(
    "layer,shape,message",
    [
        (lambda: layers.BatchNormalization(axis=4), (2, 3), "axis 4 does not exist in input shape"),
        (lambda: layers.BatchNormalization(), (2, None), "axis -1 must have a known size"),
        (lambda: layers.LayerNormalization(axis=3), (2, 3), "axis 3 does not name different axes of an input with 2"),
        (lambda: layers.LayerNormalization(axis=[1, -1]), (2, 3), "does not name different axes"),
        (lambda: layers.LayerNormalization(), (2, None), "axis -1 must have a known size, got input shape"),
        (lambda: layers.GroupNormalization(4), (2, 6), "4 groups do not divide the 6 channels of input shape"),
        (lambda: layers.GroupNormalization(8), (2, 6), "8 groups do not divide the 6 channels"),
        (lambda: layers.GroupNormalization(1, axis=0), (2, 6), "axis 0 is the batch of input shape"),
        (lambda: layers.RMSNormalization(axis=-3), (2, 3), "does not name different axes"),
        (lambda: layers.UnitNormalization(axis=2), (2, 3), "does not name different axes"),
    ],
)
def test_bad_shapes_name_the_layer(layer, shape, message):
    layer = layer()
    with pytest.raises(ValueError, match=f'{type(layer).__name__} "{layer.name}": .*{message}'):
        layer.build(shape)
        layer.compute_output_shape(shape)


def test_bad_arguments():
    for name in ("LayerNormalization", "RMSNormalization", "UnitNormalization"):
        for axis in ("last", 1.5, [], [True]):
            with pytest.raises(TypeError, match=f"{name}: axis must be an integer or a list of integers, got"):
                getattr(layers, name)(axis=axis)
    for groups in (0, -2, 1.5, True):
        with pytest.raises(ValueError, match="GroupNormalization: groups must be an integer of at least 1, or -1"):
            layers.GroupNormalization(groups)
    with pytest.raises(ValueError, match="renorm_clipping takes rmax, rmin, dmax, got"):
        layers.BatchNormalization(renorm=True, renorm_clipping={"rmid": 1})
    with pytest.raises(ValueError, match="rmax must be at least rmin"):
        layers.BatchNormalization(renorm=True, renorm_clipping={"rmax": 1, "rmin": 2})
    with pytest.raises(ValueError, match="dmax must not be negative"):
        layers.BatchNormalization(renorm=True, renorm_clipping={"dmax": -1})
    with pytest.raises(ValueError, match=r"the mask must have one dimension less than the input, got shape \(4,\)"):
        layers.BatchNormalization()(X, mask=np.ones(4, bool))


def test_an_input_of_other_sizes_than_those_built_for():
    for layer in (layers.LayerNormalization(), layers.RMSNormalization(), layers.GroupNormalization(1)):
        layer(X)
        with pytest.raises(ValueError, match=rf"{layer.name}.*built for"):
            layer(X[..., :2])


def test_layer_normalization_takes_any_rank_at_its_last_axis():
    layer = layers.LayerNormalization()
    layer(X)
    np.testing.assert_allclose(layer(X[0]), np.asarray(layer(X))[0], rtol=1e-6)


def test_rms_scaling_warns_and_has_no_offset():
    for arguments in (dict(), dict(axis=1, scale=False)):
        with pytest.warns(UserWarning, match="use RMSNormalization"):
            layer = layers.LayerNormalization(rms_scaling=True, **arguments)
        axis = arguments.get("axis", -1)
        expected = X / np.sqrt(X.var(axis=axis, keepdims=True) + 1e-3)
        np.testing.assert_allclose(layer(X), expected, rtol=1e-5)
        assert [w.name for w in layer.weights] == ["gamma"]


def test_zeros_keep_a_finite_gradient_under_unit_normalization():
    x = cnnpy.Tensor(np.zeros((2, 3), "float32"))
    with cnnpy.GradientTape() as tape:
        tape.watch(x)
        y = layers.UnitNormalization()(x)
    assert np.isfinite(np.asarray(tape.gradient(y, x))).all() and not np.asarray(y).any()


# ---- spectral normalisation ----


def test_the_spectral_norm_becomes_1():
    layer = layers.SpectralNormalization(layers.Dense(5), power_iterations=30)
    layer(X, training=False)
    before = np.asarray(layer.layer.kernel)
    np.testing.assert_array_equal(layer.layer.kernel, before)
    layer(X, training=True)
    kernel = np.asarray(layer.layer.kernel)
    np.testing.assert_allclose(np.linalg.svd(kernel)[1][0], 1, rtol=1e-4)
    np.testing.assert_allclose(kernel, before / np.linalg.svd(before)[1][0], rtol=1e-4)


def test_spectral_normalization_of_embeddings_and_zeros():
    layer = layers.SpectralNormalization(layers.Embedding(4, 3))
    assert layer(np.array([[1, 2]]), training=True).shape == (1, 2, 3)
    layer = layers.SpectralNormalization(layers.Dense(2, kernel_initializer="zeros"))
    assert not np.asarray(layer(X, training=True)).any()


def test_spectral_normalization_refuses_what_has_no_kernel():
    with pytest.raises(ValueError, match=r'SpectralNormalization ".*": ReLU "act" has neither a kernel nor embeddings'):
        layers.SpectralNormalization(layers.ReLU(name="act"))(X)
    with pytest.raises(ValueError, match="power_iterations must be an integer of at least 1"):
        layers.SpectralNormalization(layers.Dense(2), power_iterations=0)


# ---- names that are not offered ----


@pytest.mark.parametrize(
    "names,reason",
    [
        ("ConvLSTM1D ConvLSTM3D StackedRNNCells Bidirectional CuDNNLSTM", "no recurrent layers"),
        ("MultiHeadAttention GroupQueryAttention Attention", "no attention layers"),
        ("TextVectorization StringLookup Hashing", "works on words and tables"),
        ("TFSMLayer JaxLayer FlaxLayer TorchModuleWrapper", "a model of another library"),
        ("MelSpectrogram STFTSpectrogram", "no Fourier transform"),
    ],
)
def test_layers_that_are_not_offered_say_why(names, reason):
    for name in names.split():
        with pytest.raises(AttributeError, match=f"cnnpy.layers.{name} is not offered: .*{reason}"):
            getattr(layers, name)
