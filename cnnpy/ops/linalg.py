"""Linear algebra on (stacks of) matrices: the last two dimensions. NumPy's LAPACK computes; the gradients are beside
each function, and where there is none asking for it raises NotImplementedError.

The formulas are those of M. Giles, "Collected matrix derivative results for forward and reverse mode AD" (2008), and of
J. Townsend, "Differentiating the singular value decomposition" (2016). Integers become `config.floatx()`. There are no
complex dtypes, so no `eig`. A matrix that cannot be inverted or factored raises ValueError.
"""

import math

import numpy as np

from cnnpy import _core
from cnnpy._core import Tensor
from cnnpy.layers.symbolic import call_state, symbolic
from cnnpy.ops._convert import axes, floats, one_dtype, several_axes
from cnnpy.ops._gradient import with_gradient, without_gradient
from cnnpy.ops.indexing import take_diagonal
from cnnpy.ops.rearrange import swapaxes
from cnnpy.utils.suggest import no_attribute

__all__ = [
    "cdist",
    "cholesky",
    "cholesky_inverse",
    "det",
    "eigh",
    "inv",
    "logdet",
    "lstsq",
    "lu_factor",
    "matrix_rank",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
]


def _matrices(name, x, square=False):
    """X as float matrices. While shapes are found with zeros, ones stand on the diagonal, which all can work with."""
    x = floats(x)
    if x.ndim < 2:
        raise ValueError(f"{name} takes matrices, at least 2 dimensions, got shape {x.shape}")
    if square and x.shape[-1] != x.shape[-2]:
        raise ValueError(f"{name} takes square matrices, got shape {x.shape}")
    if call_state.probing:
        return Tensor(np.broadcast_to(np.eye(*x.shape[-2:]), x.shape), x.dtype)
    return x


def _compute(name, function, *arrays, **options):
    try:
        return function(*arrays, **options)
    except np.linalg.LinAlgError as error:
        raise ValueError(f"{name}: {str(error).lower()}") from None


def _t(a):
    return np.swapaxes(a, -1, -2)


# ---- inverses and equations ----


@symbolic
def inv(x):
    """The inverse of square matrices."""
    x = _matrices("inv", x, square=True)
    y = _compute("inv", np.linalg.inv, np.asarray(x))
    return with_gradient([x], y, lambda g: [-_t(y) @ g @ _t(y)])


def _equations(name, a, b):
    a = _matrices(name, a, square=True)
    a, b = one_dtype(a, floats(b))
    if b.ndim not in (a.ndim, a.ndim - 1) or b.shape[: a.ndim - 1] != a.shape[:-1]:
        raise ValueError(
            f"{name}: b must have shape {a.shape[:-1]}, or that and the number of right-hand sides, got {b.shape}"
        )
    return a, b


def _solution(name, a, b, mask):
    """X of a x = b and its gradient; of a counts only what MASK leaves."""
    values, right = mask(np.asarray(a)), np.asarray(b)
    vector = b.ndim < a.ndim
    right = right[..., None] if vector else right
    x = _compute(name, np.linalg.solve, values, right)

    def gradient(g):
        g = g[..., None] if vector else g
        of_b = np.linalg.solve(_t(values), g)
        return mask(-of_b @ _t(x)), of_b[..., 0] if vector else of_b

    return with_gradient([a, b], x[..., 0] if vector else x, gradient)


@symbolic
def solve(a, b):
    """x of a x = b, for square matrices a and vectors or matrices b."""
    a, b = _equations("solve", a, b)
    return _solution("solve", a, b, lambda m: m)


@symbolic
def solve_triangular(a, b, lower=False):
    """x of a x = b, where of a only the upper (LOWER: the lower) triangle counts."""
    a, b = _equations("solve_triangular", a, b)
    return _solution("solve_triangular", a, b, np.tril if lower else np.triu)


