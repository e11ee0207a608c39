"""Configurations that Keras 1.2 and 2 wrote, in the form that Keras 3 writes.

`modern(config)` gives a new config and leaves the old one alone; what is modern already stays as it is. Only plain data
are changed here: which class a name means, and whether it may be made at all, is decided where configs are read.
"""

import functools
import inspect

from cnnpy.saving import operations

_RENAMED_CLASSES = {
    "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "Deconvolution2D": "Conv2DTranspose",
    "Model": "Functional",
    "SeparableConvolution2D": "SeparableConv2D",
}
_RENAMED_ARGUMENTS = {
    "W_constraint": "kernel_constraint",
    "W_regularizer": "kernel_regularizer",
    "b_constraint": "bias_constraint",
    "b_regularizer": "bias_regularizer",
    "beta_init": "beta_initializer",
    "bias": "use_bias",
    "border_mode": "padding",
    "gamma_init": "gamma_initializer",
    "init": "kernel_initializer",
    "nb_filter": "filters",
    "output_dim": "units",
    "p": "rate",
    "pool_length": "pool_size",
    "sigma": "stddev",
    "stride": "strides",
    "subsample": "strides",
}
# Said in Keras 1.2's and 2's configs, and of no effect here.
_OBSOLETE = (
    "W_learning_rate_multiplier",
    "adjustment",
    "b_learning_rate_multiplier",
    "cache_enabled",
    "custom_name",
    "fused",
    "input_dtype",
    "sparsity",
    "virtual_batch_size",
)
_OBSOLETE_OF_OPTIMIZERS = {"is_legacy_optimizer", "jit_compile"}
_DATA_FORMATS = {"tf": "channels_last", "th": "channels_first"}
_MERGES = {
    "sum": "Add",
    "mul": "Multiply",
    "ave": "Average",
    "max": "Maximum",
    "concat": "Concatenate",
    "dot": "Dot",
}
_MODELS = {"Sequential", "Functional", "Model"}
_TENSORFLOW_CALLS = {
    "ClassMethod",
    "InstanceMethod",
    "InstanceProperty",
    "SlicingOpLambda",
    "TFOpLambda",
    "TensorFlowOpLayer",
}
_SETTLED_BY_LABELS = ("accuracy", "acc", "crossentropy", "ce")  # metrics that `compile` chooses by labels and outputs


def modern(config):
    """The CONFIG of a layer or model, a dict with 'class_name' and 'config', as Keras 3 writes it.

    Raises:
        ValueError: what it describes is not a layer any more.
    """
    if not isinstance(config, dict) or "class_name" not in config or "config" not in config:
        return config
    name = config["class_name"]
    inner = config["config"]
    if not isinstance(name, str):
        raise ValueError(f"a config's class_name must be a string, got {name!r}")
    if operations.is_operation(config):
        return operations.from_keras(config)
    if name in _TENSORFLOW_CALLS:
        raise ValueError(
            f"the model calls functions of TensorFlow between its layers ({name} {config.get('name', '')!r}); build it "
            "from layers alone, e.g. Rescaling, Add or Activation, and load the weights into that"
        )
    name = _RENAMED_CLASSES.get(name, name)
    if name in _MODELS:
        return _entry(config, name, modern_model(inner))
    if not isinstance(inner, dict):
        raise ValueError(f"the config of a {name} must be a dict, got {type(inner).__name__}")
    if name == "Merge":
        name, inner = _merge(inner)
    return _entry(config, name, _layer(name, inner))


def _entry(old, name, config):
    """The entry of a layer in Keras 3's form, with what belongs to the graph around it."""
    entry = {key: value for key, value in old.items() if key not in ("class_name", "config")}
    entry.update(class_name=name, config=config)
    if "module" not in entry:
        entry["module"] = "keras" if name in _MODELS else "keras.layers"
        entry["registered_name"] = name
    if "inbound_nodes" in entry:
        entry["inbound_nodes"] = [_node(node) for node in entry["inbound_nodes"]]
    return entry


def modern_model(config):
    """What stands under 'config' in the config of a model, as Keras 3 writes it."""
    if isinstance(config, list):  # Keras 1.2 and 2.0 wrote the layers of a Sequential alone
        config = {"layers": config}
    if not isinstance(config, dict):
        raise ValueError(f"the config of a model must be a dict or list, got {type(config).__name__}")
    if not isinstance(config.get("layers"), list):
        return config  # a model written as a class
    config = {**config, "layers": [modern(layer) for layer in config["layers"]]}
    if "output_layers" in config:
        _count_calls_from_zero(config)
    dtype = config.get("dtype")
    if isinstance(dtype, dict):
        config["dtype"] = _dtype(dtype)
    return config


