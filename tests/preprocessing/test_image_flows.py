"""Batches from folders and data frames: damaged files, the cache, training, and mistakes."""

import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

import cnnpy
from cnnpy import layers
from cnnpy.preprocessing.image import ImageDataGenerator


@pytest.fixture
def folder(tmp_path):
    for name, colour in (("cats", (200, 30, 10)), ("dogs", (10, 40, 220))):
        (tmp_path / name).mkdir()
        for i in range(6):
            Image.new("RGB", (8 + i, 6), colour).save(tmp_path / name / f"{i}.png")
    return tmp_path


def flow(folder, **options):
    options = {"target_size": (5, 4), "batch_size": 4, "seed": 1, **options}
    return ImageDataGenerator(rescale=1 / 255).flow_from_directory(folder, **options)


def test_a_model_learns_from_folders(folder, capsys):
    batches = flow(folder)
    assert capsys.readouterr().out == "Found 12 images belonging to 2 classes.\n"
    cnnpy.utils.set_random_seed(0)
    model = cnnpy.Sequential([cnnpy.Input((5, 4, 3)), layers.Flatten(), layers.Dense(2, activation="softmax")])
    model.compile(cnnpy.optimizers.Adam(0.05), "categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(batches, epochs=10, verbose=0)
    assert history.history["accuracy"][-1] == 1.0
    assert len(batches._cache) == 12


def test_the_cache_keeps_to_its_budget_and_changes_nothing(folder):
    size = 5 * 4 * 3
    small, none = flow(folder, cache_bytes=3 * size + 1), flow(folder, cache_bytes=0)
    for _ in range(6):
        assert np.array_equal(next(small)[0], next(none)[0])
    assert len(small._cache) == 3 and not none._cache


def test_damaged_files_are_named_or_skipped(folder):
    (folder / "dogs" / "1.png").write_bytes(b"")
    model = cnnpy.Sequential([cnnpy.Input((5, 4, 3)), layers.Flatten(), layers.Dense(2)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"dogs/1\.png: cannot be read as an image"):
        model.fit(flow(folder), verbose=0)
    batches = flow(folder, shuffle=False, on_error="skip", class_mode="sparse")
    with pytest.warns(UserWarning, match=r"left out, 1 of 12 so far: .*dogs/1\.png"):
        found = [batches[i] for i in range(3)]
    assert [len(x) for x, _ in found] == [4, 3, 4] and [y.tolist() for _, y in found][1] == [0, 0, 1]
    for i in range(6):
        (folder / "cats" / f"{i}.png").write_bytes(b"")
    with (
        pytest.warns(UserWarning, match="left out"),
        pytest.raises(ValueError, match="no image of a batch of 4 could be read"),
    ):
        flow(folder, shuffle=False, on_error="skip")[0]


def every_kind(folder):
    """Files of each kind that is seldom thought of, in FOLDER/cats; the names of those that cannot be read."""
    pixels = np.random.default_rng(0).integers(0, 200, (6, 8, 3), np.uint8)
    cats, image = folder / "cats", Image.fromarray(pixels)
    image.convert("CMYK").save(cats / "cmyk.jpg")
    image.quantize(8).save(cats / "palette.png")
    image.convert("RGBA").save(cats / "alpha.png")
    image.convert("1").save(cats / "bits.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(cats / "turned.jpg", exif=exif)
    image.save(cats / "moves.tif", save_all=True, append_images=[image, image])
    Image.fromarray(pixels[..., 0].astype(np.uint16)).save(cats / "shallow.png")
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 300).save(cats / "deep.png")
    whole = (cats / "turned.jpg").read_bytes()
    (cats / "half.jpg").write_bytes(whole[: len(whole) - 60])
    (cats / "nothing.png").write_bytes(b"")
    (cats / "text.jpg").write_text("see you at eight")
    head = b"IHDR" + struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    (cats / "bomb.png").write_bytes(bomb)
    (cats / "gone.png").symlink_to(folder / "nowhere.png")
    return {"deep.png", "half.jpg", "nothing.png", "text.jpg", "bomb.png", "gone.png"}


@pytest.mark.filterwarnings("ignore:left out")
@pytest.mark.parametrize("kind", ["folder", "frame"])
def test_each_kind_of_file_is_read_or_named_or_counted(folder, kind):
    bad = every_kind(folder)

    def source(on_error):
        options = {"target_size": (5, 4), "batch_size": 1, "shuffle": False, "on_error": on_error, "class_mode": None}
        if kind == "folder":
            return ImageDataGenerator().flow_from_directory(folder, **options)
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame({"filename": sorted(str(path) for path in folder.glob("*/*"))})
        return ImageDataGenerator().flow_from_dataframe(frame, validate_filenames=False, **options)

    strict = source("raise")
    named = set()
    for i, path in enumerate(strict.filepaths):
        try:
            assert strict[i].shape == (1, 5, 4, 3)
        except (ValueError, OSError) as error:
            assert path in str(error)
            named.add(os.path.basename(path))
    assert named == bad
    lenient = source("skip")
    lenient.batch_size = lenient.n
    assert len(lenient[0]) == lenient.n - len(bad)
    assert {os.path.basename(path) for path in lenient.unreadable} == bad


def test_the_same_file_twice_is_two_samples(folder):
    frame = frame_of(folder, **{"class": ["a", "b", "b"]})
    frame.loc[1, "filename"] = "cats/0.png"
    batches = ImageDataGenerator().flow_from_dataframe(frame, folder, shuffle=False, target_size=(5, 4))
    x, y = next(batches)
    assert np.array_equal(x[0], x[1]) and y.tolist() == [[1, 0], [0, 1], [0, 1]]


def test_columns_of_one_name(folder):
    frame = frame_of(folder, **{"class": ["a", "b", "b"], "kind": ["a", "b", "b"]})
    frame.columns = ["filename", "class", "class"]
    with pytest.raises(ValueError, match="several columns class; rename them"):
        ImageDataGenerator().flow_from_dataframe(frame, folder)


def frame_of(folder, **columns):
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame({"filename": ["cats/0.png", "dogs/0.png", "dogs/1.png"], **columns})


def test_files_that_are_missing_are_counted(folder):
    frame = frame_of(folder, **{"class": ["a", "b", "b"]})
    frame.loc[1, "filename"] = "dogs/none.png"
    with pytest.warns(UserWarning, match=r"1 of 3 files of 'filename' are no images or not there, e\.g\. dogs/none"):
        batches = ImageDataGenerator().flow_from_dataframe(frame, folder)
    assert batches.filenames == ["cats/0.png", "dogs/1.png"] and batches.classes == [0, 1]


@pytest.mark.parametrize(
    "labels, options, error, message",
    [
        (["a", float("nan"), "b"], {}, TypeError, "row 1 has nan; drop rows without a label"),
        ([0, 1, 1], {"class_mode": "sparse"}, TypeError, r"turn numbers into strings by \.astype\(str\)"),
        (["a", "b", "c"], {"class_mode": "binary"}, ValueError, "needs 2 classes, there are 3"),
        (["a", "b", "b"], {"y_col": "label"}, ValueError, r"no columns \['label'\]"),
        (["a", "b", "b"], {"weight_col": "class"}, TypeError, "must hold numbers"),
        (["a", "b", "b"], {"weight_col": "holes"}, ValueError, "'holes' of weights has NaN"),
        ([None, "a", "b"], {}, TypeError, "row 0 has (None|nan)"),
        (["a", "b", "b"], {"x_col": "other"}, TypeError, "must hold strings, row 0 has 1"),
        (["a", "b", "b"], {"class_mode": "multi_output"}, TypeError, "needs a list of columns"),
        (["a", "b", "b"], {"class_mode": "guess"}, ValueError, "class_mode must be one of"),
        (["a", "b", "b"], {"classes": ["z"]}, ValueError, "no rows are left"),
    ],
)
def test_mistakes_of_frames(folder, labels, options, error, message):
    frame = frame_of(folder, **{"class": labels, "other": [1, 2, 3], "holes": [1, np.nan, 1]})
    with pytest.raises(error, match=message):
        ImageDataGenerator().flow_from_dataframe(frame, folder, **options)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"target_size": 5}, ValueError, "target_size"),
        ({"color_mode": "hsv"}, ValueError, "color_mode"),
        ({"interpolation": "cubic"}, ValueError, "interpolation"),
        ({"class_mode": "raw"}, ValueError, "class_mode must be one of"),
        ({"classes": ["cows"]}, FileNotFoundError, "for the class 'cows'"),
        ({"classes": ["cats", "cats"]}, ValueError, "a name twice"),
        ({"subset": "test"}, ValueError, "subset must be"),
        ({"subset": "validation"}, ValueError, "no images"),
        ({"on_error": "hide"}, ValueError, "on_error"),
        ({"colour": 3}, TypeError, "colour"),
    ],
)
def test_mistakes_of_folders(folder, options, error, message):
    with pytest.raises(error, match=message):
        flow(folder, **options)


def test_folders_that_hold_nothing(tmp_path):
    with pytest.raises(ValueError, match="has no sub-folders"):
        flow(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        flow(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no images"):
        flow(tmp_path)
