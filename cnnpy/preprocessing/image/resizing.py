"""Images in another size without distortion."""

import numpy as np

from cnnpy import ops
from cnnpy._core import Tensor


def smart_resize(x, size, interpolation="bilinear", data_format="channels_last"):
    """The largest middle part of images that has the ratio of SIZE, in that size.

    Arguments:
        x: one image (height, width, channels) or a batch of them, an array or a Tensor; with 'channels_first' the
            channels stand before the height.
        size: (height, width).
        interpolation: as in `ops.image.resize`.

    Returns an array for an array and a Tensor for a Tensor, of the same dtype.
    """
    from cnnpy.preprocessing.image.files import check_target_size

    height, width = check_target_size(size)
    images = x if isinstance(x, Tensor) else np.asarray(x)
    if images.ndim not in (3, 4):
        raise ValueError(
            "smart_resize: x must be one image (height, width, channels) or a batch of them, got shape "
            f"{tuple(images.shape)}"
        )
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(f"smart_resize: data_format must be channels_last or channels_first, got {data_format!r}")
    last = data_format == "channels_last"
    has_height, has_width = images.shape[-3:-1] if last else images.shape[-2:]
    part_height = max(min(has_height, int(has_width * height / width)), 1)
    part_width = max(min(has_width, int(has_height * width / height)), 1)
    top, left = (has_height - part_height) // 2, (has_width - part_width) // 2
    part = (slice(top, top + part_height), slice(left, left + part_width))
    before = (slice(None),) * (images.ndim - (3 if last else 2))
    result = ops.image.resize(
        images[(*before, *part)], (height, width), interpolation=interpolation, data_format=data_format
    )
    return result if isinstance(x, Tensor) else np.array(result)
