"""image_dataset_from_directory: what it finds, labels, splits, and files that cannot be read."""

import pytest
from PIL import Image

import cnnpy
from cnnpy import layers
from cnnpy.utils import image_dataset_from_directory

COLOURS = {"cats": (200, 30, 10), "dogs": (10, 40, 220), "emus": (90, 90, 90)}


@pytest.fixture
def folder(tmp_path):
    """Three classes of six images each; the red channel holds ten times the number of the file."""
    for name, colour in COLOURS.items():
        (tmp_path / name).mkdir()
        for i in range(6):
            Image.new("RGB", (8 + i, 6), (10 * i, *colour[1:])).save(tmp_path / name / f"{i}.png")
    (tmp_path / "cats" / "notes.txt").write_text("no image")
    (tmp_path / ".hidden").mkdir()
    return tmp_path


def load(folder, **options):
    return image_dataset_from_directory(folder, **{"image_size": (5, 4), "verbose": False, **options})


def test_batches_labels_and_names(folder, capsys):
    dataset = image_dataset_from_directory(folder, shuffle=False, image_size=(5, 4), batch_size=7)
    assert capsys.readouterr().out == "Found 18 files belonging to 3 classes.\n"
    assert dataset.class_names == ["cats", "dogs", "emus"]
    assert [p.rsplit("/", 2)[1:] for p in dataset.file_paths[5:7]] == [["cats", "5.png"], ["dogs", "0.png"]]
    batches = list(dataset)
    assert len(dataset) == len(batches) == 3
    images, labels = batches[0]
    assert images.shape == (7, 5, 4, 3) and images.dtype == "float32" and labels.dtype == "int32"
    assert labels.numpy().tolist() == [0] * 6 + [1]
    assert images.numpy()[2, 0, 0].tolist() == [20.0, 30.0, 10.0]


def test_kinds_of_labels(folder):
    _, one_hot = next(iter(load(folder, label_mode="categorical", shuffle=False)))
    assert one_hot.dtype == "float32" and one_hot.numpy()[[0, 7]].tolist() == [[1, 0, 0], [0, 1, 0]]
    _, binary = next(iter(load(folder, label_mode="binary", class_names=["dogs", "cats"], shuffle=False)))
    assert binary.numpy().tolist() == [[0.0]] * 6 + [[1.0]] * 6
    alone = load(folder, labels=None, batch_size=None, shuffle=False)
    assert next(iter(alone)).shape == (5, 4, 3) and alone.class_names is None
    given = load(folder, labels=list(range(18)), shuffle=False)
    assert next(iter(given))[1].numpy().tolist() == list(range(18))
    assert given.class_names[:3] == ["0", "1", "2"]


@pytest.mark.parametrize("mode, channels", [("rgb", 3), ("rgba", 4), ("grayscale", 1)])
def test_channels(folder, mode, channels):
    images, _ = next(iter(load(folder, color_mode=mode)))
    assert images.shape == (18, 5, 4, channels)
    turned, _ = next(iter(load(folder, color_mode=mode, data_format="channels_first", shuffle=False)))
    assert turned.shape == (18, channels, 5, 4)


def test_every_pass_mixes_all_files_as_the_seed_says(folder):
    def passes(seed):
        dataset = load(folder, seed=seed, batch_size=18)
        return [next(iter(dataset))[1].numpy().tolist() for _ in range(2)]

    first, second = passes(3)
    assert sorted(first) == sorted(second) and first != second
    assert passes(3) == [first, second] and passes(4) != [first, second]


def test_images_keep_their_labels_when_mixed(folder):
    for images, labels in load(folder, seed=1, batch_size=4):
        green = images.numpy()[:, 0, 0, 1]
        assert [{30: 0, 40: 1, 90: 2}[int(g)] for g in green] == labels.numpy().tolist()


def test_splits_have_no_file_in_common(folder, capsys):
    parts = [load(folder, validation_split=0.3, subset=s, seed=2) for s in ("training", "validation")]
    both = load(folder, validation_split=0.3, subset="both", seed=2)
    assert [p.file_paths for p in parts] == [p.file_paths for p in both]
    assert [len(p.file_paths) for p in parts] == [13, 5]
    assert not set(parts[0].file_paths) & set(parts[1].file_paths)
    orders = [[label for _, labels in both[1] for label in labels.numpy()] for _ in range(2)]
    assert orders[0] == orders[1]


def test_unreadable_files_are_named_or_skipped(folder):
    (folder / "dogs" / "1.png").write_bytes(b"")
    (folder / "dogs" / "2.png").write_bytes((folder / "dogs" / "3.png").read_bytes()[:40])
    with pytest.raises(ValueError, match=r"dogs/1\.png: cannot be read as an image"):
        list(load(folder, shuffle=False))
    dataset = load(folder, shuffle=False, on_error="skip")
    with pytest.warns(UserWarning, match=r"2 of 18 images were left out: .*1\.png.*2\.png"):
        assert sum(len(labels) for _, labels in dataset) == 16


@pytest.mark.parametrize(
    "options, message",
    [
        ({"labels": "guessed"}, "labels must be"),
        ({"labels": [0, 1]}, "2 labels, but 18 image files"),
        ({"labels": [0] * 18, "class_names": ["a"]}, "class_names is for labels='inferred'"),
        ({"class_names": ["cats", "cows"]}, "not all among the sub-folders"),
        ({"label_mode": "one-hot"}, "label_mode must be"),
        ({"label_mode": "binary"}, "for two classes"),
        ({"labels": [5] * 18, "label_mode": "categorical"}, "needs labels from 0 to 0"),
        ({"color_mode": "cmyk"}, "color_mode"),
        ({"image_size": (3, 4, 5)}, "image_size must be"),
        ({"image_size": 0}, "image_size must be at least 1"),
        ({"interpolation": "magic"}, "interpolation"),
        ({"interpolation": "gaussian"}, "not offered"),
        ({"format": "grain"}, "leave it out"),
        ({"validation_split": 0.2}, "belong together"),
        ({"validation_split": 2, "subset": "training"}, "between 0 and 1"),
        ({"validation_split": 0.2, "subset": "test"}, "subset must be"),
        ({"validation_split": 0.2, "subset": "training"}, "a seed is needed"),
        ({"validation_split": 0.01, "subset": "validation", "seed": 1}, "No validation images"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "cannot both be True"),
        ({"on_error": "hide"}, "on_error"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
    ],
)
def test_mistakes_are_told_before_anything_is_read(folder, options, message):
    with pytest.raises((ValueError, NotImplementedError), match=message):
        load(folder, **options)


def test_folders_that_hold_nothing(tmp_path):
    with pytest.raises(ValueError, match="has no sub-folders"):
        load(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="No images found"):
        load(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        load(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        load(tmp_path / "file")


def test_a_model_learns_from_folders(folder):
    cnnpy.utils.set_random_seed(0)
    train = load(folder, seed=1, batch_size=6).map(lambda x, y: (x / 255.0, y), num_parallel_calls=2).cache()
    model = cnnpy.Sequential([cnnpy.Input((5, 4, 3)), layers.Flatten(), layers.Dense(3, activation="softmax")])
    model.compile(cnnpy.optimizers.Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(train, epochs=15, verbose=0)
    assert history.history["accuracy"][-1] == 1.0
