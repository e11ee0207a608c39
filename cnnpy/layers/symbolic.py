"""Symbolic tensors: what a functional model is drawn with before there is data.

A `KerasTensor` has a shape (None where a size is open), a dtype and the call that makes it. A `Node` is one call of one
layer on symbolic tensors. Shapes of functions that give no rule for them are found by running them on zeros of two
sizes: a dimension that differs between the runs is open.
"""

import collections
import functools
import threading

from cnnpy import tree
from cnnpy._core import Tensor
from cnnpy.dtype_policies import standardize_dtype
from cnnpy.utils.naming import uniquify


class _CallState(threading.local):
    """What calls of layers know of the calls around them.

    training: the flag of the outermost call, or None. depth: how many calls are open. call_id: counts outermost calls.
    scope: names of the layers that are being built. probing: true while shapes are found by running on zeros.
    """

    training = None
    depth = 0
    call_id = 0
    scope = ()
    probing = False


call_state = _CallState()


class KerasHistory(collections.namedtuple("KerasHistory", ("operation", "node_index", "tensor_index"))):
    """Where a symbolic tensor comes from: the layer, the number of its call and the number among the outputs."""

    __slots__ = ()


class KerasTensor:
    """A tensor that is known by SHAPE and DTYPE only. Layers called on it give further symbolic tensors.

    What is computed from a tensor with RECORD_HISTORY false does not remember how. SPARSE and RAGGED tensors are not
    offered.
    """

    __array_priority__ = 1000
    ragged_rank = row_splits_dtype = None
    sparse = ragged = False

    def __init__(self, shape, dtype="float32", sparse=False, ragged=False, record_history=True, name=None):
        if sparse or ragged:
            raise NotImplementedError("KerasTensor: sparse and ragged tensors are not offered; use dense ones")
        self._shape = tuple(None if d is None else int(d) for d in shape)
        self._dtype = standardize_dtype(dtype)
        self.name = name or uniquify("keras_tensor")
        self.record_history = record_history
        self._keras_history = None  # a KerasHistory once a call has made it
        self._masked = False  # whether data in its place may have a mask

    @property
    def shape(self):
        """The sizes, None where one is open. A tensor of another shape is another tensor."""
        return self._shape

    @property
    def dtype(self):
        return self._dtype

    @property
    def ndim(self):
        return len(self._shape)

    @property
    def rank(self):
        return len(self._shape)

    @property
    def node(self):
        """The call that makes it."""
        layer, index, _ = self._keras_history
        return layer._inbound_nodes[index]

    def reshape(self, *newshape):
        """The same elements in another shape; the first dimension stays the batch."""
        from cnnpy.layers.reshaping import Reshape

        shape = newshape[0] if len(newshape) == 1 and isinstance(newshape[0], (tuple, list)) else newshape
        return Reshape(shape[1:])(self)

    def squeeze(self, axis=None):
        """Without the dimensions of size 1, or without AXIS."""
        from cnnpy import ops

        return ops.squeeze(self, axis)

    def __repr__(self):
        return (
            f"<KerasTensor shape={self.shape}, dtype={self.dtype}, sparse={self.sparse}, ragged={self.ragged}, "
            f"name={self.name}>"
        )

    def __array__(self, dtype=None, copy=None):
        raise ValueError(_no_value(self))

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        """NumPy's arrays meet symbolic tensors in operators; its functions cannot take them."""
        function = _symbolic_op().UFUNCS.get(ufunc.__name__) if method == "__call__" and not kwargs else None
        if function is None:
            raise ValueError(f"np.{ufunc.__name__}: {_no_value(self)}")
        return function(*inputs)

    def __bool__(self):
        raise TypeError(_no_value(self))

    def __float__(self):
        raise ValueError(_no_value(self))

    def __int__(self):
        raise ValueError(_no_value(self))

    def __len__(self):
        if not self.shape or self.shape[0] is None:
            raise TypeError(_no_value(self))
        return self.shape[0]

    def __iter__(self):
        if not self.shape or self.shape[0] is None:
            raise NotImplementedError(f"cannot iterate over {self!r}: its first size is open")
        return (self[i] for i in range(self.shape[0]))

    __hash__ = object.__hash__

    def astype(self, dtype):
        """The same values in another dtype."""
        return _symbolic_op().cast(self, dtype)

    def __getitem__(self, key):
        return _symbolic_op().get_item(self, *(key if isinstance(key, tuple) else (key,)))

    def __neg__(self):
        return _symbolic_op().negative(self)

    def __abs__(self):
        return _symbolic_op().absolute(self)

    def __invert__(self):
        return _symbolic_op().logical_not(self)

    def __round__(self, ndigits=None):
        return _symbolic_op().round(self, decimals=ndigits or 0)


def _symbolic_op():
    """The module of functions on symbolic tensors, which stands on layers and so is loaded when first used."""
    from cnnpy.layers import symbolic_op

    return symbolic_op


def _add_operators():
    def forward(name):
        return lambda self, other: getattr(_symbolic_op(), name)(self, other)

    def reflected(name):
        return lambda self, other: getattr(_symbolic_op(), name)(other, self)

    words = {
        "add": "add",
        "sub": "subtract",
        "mul": "multiply",
        "truediv": "true_divide",
        "div": "true_divide",
        "floordiv": "floor_divide",
        "mod": "mod",
        "pow": "power",
        "matmul": "matmul",
        "and": "logical_and",
        "or": "logical_or",
        "xor": "logical_xor",
    }
    for word, name in words.items():
        setattr(KerasTensor, f"__{word}__", forward(name))
        setattr(KerasTensor, f"__r{word}__", reflected(name))
    comparisons = {"ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal"}
    for word, name in comparisons.items():  # == compares identities, so that tensors can be found in lists
        setattr(KerasTensor, f"__{word}__", forward(name))


