"""Pixels as the networks want them, and what their classes are called."""

import json

import numpy as np

from cnnpy import _core, config, ops
from cnnpy.layers.symbolic import is_keras_tensor
from cnnpy.ops.image import choose

_MODES = ("caffe", "tf", "torch")
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, red, green, blue, from 0 to 1
_CAFFE_MEAN = (103.939, 116.779, 123.68)  # blue, green, red, from 0 to 255
_CLASS_INDEX = (
    "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json",
    "c2c37ea517e94d9795004a39431a14cb",
)
_classes = None


def preprocess_input(x, data_format=None, mode="caffe"):
    """Images X, of values from 0 to 255, with 3 channels, one or a batch: an array or a tensor, symbolic ones too.

    MODE 'tf': from -1 to 1; 'torch': from 0 to 1, then less ImageNet's mean, divided by its deviation, by channel;
    'caffe': blue, green, red, less ImageNet's mean. Arrays of reals are changed in place, as Keras does.
    """
    choose("preprocess_input", "mode", mode, _MODES)
    data_format = config.standardize_data_format(data_format)
    axis = -1 if data_format == "channels_last" else -3
    if is_keras_tensor(x) or isinstance(x, _core.Tensor):
        return _preprocess_tensor(x, axis, mode)
    x = np.asarray(x)
    if x.dtype.kind != "f":
        x = x.astype(config.floatx())
    if mode == "tf":
        x /= 127.5
        x -= 1.0
        return x
    shape = (3,) + (1,) * (-axis - 1)
    if mode == "caffe":
        x = np.flip(x, axis)
        x -= np.reshape(_CAFFE_MEAN, shape).astype(x.dtype)
        return x
    x /= 255.0
    x -= np.reshape(_MEAN, shape).astype(x.dtype)
    x /= np.reshape(_DEVIATION, shape).astype(x.dtype)
    return x


def _preprocess_tensor(x, axis, mode):
    if not x.dtype.startswith("float"):
        x = ops.cast(x, config.floatx())
    if mode == "tf":
        return x / 127.5 - 1.0
    shape = (3,) + (1,) * (-axis - 1)
    if mode == "caffe":
        return ops.flip(x, axis) - np.reshape(_CAFFE_MEAN, shape).astype(x.dtype)
    return (x / 255.0 - np.reshape(_MEAN, shape).astype(x.dtype)) / np.reshape(_DEVIATION, shape).astype(x.dtype)


def decode_predictions(preds, top=5):
    """For each row of PREDS, (N, 1000), the TOP classes: [(WordNet's number, name, score), ...], the best first.

    The names are Keras's published list, fetched when first used. Raises ValueError for another shape, OSError if the
    list cannot be had.
    """
    global _classes
    shape = tuple(preds.shape)
    if len(shape) != 2 or shape[1] != 1000:
        raise ValueError(
            f"decode_predictions: takes predictions of ImageNet's classes, (samples, 1000), got shape {shape}"
        )
    if _classes is None:
        _classes = _read_classes()
    scores = np.asarray(preds)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :top]
    return [[(*_classes[i], row[i]) for i in best] for row, best in zip(scores, order)]


def _read_classes():
    from cnnpy.applications._weights import remote
    from cnnpy.datasets._files import open_published

    file, path = open_published(remote(*_CLASS_INDEX))
    with file:
        table = json.load(file)
    try:
        return [tuple(table[str(i)]) for i in range(1000)]
    except (KeyError, TypeError):
        raise ValueError(f"{path} is not the list of ImageNet's classes") from None


def of_mode(mode):
    """`preprocess_input` of networks that were trained with MODE; None for those that do it themselves."""

    def preprocess(x, data_format=None):
        return x if mode is None else preprocess_input(x, data_format, mode)

    preprocess.__name__ = preprocess.__qualname__ = "preprocess_input"
    told = (
        f"In mode {mode!r}; see `imagenet_utils.preprocess_input`." if mode else "X itself: the network does it inside."
    )
    preprocess.__doc__ = told
    return preprocess
