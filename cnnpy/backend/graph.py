"""Keras 2's functions on the graph of a model: `K.function`, `K.gradients` and the learning phase.

Notebooks use them to look at feature maps and to climb gradients of an image:
`K.function([model.input], [loss, K.gradients(loss, model.input)[0]])`. Here a function is a model between the tensors,
and a gradient is a step of the graph that walks a tape when it is computed.
"""

import numpy as np

from cnnpy import tree
from cnnpy._core import GradientTape, Tensor, Variable
from cnnpy._core import sum as core_sum
from cnnpy.layers.core import InputLayer
from cnnpy.layers.layer import Layer
from cnnpy.layers.symbolic import KerasTensor


class _LearningPhase(int):
    """0, and a place for the flag among the inputs of a `function`."""


_PHASE = _LearningPhase(0)
_forced = []  # the flag that set_learning_phase has set


def learning_phase():
    """The flag for training (1) or inference (0); among the inputs of `function` it stands for that argument."""
    return _forced[0] if _forced else _PHASE


def set_learning_phase(value):
    """Makes VALUE, 0 or 1, the flag that functions use which are given none."""
    if value not in (0, 1):
        raise ValueError(f"set_learning_phase: value must be 0 or 1, got {value!r}")
    _forced[:] = [_LearningPhase(value)]


def _check_symbolic(owner, what, tensors):
    for x in tensors:
        if not isinstance(x, KerasTensor):
            raise TypeError(
                f"{owner}: {what} must be symbolic tensors, like model.input and layer.output; got {x!r}. For values "
                "use cnnpy.GradientTape"
            )


class Function:
    """Computes OUTPUTS for values of INPUTS, both symbolic tensors; see `function`."""

    def __init__(self, inputs, outputs, name=None):
        from cnnpy.models import Model

        given = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        self._phase = next((i for i, x in enumerate(given) if isinstance(x, _LearningPhase)), None)
        tensors = [x for x in given if not isinstance(x, _LearningPhase)]
        self._single = not isinstance(outputs, (list, tuple))
        results = [outputs] if self._single else list(outputs)
        _check_symbolic("function", "inputs", tensors)
        _check_symbolic("function", "outputs", results)
        self._count = len(given)
        self._model = Model(tensors, results, name=name)

    def __call__(self, inputs):
        values = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        if len(values) != self._count:
            raise ValueError(f"function: takes a list of {self._count} inputs, got {len(values)}")
        training = bool(learning_phase()) if self._phase is None else bool(np.asarray(values.pop(self._phase)))
        outputs = self._model(values, training=training)
        outputs = [np.array(y) for y in tree.flatten(outputs)]
        return outputs[0] if self._single else outputs


def function(inputs, outputs, updates=None, name=None):
    """A function that computes OUTPUTS, symbolic tensors (or one), for a list of values of INPUTS.

    `K.learning_phase()` among the inputs stands for the training flag. Returns NumPy arrays. UPDATES, which Keras 2 ran
    besides, are refused: assign to variables after the call.
    """
    if updates:
        raise NotImplementedError("function: updates are not offered; assign to the variables after the call")
    return Function(inputs, outputs, name)


class Gradients(Layer):
    """The gradients of a tensor of the graph (summed, if it has several elements) as a step of the graph.

    The step takes the inputs that LOSS depends on and computes it anew, under a tape.
    """

    def __init__(self, loss, sources, **kwargs):
        from cnnpy.models import Model

        super().__init__(**kwargs)
        self._from_graph = [isinstance(x, KerasTensor) for x in sources]
        symbols = [x for x in sources if isinstance(x, KerasTensor)]
        self._weights_wanted = tuple(x for x in sources if not isinstance(x, KerasTensor))
        self._sources = sources
        self.roots = [x for x in ancestors(loss) if isinstance(x._keras_history[0], InputLayer)]
        self._net = Model(self.roots, [loss, *symbols])
        self.built = True

    def compute_output_spec(self, *inputs):
        return [KerasTensor(x.shape, dtype=x.dtype) for x in self._sources]

    def call(self, *inputs):
        with GradientTape() as tape:
            tape.watch(list(inputs))
            loss, *symbols = tree.flatten(self._net(list(inputs)))  # a single output comes without its list
            loss = core_sum(loss)
        values, weights = iter(symbols), iter(self._weights_wanted)
        wanted = [next(values) if symbol else next(weights) for symbol in self._from_graph]
        found = tape.gradient(loss, wanted)
        return [Tensor(np.zeros(x.shape, x.dtype)) if g is None else g for g, x in zip(found, wanted)]


def ancestors(x):
    """X and all symbolic tensors that it is made from, each once."""
    found, waiting = {}, [x]
    while waiting:
        x = waiting.pop()
        if id(x) not in found:
            found[id(x)] = x
            if not isinstance(x._keras_history[0], InputLayer):
                waiting.extend(reversed(x.node.input_tensors))
    return list(found.values())


def gradients(loss, variables):
    """The gradients of LOSS, a symbolic tensor, with respect to VARIABLES, symbolic tensors or weights (or one).

    A list of symbolic tensors, to be computed by a `function`; None for a symbolic tensor that LOSS does not depend on.
    A loss of several elements is summed.
    """
    sources = list(variables) if isinstance(variables, (list, tuple)) else [variables]
    _check_symbolic("gradients", "loss", [loss])
    _check_symbolic("gradients", "variables", [x for x in sources if not isinstance(x, Variable)])
    known = {id(x) for x in ancestors(loss)}
    used = [x for x in sources if not isinstance(x, KerasTensor) or id(x) in known]
    step = Gradients(loss, used)
    results = iter(step(*step.roots) if used else [])
    return [next(results) if any(x is y for y in used) else None for x in sources]
