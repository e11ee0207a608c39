"""A graph made ready to run: a flat list of calls over numbered slots.

Each tensor of the graph has a slot. A step takes some slots, calls a layer and fills others; slots are emptied after
their last use, so that their memory serves the next layers. Layers without side effects are entered at `call`, past
`Layer.__call__`; a model that is one chain of these needs no slots at all. Where tensors may have masks, layers are
called as a whole, so that `Layer.__call__` hands these on.
"""

from cnnpy import tree
from cnnpy._core import Tensor
from cnnpy.layers.symbolic import KerasTensor
from cnnpy.layers.tracking import structure
from cnnpy.models.fusion import fused
from cnnpy.models.graph import Slot


def _fits(layer, x):
    """True if a value of the symbolic tensor X needs no cast for LAYER."""
    if x.dtype == layer._compute_dtype or not layer._casts:
        return True
    return not x.dtype.startswith("float") and not layer._float_inputs


class Plan:
    """How to run GRAPH, with MASKED on inputs that have masks. Valid while `version` equals the counter of changes of
    layers."""

    def __init__(self, graph, masked=False):
        self.version = structure.version
        self._masked = masked
        self._slots = {}
        for x in graph.inputs:
            self._slot(x)
        self.steps = [self._step(node) for node in graph.nodes]
        self.outputs = [self._slots[id(x)] for x in graph.outputs]
        self._fuse([node.layer for node in graph.nodes])
        self.size = len(self._slots)
        self._release()
        self.plain = all(step[5] for step in self.steps)
        first = graph.inputs[0]
        self.dtype = first.dtype
        self.sample_shape = first.shape[1:] if first.shape and None not in first.shape[1:] else None
        self.chain = self._as_chain(graph)
        self.lean = self.chain is not None and self.plain and self.sample_shape is not None

    def _slot(self, x):
        return self._slots.setdefault(id(x), len(self._slots))

    def _step(self, node):
        """(function, takes training, source slot or None, target slots, arguments if there is no source, plain)."""
        layer = node.layer
        plain = (
            layer._plain
            and layer.built
            and layer.activity_regularizer is None
            and not node.kwargs
            and not self._masked
            and not any(x._masked for x in (*node.input_tensors, *node.output_tensors))
            and all(_fits(layer, x) for x in node.input_tensors)
        )
        function = layer.call if plain else layer
        targets = [self._slot(x) for x in node.output_tensors]
        if len(node.args) == 1 and not node.kwargs and isinstance(node.args[0], KerasTensor):
            return function, plain and layer._takes_training, self._slots[id(node.args[0])], targets, None, plain
        slots = tree.map_structure(
            lambda x: Slot(self._slots[id(x)]) if isinstance(x, KerasTensor) else x, (tuple(node.args), node.kwargs)
        )
        return function, plain and layer._takes_training, None, targets, slots, plain

    def _fuse(self, layers):
        """Makes one step of neighbouring LAYERS that the core does in one pass."""
        readers = {slot: 1 for slot in self.outputs}  # of each slot; an output has one elsewhere
        for step in self.steps:
            for slot in self._sources(step):
                readers[slot] = readers.get(slot, 0) + 1
        reader = {step[2]: i for i, step in enumerate(self.steps) if readers.get(step[2]) == 1}
        merged = {}  # by the step that is last of those that were made one
        done = set()
        for i, step in enumerate(self.steps):
            chain = [i] if step[5] and step[2] is not None and i not in done else []
            while chain and len(self.steps[chain[-1]][3]) == 1:
                after = reader.get(self.steps[chain[-1]][3][0])
                if after is None or not self.steps[after][5]:
                    break
                chain.append(after)
            count, function = fused([layers[k] for k in chain])
            if function is None:
                continue
            last = chain[count - 1]
            takes_training = getattr(function, "takes_training", False)
            merged[last] = (function, takes_training, step[2], self.steps[last][3], None, True)
            done.update(chain[:count])
        self.steps = [merged.get(i, step) for i, step in enumerate(self.steps) if i in merged or i not in done]

    def _sources(self, step):
        if step[2] is not None:
            return [step[2]]
        return [leaf.index for leaf in tree.flatten(step[4]) if isinstance(leaf, Slot)]

    def _release(self):
        """Notes for each step which slots nobody needs after it."""
        kept, self.spent = set(self.outputs), []
        for step in reversed(self.steps):
            sources = set(self._sources(step)) - kept
            unused = set(step[3]) - kept
            kept |= sources
            self.spent.append(tuple(sorted(sources | unused)))
        self.spent.reverse()

    def _as_chain(self, graph):
        """[(function, takes training)] if the graph is one chain, else None."""
        if len(graph.inputs) != 1 or len(graph.outputs) != 1:
            return None
        at, chain = self._slots[id(graph.inputs[0])], []
        for function, takes_training, source, targets, _, _ in self.steps:
            if source != at or len(targets) != 1:
                return None
            at = targets[0]
            chain.append((function, takes_training))
        return chain if self.outputs == [at] else None

    def run(self, inputs, training):
        """The outputs, a list, for a list of Tensors."""
        if self.chain is not None:
            x = inputs[0]
            for function, takes_training in self.chain:
                x = function(x, training=training) if takes_training else function(x)
            return [x]
        slots = [*inputs, *(None,) * (self.size - len(inputs))]

        def fill(leaf):
            return slots[leaf.index] if type(leaf) is Slot else leaf

        for step, spent in zip(self.steps, self.spent):
            function, takes_training, source, targets, arguments, _ = step
            if source is not None:
                y = function(slots[source], training=training) if takes_training else function(slots[source])
            elif len(arguments[0]) == 1 and not arguments[1] and type(arguments[0][0]) is list:
                y = function([slots[leaf.index] if type(leaf) is Slot else fill(leaf) for leaf in arguments[0][0]])
            else:
                args, kwargs = tree.map_structure(fill, arguments)
                if takes_training:
                    kwargs = {"training": training, **kwargs}
                y = function(*args, **kwargs)
            if len(targets) == 1 and isinstance(y, Tensor):
                slots[targets[0]] = y
            else:
                for target, leaf in zip(targets, tree.flatten(y)):
                    slots[target] = leaf
            for index in spent:
                slots[index] = None
        return [slots[index] for index in self.outputs]
