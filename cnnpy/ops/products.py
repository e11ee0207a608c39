"""Products of vectors, matrices and tensors. Integers give integers, exact up to 2^53."""

import math

import numpy as np

from cnnpy import _core
from cnnpy.layers.symbolic import symbolic
from cnnpy.ops._convert import common_dtype, is_float, one_axis, one_dtype, tensor
from cnnpy.ops.indexing import diagonal

__all__ = ["cross", "dot", "inner", "kron", "matmul", "outer", "tensordot", "trace", "vander", "vdot"]


def product(x1, x2):
    """The matrix product of Tensors as the core's, in the dtype that arithmetic gives: whole numbers pass through
    float64."""
    dtype = common_dtype(x1, x2)
    if dtype.startswith("float"):
        return _core.matmul(x1, x2)
    y = _core.matmul(*[_core.cast(x, dtype="float64") for x in (x1, x2)])
    return _core.cast(y, dtype=dtype)


@symbolic
def matmul(x1, x2):
    """The matrix product x1[..., M, K] x2[..., K, N] as NumPy's; a vector is one row (x1) or one column (x2)."""
    return product(tensor(x1), tensor(x2))


@symbolic
def dot(x1, x2):
    """The sum of products over the last axis of x1 and the last but one of x2 (the only one of a vector); with a number
    the plain product."""
    x1, x2 = tensor(x1), tensor(x2)
    if x1.ndim == 0 or x2.ndim == 0:
        return _core.multiply(x1, x2)
    if x2.ndim <= 2:
        return product(x1, x2)
    return tensordot(x1, x2, axes=[[-1], [-2]])


@symbolic
def inner(x1, x2):
    """The sum of products over the last axes of both; with a number the plain product."""
    x1, x2 = tensor(x1), tensor(x2)
    if x1.ndim == 0 or x2.ndim == 0:
        return _core.multiply(x1, x2)
    return tensordot(x1, x2, axes=[[-1], [-1]])


@symbolic
def vdot(x1, x2):
    """The sum of products of all elements, both flattened."""
    x1, x2 = (_core.reshape(tensor(x), shape=(-1,)) for x in (x1, x2))
    if x1.size != x2.size:
        raise ValueError(f"vdot: {x1.size} and {x2.size} elements; there must be as many of both")
    return product(x1, x2)


@symbolic
def outer(x1, x2):
    """All products of an element of x1 with one of x2: y[i, j] = x1[i] * x2[j], both flattened."""
    return _core.multiply(_core.reshape(tensor(x1), shape=(-1, 1)), _core.reshape(tensor(x2), shape=(1, -1)))


def _axes_pair(axes, x1, x2):
    if np.ndim(axes) == 0:
        count = int(axes)
        if not 0 <= count <= min(x1.ndim, x2.ndim):
            raise ValueError(f"tensordot: {count} axes of shapes {x1.shape} and {x2.shape}")
        return list(range(x1.ndim - count, x1.ndim)), list(range(count))
    first, second = ([one_axis(a, x.ndim) for a in np.atleast_1d(part)] for part, x in zip(axes, (x1, x2), strict=True))
    if len(set(first)) != len(first) or len(set(second)) != len(second) or len(first) != len(second):
        raise ValueError(f"tensordot: axes {axes} must name as many different axes of both")
    return first, second


@symbolic
def tensordot(x1, x2, axes=2):
    """The sum of products over axes of both, then the other axes of x1 and of x2. AXES is a number (the last ones of x1
    with the first ones of x2) or a pair of lists that correspond."""
    x1, x2 = tensor(x1), tensor(x2)
    first, second = _axes_pair(axes, x1, x2)
    sizes = [x1.shape[a] for a in first]
    if sizes != [x2.shape[a] for a in second]:
        raise ValueError(f"tensordot: axes {first} of shape {x1.shape} and {second} of shape {x2.shape} differ in size")
    rest1 = [d for d in range(x1.ndim) if d not in first]
    rest2 = [d for d in range(x2.ndim) if d not in second]
    k = math.prod(sizes)
    head, tail = [x1.shape[d] for d in rest1], [x2.shape[d] for d in rest2]
    a = _core.reshape(_core.transpose(x1, axes=(*rest1, *first)) if x1.ndim else x1, shape=(math.prod(head), k))
    b = _core.reshape(_core.transpose(x2, axes=(*second, *rest2)) if x2.ndim else x2, shape=(k, math.prod(tail)))
    return _core.reshape(product(a, b), shape=(*head, *tail))


@symbolic
def kron(x1, x2):
    """Kronecker's product: x1 with each element replaced by it times x2; missing dimensions are 1."""
    x1, x2 = tensor(x1), tensor(x2)
    ndim = max(x1.ndim, x2.ndim)
    if 2 * ndim > 8:
        raise ValueError(f"kron takes at most 4 dimensions, got shapes {x1.shape} and {x2.shape}")
    left, right = ((1,) * (ndim - x.ndim) + x.shape for x in (x1, x2))
    a = _core.reshape(x1, shape=[n for size in left for n in (size, 1)])
    b = _core.reshape(x2, shape=[n for size in right for n in (1, size)])
    return _core.reshape(_core.multiply(a, b), shape=[m * n for m, n in zip(left, right)])


@symbolic
def cross(x1, x2, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """The cross product of vectors of 3 (or 2, whose third entry is 0) along AXISA of x1 and AXISB of x2, put along
    AXISC of the result; AXIS stands for all three. Of two vectors of 2 only the third entry is given."""
    x1, x2 = one_dtype(x1, x2)
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)

    def entries(x, axis):
        place = one_axis(axis, x.ndim)
        if x.shape[place] not in (2, 3):
            raise ValueError(f"cross: dimension {place} of shape {x.shape} must be 2 or 3")
        return [_core.take(x, tensor(i), axis=place) for i in range(x.shape[place])]

    def minor(p, q, r, s):
        """p q - r s, of which absent factors are 0."""
        terms = [_core.multiply(*pair) if None not in pair else None for pair in ((p, q), (r, s))]
        if terms[1] is None:
            return terms[0]
        return _core.negative(terms[1]) if terms[0] is None else _core.subtract(*terms)

    a, b = entries(x1, axisa), entries(x2, axisb)
    flat = len(a) == len(b) == 2
    a, b = ([*v, None][:3] for v in (a, b))
    z = minor(a[0], b[1], a[1], b[0])
    if flat:
        return z
    y = [minor(a[1], b[2], a[2], b[1]), minor(a[2], b[0], a[0], b[2]), z]
    return _core.stack(y, axis=one_axis(axisc, z.ndim + 1))


@symbolic
def trace(x, offset=0, axis1=0, axis2=1):
    """The sum of the diagonals of the planes of two axes, OFFSET places to the right of the main one."""
    y = diagonal(x, offset, axis1, axis2)
    total = _core.sum(y, axis=-1)
    return total if is_float(y) else _core.cast(total, dtype=common_dtype(y, tensor(0)))


@symbolic
def vander(x, N=None, increasing=False):
    """Vandermonde's matrix: row i holds the N powers (None: as many as there are rows) of x[i], from the N-1st down to
    1, or INCREASING from 1."""
    x = tensor(x)
    if x.ndim != 1:
        raise ValueError(f"vander takes a vector, got shape {x.shape}")
    count = x.shape[0] if N is None else N
    powers = np.arange(count, dtype="int32") if increasing else np.arange(count - 1, -1, -1, dtype="int32")
    return _core.power(_core.reshape(x, shape=(-1, 1)), tensor(powers, x.dtype))
