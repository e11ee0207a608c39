"""flow_from_directory and flow_from_dataframe against Keras's, on the same files."""

import numpy as np
import pytest

pytest.importorskip("keras")
pandas = pytest.importorskip("pandas")
theirs = pytest.importorskip("keras.src.legacy.preprocessing.image")
Image = pytest.importorskip("PIL.Image")
pytest.importorskip("scipy")

from cnnpy.preprocessing import image as ours  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
OPTIONS = {"rotation_range": 30, "rescale": 1 / 255, "validation_split": 0.4}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for name in ("b", "a", "c"):
        (root / name / "deeper").mkdir(parents=True)
        for i, place in enumerate(("2.png", "10.png", "deeper/x.bmp", "1.png")):
            Image.fromarray(rng.integers(0, 256, (20 + i, 30 - 3 * i, 3), np.uint8)).save(root / name / place)
    return root


def same(a, b):
    a, b = (v if isinstance(v, tuple) else (v,) for v in (a, b))
    for mine, their in zip(a, b, strict=True):
        for m, t in zip(*((v if isinstance(v, list) else [v]) for v in (mine, their)), strict=True):
            assert m.shape == t.shape and m.dtype == t.dtype
            if m.dtype.kind in "fi":
                np.testing.assert_allclose(m, t, atol=1e-4)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"class_mode": "sparse"},
        {"class_mode": "binary", "classes": ["c", "a"]},
        {"class_mode": "input"},
        {"class_mode": None},
        {"color_mode": "grayscale", "interpolation": "bilinear"},
        {"color_mode": "rgba", "keep_aspect_ratio": True},
        {"subset": "training"},
        {"subset": "validation"},
    ],
)
def test_folders(folder, options):
    options = {"target_size": (12, 14), "batch_size": 5, "seed": 3, **options}
    a, b = (m.ImageDataGenerator(**OPTIONS).flow_from_directory(str(folder), **options) for m in (ours, theirs))
    assert (a.filenames, a.filepaths, a.class_indices, a.samples) == (
        b.filenames, b.filepaths, b.class_indices, b.samples,
    )  # fmt: skip
    assert np.array_equal(a.classes, b.classes) and a.image_shape == b.image_shape and len(a) == len(b)
    for _ in range(4):
        same(next(a), next(b))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"class_mode": "sparse", "weight_col": "number"},
        {"class_mode": "binary", "classes": ["c", "a"]},
        {"class_mode": "raw", "y_col": "number"},
        {"class_mode": "multi_output", "y_col": ["number", "other"]},
        {"class_mode": "categorical", "y_col": "several"},
        {"class_mode": None},
        {"class_mode": "input", "subset": "validation"},
        {"subset": "training", "validate_filenames": False},
    ],
)
def test_frames(folder, options):
    names = [f"{c}/{f}" for f in ("2.png", "10.png", "1.png") for c in "abc"]
    names += [] if options.get("validate_filenames") is False else ["a/missing.png"]
    frame = pandas.DataFrame({"filename": names, "class": [n[0] for n in names]})
    frame["number"], frame["other"] = np.arange(len(names)) * 1.5, np.arange(len(names))
    frame["several"] = [["x", "y"] if i % 2 else ["y", "z"] for i in range(len(names))]
    options = {"target_size": (12, 14), "batch_size": 4, "seed": 3, **options}
    a, b = (m.ImageDataGenerator(**OPTIONS).flow_from_dataframe(frame, str(folder), **options) for m in (ours, theirs))
    assert a.filenames == b.filenames and a.samples == b.samples
    for _ in range(3):
        same(next(a), next(b))
