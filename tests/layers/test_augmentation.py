"""Random image layers: what they draw, seeds, dicts, models; and the layers that set sizes and ranges."""

import numpy as np
import pytest

import cnnpy
from cnnpy import layers

X = np.random.default_rng(0).uniform(0, 255, size=(6, 12, 16, 3)).astype("float32")

MAKERS = {
    "flip": lambda **k: layers.RandomFlip(**k),
    "rotation": lambda **k: layers.RandomRotation(0.2, **k),
    "zoom": lambda **k: layers.RandomZoom(0.3, 0.2, **k),
    "translation": lambda **k: layers.RandomTranslation(0.3, 0.2, **k),
    "crop": lambda **k: layers.RandomCrop(8, 9, **k),
    "contrast": lambda **k: layers.RandomContrast(0.4, **k),
    "brightness": lambda **k: layers.RandomBrightness(0.4, **k),
}
each = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


@each
def test_a_seed_makes_the_sequence_repeat(make):
    one, two, other = make(seed=5), make(seed=5), make(seed=6)
    first = [np.asarray(one(X)) for _ in range(3)]
    np.testing.assert_array_equal(first, [np.asarray(two(X)) for _ in range(3)])
    assert any(not np.array_equal(a, other(X)) for a in first)
    assert not all(np.array_equal(first[0], a) for a in first)


@each
def test_single_images_whole_numbers_and_training(make):
    layer = make(seed=3)
    assert layer(X[0]).shape == layer(X).shape[1:]
    assert layer(X.astype("uint8")).dtype == "float32"
    still = np.asarray(layer(X, training=False))
    if layer.name.startswith("random_crop"):
        assert still.shape == (6, 8, 9, 3)
    else:
        np.testing.assert_array_equal(still, X)


def test_images_of_a_batch_are_changed_each_in_its_own_way():
    x = np.repeat(X[:1], 6, 0)
    for name in ("rotation", "zoom", "translation", "contrast", "brightness"):
        y = np.asarray(MAKERS[name](seed=1)(x))
        assert all(not np.array_equal(y[0], other) for other in y[1:]), name


@pytest.mark.parametrize(
    "mode, turned", [("horizontal", X[:, :, ::-1]), ("vertical", X[:, ::-1]), (None, X[:, ::-1, ::-1])]
)
def test_flips(mode, turned):
    layer = layers.RandomFlip(*([mode] if mode else []), seed=1)
    for _ in range(4):
        y = np.asarray(layer(X))
        flips = [np.array_equal(a, b) for a, b in zip(y, turned)]
        assert all(np.array_equal(a, b if flip else c) for a, b, c, flip in zip(y, turned, X, flips))
    counts = np.mean([np.asarray(layer.get_random_transformation(X)["flips"]).mean() for _ in range(200)])
    assert 0.45 < counts < 0.55


def test_draws_stay_in_their_range():
    angle = layers.RandomRotation((-0.1, 0.3), seed=0).get_random_transformation(np.zeros((2000, 2, 2, 1)))["angle"]
    assert -36 <= angle.min() < -34 and 106 < angle.max() <= 108
    zoom = layers.RandomZoom((-0.2, 0.1), seed=0).get_random_transformation(np.zeros((2000, 2, 2, 1)))
    assert 0.8 <= zoom["height_zoom"].min() < 0.805 and 1.095 < zoom["height_zoom"].max() <= 1.1
    assert zoom["width_zoom"] is zoom["height_zoom"]
    contrast = layers.RandomContrast(0.5, seed=0).get_random_transformation(np.zeros((2000, 2, 2, 1)))
    assert 0.5 <= contrast["contrast_factor"].min() < 0.51 and 1.49 < contrast["contrast_factor"].max() <= 1.5


def test_crops_are_windows_of_the_images():
    layer = layers.RandomCrop(8, 9, seed=2)
    seen = set()
    for _ in range(40):
        top, left = layer.get_random_transformation(X)
        seen.add((top, left))
        np.testing.assert_array_equal(layer.transform_images(X, (top, left)), X[:, top : top + 8, left : left + 9])
    assert {top for top, _ in seen} == set(range(5)) and {left for _, left in seen} == set(range(8))


def test_values_stay_in_range():
    for name in ("contrast", "brightness"):
        y = np.asarray(MAKERS[name](seed=0)(X))
        assert y.min() >= 0 and y.max() <= 255
    y = np.asarray(layers.RandomBrightness(0.5, value_range=(0, 1), seed=0)(X / 255))
    assert y.min() >= 0 and y.max() <= 1 and not np.array_equal(y, X / 255)


