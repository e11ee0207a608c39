"""ImageDataGenerator against Keras's: each argument alone, and combinations; the same seeds give the same batches."""

import numpy as np
import pytest

pytest.importorskip("keras")
theirs = pytest.importorskip("keras.src.legacy.preprocessing.image")
pytest.importorskip("scipy")

from cnnpy.preprocessing import image as ours  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
RNG = np.random.default_rng(3)
X = RNG.integers(0, 256, (21, 12, 16, 3), np.uint8)
Y = RNG.integers(0, 3, 21)
CASES = [
    {},
    {"featurewise_center": True},
    {"samplewise_center": True},
    {"featurewise_std_normalization": True},
    {"samplewise_std_normalization": True},
    {"zca_whitening": True, "rescale": 1 / 255, "zca_epsilon": 1e-2},
    {"rotation_range": 40},
    {"width_shift_range": 0.3},
    {"width_shift_range": 4},
    {"width_shift_range": [-5, 1, 3]},
    {"width_shift_range": 2.5},
    {"height_shift_range": 0.3},
    {"height_shift_range": [0.1, 0.2]},
    {"height_shift_range": 3},
    {"brightness_range": (0.4, 1.7)},
    {"shear_range": 30.0},
    {"zoom_range": 0.4},
    {"zoom_range": [0.5, 0.9]},
    {"channel_shift_range": 60.0},
    {"rotation_range": 60, "fill_mode": "constant", "cval": 90.0},
    {"rotation_range": 60, "fill_mode": "reflect"},
    {"rotation_range": 60, "fill_mode": "wrap"},
    {"horizontal_flip": True},
    {"vertical_flip": True},
    {"rescale": 1 / 127.5},
    {"preprocessing_function": lambda image: image * 2 - 5},
    {"interpolation_order": 0, "rotation_range": 30},
    {"interpolation_order": 2, "rotation_range": 30, "horizontal_flip": True, "channel_shift_range": 20},
    {"dtype": "float64", "rotation_range": 30},
    {"validation_split": 0.3},
    {"rotation_range": 15, "width_shift_range": 0.1, "height_shift_range": 0.1, "horizontal_flip": True},
    {"horizontal_flip": True, "zoom_range": 0.2, "featurewise_center": True, "featurewise_std_normalization": True},
    {
        "rotation_range": 90,
        "shear_range": 10,
        "zoom_range": 0.3,
        "channel_shift_range": 30,
        "brightness_range": (0.5, 1.5),
        "vertical_flip": True,
        "samplewise_std_normalization": True,
        "rescale": 1 / 255,
    },
]


def pair(options, x=X, **fit):
    generators = [m.ImageDataGenerator(**options) for m in (ours, theirs)]
    for generator in generators:
        generator.fit(x, **fit)
    return generators


def same(a, b, tolerance=1e-4):
    a, b = (v if isinstance(v, tuple) else (v,) for v in (a, b))
    assert len(a) == len(b)
    for mine, their in zip(a, b):
        assert mine.shape == their.shape and mine.dtype == their.dtype
        np.testing.assert_allclose(mine, their, rtol=1e-4, atol=tolerance)


@pytest.mark.parametrize("options", CASES, ids=lambda options: "-".join(options) or "none")
def test_batches(options):
    a, b = (g.flow(X, Y, batch_size=8, seed=11) for g in pair(options))
    assert len(a) == len(b) == 3 and a.n == b.n
    for _ in range(5):
        same(next(a), next(b))
    for index in (0, 2):
        same(a[index], b[index])


@pytest.mark.parametrize("options", [CASES[7], CASES[-1]])
def test_channels_first(options):
    options = {k: v for k, v in options.items() if k != "brightness_range"}  # Keras's takes it for channels_last
    x = X.transpose(0, 3, 1, 2)
    a, b = (g.flow(x, batch_size=8, seed=11) for g in pair({**options, "data_format": "channels_first"}, x))
    same(next(a), next(b))


def test_parameters_and_single_images():
    a, b = pair(CASES[-1])
    first, second = (g.get_random_transform((12, 16, 3), seed=4) for g in (a, b))
    assert first == pytest.approx(second)
    x = X[0].astype("float32")
    same(a.apply_transform(x, first), b.apply_transform(x, second))
    same(a.random_transform(x, seed=6), b.random_transform(x, seed=6))
    same(a.standardize(x.copy()), b.standardize(x.copy()))


def test_statistics_of_augmented_data():
    a, b = pair({**CASES[-2], "rotation_range": 20}, augment=True, rounds=2, seed=9)
    same(a.mean, b.mean)
    same(a.std, b.std)


@pytest.mark.parametrize("subset", ["training", "validation"])
def test_subsets_weights_and_further_inputs(subset):
    options = {"batch_size": 5, "shuffle": False, "subset": subset, "sample_weight": np.ones(21)}
    a, b = (m.ImageDataGenerator(validation_split=0.4).flow((X, np.arange(21)), Y, **options) for m in (ours, theirs))
    for _ in range(4):
        (x, *rest), (their_x, *their_rest) = next(a), next(b)
        for mine, their in zip([*x, *rest], [*their_x, *their_rest], strict=True):
            assert np.array_equal(mine, their)


def test_unseeded_batches_follow_the_global_generator():
    results = []
    for module in (ours, theirs):
        np.random.seed(8)
        flow = module.ImageDataGenerator(rotation_range=30).flow(X, Y, batch_size=8)
        results.append([next(flow) for _ in range(4)])
    for a, b in zip(*results):
        same(a, b)
