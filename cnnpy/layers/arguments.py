"""Checks of constructors' arguments that many layers share, and the layouts of images and kernels."""

from cnnpy import _core, config


def _is_integer(value):
    return hasattr(value, "__index__") and not isinstance(value, bool)


def tuple_of(layer_name, name, value, rank, minimum=1):
    """VALUE, an integer or RANK of them, as a tuple of RANK integers of at least MINIMUM."""
    if _is_integer(value):
        result = (int(value),) * rank
    elif isinstance(value, (tuple, list)) and len(value) == rank and all(map(_is_integer, value)):
        result = tuple(int(v) for v in value)
    else:
        plural = "" if rank == 1 else "s"
        raise ValueError(f"{layer_name}: {name} must be an integer or a tuple of {rank} integer{plural}, got {value!r}")
    if min(result) < minimum:
        raise ValueError(f"{layer_name}: {name} must be at least {minimum}, got {value!r}")
    return result


def positive(layer_name, name, value):
    """VALUE as an integer of at least 1."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not _is_integer(value) or int(value) < 1:
        raise ValueError(f"{layer_name}: {name} must be an integer of at least 1, got {value!r}")
    return int(value)


def padding_name(layer_name, value, allowed=("valid", "same")):
    """VALUE in lower case, one of ALLOWED."""
    text = value.lower() if isinstance(value, str) else value
    if text not in allowed:
        names = [repr(name) for name in allowed]
        raise ValueError(f"{layer_name}: padding must be {', '.join(names[:-1])} or {names[-1]}, got {value!r}")
    return text


_SIDES = {
    1: "an integer or (left, right)",
    2: "an integer, 2 integers, or ((top, bottom), (left, right))",
    3: "an integer, 3 integers, or ((front, back), (top, bottom), (left, right))",
}


def margins(layer_name, name, value, rank=2):
    """A pair (before, after) for each of RANK axes: from an integer, one for each axis, or the pairs.

    For one axis two integers are the pair itself.
    """
    if _is_integer(value):
        result = ((int(value),) * 2,) * rank
    else:
        try:
            sides = [value] if rank == 1 else list(value)
            result = tuple((int(v),) * 2 if _is_integer(v) else tuple(int(i) for i in v) for v in sides)
        except (TypeError, ValueError):
            result = ()
    if len(result) != rank or any(len(v) != 2 or min(v) < 0 for v in result):
        raise ValueError(f"{layer_name}: {name} must be {_SIDES[rank]}, none negative; got {value!r}")
    return result


def data_format(layer_name, value):
    """'channels_last' or 'channels_first'; None gives the default."""
    try:
        return config.standardize_data_format(value)
    except ValueError as error:
        raise ValueError(f"{layer_name}: {error}") from None


def to_last(x):
    """Channels from the second place to the last: NCHW to NHWC."""
    return _core.transpose(x, axes=(0, *range(2, x.ndim), 1))


def to_first(x):
    """Channels from the last place to the second: NHWC to NCHW."""
    return _core.transpose(x, axes=(0, x.ndim - 1, *range(1, x.ndim - 1)))


def shape_to_last(shape):
    """(N, C, H, W) as (N, H, W, C)."""
    return (shape[0], *shape[2:], shape[1])


def shape_to_first(shape):
    """(N, H, W, C) as (N, C, H, W)."""
    return (shape[0], shape[-1], *shape[1:-1])


def grouped_kernel(kernel):
    """A depthwise kernel [taps,C,M] as that of a convolution with C groups, [taps,1,C*M]: a view."""
    *taps, channels, multiplier = kernel.shape
    return _core.reshape(kernel, shape=(*taps, 1, channels * multiplier))


def window_size(size, window, stride, padding, dilation=1):
    """How many places a window has along an axis of SIZE (None if that is open); below 1 if it does not fit."""
    if size is None:
        return None
    if padding in ("same", "causal"):
        return -(-size // stride)
    return (size - (window - 1) * dilation - 1) // stride + 1


def transposed_size(size, window, stride, padding, dilation=1, extra=None):
    """The size that a transposed convolution makes of SIZE (None if that is open); EXTRA is its output padding."""
    if size is None:
        return None
    span = (window - 1) * dilation + 1
    if padding == "same":
        return size * stride if extra is None else (size - 1) * stride + span % 2 + extra
    return (size - 1) * stride + (max(span, stride) if extra is None else span + extra)
