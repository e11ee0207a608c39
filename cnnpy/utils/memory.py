"""How much memory a model takes while it trains and predicts."""

import contextlib
import gc
import math
import random

import numpy as np

from cnnpy import _core

_WHOLE_BELOW = 512 << 20  # bytes; what takes more is not run as it is


def _size(n):
    return f"{n / 2**30:,.1f} GiB" if n >= 2**30 else f"{n / 2**20:,.1f} MiB"


def check_weight(label, name, shape, dtype):
    """Raises MemoryError if a weight of LABEL's layer is larger than what the system can give."""
    needed, available = _tensor_bytes((name, shape, dtype)), _core.memory_available()
    if available is not None and needed > available:
        raise MemoryError(
            f"{label}: its weight {name!r} of shape {tuple(shape)} needs {_size(needed)}, this machine has "
            f"{_size(available)} free; use fewer units or filters, or make its input smaller"
        )


def explain(error, model, batch_size, training):
    """Adds a note to a MemoryError: what batches of MODEL take, if its shapes are known."""
    graph = getattr(model, "_graph", None)
    if graph is not None:
        error.add_note(_explanation(model, graph, batch_size or 32, training))


def _explanation(model, graph, batch_size, training):
    from cnnpy.tree import flatten

    weights = [(v.path, v.shape, v.dtype) for v in model.weights]
    outputs = [
        (f"output of {node.layer.name}", (batch_size, *x.shape[1:]), x.dtype)
        for node in graph.nodes
        for x in flatten(node.outputs)
        if None not in x.shape[1:]
    ]
    kept = sum(map(_tensor_bytes, weights)), sum(map(_tensor_bytes, outputs))
    if training:
        needs = f"training it takes up to about {_size(2 * sum(kept))} and the optimizer's variables"
    else:
        needs = f"prediction takes at least {_size(kept[0] + max(map(_tensor_bytes, outputs), default=0))}"
    return (
        f"{type(model).__name__} {model.name!r}, batches of {batch_size}: {needs} (weights {_size(kept[0])}, "
        f"outputs of all layers {_size(kept[1])}); the largest: {_largest([*weights, *outputs])}. Use a smaller "
        "batch_size or model"
    )


def _tensor_bytes(tensor):
    _, shape, dtype = tensor
    return math.prod(shape) * np.dtype(dtype).itemsize


def _largest(tensors):
    """The three largest of TENSORS, (name, shape, dtype) of each, in words."""
    first = sorted(tensors, key=_tensor_bytes, reverse=True)[:3]
    return ", ".join(f"{tensor[0]} {tuple(tensor[1])} {_size(_tensor_bytes(tensor))}" for tensor in first)


class MemoryEstimate:
    """Bytes of tensors that a model takes for batches of `batch_size`; printed in MiB.

    `training` and `prediction` are the peaks, each with the `weights`. Training has besides them the `optimizer`'s
    variables and, as `step`, what lives at the fullest moment of forward and backward pass: activations, gradients,
    scratch memory and the batch itself. What Python, NumPy and the data set take is not counted.
    """

    def __init__(self, batch_size, weights, optimizer, step, forward):
        self.batch_size = batch_size
        self.weights = weights
        self.optimizer = optimizer
        self.step = step
        self.training = weights + optimizer + step
        self.prediction = weights + forward

    def __repr__(self):
        def mib(n):
            return f"{n / 2**20:,.1f} MiB"

        return (
            f"Memory for a batch of {self.batch_size}: training {mib(self.training)} (weights {mib(self.weights)}, "
            f"optimizer {mib(self.optimizer)}, one step {mib(self.step)}), prediction {mib(self.prediction)}"
        )