def _count_calls_from_zero(config):
    """Keras 2 numbers the calls of a model inside from 1: its own making was the first."""
    models = {entry.get("name") for entry in config["layers"] if entry["class_name"] in _MODELS}
    addresses = [
        leaf["config"]["keras_history"]
        for entry in config["layers"]
        for leaf in _tensors([entry.get("inbound_nodes", [])])
        if leaf["config"]["keras_history"][0] in models
    ]
    addresses += [address for address in _addresses(config["output_layers"]) if address[0] in models]
    for name in models:
        own = [address for address in addresses if address[0] == name]
        first = min((address[1] for address in own), default=0)
        for address in own:
            address[1] -= first


def _tensors(part):
    """The tensors in a structure of a config."""
    if isinstance(part, dict):
        if part.get("class_name") == "__keras_tensor__":
            return [part]
        part = list(part.values())
    return [leaf for item in part for leaf in _tensors(item)] if isinstance(part, list) else []


def _addresses(part):
    """The addresses [layer, number of its call, of its output] in a structure of them."""
    if isinstance(part, list) and part and isinstance(part[0], str):
        return [part]
    items = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return [address for item in items for address in _addresses(item)]


def _dtype(value):
    """The name of a dtype, which may come as the config of a policy."""
    if isinstance(value, dict) and isinstance(value.get("config"), dict):
        return value["config"].get("name", "float32")
    return value


@functools.cache
def _parameters(name):
    """The arguments of the layer NAME; None if it is none of ours."""
    from cnnpy import layers

    if name not in layers.__all__:
        return None
    return frozenset(inspect.signature(getattr(layers, name).__init__).parameters)


def _layer(name, old):
    config = dict(old)
    if isinstance(config.get("dtype"), dict):
        config["dtype"] = _dtype(config["dtype"])
    known = _parameters(name)
    if known is None:  # a layer of the user's, who knows what it takes
        return config
    for key in _OBSOLETE:
        if key not in known:
            config.pop(key, None)
    for key, new in _RENAMED_ARGUMENTS.items():
        if key in config and key not in known and new in known:
            config.setdefault(new, config.pop(key))
    if "dim_ordering" in config:
        config["data_format"] = _DATA_FORMATS.get(config.pop("dim_ordering"), "channels_last")
    if "nb_row" in config:
        config["kernel_size"] = [config.pop("nb_row"), config.pop("nb_col")]
    if "filter_length" in config:
        config["kernel_size"] = [config.pop("filter_length")]
    if "atrous_rate" in config:
        config["dilation_rate"] = config.pop("atrous_rate")
    _input_shape(name, config)
    if name == "BatchNormalization":
        config.pop("mode", None)  # Keras 1.2's: per feature or per sample
        axis = config.get("axis")
        if isinstance(axis, list) and len(axis) == 1:
            config["axis"] = axis[0]
    for key in [key for key in config if key not in known]:
        unused = name.startswith(("Depthwise", "Separable")) and key.startswith("kernel_")
        if config[key] is None or unused or (key, config[key]) == ("groups", 1):
            config.pop(key)
    if name == "Lambda":
        _function(config)
    if isinstance(config.get("layer"), dict):  # of a wrapper
        config["layer"] = modern(config["layer"])
    return config


def _input_shape(name, config):
    """What a first layer says of its input; None, which Keras 2 wrote where it was not said, is left out."""
    for key in ("batch_input_shape", "input_dim", "input_length", "input_shape"):
        if config.get(key) is None:
            config.pop(key, None)
    if "batch_input_shape" in config:
        if name != "Embedding":
            config.pop("input_dim", None)
        if name == "InputLayer":
            config["batch_shape"] = config.pop("batch_input_shape")


def _function(config):
    """The function of a Lambda, which Keras 2 wrote as a name or as parts of code."""
    kind = config.pop("function_type", None)
    for key in ("module", "output_shape_type", "output_shape_module"):
        config.pop(key, None)
    function = config.get("function")
    if kind != "function" and isinstance(function, list) and len(function) == 3:
        code, defaults, closure = function
        config["function"] = {
            "class_name": "__lambda__", "config": {"code": code, "defaults": defaults, "closure": closure}
        }  # fmt: skip
    if isinstance(config.get("arguments"), dict) and not config["arguments"]:
        config.pop("arguments")


