"""DenseNet121, DenseNet169 and DenseNet201."""

from cnnpy import config, layers
from cnnpy.applications._frame import network
from cnnpy.applications._weights import tf_kernels
from cnnpy.applications.imagenet_utils import decode_predictions, of_mode
from cnnpy.applications.resnet import norm

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]
_GROWTH = 32

preprocess_input = of_mode("torch")


def _block(x, name):
    new = norm(x, f"{name}_0_bn", f"{name}_0_relu")
    new = layers.Conv2D(4 * _GROWTH, 1, use_bias=False, name=f"{name}_1_conv")(new)
    new = norm(new, f"{name}_1_bn", f"{name}_1_relu")
    new = layers.Conv2D(_GROWTH, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(new)
    return layers.Concatenate(axis=3, name=f"{name}_concat")([x, new])


def _transition(x, name):
    x = norm(x, f"{name}_bn", f"{name}_relu")
    x = layers.Conv2D(x.shape[3] // 2, 1, use_bias=False, name=f"{name}_conv")(x)
    return layers.AveragePooling2D(2, strides=2, name=f"{name}_pool")(x)


def _body(repeats):
    def body(x):
        if config.image_data_format() != "channels_last":
            raise ValueError("DenseNet is for channels_last, as Keras's; config.set_image_data_format('channels_last')")
        x = layers.ZeroPadding2D(((3, 3), (3, 3)))(x)
        x = layers.Conv2D(64, 7, strides=2, use_bias=False, name="conv1_conv")(x)
        x = norm(x, "conv1_bn", "conv1_relu")
        x = layers.ZeroPadding2D(((1, 1), (1, 1)))(x)
        x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
        for stage, count in enumerate(repeats, 2):
            for i in range(1, count + 1):
                x = _block(x, f"conv{stage}_block{i}")
            if stage < 5:
                x = _transition(x, f"pool{stage}")
        return norm(x, "bn", "relu")

    return body


def _densenet(title, repeats, with_top, without_top):
    return network(
        title, title.lower(), _body(repeats),
        f"{title} of G. Huang, Z. Liu, L. van der Maaten and K. Weinberger, Densely Connected CNNs, 2016.",
        size=224, pool_names=("avg_pool", "max_pool"),
        published=tf_kernels("densenet", title.lower(), with_top, without_top),
    )  # fmt: skip


DenseNet121 = _densenet(
    "DenseNet121", (6, 12, 24, 16), "9d60b8095a5708f2dcce2bca79d332c7", "30ee3e1110167f948a6b9946edeeb738"
)
DenseNet169 = _densenet(
    "DenseNet169", (6, 12, 32, 32), "d699b8f76981ab1b30698df4c175e90b", "b8c4d4c20dd625c148057b9ff1c1176b"
)
DenseNet201 = _densenet(
    "DenseNet201", (6, 12, 48, 32), "1ceb130c1ea1b78c3bf6114dbdfd8807", "c13680b51ded0fb44dff2d8f86ac8bb1"
)
