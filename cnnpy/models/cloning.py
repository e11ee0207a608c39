"""Copies of models with fresh weights."""

from cnnpy import tree
from cnnpy.layers.core import InputLayer
from cnnpy.layers.symbolic import KerasTensor
from cnnpy.models.functional import Functional
from cnnpy.models.sequential import Sequential
from cnnpy.saving.serialization import keeping_lambdas


def _clone_layer(layer):
    with keeping_lambdas():
        return type(layer).from_config(layer.get_config())


def clone_model(model, input_tensors=None, clone_function=None, call_function=None, recursive=False):
    """A model like MODEL whose layers are new ones of the same configuration and names, with fresh weights.

    INPUT_TENSORS take the place of its inputs. CLONE_FUNCTION(layer) makes the new layer, CALL_FUNCTION(layer, *args,
    **kwargs) calls it. Models inside are cloned by their configuration, or layer by layer with RECURSIVE.
    """
    from cnnpy.models.model import Model

    if not isinstance(model, Model):
        raise TypeError(f"clone_model: takes a model, got {model!r}")
    if call_function is not None and not isinstance(model, Functional):
        raise ValueError(f"clone_model: call_function is for functional models, {model.name!r} is none")
    make = clone_function or _clone_layer

    def clone(layer):
        if recursive and isinstance(layer, (Functional, Sequential)):
            return clone_model(layer, None, clone_function, call_function, True)
        return make(layer)

    if isinstance(model, Sequential):
        layers = [clone(layer) for layer in model.layers]
        if input_tensors is not None:
            first = tree.flatten(input_tensors)
            layers.insert(0, first[0])
        elif model._stack and isinstance(model._stack[0], InputLayer):
            layers.insert(0, _clone_layer(model._stack[0]))
        return Sequential(layers, name=model.name, trainable=model.trainable)
    if not isinstance(model, Functional):
        if input_tensors is not None or clone_function is not None:
            raise ValueError("clone_model: input_tensors and clone_function are for functional and sequential models")
        return _clone_layer(model)
    return _clone_functional(model, input_tensors, clone, call_function)


def _clone_functional(model, input_tensors, clone, call_function):
    made, known = {}, {}
    sources = model._graph.inputs
    if input_tensors is None:
        for x in sources:
            known[id(x)] = InputLayer(batch_shape=x.shape, dtype=x.dtype, name=x._keras_history[0].name).output
    else:
        flat = tree.flatten(input_tensors)
        if len(flat) != len(sources):
            raise ValueError(f"clone_model: the model has {len(sources)} inputs, input_tensors {len(flat)}")
        known.update({id(x): y for x, y in zip(sources, flat)})

    def swap(x):
        return known[id(x)] if isinstance(x, KerasTensor) else x

    for layer in model._graph.layers:
        if not isinstance(layer, InputLayer):
            made[layer] = clone(layer)
    for node in model._graph.nodes:
        args, kwargs = tree.map_structure(swap, (tuple(node.args), node.kwargs))
        layer = made[node.layer]
        outputs = call_function(layer, *args, **kwargs) if call_function else layer(*args, **kwargs)
        known.update({id(old): new for old, new in zip(node.output_tensors, tree.flatten(outputs))})
    inputs = tree.map_structure(swap, model._inputs_struct)
    outputs = tree.map_structure(swap, model._outputs_struct)
    return Functional(inputs, outputs, name=model.name, trainable=model.trainable)
