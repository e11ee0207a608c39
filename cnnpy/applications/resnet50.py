"""ResNet50, under the module's name that Keras 2 had."""

from cnnpy.applications.resnet import ResNet50, decode_predictions, preprocess_input

__all__ = ["ResNet50", "decode_predictions", "preprocess_input"]
