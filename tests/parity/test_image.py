"""ops.image and the random image layers against Keras, which is given the draws that were made here."""

import os

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

import cnnpy  # noqa: E402
from cnnpy import layers, ops  # noqa: E402

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(3, 9, 12, 3)).astype("float32")


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area"])
@pytest.mark.parametrize("size", [(4, 5), (9, 12), (20, 7), (1, 30)])
def test_resize(size, interpolation, antialias):
    for options in ({}, {"crop_to_aspect_ratio": True}, {"pad_to_aspect_ratio": True, "fill_value": 2}):
        for x in (X, X[0], (255 * X).astype("uint8")):
            got = ops.image.resize(x, size, interpolation, antialias, **options)
            expected = np.asarray(keras.ops.image.resize(x, size, interpolation, antialias, **options))
            assert got.dtype == str(expected.dtype)
            # TensorFlow reads bicubic weights from a table of 1,024.
            tolerance = 3e-3 if interpolation == "bicubic" and not antialias else 1e-5
            tolerance = 1 if x.dtype == "uint8" else tolerance  # where halves are rounded
            np.testing.assert_allclose(got, expected, rtol=1e-4, atol=tolerance)


@pytest.mark.parametrize("fill_mode", ["constant", "nearest", "wrap", "reflect"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_affine_transform(fill_mode, interpolation):
    for _ in range(5):
        transform = np.eye(3).reshape(9)[:8] + RNG.normal(size=(3, 8)) * [0.4, 0.4, 9, 0.4, 0.4, 9, 0.02, 0.02]
        transform = transform.astype("float32")
        for x, t in ((X, transform), (X[0], transform[0]), (X, transform[:1].repeat(3, 0))):
            got = ops.image.affine_transform(x, t, interpolation, fill_mode, 0.3)
            expected = np.asarray(keras.ops.image.affine_transform(x, t, interpolation, fill_mode, 0.3))
            np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


def test_the_rest_of_ops_image():
    def both(name, *arguments, **options):
        got = getattr(ops.image, name)(*arguments, **options)
        expected = np.asarray(getattr(keras.ops.image, name)(*arguments, **options))
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5, err_msg=name)

    both("pad_images", X, 1, 2, target_height=12, target_width=16)
    both("crop_images", X, 1, 2, target_height=4, target_width=5)
    both("extract_patches", X, (2, 3), strides=(2, 1), padding="same")
    both("extract_patches", X[0], 2, dilation_rate=2, strides=1)
    both("rgb_to_grayscale", X)
    both("rgb_to_hsv", X)
    both("hsv_to_rgb", X)
    both("gaussian_blur", X, (3, 5), (1.0, 0.7))
    points = np.array([[0, 0], [11, 0], [0, 8], [11, 8]], "float32")
    both("perspective_transform", X, points, points + RNG.normal(size=(4, 2)).astype("float32"))
    places = RNG.uniform(-3, 12, size=(3, 20)).astype("float32")
    for fill_mode in ("constant", "nearest", "wrap"):  # its 'mirror' and 'reflect' are not SciPy's, as they should be
        for order in (0, 1):
            both("map_coordinates", X[0], places, order, fill_mode, 0.25)


LAYERS = {
    "RandomFlip": [dict(), dict(mode="horizontal"), dict(mode="vertical")],
    "RandomRotation": [dict(factor=0.2), dict(factor=(0.1, 0.4), fill_mode="constant", fill_value=0.5)],
    "RandomZoom": [dict(height_factor=0.3), dict(height_factor=0.2, width_factor=(0.1, 0.3), fill_mode="nearest")],
    "RandomTranslation": [
        dict(height_factor=0.3, width_factor=0.2),
        dict(height_factor=0.2, width_factor=0.1, fill_mode="wrap", interpolation="nearest"),
    ],
    "RandomContrast": [dict(factor=(0.3, 0.5), value_range=(0, 1))],
    "RandomBrightness": [dict(factor=0.3, value_range=(0, 1))],
}


@pytest.mark.parametrize("name", LAYERS)
def test_random_layers_change_images_alike(name):
    for arguments in LAYERS[name]:
        for x in (X, X[0]):
            ours, theirs = getattr(layers, name)(seed=1, **arguments), getattr(keras.layers, name)(seed=1, **arguments)
            draws = ours.get_random_transformation(x)
            given = dict(draws, input_shape=x.shape)
            if name == "RandomRotation":
                matrix = ours._matrix(draws, *x.shape[-3:-1]).astype("float32")
                given["rotation_matrix"] = matrix
                reference = theirs._compute_affine_matrix(
                    0.5, 0.5, keras.ops.convert_to_tensor(draws["angle"]), *[keras.ops.zeros((len(matrix),))] * 2,
                    keras.ops.ones((len(matrix),)), *[keras.ops.zeros((len(matrix),))] * 2, *x.shape[-3:-1],
                )  # fmt: skip
                np.testing.assert_allclose(matrix, np.asarray(reference), rtol=1e-4, atol=1e-5)
            batch = x if x.ndim == 4 else x[None]
            expected = np.asarray(theirs.transform_images(keras.ops.convert_to_tensor(batch), given))
            got = np.asarray(ours.transform_images(cnnpy.Tensor(x), draws))
            np.testing.assert_allclose(got if x.ndim == 4 else got[None], expected, rtol=1e-4, atol=1e-4)


def test_draws_have_the_shapes_and_ranges_of_keras():
    for name, settings in LAYERS.items():
        for arguments in settings:
            ours, theirs = getattr(layers, name)(seed=1, **arguments), getattr(keras.layers, name)(seed=1, **arguments)
            x = np.zeros((500, 9, 12, 3), "float32")
            a, b = ours.get_random_transformation(x), theirs.get_random_transformation(x)
            for key, value in a.items():
                other = np.asarray(b[key], float)
                assert np.shape(value) == other.shape, (name, key)
                value = np.asarray(value, float)
                spread = other.max() - other.min()
                assert abs(value.min() - other.min()) < 0.05 * spread + 1e-6, (name, key)
                assert abs(value.max() - other.max()) < 0.05 * spread + 1e-6, (name, key)


@pytest.mark.parametrize("axis", [-1, None, (1, 3)])
def test_normalization_adapts_alike(axis):
    ours, theirs = layers.Normalization(axis=axis), keras.layers.Normalization(axis=axis)
    ours.adapt(X)
    theirs.adapt(X)
    np.testing.assert_allclose(ours(X), np.asarray(theirs(X)), rtol=1e-4, atol=1e-4)
    for a, b in zip(ours.get_weights(), theirs.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
