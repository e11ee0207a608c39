"""The state of a model as a walk over the objects that hold it, each under a path of attributes and classes.

The paths are Keras 3's, which go by the structure of the model and not by the names of layers: `layers/conv2d_1` is the
second Conv2D of a Sequential or functional model, `blocks/dense` the first Dense in a list `self.blocks`.
"""

import warnings

from cnnpy.layers.calling import REMEMBERED
from cnnpy.layers.layer import Layer
from cnnpy.models.graph_model import GraphModel
from cnnpy.models.model import Model
from cnnpy.optimizers import Optimizer
from cnnpy.utils.naming import to_snake_case
from cnnpy.utils.random import SeedGenerator

_SAVEABLE = (Layer, Optimizer, SeedGenerator)
_GRAPH_STATE = frozenset({"_operations", "_graph", "_plan", "_stack", "_tail", "_inputs_struct", "_outputs_struct"})


def _own_attributes(model=False):
    """Attributes that every layer or model has of its own."""
    bare = Model() if model else Layer()
    return frozenset(vars(bare)) | REMEMBERED | _GRAPH_STATE | {"_own_metrics_cache"}


def _children(saveable):
    """(name, value) of the attributes that may hold further state, private ones last."""
    if isinstance(saveable, (Optimizer, SeedGenerator)):
        return
    is_model = isinstance(saveable, Model)
    if isinstance(saveable, GraphModel):
        yield "layers", saveable.layers
    attributes = {name: value for name, value in vars(saveable).items() if name not in _own_attributes(is_model)}
    if is_model:
        attributes["layers"] = saveable.layers
        attributes["optimizer"] = saveable.optimizer
    for name in sorted(attributes, key=lambda name: f"~{name}" if name.startswith("_") else name):
        yield name, attributes[name]


def _members(container):
    """(name, value) of the entries of a list or dict: by class, counted up."""
    counts = {}
    for value in container.values() if isinstance(container, dict) else container:
        if isinstance(value, _SAVEABLE):
            name = to_snake_case(type(value).__name__)
        elif isinstance(value, (list, tuple, dict)):
            name = "container"
        else:
            continue
        count = counts.get(name, 0)
        counts[name] = count + 1
        yield (f"{name}_{count}" if count else name), value


def walk(saveable, path="", seen=None):
    """(path, object) of all that holds state, each object once, under its first path."""
    seen = {} if seen is None else seen
    if id(saveable) in seen:
        return
    seen[id(saveable)] = (
        saveable  # held, since the lists that models hand out are gone at once, and their ids come again
    )
    if isinstance(saveable, _SAVEABLE):
        yield path, saveable
        inner = _children(saveable)
    else:
        inner = _members(saveable)
    for name, value in inner:
        if isinstance(value, (*_SAVEABLE, list, tuple, dict)):
            yield from walk(value, f"{path}/{name}" if path else name, seen)


def save_state(model, writer):
    """Writes all state of MODEL."""
    for path, saveable in walk(model):
        saveable.save_own_variables(writer.entry(path, getattr(saveable, "name", None)))


def load_state(model, reader, skip_mismatch=False):
    """Reads all state of MODEL; objects that do not fit are left alone with a warning if SKIP_MISMATCH.

    All shapes are compared before anything changes.

    Raises:
        ValueError: the file does not fit the model; says which objects and why.
    """
    fits, problems = [], []
    for path, saveable in walk(model):
        entry = reader.entry(path)
        if isinstance(saveable, SeedGenerator) and not entry:
            continue  # Keras does not write them
        try:
            check = getattr(saveable, "check_own_variables", None)
            if check is not None:
                check(entry)
        except (ValueError, KeyError) as error:
            problems.append((saveable, error))
        else:
            fits.append((saveable, entry))
    if problems and not skip_mismatch:
        raise ValueError(_explain(problems))
    for saveable, entry in fits:
        try:
            saveable.load_own_variables(entry)
        except (ValueError, KeyError, IndexError) as error:  # of a load_own_variables of the user's
            if not skip_mismatch:
                raise
            problems.append((saveable, error))
    for saveable, _ in fits:
        if hasattr(saveable, "seed_generator"):
            saveable._bind_ops()  # its op knows the seed
    if problems:
        warnings.warn(_explain(problems), stacklevel=4)


def _explain(problems):
    error = problems[0][1]
    text = error.args[0] if error.args else error
    names = ", ".join(repr(getattr(one, "name", type(one).__name__)) for one, _ in problems[:20])
    more = f" and {len(problems) - 20} more" if len(problems) > 20 else ""
    return f"{len(problems)} object(s) of the model could not be loaded: {names}{more}. The first one: {text}"
