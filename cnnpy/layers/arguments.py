"""Checks of constructors' arguments that many layers share, and the layouts of images."""

from cnnpy import _core, config


def pair(layer_name, name, value, minimum=1):
    """VALUE, an integer or two, as a tuple of two integers of at least MINIMUM."""
    if hasattr(value, "__index__") and not isinstance(value, bool):
        result = (int(value),) * 2
    elif isinstance(value, (tuple, list)) and len(value) == 2 and all(hasattr(v, "__index__") for v in value):
        result = tuple(int(v) for v in value)
    else:
        raise ValueError(f"{layer_name}: {name} must be an integer or a tuple of 2 integers, got {value!r}")
    if min(result) < minimum:
        raise ValueError(f"{layer_name}: {name} must be at least {minimum}, got {value!r}")
    return result


def positive(layer_name, name, value):
    """VALUE as an integer of at least 1."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not hasattr(value, "__index__") or int(value) < 1:
        raise ValueError(f"{layer_name}: {name} must be an integer of at least 1, got {value!r}")
    return int(value)


def padding_name(layer_name, value):
    """'valid' or 'same'."""
    text = value.lower() if isinstance(value, str) else value
    if text not in ("valid", "same"):
        raise ValueError(f"{layer_name}: padding must be 'valid' or 'same', got {value!r}")
    return text


def margins(layer_name, name, value):
    """((top, bottom), (left, right)) from an integer, two, or two pairs."""
    if hasattr(value, "__index__") and not isinstance(value, bool):
        result = ((int(value),) * 2,) * 2
    else:
        try:
            rows, columns = value
            result = tuple(
                (int(v),) * 2 if hasattr(v, "__index__") else tuple(int(i) for i in v) for v in (rows, columns)
            )
        except (TypeError, ValueError):
            result = ()
    if len(result) != 2 or any(len(v) != 2 or min(v) < 0 for v in result):
        raise ValueError(
            f"{layer_name}: {name} must be an integer, 2 integers, or ((top, bottom), (left, right)), none negative; "
            f"got {value!r}"
        )
    return result


def data_format(layer_name, value):
    """'channels_last' or 'channels_first'; None gives the default."""
    try:
        return config.standardize_data_format(value)
    except ValueError as error:
        raise ValueError(f"{layer_name}: {error}") from None


def to_last(x):
    """NCHW to NHWC."""
    return _core.transpose(x, axes=(0, 2, 3, 1))


def to_first(x):
    """NHWC to NCHW."""
    return _core.transpose(x, axes=(0, 3, 1, 2))


def shape_to_last(shape):
    """(N, C, H, W) as (N, H, W, C)."""
    return (shape[0], shape[2], shape[3], shape[1])


def shape_to_first(shape):
    """(N, H, W, C) as (N, C, H, W)."""
    return (shape[0], shape[3], shape[1], shape[2])


def window_size(size, window, stride, padding, dilation=1):
    """How many places a window has along an axis of SIZE (None if that is open); below 1 if it does not fit."""
    if size is None:
        return None
    if padding == "same":
        return -(-size // stride)
    return (size - (window - 1) * dilation - 1) // stride + 1
