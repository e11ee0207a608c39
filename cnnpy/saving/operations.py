"""Functions between layers (`x + 3.0`, `ops.mean(x, axis=1)`) in configurations: ours and Keras's, one to the other.

Here a step calls a function with all its arguments. In Keras the arguments that are no tensors belong to an object of a
class like `Mean(axis=1)`. Both functions change plain data alone; entries they do not know stay as they are.
"""

import inspect

_OURS = "cnnpy.ops."
_GET_ITEM = "cnnpy.layers.symbolic_op.get_item"
_REDUCTION = ("axis", "keepdims")

# By the module of keras.src.ops: the functions, and those of their arguments that belong to the object.
_PLAIN = """
    absolute add cos divide equal exp floor_divide greater greater_equal less less_equal log logical_and logical_not
    logical_or logical_xor matmul maximum minimum mod multiply negative not_equal power sin sqrt square subtract tanh
    true_divide
"""
_KNOWN = {
    "numpy": {
        **{name: () for name in _PLAIN.split()},
        **{name: _REDUCTION for name in ("max", "mean", "min", "std", "sum", "var")},
        "clip": ("x_min", "x_max"),
        "concatenate": ("axis",),
        "expand_dims": ("axis",),
        "flip": ("axis",),
        "reshape": ("newshape",),
        "round": ("decimals",),
        "squeeze": ("axis",),
        "stack": ("axis",),
        "transpose": ("axes",),
    },
    "nn": {
        **{name: () for name in ("hard_sigmoid", "relu", "relu6", "selu", "sigmoid", "silu", "softplus", "softsign")},
        "elu": ("alpha",),
        "gelu": ("approximate",),
        "leaky_relu": ("negative_slope",),
        "log_softmax": ("axis",),
        "softmax": ("axis",),
    },
    "core": {"cast": ("dtype",)},
}
_ALIASES = {"abs": "absolute", "amax": "max", "amin": "min", "swish": "silu"}


def _class_name(function):
    return "".join(part.capitalize() for part in function.split("_"))


_BY_CLASS = {_class_name(name): name for functions in _KNOWN.values() for name in functions}


def is_operation(entry):
    """True for an entry of a graph that Keras wrote for a function; in `.h5` files it has no module, but, other than a
    layer, it says nothing of `trainable` there."""
    if entry.get("module"):
        return entry["module"].startswith(("keras.src.ops.", "keras.ops."))
    kind, config = entry["class_name"], entry["config"]
    return "inbound_nodes" in entry and kind in (*_BY_CLASS, "GetItem") and "trainable" not in config


def from_keras(entry):
    """Keras's ENTRY of a graph for a function as ours.

    Raises ValueError for a function that cnnpy does not have.
    """
    from cnnpy import ops
    from cnnpy.utils.naming import to_snake_case

    kind, config = entry["class_name"], dict(entry["config"])
    name = config.pop("name", None)
    config.pop("dtype", None) if kind != "Cast" else None
    if kind == "GetItem":
        function, nodes = _GET_ITEM, [_spread(node) for node in entry.get("inbound_nodes", ())]
    else:
        leaf = _BY_CLASS.get(kind, to_snake_case(kind))
        if leaf not in ops.__all__:
            raise ValueError(f"the model calls Keras's function {kind}, which cnnpy has not")
        function = f"{_OURS}any.{leaf}"
        known = inspect.signature(getattr(ops, leaf)).parameters
        extra = {key: value for key, value in config.items() if key in known or value is not None}
        nodes = [
            {"args": node["args"], "kwargs": {**extra, **node["kwargs"]}} for node in entry.get("inbound_nodes", ())
        ]
    made = {"module": "keras.layers", "class_name": "SymbolicOp", "config": {"name": name, "function": function}}
    return {**entry, **made, "registered_name": None, "inbound_nodes": nodes}


def _spread(node):
    """The call of get_item with each of its keys as an argument."""
    x, keys = node["args"]
    return {"args": [x, *(keys if isinstance(keys, list) else [keys])], "kwargs": {}}


def to_keras(entry):
    """Our ENTRY of a graph for a function as Keras's, if Keras has a class for it."""
    if entry["class_name"] != "SymbolicOp":
        return entry
    function = entry["config"]["function"]
    nodes, config = entry["inbound_nodes"], {"name": entry["config"]["name"]}
    if len(nodes) != 1:
        return entry
    args, kwargs = nodes[0]["args"], nodes[0]["kwargs"]
    if function == _GET_ITEM:
        node = {"args": [args[0], list(args[1:])], "kwargs": {}}
        return _keras_entry(entry, "numpy", "get_item", config, node)
    leaf = function.rpartition(".")[2]
    leaf = _ALIASES.get(leaf, leaf)
    for module, functions in _KNOWN.items():
        if leaf in functions:
            bound = _bind(leaf, args, kwargs)
            if bound is None:
                return entry
            config.update((key, bound.pop(key)) for key in functions[leaf] if key in bound)
            return _keras_entry(entry, module, leaf, config, {"args": list(bound.values()), "kwargs": {}})
    return entry


def _bind(leaf, args, kwargs):
    """{parameter: value} of a call of cnnpy.ops' function LEAF; None if it does not take these."""
    from cnnpy import ops

    try:
        return dict(inspect.signature(getattr(ops, leaf)).bind(*args, **kwargs).arguments)
    except (AttributeError, TypeError):
        return None


def _keras_entry(entry, module, function, config, node):
    name = _class_name(function)
    made = {"module": f"keras.src.ops.{module}", "class_name": name, "config": config, "registered_name": name}
    return {**entry, **made, "inbound_nodes": [node]}
