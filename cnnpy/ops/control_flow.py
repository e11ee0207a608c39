"""Branches, loops, functions mapped over tensors, and functions with gradients of their own.

All run at once, in Python; a tape that records follows whatever they do. Structures of tensors (lists, tuples, dicts)
are taken wherever one tensor is.
"""

import functools
import operator
import re

import numpy as np

from cnnpy import _core, tree
from cnnpy._core import Tensor
from cnnpy.layers.symbolic import KerasTensor, call_state, has_symbolic, symbolic
from cnnpy.ops._convert import one_axis, tensor

__all__ = [
    "associative_scan",
    "cond",
    "custom_gradient",
    "fori_loop",
    "map",
    "scan",
    "switch",
    "vectorize",
    "vectorized_map",
    "while_loop",
]


def _callable(name, argument, function):
    if not callable(function):
        raise TypeError(f"{name}: {argument} must be a function, got {function!r}")


def _no_symbolic(name, result):
    """Refuses a RESULT that a function took from a symbolic tensor around it."""
    if any(isinstance(x, KerasTensor) for x in tree.flatten(result)):
        raise ValueError(
            f"{name}: a function uses a symbolic tensor from outside; in a functional model use where() or a Layer of "
            "your own, or hand the tensor in as an argument where there is one"
        )
    return result


# ---- branches ----


@symbolic
def cond(pred, true_fn, false_fn):
    """true_fn() if PRED, one bool, is true, else false_fn()."""
    _callable("cond", "true_fn", true_fn)
    _callable("cond", "false_fn", false_fn)
    size = np.size(pred)
    if size != 1:
        raise ValueError(f"cond: pred must be one value, got shape {np.shape(pred)}; use where() for many")
    return _no_symbolic("cond", (true_fn if bool(np.asarray(pred).reshape(())) else false_fn)())


@symbolic
def switch(index, branches, *operands):
    """branches[index](*operands); an INDEX below the first or above the last takes that one."""
    branches = list(branches)
    if not branches:
        raise ValueError("switch: there are no branches")
    chosen = branches[min(max(operator.index(np.asarray(index).item()), 0), len(branches) - 1)]
    return _no_symbolic("switch", chosen(*operands))


# ---- loops ----


def _as_tensors(structure):
    return tree.map_structure(lambda x: x if x is None else tensor(x), structure)


@symbolic
def while_loop(cond, body, loop_vars, maximum_iterations=None):
    """LOOP_VARS after body(*loop_vars) has replaced them for as long as cond(*loop_vars) is true, at most
    MAXIMUM_ITERATIONS times. One that is no list or tuple is handed over and returned alone."""
    _callable("while_loop", "cond", cond)
    _callable("while_loop", "body", body)
    several = isinstance(loop_vars, (list, tuple))
    values = _as_tensors(loop_vars if several else (loop_vars,))
    if call_state.probing:  # zeros might never end it; shapes stay
        return values if several else values[0]
    count = 0
    while (maximum_iterations is None or count < maximum_iterations) and bool(np.all(np.asarray(cond(*values)))):
        result = _no_symbolic("while_loop", body(*values))
        result = tuple(result) if several else (result,)
        if len(result) != len(values):
            raise ValueError(f"while_loop: body must return {len(values)} values, got {len(result)}")
        values = tree.pack_sequence_as(values, tree.flatten(_as_tensors(result)))
        count += 1
    return values if several else values[0]


@symbolic
def fori_loop(lower, upper, body_fun, init_val):
    """INIT_VAL after value = body_fun(i, value) for each i from LOWER to UPPER - 1."""
    _callable("fori_loop", "body_fun", body_fun)
    value = _as_tensors(init_val)
    for i in range(*[operator.index(np.asarray(end).item()) for end in (lower, upper)]):
        value = _no_symbolic("fori_loop", body_fun(tensor(i), value))
    return value


def _length(name, xs, axis=0):
    """How many slices all leaves of XS have along an axis."""
    sizes = {x.shape[one_axis(axis, x.ndim)] for x in tree.flatten(xs)}
    if len(sizes) != 1:
        raise ValueError(f"{name}: the tensors must have one size along axis {axis}, got {sorted(sizes) or 'none'}")
    return sizes.pop()


def _slices(xs, i):
    return tree.map_structure(lambda x: x[i], xs)


