"""The graph of a functional model: which calls lead from its inputs to its outputs, and in which order.

Layers are ordered as Keras orders them, by depth (the longest way to an output) and then by first use, since the order
of `model.layers` is the order of the weights.
"""

from cnnpy.layers.core import InputLayer


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
        """True if one input goes straight through single calls to one output."""
        if len(self.inputs) != 1 or len(self.outputs) != 1 or len({id(n.layer) for n in self.nodes}) != len(self.nodes):
            return False
        return all(len(nodes) == 1 and len(nodes[0].input_tensors) <= 1 for nodes in self.nodes_by_depth.values())
