"""What functional and sequential models share: a graph between inputs and outputs, and its plan."""

import numpy as np

from cnnpy import _core, tree
from cnnpy._core import Tensor
from cnnpy.layers import calling
from cnnpy.layers.layer import Layer
from cnnpy.layers.symbolic import KerasTensor, Node, call_state, has_symbolic
from cnnpy.layers.tracking import structure, structure_changed
from cnnpy.models.graph import Graph, follow
from cnnpy.models.model import Model
from cnnpy.models.plan import Plan


class GraphModel(Model):
    """A model whose calls are known beforehand. `_set_graph(inputs, outputs)` gives it them."""

    _graph = None
    _plan = None
    _masked_plan = None  # the plan for inputs that have masks
    _inputs_struct = None
    _outputs_struct = None

    def _set_graph(self, inputs, outputs):
        """Makes structures of symbolic tensors the model's INPUTS and OUTPUTS."""
        flat_inputs, flat_outputs = tree.flatten(inputs), tree.flatten(outputs)
        graph = Graph(flat_inputs, flat_outputs, calling.label(self))
        self.__dict__.update(_graph=graph, _plan=None, _inputs_struct=inputs, _outputs_struct=outputs)
        structure_changed()

    # ---- structure ----

    @property
    def inputs(self):
        """The symbolic inputs, a list; None before a deferred model is built."""
        return None if self._graph is None else list(self._graph.inputs)

    @property
    def outputs(self):
        """The symbolic outputs, a list; None before a deferred model is built."""
        return None if self._graph is None else list(self._graph.outputs)

    @property
    def input(self):
        """The symbolic inputs as the model was given them: one, a list or a dict."""
        self._require_graph("input")
        return self._inputs_struct

    @property
    def output(self):
        """The symbolic outputs as the model was given them: one, a list or a dict."""
        self._require_graph("output")
        return self._outputs_struct

    @property
    def input_shape(self):
        """The shape of the only input, or a list of the shapes of all."""
        self._require_graph("input_shape")
        return _only([x.shape for x in self._graph.inputs])

    @property
    def output_shape(self):
        """The shape of the only output, or a list of the shapes of all."""
        self._require_graph("output_shape")
        return _only([x.shape for x in self._graph.outputs])

    def _require_graph(self, what):
        if self._graph is None:
            raise AttributeError(
                f"{calling.label(self)} has no {what} yet: add an Input(shape=...) first, or call it once on data"
            )

    @property
    def input_names(self):
        """Names of the inputs, by which dicts of arrays may be passed."""
        return [] if self._graph is None else [x._keras_history[0].name for x in self._graph.inputs]

    @property
    def output_names(self):
        """Names of the layers that make the outputs, counted up where one makes several."""
        names, counts = [], {}
        for x in self.outputs or ():
            name = x._keras_history[0].name
            counts[name] = counts.get(name, 0) + 1
            names.append(name if counts[name] == 1 else f"{name}_{counts[name] - 1}")
        return names

    def _current_plan(self):
        plan = self._plan
        if plan is None or plan.version != structure.version:
            plan = Plan(self._graph)
            plan.lean = plan.lean and type(self).call in _OWN_CALLS and self.activity_regularizer is None
            self.__dict__["_plan"] = plan
        return plan

    # ---- calling ----

    def __call__(self, *args, **kwargs):
        plan = self._plan
        if plan is not None and plan.lean and len(args) == 1 and plan.version == structure.version:
            x = args[0]
            if (
                type(x) is Tensor
                and x.dtype == plan.dtype
                and x.shape[1:] == plan.sample_shape
                and x._keras_mask is None
            ):
                if not kwargs:
                    training = call_state.training
                elif len(kwargs) == 1 and "training" in kwargs:
                    training = kwargs["training"]
                    if training is None:
                        training = call_state.training
                else:
                    return self._full_call(args, kwargs)
                for function, takes_training in plan.chain:
                    x = function(x, training=training) if takes_training else function(x)
                return x
        return self._full_call(args, kwargs)

    def _full_call(self, args, kwargs):
        if self._graph is None or type(self).call not in _OWN_CALLS:
            return Layer._full_call(self, args, kwargs)
        if has_symbolic(args) or has_symbolic(kwargs.values()):
            return self._symbolic_call(*self._one_structure(args, kwargs))
        args, kwargs = self._one_structure(args, kwargs)
        flat = self._flat_inputs(args[0], kwargs.get("mask"))
        training = kwargs.get("training")
        before = call_state.training, call_state.scope
        if training is None:
            training = before[0]
        if call_state.depth == 0:
            call_state.call_id += 1
        self.__dict__["_call_id"] = call_state.call_id
        call_state.depth += 1
        call_state.training, call_state.scope = training, (*before[1], self._name)
        try:
            outputs = self._run(flat, training)
            if self.activity_regularizer is not None:
                calling.add_activity_losses(self, outputs)
        finally:
            call_state.training, call_state.scope = before
            call_state.depth -= 1
        return outputs

    def _one_structure(self, args, kwargs):
        """(one positional argument, the other keywords) of a call."""
        kwargs = dict(kwargs)
        if not args and "inputs" in kwargs:
            args = (kwargs.pop("inputs"),)
        if len(args) == 2 and isinstance(args[1], bool):
            kwargs["training"], args = args[1], args[:1]
        if len(args) != 1 or set(kwargs) - {"training", "mask"}:
            raise TypeError(
                f"{calling.label(self)}: takes one argument, an array or a list or dict of arrays, and training= and "
                f"mask=; got {len(args)} and keywords {sorted(kwargs)}"
            )
        return args, kwargs

    def call(self, inputs, training=None, mask=None):
        training = call_state.training if training is None else training
        return self._run(self._flat_inputs(inputs, mask), training)

    def _run(self, flat, training):
        """The outputs, in their structure, for a list of Tensors."""
        plan = self._current_plan()
        if any(calling.masks_of(x) is not None for x in flat):
            masked = self._masked_plan
            if masked is None or masked.version != plan.version:
                masked = Plan(self._graph, masked=True)
                self.__dict__["_masked_plan"] = masked
            plan = masked
        return self._results(plan.run(flat, training))

    def _pack(self, flat):
        if isinstance(self._outputs_struct, KerasTensor):
            return flat[0]
        return tree.pack_sequence_as(self._outputs_struct, flat)

    def _results(self, flat):
        """The outputs of a call on data: like `output`, but a list or tuple of one is that one."""
        packed = self._pack(flat)
        return packed[0] if isinstance(packed, (list, tuple)) and len(packed) == 1 else packed

    def _arrange(self, inputs):
        """INPUTS, an array or a list or dict of them, as a list in the order of the model's inputs."""
        expected = self._graph.inputs
        if isinstance(inputs, dict):
            keys = sorted(self._inputs_struct) if isinstance(self._inputs_struct, dict) else self.input_names
            missing = [key for key in keys if key not in inputs]
            if missing and not isinstance(self._inputs_struct, dict) and set(inputs) >= {x.name for x in expected}:
                keys, missing = [x.name for x in expected], []
            if missing:
                raise ValueError(
                    f"{calling.label(self)}: the dict of inputs lacks {missing}; it needs {keys} and has "
                    f"{sorted(inputs)}"
                )
            return [inputs[key] for key in keys]
        if isinstance(inputs, (list, tuple)) and not (len(expected) == 1 and _is_data(inputs)):
            flat = tree.flatten(inputs)
        else:
            flat = [inputs]
        if len(flat) != len(expected):
            raise ValueError(f"{calling.label(self)}: takes {len(expected)} inputs {self.input_names}, got {len(flat)}")
        return flat

    def _flat_inputs(self, inputs, mask=None):
        """Tensors of the right rank and dtype for the graph's inputs, with the masks MASK where it has some."""
        given = self._arrange(inputs)
        flat = [self._ready(x, spec) for x, spec in zip(given, self._graph.inputs)]
        masks = [calling.masks_of(x) for x in given]
        if mask is not None:
            masks = [old if new is None else new for old, new in zip(masks, self._arrange(mask))]
        return [calling.with_mask(x, one) for x, one in zip(flat, masks)]

    def _ready(self, x, spec):
        if x is None:
            if getattr(spec._keras_history[0], "optional", False):
                return None
            raise ValueError(f"{calling.label(self)}: input {spec.name!r} is None; only an Input(optional=True) may be")
        if not isinstance(x, Tensor):
            try:
                x = Tensor(x, spec.dtype)
            except (TypeError, ValueError) as error:
                raise type(error)(f"{calling.label(self)}: input {spec.name!r}: {error}") from None
        elif x.dtype != spec.dtype:
            x = _core.cast(x, dtype=spec.dtype)
        shape, wanted = x.shape, spec.shape
        if len(shape) == len(wanted) + 1 and shape[-1] == 1:
            x = _core.reshape(x, shape=shape[:-1])
        elif len(shape) == len(wanted) - 1 and wanted[-1] == 1:
            x = _core.reshape(x, shape=(*shape, 1))
        shape = x.shape
        if len(shape) != len(wanted) or any(w is not None and d != w for d, w in zip(shape[1:], wanted[1:])):
            raise ValueError(f"{calling.label(self)}: {_misfit(spec, shape)}")
        return x

    # ---- copies ----

    def __getstate__(self):
        state = super().__getstate__()
        for name in ("_graph", "_plan", "_masked_plan", "_inputs_struct", "_outputs_struct"):
            state.pop(name, None)
        if self._graph is not None:
            inputs, calls, put = self._graph.recipe()
            state["_recipe"] = (inputs, calls), put(self._inputs_struct), put(self._outputs_struct)
        return state

    def __setstate__(self, state):
        recipe = state.pop("_recipe", None)
        super().__setstate__(state)
        if recipe is not None:
            tensors = follow(recipe[0])
            inputs, outputs = tree.map_structure(lambda slot: tensors[slot.index], recipe[1:])
            self._set_graph(inputs, outputs)

    # ---- symbolic calls ----

    def _symbolic_call(self, args, kwargs):
        kwargs = {key: value for key, value in kwargs.items() if value is not None}
        outputs = self.compute_output_spec(*args)
        Node(self, args, kwargs, outputs)
        return outputs

    def compute_output_spec(self, inputs, training=None, mask=None):
        if self._graph is None or type(self).call not in _OWN_CALLS:
            return Layer.compute_output_spec(self, inputs)
        flat = self._arrange(inputs)
        for x, spec in zip(flat, self._graph.inputs):
            fits = len(x.shape) == len(spec.shape) and all(
                None in (d, w) or d == w for d, w in zip(x.shape[1:], spec.shape[1:])
            )
            if not fits:
                raise ValueError(f"{calling.label(self)}: {_misfit(spec, x.shape)}")
        known = {id(spec): x for spec, x in zip(self._graph.inputs, flat)}
        same = all(x.shape == spec.shape for x, spec in zip(flat, self._graph.inputs))
        for node in () if same else self._graph.nodes:
            args, kwargs = tree.map_structure(
                lambda t: known[id(t)] if isinstance(t, KerasTensor) else t, (tuple(node.args), node.kwargs)
            )
            outputs = node.layer.compute_output_spec(*args, **kwargs)
            for old, new in zip(node.output_tensors, tree.flatten(outputs)):
                known[id(old)] = new
        flat_outputs = [KerasTensor(known.get(id(x), x).shape, dtype=x.dtype) for x in self._graph.outputs]
        return self._pack(flat_outputs)

    def compute_output_shape(self, input_shape):
        if self._graph is None:
            return Layer.compute_output_shape(self, input_shape)
        specs = tree.map_shapes(lambda shape: KerasTensor(shape, dtype=self._compute_dtype), input_shape)
        return tree.map_structure(lambda x: x.shape, self.compute_output_spec(specs))