@symbolic
def pinv(x, rcond=None):
    """The pseudo-inverse (Moore, Penrose). Singular values below RCOND (1e-15) times the largest count as 0; the
    gradient takes the rank as constant."""
    x = _matrices("pinv", x)
    a = np.asarray(x)
    p = _compute("pinv", np.linalg.pinv, a, rcond=1e-15 if rcond is None else rcond)

    def gradient(g):
        outside, beside = np.eye(a.shape[-2]) - a @ p, np.eye(a.shape[-1]) - p @ a
        return [-_t(p) @ g @ _t(p) + outside @ _t(g) @ p @ _t(p) + _t(p) @ p @ _t(g) @ beside]

    return with_gradient([x], p, gradient)


@symbolic
def lstsq(a, b, rcond=None):
    """x that makes the sum of squares of a x - b least, and of these the smallest; b is a vector or a matrix. Singular
    values of a below RCOND (the dtype's precision times the larger side) times the largest count as 0."""
    a, b = one_dtype(_matrices("lstsq", a), floats(b))
    if a.ndim != 2 or b.ndim not in (1, 2) or b.shape[0] != a.shape[0]:
        raise ValueError(f"lstsq: b must have {a.shape[0]} rows for a of shape {a.shape}, got {b.shape}")
    if rcond is None:
        rcond = np.finfo(a.dtype).eps * max(a.shape)
    return _core.matmul(pinv(a, rcond), b)


# ---- determinants ----


@symbolic
def det(x):
    """The determinants of square matrices. The gradient is right for singular ones, too."""
    x = _matrices("det", x, square=True)
    a = np.asarray(x)

    def gradient(g):
        """The cofactors: of a = u s v they are det(u v) u s' v, s' having at i the product of all s but s[i]."""
        u, s, v = np.linalg.svd(a)
        n = s.shape[-1]
        others = np.prod(np.where(np.eye(n, dtype=bool), 1, s[..., None, :]), axis=-1)
        sign = np.linalg.det(u) * np.linalg.det(v)
        return [(g * sign)[..., None, None] * (u * others[..., None, :]) @ v]

    return with_gradient([x], np.linalg.det(a), gradient)


@symbolic
def slogdet(x):
    """(sign, logarithm of the absolute value) of the determinants of square matrices."""
    x = _matrices("slogdet", x, square=True)
    a = np.asarray(x)
    return with_gradient(
        [x],
        list(np.linalg.slogdet(a)),
        lambda _, g: [g[..., None, None] * _t(_compute("slogdet", np.linalg.inv, a))],
    )


@symbolic
def logdet(x):
    """The logarithm of the determinants of positive definite matrices, by Cholesky's factors."""
    return _core.multiply(_core.sum(_core.log(take_diagonal(cholesky(x), 0)), axis=-1), 2.0)


# ---- factors ----


def _factor_gradient(factor, g):
    """The gradient of a = L L', from that of L."""
    inverse = np.linalg.inv(factor)
    middle = np.tril(_t(factor) @ g)
    n = factor.shape[-1]
    middle[..., range(n), range(n)] *= 0.5
    y = _t(inverse) @ middle @ inverse
    return (y + _t(y)) / 2


@symbolic
def cholesky(x, upper=False):
    """Lower triangular L with L L' = x (UPPER: its transpose), for symmetric positive definite x, of which the lower
    triangle is read. The gradient is symmetric."""
    x = _matrices("cholesky", x, square=True)
    factor = _compute("cholesky", np.linalg.cholesky, np.asarray(x))
    y = with_gradient([x], factor, lambda g: [_factor_gradient(factor, g)])
    return swapaxes(y, -1, -2) if upper else y


@symbolic
def cholesky_inverse(x, upper=False):
    """The inverse of the matrix whose Cholesky factor x is, lower triangular, or UPPER."""
    x = _matrices("cholesky_inverse", x, square=True)
    eye = Tensor(np.broadcast_to(np.eye(x.shape[-1]), x.shape), x.dtype)
    inverse = solve_triangular(x, eye, lower=not upper)
    turned = swapaxes(inverse, -1, -2)
    return _core.matmul(inverse, turned) if upper else _core.matmul(turned, inverse)


