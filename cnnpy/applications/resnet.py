"""ResNet50, ResNet101 and ResNet152."""

from cnnpy import layers
from cnnpy.applications._frame import channel_axis, network
from cnnpy.applications._weights import tf_kernels
from cnnpy.applications.imagenet_utils import decode_predictions, of_mode

__all__ = ["ResNet50", "ResNet101", "ResNet152", "decode_predictions", "preprocess_input"]

preprocess_input = of_mode("caffe")


def norm(x, name, relu=None):
    """Batch normalisation, and a ReLU called RELU."""
    x = layers.BatchNormalization(axis=channel_axis(), epsilon=1.001e-5, name=name)(x)
    return layers.Activation("relu", name=relu)(x) if relu else x


def stem(x, preact=False):
    """A 7x7 convolution and a 3x3 pooling, both of stride 2."""
    x = layers.ZeroPadding2D(((3, 3), (3, 3)), name="conv1_pad")(x)
    x = layers.Conv2D(64, 7, strides=2, name="conv1_conv")(x)
    if not preact:
        x = norm(x, "conv1_bn", "conv1_relu")
    x = layers.ZeroPadding2D(((1, 1), (1, 1)), name="pool1_pad")(x)
    return layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)


def _block(x, filters, name, stride=1, projects=False):
    shortcut = x
    if projects:
        shortcut = norm(layers.Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(x), f"{name}_0_bn")
    x = layers.Conv2D(filters, 1, strides=stride, name=f"{name}_1_conv")(x)
    x = norm(x, f"{name}_1_bn", f"{name}_1_relu")
    x = layers.Conv2D(filters, 3, padding="same", name=f"{name}_2_conv")(x)
    x = norm(x, f"{name}_2_bn", f"{name}_2_relu")
    x = norm(layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x), f"{name}_3_bn")
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.Activation("relu", name=f"{name}_out")(x)


def _body(repeats):
    def body(x):
        x = stem(x)
        for stage, count in enumerate(repeats, 2):
            for i in range(1, count + 1):
                stride = 2 if i == 1 and stage > 2 else 1
                x = _block(x, 32 * 2 ** (stage - 1), f"conv{stage}_block{i}", stride, projects=i == 1)
        return x

    return body


def _resnet(title, repeats, with_top, without_top):
    return network(
        title, title.lower(), _body(repeats),
        f"{title} of K. He, X. Zhang, S. Ren and J. Sun, Deep Residual Learning for Image Recognition, 2015.",
        size=224, pool_names=("avg_pool", "max_pool"),
        published=tf_kernels("resnet", title.lower(), with_top, without_top),
    )  # fmt: skip


ResNet50 = _resnet("ResNet50", (3, 4, 6, 3), "2cb95161c43110f7111970584f804107", "4d473c1dd8becc155b73f8504c6f6626")
ResNet101 = _resnet("ResNet101", (3, 4, 23, 3), "f1aeb4b969a6efcfb50fad2f0c20cfc5", "88cf7a10940856eca736dc7b7e228a21")
ResNet152 = _resnet("ResNet152", (3, 8, 36, 3), "100835be76be38e30d865e96f2aaae62", "ee4c566cf9a93f14d82f913c2dc6dd0c")
