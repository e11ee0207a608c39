"""Layers. Each family has its file, which is loaded when one of its layers is first used."""

import importlib

_FILES = {
    "activation": "Activation ELU LeakyReLU ReLU Softmax",
    "convolution": "Conv1D Conv2D Conv3D Convolution1D Convolution2D Convolution3D",
    "convolution_transpose": "Conv1DTranspose Conv2DTranspose Conv3DTranspose Convolution1DTranspose "
    "Convolution2DTranspose Convolution3DTranspose",
    "core": "Dense Identity Input InputLayer Lambda Rescaling",
    "depthwise": "DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D SeparableConvolution1D "
    "SeparableConvolution2D",
    "input_spec": "InputSpec",
    "layer": "Layer",
    "merging": "Add Average Concatenate Maximum Minimum Multiply Subtract "
    "add average concatenate maximum minimum multiply subtract",
    "normalization": "BatchNormalization",
    "pooling": "AveragePooling2D AvgPool2D GlobalAveragePooling2D GlobalAvgPool2D GlobalMaxPool2D GlobalMaxPooling2D "
    "MaxPool2D MaxPooling2D",
    "regularization": "Dropout SpatialDropout2D",
    "reshaping": "Cropping2D Flatten Permute Reshape UpSampling2D ZeroPadding2D",
    "symbolic": "KerasTensor",
    "symbolic_op": "SymbolicOp",
}
_NAMES = {name: file for file, names in _FILES.items() for name in names.split()}
_RECURRENT = ("Bidirectional", "ConvLSTM2D", "GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "SimpleRNN", "SimpleRNNCell")
_ATTENTION = ("AdditiveAttention", "Attention", "GroupedQueryAttention", "MultiHeadAttention")

__all__ = sorted(set(_NAMES) - {"SymbolicOp"})


def __getattr__(name):
    if name in _NAMES:
        value = getattr(importlib.import_module(f"cnnpy.layers.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    if name in _RECURRENT or name in _ATTENTION:
        kind = "recurrent" if name in _RECURRENT else "attention"
        raise AttributeError(
            f"cnnpy.layers.{name} is not offered: cnnpy is for convolutional networks and has no {kind} layers"
        )
    if name.startswith("_"):
        raise AttributeError(f"module 'cnnpy.layers' has no attribute {name!r}")
    from cnnpy.utils.suggest import suggestion

    raise AttributeError(f"cnnpy.layers has no {name!r}.{suggestion(name, _NAMES)}")


def __dir__():
    return sorted({*__all__, *globals()})


def serialize(layer):
    """LAYER as a config."""
    from cnnpy.saving import serialize_keras_object

    return serialize_keras_object(layer)


def deserialize(config, custom_objects=None):
    """The layer that CONFIG describes, with fresh weights."""
    from cnnpy.saving import deserialize_keras_object

    return deserialize_keras_object(config, custom_objects)
