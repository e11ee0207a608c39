"""image_dataset_from_directory against Keras's, on the same files."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")
Image = pytest.importorskip("PIL.Image")

from cnnpy.utils import image_dataset_from_directory  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for name in ("b", "a", "c"):
        (root / name / "deeper").mkdir(parents=True)
        for i, place in enumerate(("2.png", "10.png", "deeper/x.bmp", "1.png")):
            pixels = rng.integers(0, 256, (20 + i, 30 - 3 * i, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / place)
    return root


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"interpolation": "nearest"},
        {"interpolation": "area"},
        {"interpolation": "lanczos3"},
        {"crop_to_aspect_ratio": True},
        {"pad_to_aspect_ratio": True},
        {"label_mode": "categorical", "image_size": (40, 7)},
        {"label_mode": "binary", "class_names": ["c", "b"]},
        {"labels": None, "batch_size": None},
        {"labels": [0, 1, 2] * 4},
        {"color_mode": "rgba"},
        {"data_format": "channels_first"},
        {"validation_split": 0.4, "subset": "validation"},
    ],
)
def test_images_and_labels(folder, options):
    options = {"shuffle": False, "image_size": (16, 12), "batch_size": 5, "verbose": False, **options}
    ours = image_dataset_from_directory(folder, **options)
    theirs = keras.utils.image_dataset_from_directory(folder, **options)
    assert ours.class_names == theirs.class_names and ours.file_paths == theirs.file_paths
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        pairs = zip(a, b, strict=True) if isinstance(a, tuple) else [(a, b)]
        for mine, their in pairs:
            assert mine.shape == tuple(their.shape)
            # With 'nearest' TensorFlow leaves whole numbers; Keras's documentation says float32.
            assert mine.ndim < 3 or mine.dtype == "float32"
            assert mine.ndim > 2 or mine.dtype == their.dtype.name
            assert np.allclose(mine, their.numpy(), atol=1e-3)


def test_seeds_choose_the_same_parts(folder):
    options = {"validation_split": 0.3, "subset": "both", "seed": 7, "verbose": False}
    ours = image_dataset_from_directory(folder, **options)
    theirs = keras.utils.image_dataset_from_directory(folder, **options)
    assert [d.file_paths for d in ours] == [d.file_paths for d in theirs]