def _stacked(results):
    """The structures RESULTS as one of tensors with a new first dimension."""
    return tree.map_structure(lambda *items: _core.stack([tensor(x) for x in items]), *results)


@symbolic
def scan(f, init, xs=None, length=None, reverse=False, unroll=1):
    """(last carry, all ys stacked) of carry, y = f(carry, x) for each slice x of XS along the first axis; from the last
    one on if REVERSE. Without XS x is None, LENGTH times. UNROLL is a matter of compilers and changes nothing here."""
    _callable("scan", "f", f)
    if not isinstance(unroll, bool) and (not isinstance(unroll, int) or unroll < 1):
        raise ValueError(f"scan: unroll must be a positive integer or a bool, got {unroll!r}")
    if xs is None and length is None:
        raise ValueError("scan: without xs, length says how often f is called")
    xs = None if xs is None else _as_tensors(xs)
    count = operator.index(length) if length is not None else _length("scan", xs)
    if xs is not None and _length("scan", xs) != count:
        raise ValueError(f"scan: length is {count}, but xs have {_length('scan', xs)} slices")
    carry, ys = _as_tensors(init), []
    for i in reversed(range(count)) if reverse else range(count):
        carry, y = _no_symbolic("scan", f(carry, None if xs is None else _slices(xs, i)))
        ys.append(y)
    if not ys:
        return carry, tree.map_structure(lambda x: Tensor(np.zeros((0, *x.shape), x.dtype)), carry)
    if reverse:
        ys.reverse()
    return carry, None if ys[0] is None else _stacked(ys)


