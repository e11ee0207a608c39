"""The networks by name: their sizes, their arguments, and where their weights come from."""

import hashlib
import json

import numpy as np
import pytest

import cnnpy
from cnnpy import applications, layers
from cnnpy.applications import _weights, imagenet_utils, mobilenet, vgg16
from cnnpy.datasets import DatasetNotFoundError

# Parameters with the classifier of 1000 classes, as Keras counts them.
PARAMETERS = {
    "ConvNeXtTiny": 28_589_128,
    "DenseNet121": 8_062_504,
    "DenseNet169": 14_307_880,
    "DenseNet201": 20_242_984,
    "EfficientNetB0": 5_330_571,
    "EfficientNetB1": 7_856_239,
    "EfficientNetB2": 9_177_569,
    "EfficientNetB3": 12_320_535,
    "EfficientNetV2B0": 7_200_312,
    "EfficientNetV2B1": 8_212_124,
    "EfficientNetV2B2": 10_178_374,
    "EfficientNetV2B3": 14_467_622,
    "InceptionV3": 23_851_784,
    "MobileNet": 4_253_864,
    "MobileNetV2": 3_538_984,
    "NASNetMobile": 5_326_716,
    "ResNet50": 25_636_712,
    "ResNet50V2": 25_613_800,
    "Xception": 22_910_480,
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters(name):
    model = getattr(applications, name)(weights=None)
    assert model.count_params() == PARAMETERS[name]
    assert model.output_shape == (None, 1000)


def test_every_name_leads_to_a_network():
    for name in applications.__all__:
        function = getattr(applications, name)
        assert function.__name__ == name and "include_top" in function.__doc__
    with pytest.raises(AttributeError, match="Did you mean"):
        applications.ResNet5  # noqa: B018
    assert applications.resnet50.ResNet50 is applications.resnet.ResNet50


def test_features_and_pooling():
    plain = applications.VGG16(weights=None, include_top=False, input_shape=(64, 48, 3))
    assert plain.output_shape == (None, 2, 1, 512)
    anything = applications.MobileNetV2(weights=None, include_top=False)
    assert anything.output_shape == (None, None, None, 1280)
    assert anything.predict(np.zeros((1, 64, 96, 3), "float32"), verbose=0).shape == (1, 2, 3, 1280)
    for pooling, kind in (("avg", layers.GlobalAveragePooling2D), ("max", layers.GlobalMaxPooling2D)):
        model = applications.MobileNet(weights=None, include_top=False, input_shape=(32, 32, 1), pooling=pooling)
        assert isinstance(model.layers[-1], kind) and model.output_shape == (None, 1024)


def test_beginning_with_a_tensor():
    image = cnnpy.Input((64, 64, 3), name="image")
    model = applications.VGG16(
        weights=None, include_top=False, input_tensor=layers.Rescaling(2.0)(image), pooling="avg"
    )
    assert model.inputs[0] is image and model.layers[1].scale == 2.0
    assert applications.MobileNetV2(weights=None, include_top=False, input_tensor=image).inputs[0] is image


def test_channels_first_gives_the_same():
    x = np.random.default_rng(0).random((2, 32, 32, 3)).astype("float32")
    last = applications.MobileNet(alpha=0.25, weights=None, include_top=False, input_shape=(32, 32, 3))
    try:
        cnnpy.config.set_image_data_format("channels_first")
        first = applications.MobileNet(alpha=0.25, weights=None, include_top=False, input_shape=(3, 32, 32))
        first.set_weights(last.get_weights())
        turned = first.predict(x.transpose(0, 3, 1, 2), verbose=0)
    finally:
        cnnpy.config.set_image_data_format("channels_last")
    assert np.allclose(turned.transpose(0, 2, 3, 1), last.predict(x, verbose=0), atol=1e-4)


def test_networks_train():
    model = cnnpy.Sequential(
        [
            applications.MobileNetV2(
                alpha=0.35, weights=None, include_top=False, input_shape=(32, 32, 3), pooling="avg"
            ),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    x, y = np.random.default_rng(0).random((8, 32, 32, 3)), np.arange(8) % 2
    losses = model.fit(x, y, epochs=6, batch_size=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_layers_of_their_own_come_back_from_files(tmp_path):
    depth = cnnpy.applications.convnext.StochasticDepth(0.5)
    x = np.ones((400, 2), "float32")
    assert np.array_equal(depth(x), x)
    kept = np.asarray(depth(x, training=True))
    assert set(np.unique(kept)) == {0.0, 2.0} and 120 < np.count_nonzero(kept[:, 0]) < 280
    inputs = cnnpy.Input((2,))
    scaled = cnnpy.applications.convnext.LayerScale(0.5, 2)(depth(inputs))
    added = cnnpy.applications.inception_resnet_v2.CustomScaleLayer(0.1)([scaled, inputs])
    model = cnnpy.Model(inputs, added)
    model.save(tmp_path / "m.keras")
    again = cnnpy.models.load_model(tmp_path / "m.keras")
    assert np.allclose(again.predict(x[:3], verbose=0), 0.6)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"weights": "imgnet"}, "weights must be None, 'imagenet' or the path"),
        ({"weights": "imagenet", "classes": 10}, "have 1000 classes, got classes=10"),
        ({"weights": "imagenet", "input_shape": (64, 64, 3)}, r"are for input_shape=\(224, 224, 3\)"),
        ({"weights": "imagenet", "include_top": False, "input_shape": (64, 64, 1)}, "images of 3 channels"),
        ({"weights": "imagenet", "classifier_activation": "relu"}, "classifier_activation='softmax' or None"),
        ({"weights": None, "include_top": False, "input_shape": (16, 64, 3)}, "at least 32x32"),
        ({"weights": None, "input_shape": (64, 64)}, "must be three numbers"),
        ({"weights": None, "input_shape": (None, None, 3)}, "the size must be known"),
        ({"weights": None, "pooling": "mean"}, "pooling must be"),
        ({"weights": None, "classes": 0}, "classes must be at least 1"),
        ({"weights": None, "include_top": False, "input_tensor": np.zeros((1, 64, 64, 3))}, "must be symbolic"),
    ],
)
def test_mistakes(options, message):
    with pytest.raises(ValueError, match=message):
        applications.ResNet50(**options)