def memory_estimate(model, batch_size=32, input_shape=None):
    """The memory that MODEL will take, as a MemoryEstimate.

    It is measured: the model runs forward and backward on zeros, on a quarter and on half of the batch, and on all of
    it unless that would take more than 512 MiB. So it takes about as long as two steps, and knows every layer. Weights,
    moving averages and random generators are the same afterwards. Nothing else should compute meanwhile in the process.

    Arguments:
        model: a built model. Before compile() the optimizer counts nothing.
        batch_size: samples per step.
        input_shape: the shape of one sample, or a list of them; needed where the model itself does not tell sizes.

    Raises:
        ValueError: the batch size is no positive integer, or the shape of the inputs is not known.
    """
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(f"memory_estimate: batch_size must be a positive integer, got {batch_size!r}")
    inputs = _inputs(model, input_shape)
    gc.collect()  # what is freed meanwhile would be counted as taken less
    with _unchanged(model):
        step = _at(batch_size, lambda n: _step(model, inputs, n))
        forward = _at(batch_size, lambda n: _forward(model, inputs, n))
    return MemoryEstimate(batch_size, _bytes(model.variables), _optimizer_bytes(model), step, forward)


def _inputs(model, input_shape):
    """[(shape of a sample, dtype)] of the model's inputs."""
    known = getattr(model, "inputs", None)
    if input_shape is not None:
        several = isinstance(input_shape, (list, tuple)) and input_shape and not isinstance(input_shape[0], int)
        shapes = [tuple(shape) for shape in (input_shape if several else [input_shape])]
        dtypes = [x.dtype for x in known] if known else ["float32"] * len(shapes)
        if len(shapes) != len(dtypes):
            raise ValueError(f"memory_estimate: the model has {len(dtypes)} inputs, got input_shape={input_shape!r}")
        return list(zip(shapes, dtypes))
    if not known or any(None in x.shape[1:] for x in known):
        raise ValueError(
            f"memory_estimate: the sizes of the inputs of {model.name!r} are not known; pass input_shape, the shape of "
            "one sample"
        )
    return [(tuple(x.shape[1:]), x.dtype) for x in known]


def _call(model, inputs, count, training):
    tensors = [_core.Tensor(np.zeros((count, *shape), dtype)) for shape, dtype in inputs]
    return model(tensors[0] if len(tensors) == 1 else tensors, training=training)


def _forward(model, inputs, count):
    _call(model, inputs, count, False)


def _step(model, inputs, count):
    from cnnpy.tree import flatten

    with _core.GradientTape() as tape:
        outputs = flatten(_call(model, inputs, count, True))
    return tape.gradient(outputs, model.trainable_variables)


def _peak(run):
    """The most bytes that RUN has in use above what is in use already."""
    before = _core.memory_stats()["in_use"]
    _core.memory_reset_peak()
    kept = run()
    peak = _core.memory_stats()["peak"] - before
    del kept
    return peak


def _at(batch_size, run):
    """What RUN(batch_size) takes."""
    if batch_size >= 4:
        small, half = batch_size // 4, batch_size // 2
        less, more = _peak(lambda: run(small)), _peak(lambda: run(half))
        expected = more + (more - less) / (half - small) * (batch_size - half)
        if expected > _WHOLE_BELOW:
            return int(expected)
    return _peak(lambda: run(batch_size))


def _bytes(variables):
    return sum(v.value.nbytes for v in variables)


def _optimizer_bytes(model):
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return 0
    if not optimizer.built:
        optimizer = type(optimizer).from_config(optimizer.get_config())
        optimizer.build(model.trainable_variables)
    return _bytes(optimizer.variables)


@contextlib.contextmanager
def _unchanged(model):
    """Whatever happens inside, MODEL and the random generators are as before afterwards."""
    from cnnpy.layers.stateless import holding
    from cnnpy.utils import random as seeds

    generators = [
        value
        for layer in (model, *model._flatten_layers())
        for value in vars(layer).values()
        if isinstance(value, seeds.SeedGenerator)
    ]
    states = [generator.state for generator in generators]
    common, drawn = seeds.global_state(), random.getstate()
    variables = [*model.non_trainable_variables, *model.metrics_variables]
    try:
        with holding(variables, [v.value for v in variables]):
            yield
    finally:
        for generator, state in zip(generators, states):
            generator.seed, generator.offset = state
        seeds.set_global_state(common)
        random.setstate(drawn)
