"""VGG16."""

from cnnpy import layers
from cnnpy.applications._frame import network
from cnnpy.applications._weights import tf_kernels
from cnnpy.applications.imagenet_utils import decode_predictions, of_mode

__all__ = ["VGG16", "decode_predictions", "preprocess_input"]
_FILTERS = (64, 128, 256, 512, 512)

preprocess_input = of_mode("caffe")


def body_of(repeats):
    """Five blocks of 3x3 convolutions, REPEATS of them each, and pooling."""

    def body(x):
        for block, (filters, count) in enumerate(zip(_FILTERS, repeats), 1):
            for i in range(1, count + 1):
                x = layers.Conv2D(filters, 3, activation="relu", padding="same", name=f"block{block}_conv{i}")(x)
            x = layers.MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)
        return x

    return body


def top(x, classes, activation):
    """Two wide dense layers and the classifier."""
    x = layers.Flatten(name="flatten")(x)
    for name in ("fc1", "fc2"):
        x = layers.Dense(4096, activation="relu", name=name)(x)
    return layers.Dense(classes, activation=activation, name="predictions")(x)


VGG16 = network(
    "VGG16", "vgg16", body_of((2, 2, 3, 3, 3)),
    "VGG16 of K. Simonyan and A. Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, 2014.",
    size=224, top=top,
    published=tf_kernels("vgg16", "vgg16", "64373286793e3c8b2b4e3219cbf3544b", "6d6bbae143d832006294945121d1f1fc"),
)  # fmt: skip