def test_mistakes_of_single_networks():
    with pytest.raises(ValueError, match="published for alpha"):
        applications.MobileNet(alpha=0.3)
    with pytest.raises(ValueError, match="published for alpha"):
        applications.MobileNetV2(alpha=0.3)
    with pytest.raises(ValueError, match="published for alpha"):
        applications.MobileNetV3Small(alpha=0.5)
    with pytest.raises(ValueError, match="differ"):
        applications.MobileNetV2(weights=None, input_shape=(64, 64, 3), input_tensor=cnnpy.Input((96, 96, 3)))
    with pytest.raises(ValueError, match="must contain 'convnext_tiny'"):
        applications.ConvNeXtTiny(name="mine")
    with pytest.warns(UserWarning, match="has 5 channels"):
        applications.MobileNet(alpha=0.25, weights=None, include_top=False, input_shape=(32, 32, 5))


# ---- published weights ----


@pytest.fixture
def caches(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNPY_HOME", str(tmp_path / "own"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr("cnnpy.datasets._download._open", no_network)
    return tmp_path


def no_network(address, timeout):
    raise OSError("no network here")


def small(weights="imagenet", **options):
    return applications.MobileNet(
        alpha=0.25, weights=weights, include_top=False, input_shape=(128, 128, 3), **options
    )  # fmt: skip


def test_published_weights_come_from_a_cache(caches):
    (caches / "keras" / "models").mkdir(parents=True)
    model = small(None)
    model.save(caches / "keras" / "models" / "mobilenet_2_5_128_tf_no_top.h5")
    again = small()
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), again.get_weights(), strict=True))


