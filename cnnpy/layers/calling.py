"""What surrounds a layer's `build` and `call`: checks, conversions, shapes, weights. Helpers of layer.py."""

import functools
import inspect
import math
import warnings

import numpy as np

from cnnpy import _core, tree
from cnnpy._core import Tensor, Variable
from cnnpy.dtype_policies import standardize_dtype
from cnnpy.layers.input_spec import violation
from cnnpy.layers.symbolic import KerasTensor, call_state
from cnnpy.layers.tracking import structure_changed
from cnnpy.utils.naming import auto_name
from cnnpy.utils.suggest import suggestion

# Attributes that can be found anew at any time.
_LARGE = 1 << 24  # elements of a weight for which it is asked first whether there is memory
REMEMBERED = frozenset({"_held_cache", "_weights_cache", "_all_layers_cache", "_lean"})


def label(layer):
    """How errors call the layer: Conv2D "conv2d_3"."""
    return f'{type(layer).__name__} "{layer._name}"'


@functools.lru_cache(1024)
def parameters(function):
    """(names, defaults by name, takes any keyword) of a method's parameters but self."""
    names, defaults, takes_any = [], {}, False
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        if parameter.kind is parameter.VAR_KEYWORD:
            takes_any = True
        elif parameter.kind is not parameter.VAR_POSITIONAL:
            names.append(parameter.name)
            if parameter.default is not parameter.empty:
                defaults[parameter.name] = parameter.default
    return tuple(names), defaults, takes_any


def check_initialised(layer):
    """A layer whose class forgot Layer.__init__ says so."""
    if "_name" not in layer.__dict__:
        raise RuntimeError(f"{type(layer).__name__}.__init__ must call super().__init__() before anything else")


def check_keywords(layer, keywords, shape_keywords):
    """Refuses unknown arguments of a constructor."""
    for name in keywords:
        if name not in shape_keywords:
            known, own = [], True
            for cls in type(layer).__mro__:
                if "__init__" in cls.__dict__ and cls is not object:
                    names, defaults, _ = parameters(cls.__init__)
                    # What a base class cannot do without, the class itself hands to it; it is not the caller's.
                    known += [n for n in names if n not in known and (n in defaults or own)]
                    own = False
            raise ValueError(
                f"{type(layer).__name__}: unknown argument {name!r}.{suggestion(name, known)} It takes: "
                f"{', '.join([*known, *shape_keywords[:2]])}"
            )


def batch_shape_from_keywords(layer, keywords):
    """The shape, with the batch first, that the arguments of a first layer give; None if they give none."""
    batch_size = keywords.get("batch_size")
    for name in ("batch_input_shape", "batch_shape"):
        if keywords.get(name) is not None:
            return tuple(keywords[name])
    shape = keywords.get("input_shape")
    if shape is None and keywords.get("input_dim") is not None:
        shape = (keywords["input_dim"],)
    if shape is None:
        return None
    if not tree.is_shape(shape):
        raise ValueError(
            f"{type(layer).__name__}: input_shape must be a tuple of sizes without the batch, like (28, 28, 1), got "
            f"{shape!r}"
        )
    return (batch_size, *shape)


# ---- conversion and checks of inputs ----


def _cast(layer, x):
    dtype = x.dtype
    wanted = layer._compute_dtype
    if dtype == wanted:
        return x
    if (dtype.startswith("float") and layer.autocast) or (layer._float_inputs and not dtype.startswith("float")):
        return with_mask(_core.cast(x, dtype=wanted), x._keras_mask)
    return x


def convert(layer, x):
    """X as a Tensor of the layer's dtype if it is an array; all else as it is."""
    if isinstance(x, Tensor):
        return _cast(layer, x)
    if x is None or isinstance(x, (KerasTensor, bool, int, float, str)):
        return x
    if isinstance(x, (list, tuple)):
        if type(x) in (list, tuple) and x and all(isinstance(item, (int, float)) for item in x):
            return x
        return type(x)(convert(layer, item) for item in x) if not hasattr(x, "_fields") else x
    if isinstance(x, dict):
        return {key: convert(layer, item) for key, item in x.items()}
    if hasattr(x, "__array__") or hasattr(x, "__dlpack__"):
        return _cast(layer, _as_tensor(layer, x))
    return x


def _as_tensor(layer, x):
    array = np.asarray(x)
    try:
        return Tensor(array)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{label(layer)}: {error}") from None


def _is_numbers(x):
    return isinstance(x, (list, tuple)) and bool(x) and all(isinstance(leaf, (int, float)) for leaf in tree.flatten(x))


