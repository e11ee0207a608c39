"""Functions of elements: arithmetic, comparison, logic, and choices.

Shapes broadcast and dtypes promote as NumPy's, but float32 stays float32 beside integers, and a Python number takes the
dtype of its neighbour.
"""

import builtins

from cnnpy import _core
from cnnpy.layers.symbolic import symbolic
from cnnpy.ops._convert import floats, is_number, tensor, tensors

__all__ = [
    "abs",
    "absolute",
    "add",
    "ceil",
    "clip",
    "cos",
    "divide",
    "equal",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "floor_divide",
    "greater",
    "greater_equal",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "nan_to_num",
    "negative",
    "not_equal",
    "power",
    "reciprocal",
    "round",
    "rsqrt",
    "sign",
    "sin",
    "sqrt",
    "square",
    "subtract",
    "tan",
    "true_divide",
    "trunc",
    "where",
]


def _one(op, name, doc):
    def function(x):
        return op(tensor(x))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return symbolic(function)


def _two(op, name, doc):
    def function(x1, x2):
        return op(*tensors(x1, x2))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return symbolic(function)


add = _two(_core.add, "add", "x1 + x2; of bools, either.")
subtract = _two(_core.subtract, "subtract", "x1 - x2; not for bools.")
multiply = _two(_core.multiply, "multiply", "x1 * x2; of bools, both.")
divide = _two(_core.divide, "divide", "x1 / x2; integers give float32.")
true_divide = _two(_core.divide, "true_divide", "x1 / x2; integers give float32.")
floor_divide = _two(_core.floor_divide, "floor_divide", "floor(x1 / x2); an integer divided by 0 is 0. No gradient.")
mod = _two(_core.mod, "mod", "The remainder of x1 / x2, with the sign of x2.")
power = _two(_core.power, "power", "x1 to the power of x2. Integers to negative powers raise ValueError.")
maximum = _two(_core.maximum, "maximum", "The larger of x1 and x2; NaN if one is NaN.")
minimum = _two(_core.minimum, "minimum", "The smaller of x1 and x2; NaN if one is NaN.")
equal = _two(_core.equal, "equal", "x1 == x2, bool.")
not_equal = _two(_core.not_equal, "not_equal", "x1 != x2, bool.")
less = _two(_core.less, "less", "x1 < x2, bool.")
less_equal = _two(_core.less_equal, "less_equal", "x1 <= x2, bool.")
greater = _two(_core.greater, "greater", "x1 > x2, bool.")
greater_equal = _two(_core.greater_equal, "greater_equal", "x1 >= x2, bool.")
logical_and = _two(_core.logical_and, "logical_and", "Whether x1 and x2 are true, bool.")
logical_or = _two(_core.logical_or, "logical_or", "Whether x1 or x2 is true, bool.")
logical_xor = _two(_core.logical_xor, "logical_xor", "Whether just one of x1 and x2 is true, bool.")

negative = _one(_core.negative, "negative", "-x.")
abs = _one(_core.abs, "abs", "The absolute value.")
absolute = _one(_core.abs, "absolute", "The absolute value.")
square = _one(_core.square, "square", "x * x.")
sign = _one(_core.sign, "sign", "-1, 0 or 1. No gradient.")
floor = _one(_core.floor, "floor", "The largest whole number that is not greater. No gradient.")
ceil = _one(_core.ceil, "ceil", "The smallest whole number that is not less. No gradient.")
trunc = _one(_core.trunc, "trunc", "The whole part. No gradient.")
exp = _one(_core.exp, "exp", "e to the power of x.")
expm1 = _one(_core.expm1, "expm1", "exp(x) - 1, accurate for small x.")
log = _one(_core.log, "log", "The natural logarithm; -inf at 0, NaN below.")
log1p = _one(_core.log1p, "log1p", "log(1 + x), accurate for small x.")
log2 = _one(_core.log2, "log2", "The logarithm to base 2.")
log10 = _one(_core.log10, "log10", "The logarithm to base 10.")
sqrt = _one(_core.sqrt, "sqrt", "The square root; NaN below 0.")
rsqrt = _one(_core.rsqrt, "rsqrt", "1 / sqrt(x).")
reciprocal = _one(_core.reciprocal, "reciprocal", "1 / x.")
sin = _one(_core.sin, "sin", "The sine of x radians.")
cos = _one(_core.cos, "cos", "The cosine of x radians.")
isnan = _one(_core.isnan, "isnan", "Where x is NaN, bool.")
isfinite = _one(_core.isfinite, "isfinite", "Where x is neither infinite nor NaN, bool.")
isinf = _one(_core.isinf, "isinf", "Where x is infinite, bool.")
logical_not = _one(_core.logical_not, "logical_not", "Where x is false or 0, bool.")


