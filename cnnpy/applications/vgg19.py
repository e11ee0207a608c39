"""VGG19."""

from cnnpy.applications import vgg16
from cnnpy.applications._frame import network
from cnnpy.applications._weights import tf_kernels
from cnnpy.applications.imagenet_utils import decode_predictions, of_mode

__all__ = ["VGG19", "decode_predictions", "preprocess_input"]

preprocess_input = of_mode("caffe")

VGG19 = network(
    "VGG19", "vgg19", vgg16.body_of((2, 2, 4, 4, 4)),
    "VGG19 of K. Simonyan and A. Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, 2014.",
    size=224, top=vgg16.top,
    published=tf_kernels("vgg19", "vgg19", "cbe5617147190e668d6c5d5026f83318", "253f8cb515780f3b799900260a226db6"),
)  # fmt: skip
