"""The networks against Keras's: the same layers, weights in the same order, files that travel both ways."""

import os
import re

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

import cnnpy  # noqa: E402
from cnnpy import applications  # noqa: E402
from cnnpy.applications import imagenet_utils  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")


def both(name, **options):
    """The network of cnnpy and of Keras; layers that have no name of their own are counted from the beginning."""
    models = []
    for library, room in ((cnnpy, applications), (keras, keras.applications)):
        library.backend.clear_session()
        models.append(getattr(room, name)(weights=None, **options))
    return models


@pytest.mark.parametrize("name", applications.__all__)
def test_layers_and_weights(name):
    least = {"Xception": 71, "InceptionV3": 75, "InceptionResNetV2": 75}.get(name, 64)
    ours, theirs = both(name, include_top=False, input_shape=(least, least, 3))
    assert ours.name == theirs.name and ours.count_params() == theirs.count_params()
    assert ours.output_shape == theirs.output_shape

    def weights(layer):  # Keras counts up the nameless weights of its LayerScale
        return [(re.sub(r"^variable.*", "gamma", w.name), tuple(w.shape)) for w in layer.weights]

    def listed(model):
        return [(layer.name, weights(layer)) for layer in model.layers if layer.weights]

    assert listed(ours) == listed(theirs)
    assert {layer.name for layer in ours.layers} == {layer.name for layer in theirs.layers}


@pytest.mark.parametrize("name", ["VGG16", "ResNet50", "MobileNet", "MobileNetV2", "MobileNetV3Small", "NASNetMobile"])
@pytest.mark.parametrize(
    "options", [{}, {"classes": 7, "classifier_activation": None}, {"include_top": False, "pooling": "max"}]
)
def test_tops(name, options):
    ours, theirs = both(name, **options)
    assert ours.count_params() == theirs.count_params() and ours.output_shape == theirs.output_shape
    assert ours.input_shape == theirs.input_shape and ours.name == theirs.name
    assert [layer.name for layer in ours.layers][-3:] == [layer.name for layer in theirs.layers][-3:]


TRAVELLING = {
    "VGG16": 48,
    "ResNet50": 64,
    "ResNet50V2": 64,
    "InceptionV3": 75,
    "InceptionResNetV2": 75,
    "MobileNet": 64,
    "MobileNetV2": 64,
    "MobileNetV3Small": 64,
    "DenseNet121": 64,
    "Xception": 71,
    "EfficientNetB0": 64,
    "EfficientNetV2B0": 64,
    "NASNetMobile": 64,
    "ConvNeXtTiny": 64,
}


@pytest.mark.parametrize("name", TRAVELLING)
def test_weights_travel_both_ways(name, tmp_path):
    size = TRAVELLING[name]
    ours, theirs = both(name, include_top=False, pooling="avg", input_shape=(size, size, 3))
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 255, (2, size, size, 3)).astype("float32")
    if applications._NAMES[name] not in ("efficientnet", "efficientnet_v2", "convnext", "mobilenet_v3"):
        x = x / 127.5 - 1
    for layer in theirs.layers:  # moving averages that would not be noticed if they were mixed up
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(rng.normal(0, 0.1, layer.moving_mean.shape))
            layer.moving_variance.assign(rng.uniform(0.5, 1.5, layer.moving_variance.shape))
    expected = theirs.predict(x, verbose=0)
    scale = max(abs(expected).max(), 1e-3)
    theirs.save_weights(tmp_path / "k.weights.h5")
    theirs.save(tmp_path / "k.h5")
    ours.load_weights(tmp_path / "k.weights.h5")
    np.testing.assert_allclose(ours.predict(x, verbose=0) / scale, expected / scale, atol=1e-4)
    for layer in ours.layers:
        layer.set_weights([w * 0 for w in layer.get_weights()])
    ours.load_weights(tmp_path / "k.h5", by_name=name in ("VGG16", "ResNet50"))
    np.testing.assert_allclose(ours.predict(x, verbose=0) / scale, expected / scale, atol=1e-4)
    for layer in theirs.layers:
        layer.set_weights([w * 0 for w in layer.get_weights()])
    ours.save_weights(tmp_path / "c.weights.h5")
    theirs.load_weights(tmp_path / "c.weights.h5")
    np.testing.assert_allclose(theirs.predict(x, verbose=0) / scale, expected / scale, atol=1e-4)


@pytest.mark.parametrize("name", ["InceptionResNetV2", "ConvNeXtTiny", "MobileNetV3Small"])
def test_model_files_travel_both_ways(name, tmp_path):
    x = np.random.default_rng(0).uniform(0, 2, (2, 75, 75, 3)).astype("float32")
    for i, model in enumerate(both(name, include_top=False, pooling="avg", input_shape=(75, 75, 3))):
        model.save(tmp_path / f"{i}.keras")
        other = (keras, cnnpy)[i].models.load_model(tmp_path / f"{i}.keras")
        expected = model.predict(x, verbose=0)
        np.testing.assert_allclose(other.predict(x, verbose=0), expected, atol=1e-4 * max(abs(expected).max(), 1e-3))


@pytest.mark.parametrize("mode", ["caffe", "tf", "torch"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_preprocessing(mode, data_format, batch, dtype):
    x = np.random.default_rng(0).integers(0, 256, (2, 3, 5, 3)).astype(dtype)
    x = np.moveaxis(x, -1, 1) if data_format == "channels_first" else x
    x = x if batch else x[0]
    expected = keras.applications.imagenet_utils.preprocess_input(x.copy(), data_format, mode)
    np.testing.assert_allclose(imagenet_utils.preprocess_input(x.copy(), data_format, mode), expected, atol=1e-4)
    tensor = imagenet_utils.preprocess_input(cnnpy.ops.convert_to_tensor(x), data_format, mode)
    np.testing.assert_allclose(tensor, expected, atol=1e-4)
    if batch and dtype == "float32":
        inputs = cnnpy.Input(x.shape[1:])
        model = cnnpy.Model(inputs, imagenet_utils.preprocess_input(inputs, data_format, mode))
        np.testing.assert_allclose(model.predict(x, verbose=0), expected, atol=1e-4)


@pytest.mark.parametrize(
    "module", ["vgg16", "resnet", "resnet_v2", "densenet", "nasnet", "efficientnet", "convnext", "mobilenet_v3"]
)
def test_preprocessing_by_network(module):
    x = np.random.default_rng(0).uniform(0, 255, (1, 4, 4, 3)).astype("float32")
    ours, theirs = getattr(applications, module), getattr(keras.applications, module)
    np.testing.assert_allclose(ours.preprocess_input(x.copy()), theirs.preprocess_input(x.copy()), atol=1e-4)
