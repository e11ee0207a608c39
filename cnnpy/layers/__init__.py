"""Layers. Each family has its file, which is loaded when one of its layers is first used."""

import importlib

from cnnpy.utils import old_paths

_FILES = {
    "activation": "Activation ELU LeakyReLU PReLU ReLU Softmax",
    "convolution": "Conv1D Conv2D Conv3D Convolution1D Convolution2D Convolution3D",
    "convolution_transpose": "Conv1DTranspose Conv2DTranspose Conv3DTranspose Convolution1DTranspose "
    "Convolution2DTranspose Convolution3DTranspose",
    "core": "Dense Identity Input InputLayer Lambda Rescaling",
    "depthwise": "DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D SeparableConvolution1D "
    "SeparableConvolution2D",
    "input_spec": "InputSpec",
    "layer": "Layer",
    "merging": "Add Average Concatenate Dot Maximum Minimum Multiply Subtract "
    "add average concatenate dot maximum minimum multiply subtract",
    "normalization": "BatchNormalization",
    "padding": "Cropping1D Cropping2D Cropping3D ZeroPadding1D ZeroPadding2D ZeroPadding3D",
    "pooling": "AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D AdaptiveMaxPooling1D "
    "AdaptiveMaxPooling2D AdaptiveMaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D "
    "AvgPool3D GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalAvgPool1D GlobalAvgPool2D "
    "GlobalAvgPool3D GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D GlobalMaxPooling1D GlobalMaxPooling2D "
    "GlobalMaxPooling3D MaxPool1D MaxPool2D MaxPool3D MaxPooling1D MaxPooling2D MaxPooling3D",
    "regularization": "ActivityRegularization AlphaDropout Dropout GaussianDropout GaussianNoise SpatialDropout1D "
    "SpatialDropout2D SpatialDropout3D",
    "reshaping": "Flatten Permute RepeatVector Reshape UpSampling1D UpSampling2D UpSampling3D",
    "symbolic": "KerasTensor",
    "symbolic_op": "SymbolicOp",
    "wrappers": "TimeDistributed Wrapper",
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
    if name.startswith("__"):
        raise AttributeError(f"module 'cnnpy.layers' has no attribute {name!r}")
    if name in _RECURRENT or name in _ATTENTION:
        from cnnpy.utils.suggest import no_attribute

        kind = "recurrent" if name in _RECURRENT else "attention"
        raise no_attribute(
            "cnnpy.layers",
            name,
            f"cnnpy.layers.{name} is not offered: cnnpy is for convolutional networks and has no {kind} layers",
        )
    from cnnpy.utils.suggest import no_attribute, suggestion

    raise no_attribute("cnnpy.layers", name, f"cnnpy.layers has no {name!r}.{suggestion(name, _NAMES)}")


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


old_paths.install("cnnpy.layers")