@symbolic
def tan(x):
    """The tangent of x radians, sin(x) / cos(x)."""
    x = tensor(x)
    return _core.divide(_core.sin(x), _core.cos(x))


@symbolic
def exp2(x):
    """2 to the power of x."""
    return _core.power(2.0, floats(x))


@symbolic
def round(x, decimals=0):
    """The nearest number with DECIMALS places after the point, the even one of two. No gradient."""
    x = tensor(x)
    if decimals == 0 or (decimals > 0 and not x.dtype.startswith("float")):
        return _core.round(x)
    scale = 10.0 ** builtins.abs(decimals)
    if decimals > 0:
        return _core.divide(_core.round(_core.multiply(x, scale)), scale)
    y = _core.multiply(_core.round(_core.divide(x, scale)), scale)
    return y if y.dtype == x.dtype else _core.cast(y, dtype=x.dtype)


@symbolic
def clip(x, x_min, x_max):
    """x, X_MIN where it is less and X_MAX where it is greater. The bounds are numbers or tensors that broadcast."""
    x = tensor(x)
    if is_number(x_min) and is_number(x_max):
        return _core.clip(x, min=x_min, max=x_max)
    return _core.minimum(*tensors(_core.maximum(*tensors(x, x_min)), x_max))


@symbolic
def where(condition, x1=None, x2=None):
    """x1 where CONDITION is true, else x2; all three broadcast. With the condition alone: `nonzero(condition)`."""
    if (x1 is None) != (x2 is None):
        raise ValueError("where: pass both x1 and x2, or neither")
    if x1 is None:
        from cnnpy.ops.rearrange import nonzero

        return nonzero(condition)
    return _core.where(tensor(condition), *tensors(x1, x2))


@symbolic
def isclose(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Where |x1 - x2| <= atol + rtol * |x2|, bool; infinities are close to themselves, NaN to NaN if EQUAL_NAN."""
    x1, x2 = tensor(x1), tensor(x2)
    near = _core.less_equal(
        _core.abs(_core.subtract(*map(floats, (x1, x2)))), _core.add(_core.multiply(_core.abs(floats(x2)), rtol), atol)
    )
    close = _core.logical_or(_core.equal(x1, x2), _core.logical_and(near, _core.isfinite(x2)))
    return _core.logical_or(close, _core.logical_and(_core.isnan(x1), _core.isnan(x2))) if equal_nan else close


@symbolic
def nan_to_num(x, nan=0.0, posinf=None, neginf=None):
    """x with NAN for NaN, POSINF and NEGINF for the infinities (None: the largest and least finite numbers)."""
    import numpy as np

    x = tensor(x)
    if not x.dtype.startswith("float"):
        return x
    limits = np.finfo(x.dtype)
    high = float(limits.max) if posinf is None else posinf
    low = float(limits.min) if neginf is None else neginf
    x = _core.where(_core.isnan(x), nan, x)
    x = _core.where(_core.equal(x, float("inf")), high, x)
    return _core.where(_core.equal(x, float("-inf")), low, x)


@symbolic
def logaddexp(x1, x2):
    """log(exp(x1) + exp(x2)) without overflow."""
    x1, x2 = floats(x1), floats(x2)
    top = _core.maximum(x1, x2)
    apart = _core.log1p(_core.exp(_core.negative(_core.abs(_core.subtract(x1, x2)))))
    # Of equals, each has half of the gradient; and the distance of equal infinities is not a number.
    alike = _core.add(_core.multiply(_core.add(x1, x2), 0.5), 0.6931471805599453)
    return _core.where(_core.equal(x1, x2), alike, _core.add(top, apart))