_add_operators()


def _no_value(tensor):
    return (
        f"{tensor!r} is symbolic and has no values yet. Use it with layers, cnnpy.ops functions or arithmetic, or "
        "put the computation into a Lambda layer or a Layer of your own"
    )


def is_keras_tensor(x):
    """True for a symbolic tensor."""
    return isinstance(x, KerasTensor)


def has_symbolic(values):
    """True if one of VALUES, or of the entries of its lists and dicts, is symbolic."""
    for value in values:
        kind = type(value)
        if kind is KerasTensor:
            return True
        if kind in (list, tuple) and has_symbolic(value):
            return True
        if kind is dict and has_symbolic(value.values()):
            return True
    return False


class Node:
    """One call of LAYER with ARGS and KWARGS, in which symbolic tensors stand for data, and its OUTPUTS."""

    def __init__(self, layer, args, kwargs, outputs):
        self.layer = layer
        self.args = args
        self.kwargs = kwargs
        self.outputs = outputs
        self.input_tensors = [x for x in tree.flatten((args, kwargs)) if isinstance(x, KerasTensor)]
        self.output_tensors = tree.flatten(outputs)
        self.parent_nodes = [x.node for x in self.input_tensors if x._keras_history is not None]
        if not all(x.record_history for x in self.input_tensors):
            for tensor in self.output_tensors:
                tensor.record_history = False
            return
        index = len(layer._inbound_nodes)
        masked = layer._may_be_masked(kwargs, self.input_tensors)
        for i, tensor in enumerate(self.output_tensors):
            tensor._keras_history = KerasHistory(layer, index, i)
            tensor._masked = masked
        layer._inbound_nodes.append(self)

    @property
    def operation(self):
        """The layer, under the name Keras gives it."""
        return self.layer

    def __repr__(self):
        return f"<Node of {self.layer.name}: {self.input_tensors} -> {self.output_tensors}>"


# ---- shapes of functions that have no rule for them ----

_PROBES = ((2, 32), (3, 48))  # (batch, any other open size)


def _probe_value(spec, sizes):
    import numpy as np

    shape = tuple((sizes[0] if axis == 0 else sizes[1]) if d is None else d for axis, d in enumerate(spec.shape))
    return Tensor(np.zeros(shape, spec.dtype))


def _probe(function, args, kwargs, sizes):
    def fill(x):
        return _probe_value(x, sizes) if isinstance(x, KerasTensor) else x

    before = call_state.probing, call_state.training
    call_state.probing, call_state.training = True, None
    try:
        return function(*tree.map_structure(fill, list(args)), **tree.map_structure(fill, kwargs))
    finally:
        call_state.probing, call_state.training = before


def infer_outputs(function, args, kwargs):
    """Symbolic outputs of FUNCTION for symbolic inputs among ARGS and KWARGS, found by running it on zeros."""
    inputs = [x for x in tree.flatten((args, kwargs)) if isinstance(x, KerasTensor)]
    first = _probe(function, args, kwargs, _PROBES[0])
    if any(None in x.shape for x in inputs):
        second = _probe(function, args, kwargs, _PROBES[1])
    else:
        second = first

    def merge(a, b):
        if not hasattr(a, "shape") or not hasattr(a, "dtype"):
            if a is None:
                return None
            import numpy as np

            a, b = np.asarray(a), np.asarray(b)
        shape = tuple(m if m == n else None for m, n in zip(a.shape, b.shape))
        return KerasTensor(shape, dtype=str(a.dtype))

    return tree.map_structure(merge, first, second)


# ---- functions on symbolic tensors ----

_functions = {}


def function_name(function):
    """The name under which FUNCTION is known to `find_function`."""
    return f"{function.__module__}.{function.__name__}"


def find_function(name):
    """The function that `function_name` gave NAME for. Only functions of cnnpy that take symbolic tensors are known."""
    import importlib

    module, _, leaf = name.rpartition(".")
    if name not in _functions and module.startswith(("cnnpy.ops", "cnnpy.activations", "cnnpy.layers.symbolic_op")):
        ops = importlib.import_module("cnnpy.ops")
        if name not in _functions and module.startswith("cnnpy.ops.") and leaf in ops.__all__:
            name = function_name(getattr(ops, leaf))  # it has moved to another file of cnnpy.ops
    if name not in _functions:
        raise ValueError(f"no function {name!r} is known that works on symbolic tensors")
    return _functions[name]


def symbolic(function):
    """A decorator for functions of Tensors: called on symbolic tensors they become a step of the model."""
    _functions[function_name(function)] = function

    @functools.wraps(function)
    def call(*args, **kwargs):
        for value in args:
            kind = type(value)
            if kind is KerasTensor or ((kind is list or kind is tuple) and has_symbolic(value)):
                break
        else:
            if not kwargs or not has_symbolic(kwargs.values()):
                return function(*args, **kwargs)
        from cnnpy.layers.symbolic_op import SymbolicOp

        return SymbolicOp(function)(*args, **kwargs)

    return call
