"""The graph of a functional model: which calls lead from its inputs to its outputs, and in which order.

Layers are ordered as Keras orders them, by depth (the longest way to an output) and then by first use, since the order
of `model.layers` is the order of the weights.
"""

from cnnpy import tree
from cnnpy.layers.core import InputLayer
from cnnpy.layers.symbolic import KerasTensor, Node


class Slot:
    """Stands for the tensor number INDEX of a graph where a call's arguments are written down."""

    __slots__ = ("index",)

    def __init__(self, index):
        self.index = index


class Graph:
    """The calls between INPUTS and OUTPUTS (lists of symbolic tensors).

    nodes: the calls, each after those it needs; nodes_by_depth: dict of depth to calls; layers: in Keras's order.
    """

    def __init__(self, inputs, outputs, owner):
        self.inputs = inputs
        self.outputs = outputs
        self._given = {id(x) for x in inputs}
        self._collect(owner)
        self._order()
        self._check_names(owner)

    def _parents(self, node):
        """The calls that make what NODE takes, but for the model's inputs."""
        return [x.node for x in node.input_tensors if id(x) not in self._given]

    def _collect(self, owner):
        """Finds all calls by walking from the outputs back, without recursion: a model may be deep."""
        begun, self._found, self._first_use = set(), [], {}
        for output in self.outputs:
            stack = [] if id(output) in self._given else [(output, False)]
            while stack:
                tensor, ready = stack.pop()
                node = tensor.node
                if ready:
                    self._found.append(node)
                if id(node) in begun:
                    continue
                begun.add(id(node))
                self._first_use.setdefault(node.layer, len(self._first_use))
                if id(tensor) in self._given:
                    continue
                if isinstance(node.layer, InputLayer):
                    raise ValueError(
                        f"{owner}: the outputs depend on the input {node.layer.name!r} of shape {tensor.shape}, "
                        "which is "
                        f"not among the model's inputs {[x.name for x in self.inputs]}; pass it in inputs=[...]"
                    )
                stack.append((tensor, True))
                stack.extend((x, False) for x in reversed(node.input_tensors) if not self._starts_inside(x))

    def _starts_inside(self, x):
        """True for an input of the model that a layer of another model makes; what lies before it is not ours."""
        return id(x) in self._given and not isinstance(x._keras_history[0], InputLayer)

    def _order(self):
        depths, layer_depths = {}, {}
        for node in reversed(self._found):
            depth = max(depths.get(node, 0), layer_depths.get(node.layer, 0))
            depths[node] = layer_depths[node.layer] = depth
            for parent in self._parents(node):
                depths[parent] = max(depth + 1, depths.get(parent, 0))
        input_nodes = []
        for x in self.inputs:
            consumers = [depths[node] for node in self._found if any(t is x for t in node.input_tensors)]
            depth = max(consumers, default=-1) + 1
            if isinstance(x._keras_history[0], InputLayer):
                input_nodes.append(x.node)
                depths[x.node] = depth
                layer_depths[x.node.layer] = max(depth, layer_depths.get(x.node.layer, 0))
                self._first_use.setdefault(x.node.layer, -1)
        self.nodes_by_depth = {}
        for node, depth in depths.items():
            self.nodes_by_depth.setdefault(depth, []).append(node)
        self.nodes_by_depth = dict(sorted(self.nodes_by_depth.items(), reverse=True))
        self.nodes = self._found
        self.all_nodes = input_nodes + self._found
        self.layers = sorted(layer_depths, key=lambda layer: (-layer_depths[layer], self._first_use[layer]))

    def _check_names(self, owner):
        seen = {}
        for layer in self.layers:
            if seen.setdefault(layer.name, layer) is not layer:
                raise ValueError(
                    f"{owner}: two layers bear the name {layer.name!r}: {seen[layer.name]!r} and {layer!r}; give "
                    "them names that differ"
                )

    def is_chain(self):
        """True if one input goes straight through single calls, whichever of them are outputs."""
        if len(self.inputs) != 1 or len({id(n.layer) for n in self.nodes}) != len(self.nodes):
            return False
        return all(len(nodes) == 1 and len(nodes[0].input_tensors) <= 1 for nodes in self.nodes_by_depth.values())

    def recipe(self):
        """The graph as a flat list, without symbolic tensors: what copies and pickles of a model take along."""
        numbers = {}

        def number(x):
            return Slot(numbers.setdefault(id(x), len(numbers)))

        def put(part):
            return tree.map_structure(lambda x: number(x) if isinstance(x, KerasTensor) else x, part)

        inputs = []
        for x in self.inputs:
            number(x)
            layer = x._keras_history[0]
            inputs.append(layer if isinstance(layer, InputLayer) else (x.shape, x.dtype, x.name))
        calls = []
        for node in self.nodes:
            specs = [(x.shape, x.dtype, x.name) for x in node.output_tensors]
            calls.append((node.layer, put(node.args), put(node.kwargs), put(node.outputs), specs))
        return inputs, calls, put


def follow(recipe):
    """The symbolic tensors of a RECIPE, a list by number; notes its calls at the layers."""
    inputs, calls = recipe
    tensors = [_input(given) for given in inputs]

    def take(part):
        return tree.map_structure(lambda x: tensors[x.index] if isinstance(x, Slot) else x, part)

    for layer, args, kwargs, outputs, specs in calls:
        made = [KerasTensor(shape, dtype, name=name) for shape, dtype, name in specs]
        for slot, tensor in zip(tree.flatten(outputs), made):
            tensors.extend([None] * (slot.index + 1 - len(tensors)))
            tensors[slot.index] = tensor
        Node(layer, take(args), take(kwargs), take(outputs))
    return tensors


def _input(given):
    """The symbolic tensor of an InputLayer, or one of (shape, dtype, name) for a model that started inside another."""
    if isinstance(given, InputLayer):
        return given.output
    shape, dtype, _ = given
    return InputLayer(batch_shape=shape, dtype=dtype).output
