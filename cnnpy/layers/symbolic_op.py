"""Steps of a functional model that are functions, not layers: arithmetic, indexing and cnnpy.ops on symbolic tensors."""

import operator

from cnnpy import _core
from cnnpy.layers.layer import Layer
from cnnpy.layers.symbolic import KerasTensor, find_function, function_name, symbolic
from cnnpy.utils.naming import auto_name


class SymbolicOp(Layer):
    """A call of FUNCTION (or of the function of that name) as a step of a model; it has no weights."""

    def __init__(self, function, name=None, dtype=None, trainable=True):
        function = find_function(function) if isinstance(function, str) else function
        super().__init__(name=name or auto_name(function.__name__.strip("_")), dtype=dtype, trainable=trainable)
        self._function = function
        self.built = True

    @property
    def type_name(self):
        """What `summary()` shows as its type."""
        return "".join(part.capitalize() for part in self._function.__name__.strip("_").split("_"))

    def __call__(self, *args, **kwargs):
        return self._symbolic_call(args, kwargs)

    def call(self, *args, **kwargs):
        return self._function(*args, **kwargs)

    def get_config(self):
        return {"name": self.name, "function": function_name(self._function), "dtype": self._dtype_policy.name}


def _binary(name, function):
    """Arithmetic NAME with its reflected form, as methods of symbolic tensors."""

    def forward(x, y):
        return function(x, y)

    forward.__name__ = forward.__qualname__ = name
    forward = symbolic(forward)

    def method(self, other):
        return forward(self, other)

    def reflected(self, other):
        return forward(other, self)

    return method, reflected


def _power(x, y):
    return _core.power(x, y)


def _matmul(x, y):
    return _core.matmul(x, y)


_ARITHMETIC = {
    "add": _core.add,
    "subtract": _core.subtract,
    "multiply": _core.multiply,
    "divide": _core.divide,
    "power": _core.power,
    "matmul": _core.matmul,
}
_METHODS = {"subtract": "sub", "multiply": "mul", "divide": "truediv", "power": "pow"}
_COMPARISONS = {
    "less": ("__lt__", _core.less),
    "less_equal": ("__le__", _core.less_equal),
    "greater": ("__gt__", _core.greater),
    "greater_equal": ("__ge__", _core.greater_equal),
}


@symbolic
def getitem(x, key):
    """x[key]."""
    return operator.getitem(x, key)


@symbolic
def negative(x):
    """-x."""
    return _core.negative(x)


@symbolic
def absolute(x):
    """|x|."""
    return _core.abs(x)


@symbolic
def cast(x, dtype):
    """x with another dtype."""
    return _core.cast(x, dtype=dtype)


def _install():
    """Gives symbolic tensors their operators."""
    for name, function in _ARITHMETIC.items():
        word = _METHODS.get(name, name)
        method, reflected = _binary(name, function)
        setattr(KerasTensor, f"__{word}__", method)
        setattr(KerasTensor, f"__r{word}__", reflected)
    for name, (word, function) in _COMPARISONS.items():
        setattr(KerasTensor, word, _binary(name, function)[0])
    KerasTensor.__getitem__ = lambda self, key: getitem(self, key)
    KerasTensor.__neg__ = lambda self: negative(self)
    KerasTensor.__abs__ = lambda self: absolute(self)
    KerasTensor.astype = lambda self, dtype: cast(self, dtype)


_install()
