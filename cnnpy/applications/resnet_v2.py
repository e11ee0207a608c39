"""ResNet50V2, ResNet101V2 and ResNet152V2: residual networks that normalise before they convolve."""

from cnnpy import layers
from cnnpy.applications._frame import network
from cnnpy.applications._weights import tf_kernels
from cnnpy.applications.imagenet_utils import decode_predictions, of_mode
from cnnpy.applications.resnet import norm, stem

__all__ = ["ResNet50V2", "ResNet101V2", "ResNet152V2", "decode_predictions", "preprocess_input"]

preprocess_input = of_mode("tf")


def _block(x, filters, name, stride=1, projects=False):
    first = norm(x, f"{name}_preact_bn", f"{name}_preact_relu")
    if projects:
        shortcut = layers.Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(first)
    else:
        shortcut = layers.MaxPooling2D(1, strides=stride)(x) if stride > 1 else x
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_1_conv")(first)
    x = norm(x, f"{name}_1_bn", f"{name}_1_relu")
    x = layers.ZeroPadding2D(((1, 1), (1, 1)), name=f"{name}_2_pad")(x)
    x = layers.Conv2D(filters, 3, strides=stride, use_bias=False, name=f"{name}_2_conv")(x)
    x = norm(x, f"{name}_2_bn", f"{name}_2_relu")
    x = layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x)
    return layers.Add(name=f"{name}_out")([shortcut, x])


def _body(repeats):
    def body(x):
        x = stem(x, preact=True)
        for stage, count in enumerate(repeats, 2):
            for i in range(1, count + 1):
                stride = 2 if i == count and stage < 5 else 1
                x = _block(x, 32 * 2 ** (stage - 1), f"conv{stage}_block{i}", stride, projects=i == 1)
        return norm(x, "post_bn", "post_relu")

    return body


def _resnet(title, repeats, with_top, without_top):
    return network(
        title, title.lower(), _body(repeats),
        f"{title} of K. He, X. Zhang, S. Ren and J. Sun, Identity Mappings in Deep Residual Networks, 2016.",
        size=224, pool_names=("avg_pool", "max_pool"),
        published=tf_kernels("resnet", title.lower(), with_top, without_top),
    )  # fmt: skip


ResNet50V2 = _resnet("ResNet50V2", (3, 4, 6, 3), "3ef43a0b657b3be2300d5770ece849e0", "fac2f116257151a9d068a22e544a4917")
ResNet101V2 = _resnet(
    "ResNet101V2", (3, 4, 23, 3), "6343647c601c52e1368623803854d971", "c0ed64b8031c3730f411d2eb4eea35b5"
)
ResNet152V2 = _resnet(
    "ResNet152V2", (3, 8, 36, 3), "a49b44d1979771252814e80f8ec446f9", "ed17cf2e0169df9d443503ef94b23b33"
)
