"""Weights in HDF5 by the names of layers, as Keras 2 wrote them and Keras 3 still does in whole-model `.h5` files.

A group has the names of the layers in order (attribute `layer_names`), and for each a group with the names of its
arrays in order (`weight_names`): trainable ones first. Published ImageNet weights come like this.
"""

import warnings

import numpy as np

from cnnpy.saving import store

_LONGEST_ATTRIBUTE = 64_000  # bytes that HDF5 keeps in an object's header


def found_in(file):
    """The group of an open FILE that has weights in this layout, None if there is none."""
    for group in (file, store.descend(file, "model_weights")):
        if group is not None and _has_names(group, "layer_names"):
            return group
    return None


# ---- names in attributes, which may be too long for one ----


def _has_names(group, attribute):
    return attribute in group.attrs or f"{attribute}0" in group.attrs


def read_names(group, attribute):
    """The list of strings in ATTRIBUTE of GROUP, or in its numbered parts; empty if it is not there."""
    if attribute in group.attrs:
        parts = [group.attrs[attribute]]
    else:
        parts, number = [], 0
        while f"{attribute}{number}" in group.attrs:
            parts.append(group.attrs[f"{attribute}{number}"])
            number += 1
    names = [name for part in parts for name in np.ravel(part)]
    if not all(isinstance(name, (str, bytes)) for name in names):
        raise ValueError(f"the file's attribute {attribute!r} of {group.name} holds no names")
    return [name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in names]


def write_names(group, attribute, names):
    """The other way round."""
    encoded = [name.encode() for name in names]
    longest = max((len(name) for name in encoded), default=1)
    step = max(_LONGEST_ATTRIBUTE // longest, 1)
    if len(encoded) <= step:
        group.attrs[attribute] = np.array(encoded, dtype=f"S{longest}")
        return
    for number, start in enumerate(range(0, len(encoded), step)):
        group.attrs[f"{attribute}{number}"] = np.array(encoded[start : start + step], dtype=f"S{longest}")


# ---- writing ----


def weights_of(layer):
    """The weights of LAYER in the order of the file."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _own_weights(model):
    """Weights that belong to the MODEL itself and to none of its layers, in the order of the file."""
    inside = {id(w) for layer in model.layers for w in layer.weights}
    return [w for w in weights_of(model) if id(w) not in inside]


def write_weights(group, model):
    """Writes the weights of MODEL into GROUP."""
    write_names(group, "layer_names", [layer.name for layer in model.layers])
    group.attrs["backend"] = b"tensorflow"  # whose layout of kernels it is
    group.attrs["keras_version"] = store.KERAS_VERSION.encode()
    for layer in sorted(model.layers, key=lambda layer: layer.name):
        write_arrays(group.create_group(layer.name), weights_of(layer))
    write_arrays(group.create_group("top_level_model_weights"), _own_weights(model))


def write_arrays(group, variables):
    """Writes VARIABLES into GROUP under their paths, the order in an attribute."""
    names = []
    for variable in variables:
        path = name = getattr(variable, "path", None) or variable.name
        count = 1
        while name in names:
            name, count = f"{path}_{count}", count + 1
        names.append(name)
        group[name] = variable.numpy()
    write_names(group, "weight_names", names)


# ---- reading ----


def load_weights(model, group, by_name=False, skip_mismatch=False):
    """Gives MODEL the weights in GROUP: to its layers in order, or BY_NAME to those whose names are there.

    SKIP_MISMATCH leaves weights of another shape, and layers with another number of weights, as they are, with a
    warning. All shapes are compared before anything is read.

    Raises:
        ValueError: the file does not fit.
    """
    pairs = _by_name(model, group) if by_name else _in_order(model, group)
    own = store.descend(group, "top_level_model_weights")
    if own is not None:
        pairs.append((f"the model {model.name!r} itself", _own_weights(model), own, None))
    problems, reads = [], []
    for what, variables, layer_group, layer in pairs:
        entry = store.EntryIn(layer_group, layer_group.name)
        names = read_names(layer_group, "weight_names")
        if len(names) != len(variables):
            problems.append(f"{what} has {len(variables)} weights, the file {len(names)} for it")
            continue
        order = _kernel_order(group, layer)
        for variable, name in zip(variables, names):
            shape = entry.shape(name)
            turn = order if order and variable is layer.kernel and len(shape) == 4 else None
            if (tuple(shape[axis] for axis in turn[0]) if turn else shape) != tuple(variable.shape):
                problems.append(
                    f"{what}: {variable.name!r} has shape {tuple(variable.shape)}, the file's array {shape}"
                )
            else:
                reads.append((variable, entry, name, shape, turn))
    if problems:
        text = "; ".join(problems[:5]) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
        if not skip_mismatch:
            raise ValueError(f"the weights do not fit the model: {text}")
        warnings.warn(f"weights that do not fit were left as they are: {text}", stacklevel=4)
    for variable, entry, name, shape, turn in reads:
        value = entry.read(name, shape)
        variable.assign((_turned(value, *turn) if turn else value).astype(variable.dtype, copy=False))


def _in_order(model, group):
    """(description, variables, group, layer) of the layers with weights, in the order of the model and of the file."""
    layers = [layer for layer in model.layers if layer.weights]
    groups = [(name, _layer_group(group, name)) for name in read_names(group, "layer_names")]
    groups = [(name, g) for name, g in groups if read_names(g, "weight_names")]
    if len(layers) != len(groups):
        unbuilt = [layer.name for layer in model.layers if not layer.built]
        hint = f"; layers that are not built yet: {', '.join(unbuilt[:5])}" if unbuilt else ""
        raise ValueError(
            f"the model has {len(layers)} layers with weights, the file {len(groups)}{hint}; to load only layers of "
            "the same name pass by_name=True"
        )
    return [
        (f"layer {layer.name!r} (in the file {name!r})", weights_of(layer), g, layer)
        for layer, (name, g) in zip(layers, groups)
    ]


def _by_name(model, group):
    layers = {}
    for layer in model.layers:
        layers.setdefault(layer.name, []).append(layer)
    return [
        (f"layer {name!r}", weights_of(layer), _layer_group(group, name), layer)
        for name in read_names(group, "layer_names")
        for layer in layers.get(name, ())
    ]


def _layer_group(group, name):
    found = store.descend(group, name)
    if found is None:
        raise ValueError(f"the file names a layer {name!r}, of which it has no weights")
    return found


# ---- kernels of other times ----


def _kernel_order(group, layer):
    """(axes, flips) of kernels that Theano, or Keras 1 for it, kept in another order; None where they are as here."""
    if layer is None or "Conv" not in type(layer).__name__ or not hasattr(layer, "data_format"):
        return None
    flips = _text(group, "backend") == "theano"
    old = (_text(group, "keras_version") or "1").startswith("1") and layer.data_format == "channels_first"
    return ((2, 3, 1, 0) if old else (0, 1, 2, 3), flips) if flips or old else None


def _turned(kernel, axes, flips):
    kernel = np.transpose(kernel, axes)
    return np.ascontiguousarray(kernel[::-1, ::-1] if flips else kernel)


def _text(group, attribute):
    value = group.attrs.get(attribute, group.file.attrs.get(attribute))
    return value.decode() if isinstance(value, bytes) else value