_OWN_CALLS = {GraphModel.call}


def _only(items):
    return items[0] if len(items) == 1 else items


def _is_data(inputs):
    """True for a list of numbers, or of lists of them: one array, no list of arrays."""
    first = inputs
    while isinstance(first, (list, tuple)) and first:
        first = first[0]
    return isinstance(first, (int, float, np.number)) or (isinstance(inputs, (list, tuple)) and not inputs)


def _misfit(spec, shape):
    """Why an input of SHAPE is none for SPEC, and what to do."""
    shape, wanted = tuple(shape), spec.shape
    text = f"input {spec.name!r} must have shape {wanted}, got {shape}"
    if len(shape) == len(wanted) - 1:
        if all(w in (None, d) for d, w in zip(shape, wanted[1:])):
            return f"{text}; did you forget the batch dimension, x[None]?"
        if len(wanted) == 4:
            return f"{text}; did you forget np.expand_dims(x, -1)?"
    if len(shape) == len(wanted) == 4 and shape[1] == wanted[3] and shape[2:] == wanted[1:3]:
        return f"{text}; the channels seem to come first: use np.transpose(x, (0, 2, 3, 1))"
    if len(shape) == 4 and len(wanted) == 4 and shape[3] != wanted[3]:
        return f"{text}. Pass shape={shape[1:]} to the model's Input"
    if len(wanted) == 2 and len(shape) > 2:
        return f"{text}. Reshape the data, or put Flatten() first in the model"
    return text