def convert_arguments(layer, args, kwargs):
    """ARGS and KWARGS of a call with arrays made Tensors; refuses what is no input."""
    if args and (_is_numbers(args[0]) or isinstance(args[0], float)):
        args = (np.asarray(args[0], dtype=layer._compute_dtype), *args[1:])
    args = tuple(convert(layer, x) for x in args)
    kwargs = {key: convert(layer, x) for key, x in kwargs.items()} if kwargs else {}
    if args and type(layer)._call_names[:1] and (layer._plain or layer._only_tensors):
        for leaf in tree.flatten(args[0]):
            if not isinstance(leaf, (Tensor, KerasTensor)):
                what = f"the {'class' if isinstance(leaf, type) else type(leaf).__name__} {leaf!r}"
                raise TypeError(f"{label(layer)}: takes Tensors or arrays, got {what}")
    if not args and not kwargs:
        raise TypeError(f"{label(layer)}: called without an input")
    return args, kwargs


def check_input_spec(layer, args, kwargs):
    """Raises ValueError if the first input does not meet the layer's `input_spec`."""
    spec = layer.input_spec
    first = args[0] if args else next(iter(kwargs.values()))
    if isinstance(first, (Tensor, KerasTensor)):
        layer._check_shape(first.shape)
    if spec is None:
        return
    specs = spec if isinstance(spec, (list, tuple)) else [spec]
    inputs = tree.flatten(first)
    if len(inputs) != len(specs):
        raise ValueError(f"{label(layer)}: takes {len(specs)} inputs, got {len(inputs)}")
    for i, (x, one) in enumerate(zip(inputs, specs)):
        if one is None or x is None:
            continue
        problem = violation(one, x.shape, x.dtype)
        if problem:
            raise ValueError(f"{label(layer)}: {'input' if len(inputs) == 1 else f'input {i}'}: {problem}")


def resolve_training(layer, args, kwargs):
    """(kwargs with `training` filled in, its value): the argument, else that of the call around, else the default."""
    training = kwargs.get("training")
    position = layer._training_position if layer._takes_training else 1 << 30
    if len(args) > position:
        training = args[position] if args[position] is not None else call_state.training
        return kwargs, training
    if training is None:
        training = call_state.training
    if layer._takes_training:
        if training is None:
            training = layer._call_defaults.get("training")
        kwargs = {**kwargs, "training": training}
    elif "training" in kwargs and not layer._call_takes_any:
        kwargs = {key: value for key, value in kwargs.items() if key != "training"}
    return kwargs, training


# ---- masks ----
#
# A mask says which entries of a tensor count: True for those that do. Masking and Embedding(mask_zero=True) put one on
# their result, as its `_keras_mask`; Layer.__call__ hands it on to `call` if that takes `mask`, and through
# `compute_mask` to the outputs.


def _mask_of(x):
    return x._keras_mask if isinstance(x, Tensor) else None


def masks_of(x):
    """The mask of each tensor of a structure, in a structure of the same build; None if there are none at all."""
    if not isinstance(x, (list, tuple, dict)):
        return _mask_of(x)
    masks = tree.map_structure(_mask_of, x)
    return masks if any(mask is not None for mask in tree.flatten(masks)) else None


def with_mask(x, mask):
    """The Tensor (or None) X with MASK on it; the caller's X stays as it was."""
    if x is None or mask is x._keras_mask:
        return x
    y = _core.reshape(x, shape=x.shape)
    y._keras_mask = mask if mask is None or isinstance(mask, Tensor) else Tensor(mask)
    return y


def _holds_tensors(x):
    return any(isinstance(leaf, Tensor) for leaf in tree.flatten(x))


def masks_for_call(layer, args, kwargs):
    """(KWARGS with the inputs' masks where `call` takes them and none was given, masks of the first input or None)."""
    given = kwargs.get("mask")
    first = args[0] if args else next(iter(kwargs.values()))
    if given is None and all(masks_of(x) is None for x in (*args, *kwargs.values())):
        return kwargs, None
    names = layer._call_names
    by_name = {name: x for name, x in (dict(zip(names, args)) | kwargs).items() if _holds_tensors(x)}
    if len(by_name) == 1:
        if "mask" in names and given is None and len(args) <= names.index("mask"):
            kwargs = {**kwargs, "mask": masks_of(next(iter(by_name.values())))}
    else:
        wanted = {f"{name}_mask": x for name, x in by_name.items()}
        kwargs = {**{name: masks_of(x) for name, x in wanted.items() if name in names}, **kwargs}
    previous = kwargs.get("mask")
    return kwargs, masks_of(first) if previous is None else previous


