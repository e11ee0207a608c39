"""What may be meant but seldom is: warned of before the first batch, once per model."""

import warnings

import numpy as np

from cnnpy.layers.layer import Layer
from cnnpy.layers.symbolic import KerasTensor
from cnnpy.layers.symbolic_op import SymbolicOp
from cnnpy.models.checks import BINARY, CATEGORICAL, SPARSE, loss_kind
from cnnpy.tree import flatten

_ACTIVATIONS = {
    BINARY: "sigmoid",
    CATEGORICAL: "softmax",
    SPARSE: "softmax",
    "binaryfocalcrossentropy": "sigmoid",
    "categoricalfocalcrossentropy": "softmax",
}
_NO_PROBABILITIES = ("linear", "relu", "tanh", "leaky_relu", "elu", "selu", "gelu", "swish", "silu")
# Layers that hand pixels on as they are, by name; and those that bring them to a range nets are trained in.
_PASSES_ON = ("Identity", "Flatten", "Reshape", "Permute", "Cropping", "ZeroPadding", "UpSampling", "Pooling", "Random")
_WEIGHS = ("Conv", "Dense", "LocallyConnected")
PIXELS_FROM = 100  # the largest value from which on inputs count as unscaled pixels


def warn_once(model, key, message):
    """Warns of MESSAGE unless MODEL has been warned under KEY."""
    said = model.__dict__.setdefault("_suspicions_said", set())
    if key not in said:
        said.add(key)
        warnings.warn(message, stacklevel=2)


# ---- logits or probabilities ----


def _last_layer(tensor):
    """The layer that makes a symbolic tensor; of a model among layers the one inside."""
    layer, _, index = tensor._keras_history
    inner = getattr(layer, "outputs", None)
    return _last_layer(inner[index]) if inner else layer


def _activation(layer):
    """The name of what LAYER applies last, None if that is not known."""
    kind = type(layer).__name__
    if not type(layer).__module__.startswith("cnnpy."):
        return None
    if isinstance(layer, SymbolicOp):
        kind = layer._function.__name__
        return kind if kind in ("softmax", "sigmoid") else None
    if kind == "Softmax":
        return "softmax"
    function = getattr(layer, "activation", None)
    return getattr(function, "__name__", None) if kind.startswith(_WEIGHS) or kind == "Activation" else None


def check_logits(model, loss, output, where=""):
    """Warns where LOSS takes probabilities and OUTPUT has none, or the other way about.

    OUTPUT is symbolic, then its last layer tells; or the values for one sample.
    """
    wanted = _ACTIVATIONS.get(loss_kind(loss))
    if wanted is None:
        return
    logits = getattr(loss, "_fn_kwargs", {}).get("from_logits", False)
    units = output.shape[-1] if output.shape else None
    if not isinstance(output, KerasTensor):
        values = np.asarray(output)
        if not logits and (values.min() < 0 or values.max() > 1 + 1e-3):
            warn_once(
                model,
                ("logits", where),
                f"{where}the loss '{loss.name}' takes probabilities, but the model's outputs leave the range from 0 to "
                f"1: end the model with activation='{wanted}', or make the loss with from_logits=True",
            )
        return
    if output._keras_history is None:
        return
    layer = _last_layer(output)
    found = _activation(layer)
    if not logits and found in _NO_PROBABILITIES:
        told = "has no activation" if found == "linear" else f"ends with '{found}'"
        message = (
            f"takes probabilities, but the last layer {layer.name!r} {told}: give it activation='{wanted}', or make "
            "the loss with from_logits=True"
        )
    elif found == "softmax" and units == 1:
        message = f"sees only ones: a softmax over 1 unit is always 1; give {layer.name!r} activation='sigmoid'"
    else:
        return
    warn_once(model, ("logits", where), f"{where}the loss '{loss.name}' {message}")


# ---- inputs ----


def _first_weighing(tensor, consumers):
    """The layer with weights that sees a symbolic input as it is, None if something comes before it, or a
    normalisation right after it, which makes up for the scale."""
    waiting = [tensor]
    while waiting:
        x = waiting.pop()
        for node in consumers.get(id(x), ()):
            layer, kind = node.layer, type(node.layer).__name__
            if not type(layer).__module__.startswith("cnnpy."):
                continue
            if kind.startswith(_WEIGHS):
                after = [n.layer for y in node.output_tensors for n in consumers.get(id(y), ())]
                return None if any("Normalization" in type(next_one).__name__ for next_one in after) else layer
            if any(part in kind for part in _PASSES_ON):
                waiting.extend(node.output_tensors)
    return None


def check_pixels(model, x):
    """Warns if arrays X look like pixels from 0 to 255 and go unscaled into a convolution or a Dense layer."""
    graph = getattr(model, "_graph", None)
    if graph is None or "pixels" in model.__dict__.get("_suspicions_said", ()):
        return
    arrays = flatten(x)
    if len(arrays) != len(graph.inputs):
        return
    consumers = {}
    for node in graph.nodes:
        for tensor in node.input_tensors:
            consumers.setdefault(id(tensor), []).append(node)
    for array, tensor in zip(arrays, graph.inputs):
        if array is None or array.ndim < 3 or array.dtype.kind not in "fui":
            continue
        some = array[:64]
        if not (some.min() >= 0 and PIXELS_FROM < some.max() <= 255):
            continue
        layer = _first_weighing(tensor, consumers)
        if layer is not None:
            warn_once(
                model,
                "pixels",
                f"x looks like pixels from 0 to 255, and {type(layer).__name__} {layer.name!r} takes them as they are; "
                "nets train badly on such large numbers: use x / 255, or put Rescaling(1 / 255) first in the model",
            )


def _may_mean_nan(layer):
    """True for layers that may take NaN for something."""
    ours = type(layer).__module__.startswith("cnnpy.")
    return not ours or isinstance(layer, SymbolicOp) or type(layer).__name__ in ("Lambda", "Masking")


def check_nan_inputs(model, x):
    """Raises a ValueError for NaN in the float arrays X, unless a layer of the model may make something of it.

    A memory-mapped file larger than 256 MB is not read for this.
    """
    from cnnpy.models.checks import nan_message

    layers = [] if getattr(model, "_graph", None) is None else model._flatten_layers(include_self=False)
    if not layers or any(_may_mean_nan(layer) for layer in layers if isinstance(layer, Layer)):
        return
    arrays = flatten(x)
    for i, array in enumerate(arrays):
        if array is None or array.dtype.kind != "f" or (isinstance(array, np.memmap) and array.nbytes > 2**28):
            continue
        message = nan_message(array)
        if message:
            name = "x" if len(arrays) == 1 else f"x[{i}]"
            raise ValueError(f"{name} has {message}; remove or replace these samples (np.isnan(x))")
