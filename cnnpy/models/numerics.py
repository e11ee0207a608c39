"""The search for the first layer that makes NaN or infinity; see config.enable_check_numerics."""

import contextlib

import numpy as np

from cnnpy.layers import calling
from cnnpy.layers.tracking import structure_changed
from cnnpy.tree import flatten


def trouble(value):
    """'NaN' or 'infinity' if VALUE, a tensor or a structure of them, has one; else None."""
    for leaf in flatten(value):
        array = np.asarray(leaf) if leaf is not None else None
        if array is not None and array.dtype.kind == "f" and not np.isfinite(array).all():
            return "NaN" if np.isnan(array).any() else "infinity"
    return None


@contextlib.contextmanager
def _watched(layers, found):
    """Inside, each call of LAYERS whose outputs are not finite is noted in FOUND."""

    def watch(layer, call):
        def watching(*args, **kwargs):
            outputs = call(*args, **kwargs)
            kind = trouble(outputs)
            if kind and not found:
                found.append((layer, kind, trouble([args, [v for v in kwargs.values() if hasattr(v, "dtype")]])))
            return outputs

        return watching

    try:
        for layer in layers:
            layer.__dict__["call"] = watch(layer, layer.call)
        structure_changed()
        yield
    finally:
        for layer in layers:
            layer.__dict__.pop("call", None)
        structure_changed()


def first_trouble(model, x, training):
    """Says where NaN or infinity first appears when MODEL is called on X; None if it does not."""
    kind = trouble(x)
    if kind:
        return f"the inputs have {kind}"
    found = []
    with _watched([layer for layer in model._flatten_layers(include_self=False) if layer.built], found):
        outputs = model(x, training=training)
    if found:
        layer, kind, _ = found[0]
        bad = [v.name for v in layer.weights if trouble(v)]
        reason = f", whose {' and '.join(bad)} had it before" if bad else ""
        return f"{kind} first appeared in the outputs of {calling.label(layer)}{reason}"
    kind = trouble(outputs)
    return f"the outputs have {kind}" if kind else None


def check(model, x, loss, training, y=None):
    """Raises a FloatingPointError that says where the NaN or infinity of LOSS comes from, if it has any."""
    kind = trouble(loss)
    if kind is None:
        return
    where = first_trouble(model, x, training)
    if where is None:
        where = (
            "the labels have NaN" if trouble(y) == "NaN" else "all layers' outputs are finite: it is the loss itself"
        )
    raise FloatingPointError(f"the loss is {kind}: {where}")


def check_gradients(gradients, variables):
    """Raises a FloatingPointError that names the first variable whose gradient is not finite."""
    for gradient, variable in zip(gradients, variables):
        kind = trouble(gradient)
        if kind:
            raise FloatingPointError(f"the gradient of {variable.path!r} has {kind}, while the loss is finite")
