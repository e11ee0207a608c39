"""Models with masks against Keras: losses, metrics, weights after steps; layers that take masks."""

import os

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

import cnnpy  # noqa: E402

RNG = np.random.default_rng(0)
WORDS = np.array([[1, 2, 0, 0], [3, 0, 0, 0], [1, 1, 1, 2]], "int32")
STEPS = RNG.normal(size=(3, 4, 2)).astype("float32") * (WORDS != 0)[..., None]
EACH = RNG.normal(size=(3, 4, 2)).astype("float32")
ONE = RNG.normal(size=(3, 2)).astype("float32")


def tagger(library):
    words = library.Input((4,), dtype="int32")
    h = library.layers.Embedding(5, 3, mask_zero=True)(words)
    h = library.layers.BatchNormalization(momentum=0.5)(h)
    h = library.layers.Dropout(0.0)(h)
    return library.Model(words, library.layers.Dense(2)(h)), WORDS, EACH


def pooled(library):
    """The mask ends in the pooling, which takes it."""
    layers = [
        library.Input((4,), dtype="int32"),
        library.layers.Embedding(5, 3, mask_zero=True),
        library.layers.LayerNormalization(),
        library.layers.GlobalAveragePooling1D(),
        library.layers.Dense(2),
    ]
    return library.Sequential(layers), WORDS, ONE


def masking(library):
    layers = [
        library.Input((4, 2)),
        library.layers.Masking(),
        library.layers.TimeDistributed(library.layers.Dense(3, activation="tanh")),
        library.layers.Dense(2),
    ]
    return library.Sequential(layers), STEPS, EACH


def merged(library):
    """Two branches, of which both are masked."""
    steps = library.Input((4, 2))
    other = library.layers.Masking()(steps)
    joined = library.layers.Concatenate()([library.layers.Dense(2)(other), library.layers.ReLU()(other)])
    return library.Model(steps, library.layers.Dense(2)(joined)), STEPS, EACH


def nested(library):
    inner, _, _ = masking(library)
    steps = library.Input((4, 2))
    return library.Model(steps, library.layers.Dense(2)(inner(steps))), STEPS, EACH


@pytest.mark.parametrize("weighted", [None, "steps", "samples"])
@pytest.mark.parametrize("build", [tagger, pooled, masking, merged, nested])
def test_training(build, weighted):
    (ours, x, y), (theirs, _, _) = build(cnnpy), build(keras)
    theirs.set_weights([np.abs(RNG.normal(size=w.shape)).astype("float32") + 0.1 for w in theirs.get_weights()])
    ours.set_weights(theirs.get_weights())
    weight = None
    if weighted is not None:
        if build is pooled and weighted == "steps":
            return
        weight = RNG.uniform(size=(3, 4) if weighted == "steps" else (3,) if build is pooled else (3, 1))
    for library, model in ((cnnpy, ours), (keras, theirs)):
        model.compile(library.optimizers.SGD(0.1), "mse", metrics=["mae"], weighted_metrics=["mse"])
    for _ in range(3):
        got = ours.train_on_batch(x, y, sample_weight=weight, return_dict=True)
        expected = theirs.train_on_batch(x, y, sample_weight=weight, return_dict=True)
        assert got == pytest.approx(expected, rel=1e-4)
    got = ours.evaluate(x, y, sample_weight=weight, return_dict=True, verbose=0)
    assert got == pytest.approx(theirs.evaluate(x, y, sample_weight=weight, return_dict=True, verbose=0), rel=1e-4)
    np.testing.assert_allclose(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=1e-4, atol=1e-4)
    for a, b in zip(ours.get_weights(), theirs.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("loss", ["BinaryCrossentropy", "MeanAbsoluteError", "CategoricalCrossentropy", "Huber"])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight", "none"])
def test_losses(loss, reduction):
    results = []
    for library in (cnnpy, keras):
        y_pred = library.layers.Masking()(np.abs(STEPS) / 10)
        results.append(np.asarray(getattr(library.losses, loss)(reduction=reduction)(np.abs(EACH) / 10, y_pred)))
    np.testing.assert_allclose(*results, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"])
@pytest.mark.parametrize("second", [True, False])
def test_merging(name, second):
    results = []
    for library in (cnnpy, keras):
        masking = library.layers.Masking()
        a, b = masking(STEPS), STEPS[::-1].copy()
        y = getattr(library.layers, name)()([a, masking(b) if second else library.ops.convert_to_tensor(b)])
        mask = getattr(y, "_keras_mask", None)
        results.append((np.asarray(y), None if mask is None else np.asarray(mask)))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-6)
    assert (results[0][1] is None) == (results[1][1] is None)
    if results[0][1] is not None:
        np.testing.assert_array_equal(results[0][1], results[1][1])


@pytest.mark.parametrize("options", [dict(), dict(axis=1), dict(scale=False), dict(renorm=True)])
def test_batch_normalization(options):
    mask = WORDS != 0
    results = []
    for library in (cnnpy, keras):
        layer = library.layers.BatchNormalization(momentum=0.5, **options)
        layer.build((None, 4, 2))
        outputs = [np.asarray(layer(EACH, training=flag, mask=mask)) for flag in (True, True, False)]
        results.append([*outputs, *[np.asarray(w) for w in layer.get_weights()]])
    for a, b in zip(*results):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
