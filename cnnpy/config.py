"""Settings that hold for the whole process: default dtype, epsilon, image layout, interactive logging."""

_FLOATS = ("float32", "float64")
_LAYOUTS = ("channels_last", "channels_first")

_settings = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "interactive_logging": True,
    "dtype_policy": None,
    "check_numerics": False,
    "max_epochs": None,
    "max_steps_per_epoch": None,
}


def floatx():
    """The default float dtype, 'float32' unless set."""
    return _settings["floatx"]


def set_floatx(value):
    """Makes VALUE ('float32' or 'float64') the default dtype. Layers made before keep theirs."""
    if value not in _FLOATS:
        raise ValueError(f"floatx must be one of {', '.join(_FLOATS)}, got {value!r}")
    _settings["floatx"] = str(value)


def epsilon():
    """The small number that keeps divisions and logarithms finite, 1e-7 unless set."""
    return _settings["epsilon"]


def set_epsilon(value):
    """Sets the small number that keeps divisions and logarithms finite."""
    _settings["epsilon"] = float(value)


def image_data_format():
    """Where images have their channels if a layer does not say: 'channels_last' unless set."""
    return _settings["image_data_format"]


def set_image_data_format(data_format):
    """Sets the default layout, 'channels_last' or 'channels_first'. The core computes in channels_last."""
    if data_format not in _LAYOUTS:
        raise ValueError(f"data_format must be one of {', '.join(_LAYOUTS)}, got {data_format!r}")
    _settings["image_data_format"] = str(data_format)


def standardize_data_format(data_format):
    """DATA_FORMAT checked; None gives the default."""
    if data_format is None:
        return image_data_format()
    lowered = str(data_format).lower()
    if lowered not in _LAYOUTS:
        raise ValueError(f"data_format must be one of {', '.join(_LAYOUTS)}, got {data_format!r}")
    return lowered


def dtype_policy():
    """The policy of layers that are made without one."""
    from cnnpy.dtype_policies import DTypePolicy

    return _settings["dtype_policy"] or DTypePolicy(floatx())


def set_dtype_policy(policy):
    """Makes POLICY (a name or a DTypePolicy) the one of layers that are made without one."""
    from cnnpy import dtype_policies

    _settings["dtype_policy"] = dtype_policies.get(policy)


def enable_interactive_logging():
    """Progress and summaries for people who watch (the default)."""
    _settings["interactive_logging"] = True


def disable_interactive_logging():
    """Plain lines for log files."""
    _settings["interactive_logging"] = False


def is_interactive_logging_enabled():
    """True unless switched off."""
    return _settings["interactive_logging"]


def max_epochs():
    """The most epochs that `fit` trains for, None for no limit."""
    return _settings["max_epochs"]


def set_max_epochs(max_epochs):
    """Limits the epochs of `fit`, for a trial run of a program; None lifts the limit."""
    _settings["max_epochs"] = _limit("max_epochs", max_epochs)


def max_steps_per_epoch():
    """The most batches of an epoch that `fit`, `evaluate` and `predict` take, None for no limit."""
    return _settings["max_steps_per_epoch"]


def set_max_steps_per_epoch(max_steps_per_epoch):
    """Limits the batches per epoch of `fit`, `evaluate` and `predict`, for a trial run; None lifts the limit."""
    _settings["max_steps_per_epoch"] = _limit("max_steps_per_epoch", max_steps_per_epoch)


def _limit(name, value):
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise ValueError(f"{name} must be a positive integer, or None for no limit, got {value!r}")
    return value


def enable_check_numerics():
    """Makes `fit`, `evaluate` and the `_on_batch` methods raise a FloatingPointError as soon as a loss or gradient is
    NaN or infinite, before the weights take it up. It names the epoch, the batch and the layer in which it began. (What
    TensorFlow's `tf.debugging.enable_check_numerics` does.) A check costs a look at every gradient."""
    _settings["check_numerics"] = True


def disable_check_numerics():
    """Training goes on with NaN and infinity (the default)."""
    _settings["check_numerics"] = False


def is_check_numerics_enabled():
    """True if `enable_check_numerics` was called."""
    return _settings["check_numerics"]


def conv_algorithm():
    """How convolutions are computed: 'auto' (the default), 'direct' or 'winograd'."""
    from cnnpy import _core

    return _core.conv_algorithm()


def set_conv_algorithm(name):
    """Chooses how convolutions are computed, in all threads from now on. `$CNNPY_CONV_ALGORITHM` sets it at import.

    'direct' multiplies and adds as the formula says. 'winograd' takes Winograd's way (Lavin and Gray 2016) wherever it
    applies: kernels of 3x3, 4x4 and 5x5 with stride 1, dilation 1 and one group. It does a quarter of the
    multiplications (of 5x5 kernels: a third).
    The root mean square of its errors in float32 is 1e-6 to 3e-6 of that of the results, and the largest error up to
    1.3e-5 of the largest result; of direct ones 1e-7 to 1e-6, and up to 2.3e-6 (normal x and kernels, 32 to 256
    channels).
    'auto' takes what is faster, and in float64 always the direct way.

    Raises:
        ValueError: another name. TypeError: no string.
    """
    from cnnpy import _core

    _core.set_conv_algorithm(name)


def enable_exact():
    """Makes convolutions round as little as they can: `set_conv_algorithm('direct')`."""
    set_conv_algorithm("direct")


def disable_exact():
    """Convolutions are computed the fastest way (the default): `set_conv_algorithm('auto')`."""
    set_conv_algorithm("auto")


def is_exact_enabled():
    """True if all convolutions are computed directly."""
    return conv_algorithm() == "direct"


def backend():
    """The name of what computes."""
    return "cnnpy"
