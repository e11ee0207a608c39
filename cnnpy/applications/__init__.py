"""Networks of the literature, by name, with the layers, names and weights that Keras's have.

`weights='imagenet'` fetches the file that Keras publishes. Modules (`applications.resnet50`, ...) have the networks of
a family with their `preprocess_input` and `decode_predictions`. They are loaded when first used.
"""

import importlib

# Module: the networks in it that are offered here, too.
_MODULES = {
    "convnext": "ConvNeXtBase ConvNeXtLarge ConvNeXtSmall ConvNeXtTiny ConvNeXtXLarge",
    "densenet": "DenseNet121 DenseNet169 DenseNet201",
    "efficientnet": " ".join(f"EfficientNetB{i}" for i in range(8)),
    "efficientnet_v2": "EfficientNetV2B0 EfficientNetV2B1 EfficientNetV2B2 EfficientNetV2B3 EfficientNetV2L "
    "EfficientNetV2M EfficientNetV2S",
    "imagenet_utils": "",
    "inception_resnet_v2": "InceptionResNetV2",
    "inception_v3": "InceptionV3",
    "mobilenet": "MobileNet",
    "mobilenet_v2": "MobileNetV2",
    "mobilenet_v3": "MobileNetV3Large MobileNetV3Small",
    "nasnet": "NASNetLarge NASNetMobile",
    "resnet": "ResNet101 ResNet152 ResNet50",
    "resnet50": "",
    "resnet_v2": "ResNet101V2 ResNet152V2 ResNet50V2",
    "vgg16": "VGG16",
    "vgg19": "VGG19",
    "xception": "Xception",
}
_NAMES = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = sorted(_NAMES)


def __getattr__(name):
    if name in _NAMES:
        return getattr(importlib.import_module(f"cnnpy.applications.{_NAMES[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"cnnpy.applications.{name}")
    if name.startswith("__"):
        raise AttributeError(f"module 'cnnpy.applications' has no attribute '{name}'")
    from cnnpy.utils.suggest import no_attribute, suggestion

    known = (*_NAMES, *_MODULES)
    raise no_attribute("cnnpy.applications", name, f"cnnpy.applications has no {name!r}.{suggestion(name, known)}")


def __dir__():
    return sorted({*_NAMES, *_MODULES})