def mask_outputs(layer, inputs, outputs, previous):
    """Puts on OUTPUTS the masks that the layer computes for INPUTS, which had the masks PREVIOUS."""
    if not layer.supports_masking:
        if previous is not None and masks_of(inputs) is not None and layer._warns_of_masks:
            warnings.warn(
                f"{label(layer)} was passed an input with a mask but does not support masking: the mask ends here, "
                "and later layers will not see it",
                stacklevel=4,
            )
        return
    if previous is None and not layer._computes_masks:
        return
    flat = [y for y in tree.flatten(outputs) if isinstance(y, Tensor)]
    if all(y._keras_mask is not None for y in flat):
        return
    masks = layer.compute_mask(inputs, previous)
    for y, mask in zip(flat, () if masks is None else tree.flatten(masks)):
        if y._keras_mask is None and mask is not None:
            y._keras_mask = mask


def may_be_masked(layer, kwargs, inputs):
    """Whether outputs of LAYER for symbolic INPUTS can have masks when there is data; if in doubt, yes."""
    given = any(x._masked for x in inputs) or kwargs.get("mask") is not None
    if layer._plain:  # it holds no other layers
        return layer._makes_masks or (given and layer.supports_masking)
    held = layer._all_layers()
    return any(one._makes_masks for one in held) or (given and (layer.supports_masking or len(held) > 1))


# ---- shapes ----


def shapes_of(x):
    """The shape of each tensor of a structure; None for what is no tensor."""
    return tree.map_structure(lambda leaf: tuple(leaf.shape) if isinstance(leaf, (Tensor, KerasTensor)) else None, x)


def call_with_shapes(layer, function, args, kwargs):
    """FUNCTION(input_shape), or for several `..._shape` parameters the shapes of the arguments of these names."""
    names = parameters(getattr(type(layer), function.__name__))[0]
    if len(names) <= 1 or not (args or kwargs):
        return function(shapes_of(args[0] if args else next(iter(kwargs.values()))))
    given = dict(zip(layer._call_names, args)) | kwargs
    shapes = {}
    for position, name in enumerate(names):
        argument = name.removesuffix("_shape")
        if argument in given:
            shapes[name] = shapes_of(given[argument])
        elif position == 0:
            shapes[name] = shapes_of(args[0] if args else next(iter(kwargs.values())))
        elif name not in parameters(getattr(type(layer), function.__name__))[1]:
            raise ValueError(
                f"{label(layer)}: {function.__name__}() takes {', '.join(names)}; each must be an argument of call() "
                f"with `_shape` appended, and call() takes {', '.join(layer._call_names)}"
            )
    return function(**shapes)


def is_built_for(layer, shapes):
    """True if a built layer needs no second build for SHAPES; raises ValueError if it has weights for another shape."""
    if layer._build_shapes is None or shapes is None:
        return True
    old, new = layer._build_shapes, tree.map_shapes(lambda s: None if s is None else tuple(s), shapes)
    if old == new:
        return True
    if not layer.weights:
        return False
    if tree.is_shape(old) and tree.is_shape(new) and old[1:] == new[1:]:
        return True
    raise ValueError(
        f"{label(layer)}: is built for input shape {old} and cannot be built again for {new}; its weights would not "
        "fit. Make a new layer for the other shape"
    )


def build_for(layer, args, kwargs):
    """Builds the layer for the shapes of a call's arguments."""
    call_with_shapes(layer, layer.build, args, kwargs)
    layer.__dict__["built"] = True
    if layer._build_shapes is not None:  # the batch of this call says nothing about others
        layer.__dict__["_build_shapes"] = tree.map_shapes(lambda s: (None, *s[1:]) if s else s, layer._build_shapes)


def probing_call(layer):
    """The layer's `call` as shape finding runs it: inputs cast, `training` only if given."""

    def call(*args, **kwargs):
        args, kwargs = convert_arguments(layer, args, kwargs)
        kwargs, _ = resolve_training(layer, args, kwargs)
        try:
            return layer.call(*args, **kwargs)
        except NotImplementedError:
            raise
        except Exception as error:
            error.add_note(
                f"(while finding the output shape of {label(layer)} by running it on zeros of shapes "
                f"{shapes_of(args)}; a compute_output_shape(self, input_shape) makes this unnecessary)"
            )
            raise

    return call


# ---- weights ----


