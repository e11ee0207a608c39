"""Whole models in HDF5 (`.h5`, `.hdf5`): Keras 2's format, which Keras 3 still reads and writes.

The file has the architecture and the compile settings as JSON in attributes, the weights by the names of layers, and
the optimizer's variables in order. The state of random generators is not in it; a `.keras` file keeps that, too.
"""

import json
import warnings

from cnnpy.saving import keras2_weights, store
from cnnpy.saving.old_configs import modern, modern_training
from cnnpy.saving.serialization import serialize_keras_object

ENDINGS = (".h5", ".hdf5")
_STEP_COUNTERS = ("iteration", "iter")


def write_model(file, model, include_optimizer=True):
    """Writes MODEL into an open HDF5 FILE."""
    config = serialize_keras_object(model)
    compiled = model.get_compile_config() if include_optimizer and model.compiled else None
    file.attrs["keras_version"] = store.KERAS_VERSION
    file.attrs["backend"] = "tensorflow"
    _write_text(file, "model_config", json.dumps({key: config[key] for key in ("class_name", "config")}))
    if compiled:
        training = {"weighted_metrics": None, "loss_weights": None, **compiled}
        training["optimizer_config"] = training.pop("optimizer")
        _write_text(file, "training_config", json.dumps(training))
    keras2_weights.write_weights(file.create_group("model_weights"), model)
    if compiled and model.optimizer is not None and model.optimizer.built:
        keras2_weights.write_arrays(file.create_group("optimizer_weights"), model.optimizer.variables)


def _write_text(file, name, text):
    """An attribute of any length: HDF5 keeps a long one outside of the header if it is a scalar of variable length."""
    import h5py

    file.attrs.create(name, text, dtype=h5py.string_dtype())


def read_config(file, name, what):
    """The JSON in attribute NAME of an open FILE; None if it is not there."""
    text = file.attrs.get(name)
    if text is None:
        return None
    return store.parse_json(text, f"{what}: its {name}")


def load_training(model, file, what):
    """Compiles MODEL as FILE says, if it says so, and gives its optimizer the state in there."""
    training = read_config(file, "training_config", what)
    if training is None:
        warnings.warn(f"{what} has no compile settings, so the model is not compiled; call compile()", stacklevel=4)
        return
    if not isinstance(training, dict):
        raise ValueError(f"{what}: its training_config is no dict")
    model.compile_from_config(modern_training(training))
    group = store.descend(file, "optimizer_weights")
    if group is not None and model.optimizer is not None:
        _load_optimizer(model.optimizer, group)


def model_config(file, what):
    """The architecture in FILE in Keras 3's form."""
    config = read_config(file, "model_config", what)
    if config is None:
        raise ValueError(f"{what} has no architecture, only weights; build the model, then model.load_weights()")
    return modern(config)


# ---- the optimizer ----


def _load_optimizer(optimizer, group):
    """Reads the state of OPTIMIZER; leaves it fresh, with a warning, where the file has another number of variables."""
    entry, names = store.EntryIn(group, group.name), keras2_weights.read_names(group, "weight_names")
    variables = optimizer.variables
    targets = _in_order_of(names, optimizer)
    if targets is None or [entry.shape(name) for name in names] != [tuple(v.shape) for v in targets]:
        warnings.warn(
            f"the state of optimizer {optimizer.name!r} was not loaded: the file has {len(names)} variables for it, "
            f"which do not match its own {len(variables)}; training goes on with a fresh one",
            stacklevel=5,
        )
        return
    for variable, name in zip(targets, names):
        variable.assign(entry.read(name, variable.shape).astype(variable.dtype, copy=False))


def _in_order_of(names, optimizer):
    """The variables of OPTIMIZER in the order in which the file has them; None if that is not known.

    Keras 3 has the step count, the rate, then the slots of each weight; Keras 2.11 leaves the rate out; before that all
    first slots came before all second ones.
    """
    variables = list(optimizer.variables)
    if len(names) == len(variables):
        return variables
    rest = [variables[0], *variables[2:]]
    if len(names) != len(rest) or not names:
        return None
    if names[0].split("/")[-1].split(":")[0] not in _STEP_COUNTERS:
        return None
    slots = len(rest) // max(len(optimizer._trainable_variables), 1)
    if "iteration" in names[0]:
        return rest
    return [rest[0], *(variable for slot in range(slots) for variable in rest[1 + slot :: slots])]