@symbolic
def associative_scan(f, elems, reverse=False, axis=0):
    """y[i] = f(y[i-1], x[i]) along an axis, by the tree that an associative f allows: f is called with whole slices of
    the structure ELEMS, about 2 log2(n) times. With REVERSE from the end."""
    _callable("associative_scan", "f", f)
    flat = [tensor(x) for x in tree.flatten(elems)]
    _length("associative_scan", flat, axis)
    places = [one_axis(axis, x.ndim) for x in flat]

    def part(xs, begin, end, step=1):
        return [x[(*[slice(None)] * place, slice(begin, end, step))] for x, place in zip(xs, places)]

    def combine(a, b):
        return [tensor(x) for x in tree.flatten(f(tree.pack_sequence_as(elems, a), tree.pack_sequence_as(elems, b)))]

    def joined(*groups):
        return [_core.concatenate(list(xs), axis=place) for *xs, place in zip(*groups, places)]

    def interleaved(even, odd):
        """even[0], odd[0], even[1], ... of which even may have one more."""
        n, m = even[0].shape[places[0]], odd[0].shape[places[0]]
        order = np.empty(n + m, "int64")
        order[0::2], order[1::2] = np.arange(n), np.arange(n, n + m)
        return [_core.take(x, order, axis=place) for x, place in zip(joined(even, odd), places)]

    def run(xs):
        n = xs[0].shape[places[0]]
        if n < 2:
            return xs
        odd = run(combine(part(xs, 0, n - 1, 2), part(xs, 1, n, 2)))
        if n == 2:
            return joined(part(xs, 0, 1), odd)
        even = combine(part(odd, 0, (n - 1) // 2), part(xs, 2, n, 2))
        return interleaved(joined(part(xs, 0, 1), even), odd)

    def turned(xs):
        return [_core.flip(x, axis=place) for x, place in zip(xs, places)] if reverse else xs

    return tree.pack_sequence_as(elems, turned(run(turned(flat))))


# ---- functions over slices ----


def _mapped(name, f, xs):
    _callable(name, "the function", f)
    xs = _as_tensors(xs)
    count = _length(name, xs)
    if count == 0:
        raise ValueError(f"{name}: there are no slices to map the function over")
    return _stacked([_no_symbolic(name, f(_slices(xs, i))) for i in range(count)])


@symbolic
def map(f, xs):
    """f of each slice of XS along the first axis, the results stacked."""
    return _mapped("map", f, xs)


@symbolic
def vectorized_map(function, elements):
    """FUNCTION of each slice of ELEMENTS along the first axis, the results stacked."""
    return _mapped("vectorized_map", function, elements)


def _core_dimensions(signature):
    """'(m,n),(n)->(m)' as ([('m', 'n'), ('n',)], [('m',)])."""
    argument = r"\((\s*\w+\s*(,\s*\w+\s*)*)?\)"
    if not re.fullmatch(rf"{argument}(,{argument})*->{argument}(,{argument})*", signature.replace(" ", "")):
        raise ValueError(f"vectorize: {signature!r} is no signature such as '(m,n),(n)->(m)'")
    sides = signature.replace(" ", "").split("->")
    return [[tuple(filter(None, term.split(","))) for term in re.findall(r"\(([^)]*)\)", side)] for side in sides]


def vectorize(pyfunc, *, excluded=None, signature=None):
    """A function that calls PYFUNC for each element of its broadcast arguments, or with SIGNATURE ('(m,n),(n)->(m)')
    for each set of slices of these dimensions, and stacks the results. EXCLUDED: the numbers and names of arguments
    that are handed on as they are."""
    _callable("vectorize", "pyfunc", pyfunc)
    excluded = set() if excluded is None else set(excluded)
    inputs, outputs = (None, None) if signature is None else _core_dimensions(signature)

    @functools.wraps(pyfunc)
    def call(*args, **kwargs):
        places = [i for i in range(len(args)) if i not in excluded]
        names = [name for name in kwargs if name not in excluded]
        values = [tensor(args[i]) for i in places] + [tensor(kwargs[name]) for name in names]
        if inputs is not None and len(values) != len(inputs):
            raise ValueError(f"vectorize: {len(inputs)} arguments in the signature {signature!r}, got {len(values)}")
        depths = [0] * len(values) if inputs is None else [len(dims) for dims in inputs]
        for x, depth in zip(values, depths):
            if x.ndim < depth:
                raise ValueError(f"vectorize: an argument of shape {x.shape} has fewer than {depth} dimensions")
        heads = [x.shape[: x.ndim - depth] for x, depth in zip(values, depths)]
        head = np.broadcast_shapes(*heads)
        values = [
            _core.reshape(_core.broadcast_to(x, shape=head + x.shape[len(own) :]), shape=(-1, *x.shape[len(own) :]))
            if 0 not in head
            else x
            for x, own in zip(values, heads)
        ]

        def one(i):
            given, named = list(args), dict(kwargs)
            for place, x in zip([*places, *names], values):
                (named if isinstance(place, str) else given)[place] = x[i]
            return pyfunc(*given, **named)

        count = int(np.prod(head))
        if count == 0:
            raise ValueError(f"vectorize: the arguments broadcast to shape {head}, which has no elements")
        stacked = _stacked([one(i) for i in range(count)])
        if outputs is not None and len(outputs) != (len(stacked) if isinstance(stacked, tuple) else 1):
            raise ValueError(f"vectorize: {len(outputs)} results in the signature {signature!r}, got another number")
        return tree.map_structure(lambda y: _core.reshape(y, shape=head + y.shape[1:]), stacked)

    return call


# ---- gradients of one's own ----


def custom_gradient(f):
    """A decorator for functions of tensors that give their own gradient: f(*args) returns (result, gradient).

    RESULT is a tensor, or a list or tuple of at most four. gradient(*upstream) takes the gradient of each and returns
    that of each tensor in args, one or a list. The tape sees neither: what is to have a gradient must be among ARGS,
    not a variable that f finds elsewhere. Keyword arguments are handed on without gradients.
    """
    _callable("custom_gradient", "f", f)

    @functools.wraps(f)
    def call(*args, **kwargs):
        if has_symbolic(args) or has_symbolic(kwargs.values()):
            from cnnpy.layers.symbolic_op import SymbolicOp

            return SymbolicOp(call)(*args, **kwargs)
        inputs = [tensor(x) for x in args if isinstance(x, (Tensor, np.ndarray))]
        detached = iter([_core.stop_gradient(x) for x in inputs])
        returned = f(*[next(detached) if isinstance(x, (Tensor, np.ndarray)) else x for x in args], **kwargs)
        if not isinstance(returned, (tuple, list)) or len(returned) != 2 or not callable(returned[1]):
            raise TypeError(f"custom_gradient: {f.__name__} must return (result, function of the gradients)")
        result, gradient = returned
        outputs = [tensor(y) for y in tree.flatten(result)]
        if not inputs:
            return result

        def backward(*upstream):
            gradients = gradient(*upstream)
            return list(gradients) if isinstance(gradients, (list, tuple)) else [gradients]

        return tree.pack_sequence_as(result, list(_core.custom_gradient(inputs, outputs, backward)))

    return call