def make_weight(layer, shape, initializer, dtype, trainable, regularizer, constraint, aggregation, overwrite, name):
    """A new Variable of LAYER; what Layer.add_weight does."""
    from cnnpy import constraints, initializers, regularizers

    check_initialised(layer)
    shape = () if shape is None else (int(shape),) if hasattr(shape, "__index__") else tuple(shape)
    if any(d is None for d in shape):
        raise ValueError(
            f"{label(layer)}: the weight {name or 'weight'!r} would have shape {shape}; the sizes it depends on must "
            "be known when the layer is built: pass them in Input(shape=...) or input_shape=..."
        )
    dtype = layer.variable_dtype if dtype is None else standardize_dtype(dtype)
    if initializer is None:
        initializer = "glorot_uniform" if dtype.startswith("float") else "zeros"
    if math.prod(shape) >= _LARGE:
        from cnnpy.utils.memory import check_weight

        check_weight(label(layer), name or "weight", shape, dtype)
    value = initializers.get(initializer)(shape, dtype=dtype)
    if tuple(value.shape) != shape:
        raise ValueError(
            f"{label(layer)}: the initializer of {name or 'weight'!r} returned shape {tuple(value.shape)}, wanted "
            f"{shape}"
        )
    name = name or auto_name("variable")
    held = bool(trainable) and layer._trainable
    variable = Variable(value, trainable=held, dtype=dtype, aggregation=aggregation, name=name)
    variable.overwrite_with_gradient = overwrite
    variable.path = "/".join((*(call_state.scope or (layer._name,)), name))
    variable.regularizer = regularizers.get(regularizer)
    variable.constraint = constraints.get(constraint)
    (layer._trainable_variables if trainable else layer._non_trainable_variables).append(variable)
    structure_changed()
    return variable


def set_weights(layer, values):
    """Assigns VALUES to the layer's weights after all have been checked."""
    weights = layer.weights
    if len(values) != len(weights):
        listed = ", ".join(f"{v.name} {v.shape}" for v in weights) or "none; build it first"
        raise ValueError(f"{label(layer)}: got {len(values)} arrays for {len(weights)} weights ({listed})")
    arrays = [value if isinstance(value, Tensor) else np.asarray(value) for value in values]
    for i, (variable, value) in enumerate(zip(weights, arrays)):
        if tuple(variable.shape) != tuple(value.shape):
            raise ValueError(
                f"{label(layer)}: weight {i}, {variable.path!r}, has shape {tuple(variable.shape)}, "
                f"the array given for it {tuple(value.shape)}"
            )
    for variable, value in zip(weights, arrays):
        variable.assign(value)


# ---- losses and metrics ----


def add_activity_losses(layer, outputs):
    """The activity regulariser's loss for each output, divided by the batch size."""
    for y in tree.flatten(outputs):
        if isinstance(y, Tensor):
            loss = layer.activity_regularizer(y)
            if y.shape and y.shape[0]:
                loss = _core.divide(loss, float(y.shape[0]))
            layer.add_loss(loss)


def _is_metric(value):
    return hasattr(value, "update_state") and hasattr(value, "reset_state") and hasattr(value, "result")


def metrics_of(layer):
    """Metrics on the attributes of the layer and of those below, each once."""
    found = {}
    for one in layer._all_layers():
        for name, value in one.__dict__.items():
            if name in one._untracked or isinstance(value, type):
                continue
            for leaf in tree.flatten(value) if isinstance(value, (list, tuple, dict)) else [value]:
                if _is_metric(leaf):
                    found.setdefault(id(leaf), leaf)
    return list(found.values())


# ---- configuration and copies ----


def config_from_arguments(layer, base):
    """A config from the arguments the layer was made with; for classes without a get_config of their own."""
    from cnnpy.saving import serialize_keras_object

    args, kwargs = layer._init_arguments
    names, _, takes_any = parameters(type(layer).__init__)
    config = dict(zip(names, args)) | dict(kwargs)
    try:
        config = {key: serialize_keras_object(value) for key, value in config.items()}
    except TypeError as error:
        raise NotImplementedError(
            f"{type(layer).__name__} must define get_config(): its arguments cannot be put into a config ({error})"
        ) from None
    for key, value in base.items():
        if key in names or takes_any:
            config[key] = value  # as it is now: names and flags change, a dtype may have come as a config
    return config


def state_to_copy(layer):
    """The attributes that a pickle or a copy of the layer takes.

    Without bound ops and what is only remembered; without the calls on symbolic tensors too: the copy is in no model.
    """
    op_type = type(_core.reshape)
    state = {
        key: value for key, value in layer.__dict__.items() if key not in REMEMBERED and not isinstance(value, op_type)
    }
    return {**state, "_inbound_nodes": [], "_losses": []}