def _merge(config):
    """(class, config) of what Keras 1.2's Merge is by its mode."""
    mode = config.get("mode", "sum")
    if mode not in _MERGES:
        raise ValueError(f"a Merge layer with mode {mode!r} has no layer of today; save the model anew without it")
    new = {"name": config["name"]} if "name" in config else {}
    if mode == "concat":
        new["axis"] = config.get("concat_axis", -1)
    if mode == "dot":
        new["axes"] = config.get("dot_axes", -1)
    return _MERGES[mode], new


# ---- calls of layers ----


def _node(node):
    """A call as {'args', 'kwargs'}; Keras 2 wrote a list of [layer, number of its call, of its output, kwargs]."""
    if isinstance(node, dict) and "args" in node:
        return node
    if isinstance(node, dict):  # a call with named inputs alone
        return {"args": [], "kwargs": _arguments(node)}
    if not isinstance(node, list) or not node:
        raise ValueError(f"the config's call of a layer is not understood: {node!r}")
    if isinstance(node[0], str):  # one input, not in a list
        node = [node]
    tensors = [_tensor(part) for part in node]
    kwargs = node[0][3] if len(node[0]) > 3 and isinstance(node[0][3], dict) else {}
    return {"args": [tensors if len(tensors) > 1 else tensors[0]], "kwargs": _arguments(kwargs)}


def _tensor(part):
    if not isinstance(part, list) or len(part) < 3 or not isinstance(part[0], str):
        raise ValueError(f"the config's input of a layer is not understood: {part!r}")
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": None, "dtype": "float32", "keras_history": part[:3]},
    }


def _arguments(kwargs):
    """Arguments of a call, of which lists that begin like [layer, 0, 0] are tensors."""
    return {
        key: _tensor(value)
        if isinstance(value, list) and len(value) in (3, 4) and isinstance(value[0], str) and isinstance(value[1], int)
        else value
        for key, value in kwargs.items()
    }


# ---- compile settings ----


def modern_training(config):
    """The arguments of `compile` as configs, from the 'training_config' of a whole-model HDF5 file."""
    settings = {
        "optimizer": modern_optimizer(config.get("optimizer_config") or config.get("optimizer")),
        "loss": _in_structure(config.get("loss"), _loss),
        "metrics": _metrics(config.get("metrics")),
        "weighted_metrics": _metrics(config.get("weighted_metrics")),
        "loss_weights": config.get("loss_weights"),
    }
    for key in ("run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss"):
        if key in config:
            settings[key] = config[key]
    return settings


def modern_optimizer(config):
    """The config of an optimizer."""
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict) or "module" in config:
        return config
    name = str(config.get("class_name")).removeprefix("Custom>")
    by_old_name = {"adam": "Adam", "sgd": "SGD", "rmsprop": "RMSprop", "adagrad": "Adagrad", "adadelta": "Adadelta"}
    name = by_old_name.get(name, name)
    inner = {key: value for key, value in config["config"].items() if key not in _OBSOLETE_OF_OPTIMIZERS}
    if "lr" in inner:
        inner["learning_rate"] = inner.pop("lr")
    if not inner.get("decay"):
        inner.pop("decay", None)
    rate = inner.get("learning_rate")
    if isinstance(rate, dict) and "module" not in rate:
        inner["learning_rate"] = _public("keras.optimizers.schedules", rate.get("class_name"), rate.get("config"))
    return {**_public("keras.optimizers", name, inner), "registered_name": config["class_name"]}


def _loss(value):
    if not isinstance(value, dict) or "module" in value:
        return value
    inner = {key: item for key, item in value["config"].items() if key != "fn"}
    if inner.get("reduction") == "auto":
        inner["reduction"] = "sum_over_batch_size"
    return _public("keras.losses", value["class_name"], inner)


def _metrics(value):
    """Metrics as `compile` takes them; Keras 2 wrote a list for each output."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    return _in_structure(value, _metric)


def _metric(value):
    if not isinstance(value, dict) or "module" in value:
        return value
    inner = dict(value["config"])
    if value["class_name"] == "MeanMetricWrapper" and isinstance(inner.get("fn"), str):
        return inner["name"] if inner.get("name") in _SETTLED_BY_LABELS else inner["fn"]
    if isinstance(inner.get("dtype"), dict):
        inner["dtype"] = _dtype(inner["dtype"])
    return _public("keras.metrics", value["class_name"], inner)


def _public(module, name, config):
    """The config of an object of MODULE, or of one registered under NAME."""
    return {"module": module, "class_name": name, "config": config, "registered_name": name}


def _in_structure(value, function):
    """FUNCTION of each config and name in lists and dicts."""
    if isinstance(value, dict) and "class_name" not in value:
        return {key: _in_structure(item, function) for key, item in value.items()}
    if isinstance(value, list):
        return [_in_structure(item, function) for item in value]
    return function(value)
