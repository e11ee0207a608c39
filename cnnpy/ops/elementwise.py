"""Functions of elements: arithmetic, comparison, logic, and choices.

Shapes broadcast and dtypes promote as NumPy's, but float32 stays float32 beside integers, and a Python number takes the
dtype of its neighbour.
"""

import builtins
import math

import numpy as np

from cnnpy import _core
from cnnpy._core import Tensor
from cnnpy.layers.symbolic import symbolic
from cnnpy.ops._convert import floats, is_float, is_number, tensor, tensors

__all__ = [
    "abs",
    "absolute",
    "add",
    "allclose",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cbrt",
    "ceil",
    "clip",
    "conj",
    "conjugate",
    "cos",
    "cosh",
    "deg2rad",
    "divide",
    "divide_no_nan",
    "equal",
    "erf",
    "erfc",
    "erfinv",
    "exp",
    "exp2",
    "expm1",
    "fabs",
    "floor",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "greater",
    "greater_equal",
    "heaviside",
    "hypot",
    "i0",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "isreal",
    "ldexp",
    "less",
    "less_equal",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
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
    "nextafter",
    "not_equal",
    "power",
    "rad2deg",
    "real",
    "reciprocal",
    "round",
    "rsqrt",
    "select",
    "sign",
    "signbit",
    "sin",
    "sinc",
    "sinh",
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


def _unless_bool(op):
    """OP, which leaves bools as they are."""
    return lambda x: x if x.dtype == "bool" else op(x)


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
divide_no_nan = _two(_core.divide_no_nan, "divide_no_nan", "x1 / x2, and 0 where x2 is 0, as its gradient then is.")
fmod = _two(_core.fmod, "fmod", "The remainder of x1 / x2, with the sign of x1.")
fmax = _two(_core.fmax, "fmax", "The larger of x1 and x2; beside a NaN the other one.")
fmin = _two(_core.fmin, "fmin", "The smaller of x1 and x2; beside a NaN the other one.")
arctan2 = _two(_core.arctan2, "arctan2", "The angle in radians of the point (x2, x1), from -pi to pi.")
hypot = _two(_core.hypot, "hypot", "sqrt(x1^2 + x2^2) without overflow.")
heaviside = _two(_core.heaviside, "heaviside", "0 where x1 is negative, 1 where it is positive, x2 where it is 0.")
nextafter = _two(_core.nextafter, "nextafter", "The next number after x1 towards x2. No gradient.")
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
abs = _one(_unless_bool(_core.abs), "abs", "The absolute value.")
absolute = _one(_unless_bool(_core.abs), "absolute", "The absolute value.")
square = _one(_core.square, "square", "x * x; not for bools.")
sign = _one(_core.sign, "sign", "-1, 0 or 1. No gradient.")
trunc = _one(_unless_bool(_core.trunc), "trunc", "The whole part. No gradient.")
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
arcsin = _one(_core.arcsin, "arcsin", "The angle in radians whose sine is x; NaN outside of -1..1.")
arccos = _one(_core.arccos, "arccos", "The angle in radians whose cosine is x; NaN outside of -1..1.")
arctan = _one(_core.arctan, "arctan", "The angle in radians whose tangent is x.")
sinh = _one(_core.sinh, "sinh", "The hyperbolic sine.")
cosh = _one(_core.cosh, "cosh", "The hyperbolic cosine.")
arcsinh = _one(_core.arcsinh, "arcsinh", "The inverse of sinh.")
arccosh = _one(_core.arccosh, "arccosh", "The inverse of cosh; NaN below 1.")
arctanh = _one(_core.arctanh, "arctanh", "The inverse of tanh; NaN outside of -1..1.")
cbrt = _one(_core.cbrt, "cbrt", "The cube root.")
exp2 = _one(_core.exp2, "exp2", "2 to the power of x.")
erf = _one(_core.erf, "erf", "The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.")
erfc = _one(_core.erfc, "erfc", "1 - erf(x), accurate for large x.")
erfinv = _one(_core.erfinv, "erfinv", "The inverse of erf; NaN outside of -1..1.")
sinc = _one(_core.sinc, "sinc", "sin(pi x) / (pi x), 1 at 0.")
i0 = _one(_core.i0, "i0", "The modified Bessel function of the first kind of order 0.")
tan = _one(_core.tan, "tan", "The tangent of x radians.")
signbit = _one(_core.signbit, "signbit", "Where x has a minus sign, bool; -0.0 has one.")
isposinf = _one(_core.isposinf, "isposinf", "Where x is positive and infinite, bool.")
isneginf = _one(_core.isneginf, "isneginf", "Where x is negative and infinite, bool.")
isnan = _one(_core.isnan, "isnan", "Where x is NaN, bool.")
isfinite = _one(_core.isfinite, "isfinite", "Where x is neither infinite nor NaN, bool.")
isinf = _one(_core.isinf, "isinf", "Where x is infinite, bool.")
logical_not = _one(_core.logical_not, "logical_not", "Where x is false or 0, bool.")


@symbolic
def floor(x):
    """The largest whole number that is not greater, a float. No gradient."""
    return _core.floor(floats(x))


@symbolic
def ceil(x):
    """The smallest whole number that is not less, a float. No gradient."""
    return _core.ceil(floats(x))


@symbolic
def fabs(x):
    """The absolute value; integers and bools give float32."""
    return _core.abs(floats(x))


@symbolic
def deg2rad(x):
    """Degrees as radians."""
    return _core.multiply(floats(x), math.pi / 180)


@symbolic
def rad2deg(x):
    """Radians as degrees."""
    return _core.multiply(floats(x), 180 / math.pi)


@symbolic
def ldexp(x1, x2):
    """x1 times 2 to the power of the integers x2."""
    x1, x2 = floats(x1), tensor(x2)
    if is_float(x2):
        raise TypeError(f"ldexp: x2 must be integers, got {x2.dtype}; convert it with .astype('int32')")
    return _core.multiply(x1, _core.exp2(_core.cast(x2, dtype=x1.dtype)))


@symbolic
def isreal(x):
    """True everywhere: there are no complex dtypes here."""
    x = tensor(x)
    return Tensor(np.ones(x.shape, bool))


@symbolic
def real(x):
    """x itself: there are no complex dtypes here."""
    return tensor(x)


@symbolic
def conjugate(x):
    """x itself: there are no complex dtypes here."""
    return tensor(x)


conj = conjugate


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
def _where(condition, x1, x2):
    return _core.where(tensor(condition), *tensors(x1, x2))


def where(condition, x1=None, x2=None):
    """x1 where CONDITION is true, else x2; all three broadcast. With the condition alone: `nonzero(condition)`."""
    if (x1 is None) != (x2 is None):
        raise ValueError("where: pass both x1 and x2, or neither")
    if x1 is None:
        from cnnpy.ops.indexing import nonzero

        return nonzero(condition)
    return _where(condition, x1, x2)


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
    x = tensor(x)
    if not is_float(x):
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


@symbolic
def logaddexp2(x1, x2):
    """log2(2^x1 + 2^x2) without overflow."""
    log2 = math.log(2)
    return _core.divide(logaddexp(*[_core.multiply(floats(x), log2) for x in (x1, x2)]), log2)


@symbolic
def allclose(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether `isclose` holds everywhere, one bool."""
    return _core.all(isclose(x1, x2, rtol, atol, equal_nan))


@symbolic
def select(condlist, choicelist, default=0):
    """For each element the choice whose condition is the first to be true, else DEFAULT; all broadcast."""
    if len(condlist) != len(choicelist) or not condlist:
        raise ValueError(
            f"select: condlist and choicelist must be of one length, not 0; got {len(condlist)} and {len(choicelist)}"
        )
    y = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist)):
        y = _core.where(tensor(condition), *tensors(choice, y))
    return y