def test_without_a_network_the_error_says_which_file_to_put_where(caches):
    with pytest.raises(DatasetNotFoundError) as error:
        small()
    text = str(error.value)
    assert isinstance(error.value, OSError)
    assert "mobilenet_2_5_128_tf_no_top.h5 is not on this machine and could not be downloaded" in text
    assert "no network here" in text and str(caches / "own" / "models" / "mobilenet_2_5_128_tf_no_top.h5") in text
    assert "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet/" in text


def test_a_file_with_another_checksum_is_not_taken(caches):
    folder = caches / "keras" / "models"
    folder.mkdir(parents=True)
    name = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    (folder / name).write_bytes(b"something else")
    with pytest.raises(DatasetNotFoundError, match="its size or MD5 is not the published one"):
        applications.VGG16(include_top=False, input_shape=(32, 32, 3))


def test_checksums_name_their_kind():
    assert _weights.remote("https://x/y.h5", "a" * 32).digest == ("md5", "a" * 32)
    assert _weights.remote("https://x/y.h5", "a" * 64).digest == ("sha256", "a" * 64)
    assert _weights.remote("https://x/y.h5").digest is None
    assert _weights.remote("https://x/y.h5").name == "y.h5"


def test_weights_for_other_sizes_are_taken_with_a_warning(caches):
    with (
        pytest.warns(UserWarning, match="squares of 128, 160, 192, 224"),
        pytest.raises(DatasetNotFoundError, match="_224_"),
    ):
        mobilenet.MobileNet(alpha=0.5, include_top=False, input_shape=(100, 100, 3))


def test_weights_of_a_path(tmp_path):
    model = small(None)
    for name in ("w.weights.h5", "m.h5", "m.keras"):
        (model.save_weights if "weights" in name else model.save)(tmp_path / name)
        again = small(str(tmp_path / name))
        assert np.array_equal(again.get_weights()[0], model.get_weights()[0])


def test_names_of_classes(caches, monkeypatch):
    monkeypatch.setattr(imagenet_utils, "_classes", None)
    scores = np.zeros((2, 1000), "float32")
    scores[0, 7], scores[0, 3], scores[1, 999] = 0.5, 0.25, 1.0
    with pytest.raises(DatasetNotFoundError, match=r"imagenet_class_index\.json"):
        vgg16.decode_predictions(scores)
    text = json.dumps({str(i): [f"n{i:08d}", f"class {i}"] for i in range(1000)})
    folder = caches / "own" / "models"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "imagenet_class_index.json").write_text(text)
    checksum = hashlib.md5(text.encode()).hexdigest()
    monkeypatch.setattr(imagenet_utils, "_CLASS_INDEX", (imagenet_utils._CLASS_INDEX[0], checksum))
    first, second = vgg16.decode_predictions(scores, top=2)
    assert first == [("n00000007", "class 7", 0.5), ("n00000003", "class 3", 0.25)]
    assert second[0] == ("n00000999", "class 999", 1.0)
    assert len(vgg16.decode_predictions(cnnpy.ops.convert_to_tensor(scores))[0]) == 5
    with pytest.raises(ValueError, match=r"\(samples, 1000\), got shape \(2, 10\)"):
        vgg16.decode_predictions(scores[:, :10])


def test_preprocessing_by_hand():
    x = np.array([[[0.0, 127.5, 255.0]]])
    assert np.allclose(imagenet_utils.preprocess_input(x.copy(), mode="tf"), [-1, 0, 1])
    caffe = imagenet_utils.preprocess_input(x.copy(), mode="caffe")
    assert np.allclose(caffe, [255 - 103.939, 127.5 - 116.779, -123.68])
    torch = imagenet_utils.preprocess_input(x.copy(), mode="torch")
    assert np.allclose(torch, [-0.485 / 0.229, (0.5 - 0.456) / 0.224, (1 - 0.406) / 0.225])
    assert imagenet_utils.preprocess_input(np.zeros((2, 2, 3), np.uint8)).dtype == np.float32
    with pytest.raises(ValueError, match="mode"):
        imagenet_utils.preprocess_input(x, mode="vgg")