@symbolic
def qr(x, mode="reduced"):
    """(Q, R) with Q R = x, Q's columns orthonormal and R upper triangular. MODE 'reduced' gives min(rows, columns)
    columns of Q, 'complete' as many as rows. The gradient exists where Q is no wider than x."""
    x = _matrices("qr", x)
    if mode not in ("reduced", "complete"):
        raise ValueError(f"qr: mode must be 'reduced' or 'complete', got {mode!r}")
    q, r = np.linalg.qr(np.asarray(x), mode=mode)

    def gradient(gq, gr):
        m = r @ _t(gr) - _t(gq) @ q
        below = np.tril(m, -1)
        symmetric = np.tril(m) + _t(below)
        return [_t(np.linalg.solve(r, _t(gq + q @ symmetric)))]

    if r.shape[-1] != r.shape[-2]:
        return without_gradient("qr", [x], [q, r], "the factors of this shape are not unique")
    return with_gradient([x], [q, r], gradient)


def _differences(values):
    """1 / (values[j] - values[i]) at (i, j), 0 on the diagonal and between equals."""
    gap = values[..., None, :] - values[..., :, None]
    return np.divide(1, gap, out=np.zeros_like(gap), where=gap != 0)


@symbolic
def eigh(x):
    """(eigenvalues, rising; eigenvectors as columns) of symmetric matrices, of which the lower triangle is read. The
    gradient is symmetric; equal eigenvalues have no gradient of their vectors."""
    x = _matrices("eigh", x, square=True)
    w, v = _compute("eigh", np.linalg.eigh, np.asarray(x))

    def gradient(gw, gv):
        middle = _differences(w) * (_t(v) @ gv)
        n = w.shape[-1]
        middle[..., range(n), range(n)] += gw
        y = v @ middle @ _t(v)
        return [(y + _t(y)) / 2]

    return with_gradient([x], [w, v], gradient)


@symbolic
def svd(x, full_matrices=True, compute_uv=True):
    """(u, s, vh) with u s vh = x: singular values s, falling, and orthogonal u and vh, square or with FULL_MATRICES
    false as narrow as s is long; without COMPUTE_UV s alone. Only the narrow (or square) u and vh have gradients."""
    x = _matrices("svd", x)
    a = np.asarray(x)
    u, s, vh = _compute("svd", np.linalg.svd, a, full_matrices=False)
    if not compute_uv:
        return with_gradient([x], s, lambda g: [(u * g[..., None, :]) @ vh])
    if full_matrices and a.shape[-1] != a.shape[-2]:
        full = _compute("svd", np.linalg.svd, a)
        return without_gradient("svd", [x], list(full), "full_matrices of this shape are not unique; pass False")

    def gradient(gu, gs, gvh):
        gv, v = _t(gvh), _t(vh)
        row, column, gap = s[..., None, :], s[..., :, None], _differences(s * s)
        uu, vv = _t(u) @ gu, _t(v) @ gv
        middle = gap * (uu - _t(uu)) * row + column * (gap * (vv - _t(vv)))
        k = s.shape[-1]
        middle[..., range(k), range(k)] += gs
        y = u @ middle @ vh
        y += (gu - u @ uu) / row @ vh
        return [y + u @ _t((gv - v @ vv) / row)]

    return with_gradient([x], [u, s, vh], gradient)


def _eliminate(a):
    """Gauss with the largest pivots, in place: (L below the diagonal and U, the order of the rows)."""
    order = np.arange(a.shape[0])
    for k in range(min(a.shape)):
        best = k + int(np.argmax(np.abs(a[k:, k])))
        a[[k, best]], order[[k, best]] = a[[best, k]], order[[best, k]]
        if a[k, k] != 0:
            a[k + 1 :, k] /= a[k, k]
            a[k + 1 :, k + 1 :] -= np.outer(a[k + 1 :, k], a[k, k + 1 :])
    return a, order


