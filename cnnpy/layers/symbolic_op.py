"""Steps of a functional model that are functions: arithmetic, indexing and cnnpy.ops on symbolic tensors."""

import operator

import numpy as np

from cnnpy import _core, tree
from cnnpy.layers.layer import Layer
from cnnpy.layers.symbolic import KerasTensor, find_function, function_name, has_symbolic, symbolic
from cnnpy.utils.naming import auto_name


class SymbolicOp(Layer):
    """A call of FUNCTION (or of the function of that name) as a step of a model; it has no weights."""

    _plain = True
    _casts = False

    def __init__(self, function, name=None, dtype=None, trainable=True):
        function = find_function(function) if isinstance(function, str) else function
        name = name or auto_name(function.__name__.strip("_"))
        super().__init__(name=name, dtype=dtype, trainable=trainable, autocast=False)
        self._function = function
        self.built = True

    @property
    def type_name(self):
        """What `summary()` shows as its type."""
        return "".join(part.capitalize() for part in self._function.__name__.strip("_").split("_"))

    def __call__(self, *args, **kwargs):
        if not has_symbolic(args) and not has_symbolic(kwargs.values()):
            return self._function(*args, **kwargs)
        floats = [x.dtype for x in tree.flatten((args, kwargs)) if isinstance(x, KerasTensor) and "float" in x.dtype]

        def constant(x):
            """Arrays of another float dtype must not change that of the model."""
            if floats and isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.dtype.name != floats[0]:
                return x.astype(floats[0])
            return x

        return self._symbolic_call(tree.map_structure(constant, args), tree.map_structure(constant, kwargs))

    def call(self, *args, **kwargs):
        return self._function(*args, **kwargs)

    def __getstate__(self):
        return {**super().__getstate__(), "_function": function_name(self._function)}

    def __setstate__(self, state):
        super().__setstate__({**state, "_function": find_function(state["_function"])})

    def get_config(self):
        return {"name": self.name, "function": function_name(self._function), "dtype": self._dtype_policy.name}


def _binary(name, doc, core_name=None):
    """The core's op as a function NAME of two tensors of which one is symbolic."""
    op = getattr(_core, core_name or name)

    def function(x, y):
        return op(x, y)

    function.__name__ = function.__qualname__ = name
    function.__module__ = __name__
    function.__doc__ = doc
    return symbolic(function)


add = _binary("add", "x + y.")
subtract = _binary("subtract", "x - y.")
multiply = _binary("multiply", "x * y.")
true_divide = _binary("true_divide", "x / y.", "divide")
power = _binary("power", "x ** y.")
matmul = _binary("matmul", "x @ y.")
floor_divide = _binary("floor_divide", "x // y.")
mod = _binary("mod", "x % y, with the sign of y.")
logical_and = _binary("logical_and", "x and y, element by element.")
logical_or = _binary("logical_or", "x or y, element by element.")
logical_xor = _binary("logical_xor", "Either x or y, element by element.")
not_equal = _binary("not_equal", "x != y.")
less = _binary("less", "x < y.")
less_equal = _binary("less_equal", "x <= y.")
greater = _binary("greater", "x > y.")
greater_equal = _binary("greater_equal", "x >= y.")


@symbolic
def get_item(x, *keys):
    """x[keys]; a tuple is spread over the arguments, so that a config keeps it apart from a list."""
    return operator.getitem(x, keys)


@symbolic
def negative(x):
    """-x."""
    return _core.negative(x)


@symbolic
def absolute(x):
    """|x|."""
    return _core.abs(x)


@symbolic
def logical_not(x):
    """Not x, element by element."""
    return _core.logical_not(x)


@symbolic
def round(x, decimals=0):
    """x rounded to DECIMALS places, halves to the even digit."""
    from cnnpy import ops

    return ops.round(x, decimals)


@symbolic
def cast(x, dtype):
    """x with another dtype."""
    return _core.cast(x, dtype=dtype)


# What NumPy calls the functions behind operators.
UFUNCS = {
    "add": add,
    "subtract": subtract,
    "multiply": multiply,
    "divide": true_divide,
    "true_divide": true_divide,
    "floor_divide": floor_divide,
    "remainder": mod,
    "power": power,
    "matmul": matmul,
    "bitwise_and": logical_and,
    "bitwise_or": logical_or,
    "bitwise_xor": logical_xor,
    "not_equal": not_equal,
    "less": less,
    "less_equal": less_equal,
    "greater": greater,
    "greater_equal": greater_equal,
}
