"""Layers. Each family has its file, which is loaded when one of its layers is first used."""

import importlib

from cnnpy.utils import old_paths

_FILES = {
    "activation": "Activation ELU LeakyReLU PReLU ReLU Softmax",
    "augmentation": "RandomBrightness RandomContrast RandomCrop RandomFlip RandomRotation RandomTranslation RandomZoom",
    "batch_normalization": "BatchNormalization",
    "convolution": "Conv1D Conv2D Conv3D Convolution1D Convolution2D Convolution3D",
    "convolution_transpose": "Conv1DTranspose Conv2DTranspose Conv3DTranspose Convolution1DTranspose "
    "Convolution2DTranspose Convolution3DTranspose",
    "core": "Dense Identity Input InputLayer Lambda",
    "depthwise": "DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D SeparableConvolution1D "
    "SeparableConvolution2D",
    "embedding": "Embedding",
    "input_spec": "InputSpec",
    "layer": "Layer",
    "merging": "Add Average Concatenate Dot Maximum Minimum Multiply Subtract "
    "add average concatenate dot maximum minimum multiply subtract",
    "masking": "Masking",
    "normalization": "GroupNormalization LayerNormalization RMSNormalization UnitNormalization",
    "padding": "Cropping1D Cropping2D Cropping3D ZeroPadding1D ZeroPadding2D ZeroPadding3D",
    "pooling": "AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D AdaptiveMaxPooling1D "
    "AdaptiveMaxPooling2D AdaptiveMaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D "
    "AvgPool3D GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalAvgPool1D GlobalAvgPool2D "
    "GlobalAvgPool3D GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D GlobalMaxPooling1D GlobalMaxPooling2D "
    "GlobalMaxPooling3D MaxPool1D MaxPool2D MaxPool3D MaxPooling1D MaxPooling2D MaxPooling3D",
    "preprocessing": "CenterCrop Normalization Rescaling Resizing",
    "regularization": "ActivityRegularization AlphaDropout Dropout GaussianDropout GaussianNoise SpatialDropout1D "
    "SpatialDropout2D SpatialDropout3D",
    "reshaping": "Flatten Permute RepeatVector Reshape UpSampling1D UpSampling2D UpSampling3D",
    "spectral_normalization": "SpectralNormalization",
    "symbolic": "KerasTensor",
    "symbolic_op": "SymbolicOp",
    "wrappers": "TimeDistributed Wrapper",
}
_NAMES = {name: file for file, names in _FILES.items() for name in names.split()}
_NOT_OFFERED = {
    "cnnpy is for convolutional networks and has no recurrent layers": "AbstractRNNCell Bidirectional ConvLSTM1D "
    "ConvLSTM2D ConvLSTM3D CuDNNGRU CuDNNLSTM GRU GRUCell LSTM LSTMCell RNN SimpleRNN SimpleRNNCell StackedRNNCells",
    "cnnpy is for convolutional networks and has no attention layers": "AdditiveAttention Attention "
    "GroupQueryAttention GroupedQueryAttention MultiHeadAttention ReversibleEmbedding",
    "it works on words and tables, cnnpy on images and signals; turn these into numbers before": "HashedCrossing "
    "Hashing IntegerLookup StringLookup TextVectorization",
    "it runs a model of another library; rebuild the model from cnnpy's layers and set their weights": "FlaxLayer "
    "JaxLayer TFSMLayer TorchModuleWrapper",
    "cnnpy has no Fourier transform; compute spectrograms before, for instance with scipy.signal": "MelSpectrogram "
    "STFTSpectrogram",
    "it is not in this version": "AugMix AutoContrast CategoryEncoding ContrastLimitedAdaptiveHistogramEqualization "
    "CutMix Discretization EinsumDense Equalization MixUp Pipeline RandAugment RandomColorDegeneration "
    "RandomColorJitter RandomElasticTransform RandomErasing RandomGaussianBlur RandomGrayscale RandomHue RandomInvert "
    "RandomPerspective RandomPosterization RandomSaturation RandomSharpness RandomShear Solarization",
    "cnnpy has no bounding boxes; pad their arrays with NumPy": "MaxNumBoundingBoxes",
}

__all__ = sorted(set(_NAMES) - {"SymbolicOp"})


def __getattr__(name):
    if name in _NAMES:
        value = getattr(importlib.import_module(f"cnnpy.layers.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    if name.startswith("__"):
        raise AttributeError(f"module 'cnnpy.layers' has no attribute {name!r}")
    for reason, names in _NOT_OFFERED.items():
        if name in names.split():
            from cnnpy.utils.suggest import no_attribute

            raise no_attribute("cnnpy.layers", name, f"cnnpy.layers.{name} is not offered: {reason}")
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