def test_masks_and_labels_go_with_the_images():
    masks = (X[..., :1] > 128).astype("float32")
    labels = np.arange(6)
    layer = layers.RandomRotation(0.2, seed=4)
    results = layer({"images": X, "segmentation_masks": masks, "labels": labels})
    assert set(np.unique(results["segmentation_masks"])) == {0, 1}
    np.testing.assert_array_equal(results["labels"], labels)
    again = layers.RandomRotation(0.2, seed=4)
    transformation = again.get_random_transformation(X)
    np.testing.assert_array_equal(results["images"], again.transform_images(cnnpy.Tensor(X), transformation))
    with pytest.raises(NotImplementedError, match="bounding_boxes are not offered"):
        layer({"images": X, "bounding_boxes": labels})


def test_in_front_of_a_network():
    cnnpy.utils.set_random_seed(0)
    model = cnnpy.Sequential(
        [
            layers.Input((12, 16, 3)),
            layers.Rescaling(1 / 255),
            layers.RandomFlip("horizontal"),
            layers.RandomRotation(0.1),
            layers.RandomZoom(0.1),
            layers.RandomTranslation(0.1, 0.1),
            layers.Resizing(8, 8),
            layers.Conv2D(4, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    y = np.arange(6) % 2
    history = model.fit(X, y, epochs=3, batch_size=3, verbose=0).history
    assert all(np.isfinite(history["loss"]))
    np.testing.assert_array_equal(model.predict(X, verbose=0), model.predict(X, verbose=0))
    again = cnnpy.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def test_the_same_bits_for_any_threads():
    before = cnnpy._core.get_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            cnnpy._core.set_threads(threads)
            stack = [make(seed=7) for make in MAKERS.values()]
            y = X
            for layer in stack:
                y = layer(y)
            results.append(np.asarray(y))
    finally:
        cnnpy._core.set_threads(before)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


@pytest.mark.parametrize("axis, reduced", [(-1, (0, 1, 2)), (None, (0, 1, 2, 3)), ((1, 3), (0, 2))])
def test_normalization_adapts(axis, reduced):
    layer = layers.Normalization(axis=axis)
    layer.adapt(X)
    np.testing.assert_allclose(layer.get_weights()[0], X.mean(reduced, dtype="float64"), rtol=1e-5)
    np.testing.assert_allclose(layer.get_weights()[1], X.var(reduced, dtype="float64"), rtol=1e-4)
    in_batches = layers.Normalization(axis=axis)
    in_batches.adapt((X[i : i + 4], None) for i in (0, 4))
    for a, b in zip(layer.get_weights(), in_batches.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    y = np.asarray(layer(X))
    assert abs(y.mean()) < 1e-3 and abs(y.std() - 1) < 0.05
    back = layers.Normalization(axis=axis, invert=True)
    back.build(X.shape)
    back.set_weights(layer.get_weights())
    np.testing.assert_allclose(back(y), X, rtol=1e-3, atol=1e-2)


def test_normalization_after_loading(tmp_path):
    norm = layers.Normalization()
    norm.adapt(X)
    model = cnnpy.Sequential([layers.Input((12, 16, 3)), norm])
    model.save(tmp_path / "m.keras")
    again = cnnpy.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again(X), model(X))


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: layers.RandomRotation(2), ValueError, "factor must be a number, or two, from -1 to 1, got 2"),
        (lambda: layers.RandomZoom(-1.0), ValueError, "height_factor must be a number"),
        (lambda: layers.RandomTranslation("a", 0), ValueError, "height_factor must be a number"),
        (lambda: layers.RandomFlip("both"), ValueError, "mode must be one of 'horizontal'"),
        (lambda: layers.RandomZoom(0.1, fill_mode="edge"), NotImplementedError, "fill_mode must be one of constant"),
        (lambda: layers.RandomZoom(0.1, interpolation="cubic"), NotImplementedError, "interpolation must be one of"),
        (lambda: layers.RandomBrightness(0.1, value_range=3), ValueError, "value_range must be two numbers"),
        (lambda: layers.RandomContrast(1.5), ValueError, "factor must be a number, or two, from 0 to 1"),
        (lambda: layers.RandomCrop(0, 3), ValueError, "height must be an integer of at least 1"),
        (lambda: layers.Resizing(3, 3, "cubic"), ValueError, "interpolation must be one of"),
        (
            lambda: layers.Resizing(3, 3, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True),
            ValueError,
            "both be True",
        ),
        (lambda: layers.Normalization(mean=1.0), ValueError, "give both mean and variance"),
        (lambda: layers.Normalization(mean=[[1.0]], variance=[[1.0]]), ValueError, "at most 1 dimensions"),
        (lambda: layers.Normalization().adapt([]), ValueError, "adapt got no batches"),
        (lambda: layers.Normalization().adapt(3), TypeError, "takes an array or an iterable of batches"),
        (lambda: layers.RandomFlip()(np.zeros((2, 2))), ValueError, "must be one image"),
        (lambda: layers.RandomShear(0.1), AttributeError, "RandomShear is not offered: it is not in this version"),
    ],
)
def test_wrong_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()