@symbolic
def lu_factor(x):
    """(LU, P) with L U = x but for the order of rows: U and, below the diagonal, L, whose diagonal is 1; row i of x is
    row P[i] of L U, int32. No gradient."""
    x = _matrices("lu_factor", x)
    stack = np.array(x).reshape(-1, *x.shape[-2:])
    places = np.empty(stack.shape[:2], "int32")
    for i, a in enumerate(stack):
        _, order = _eliminate(a)
        places[i, order] = np.arange(order.size)
    places = places.reshape(x.shape[:-1])
    return without_gradient("lu_factor", [x], [stack.reshape(x.shape), places], "use solve, inv or det")


@symbolic
def matrix_rank(x, tol=None):
    """How many singular values are larger than TOL (None: the largest times the longer side times the dtype's
    precision), int32."""
    x = _matrices("matrix_rank", x)
    s = np.linalg.svd(np.asarray(x), compute_uv=False)
    if tol is None:
        tol = s.max(axis=-1, initial=0, keepdims=True) * max(x.shape[-2:]) * np.finfo(x.dtype).eps
    return Tensor(np.asarray((s > tol).sum(axis=-1)), "int32")


# ---- norms and distances ----


def _vector_norm(x, order, axis, keepdims):
    if isinstance(order, str):
        raise ValueError(f"norm: ord {order!r} is one of matrices; axis {axis} is one")
    if order == 0:
        return _core.sum(_core.cast(_core.not_equal(x, 0), dtype=x.dtype), axis=axis, keepdims=keepdims)
    size = _core.abs(x)
    if math.isinf(order):
        return (_core.max if order > 0 else _core.min)(size, axis=axis, keepdims=keepdims)
    return _core.power(_core.sum(_core.power(size, order), axis=axis, keepdims=keepdims), 1 / order)


def _matrix_norm(x, order, places, keepdims):
    row, column = places
    if order in ("nuc", 2, -2):
        others = [d for d in range(x.ndim) if d not in places]
        s = svd(_core.transpose(x, axes=(*others, row, column)), compute_uv=False)
        y = {"nuc": _core.sum, 2: _core.max, -2: _core.min}[order](s, axis=-1)
    elif order in (1, -1, math.inf, -math.inf):
        summed, over = (row, column) if abs(order) == 1 else (column, row)
        sums = _core.sum(_core.abs(x), axis=summed, keepdims=True)
        y = (_core.max if order > 0 else _core.min)(sums, axis=(summed, over))
    else:
        raise ValueError(f"norm: ord of matrices must be None, 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, got {order!r}")
    if not keepdims:
        return y
    return _core.reshape(y, shape=[1 if d in places else n for d, n in enumerate(x.shape)])


@symbolic
def norm(x, ord=None, axis=None, keepdims=False):
    """The norm over AXIS: one axis for vectors, two for matrices, None for all. ORD None is the root of the sum of
    squares; of vectors inf, -inf, 0 (how many are not 0) or p; of matrices 'fro', 'nuc', 1, -1, 2, -2, inf, -inf."""
    x = floats(x)
    places = several_axes(axis, x.ndim)
    if ord is None or (ord == 2 and len(places) == 1) or (ord == "fro" and len(places) == 2):
        return _core.sqrt(_core.sum(_core.square(x), axis=axes(places) if places else (), keepdims=keepdims))
    if len(places) == 1:
        return _vector_norm(x, ord, places[0], keepdims)
    if len(places) == 2:
        return _matrix_norm(x, ord, places, keepdims)
    raise ValueError(f"norm: ord {ord!r} needs one axis or two, got {len(places)}")


@symbolic
def cdist(x, y):
    """Euclidean distances of the rows of x (..., M, K) from those of y (..., N, K): (..., M, N). Where it is 0 a
    distance has no finite gradient."""
    x, y = one_dtype(floats(x), floats(y))
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ValueError(f"cdist takes rows of one length, at least 2 dimensions, got shapes {x.shape} and {y.shape}")
    apart = _core.subtract(_core.expand_dims(x, axis=-2), _core.expand_dims(y, axis=-3))
    return _core.sqrt(_core.sum(_core.square(apart), axis=-1))


def __getattr__(name):
    from cnnpy import ops

    raise no_attribute(__name__, name, ops.why_absent(__name__, name))
