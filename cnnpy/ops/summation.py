"""Einstein's summation: sums of products that letters name, done as batched matrix products of pairs."""

import math
from collections import Counter

from cnnpy import _core
from cnnpy.layers.symbolic import symbolic
from cnnpy.ops._convert import common_dtype, is_float, tensor
from cnnpy.ops.indexing import take_diagonal
from cnnpy.ops.products import product

__all__ = ["einsum"]


def _fail(subscripts, why):
    raise ValueError(f"einsum {subscripts!r}: {why}")


def _letters(subscripts, term, ndim, spread):
    """The names of the dimensions of one TERM; those of its ellipsis are numbers, the last one 0. SPREAD is how many
    dimensions an ellipsis stands for if NDIM is None."""
    if term.count("...") > 1 or "." in term.replace("...", ""):
        _fail(subscripts, f"{term!r} may hold one '...' and no other dots")
    before, dots, after = term.partition("...")
    for letter in before + after:
        if not (letter.isascii() and letter.isalpha()):
            _fail(subscripts, f"{letter!r} is no letter")
    if ndim is not None:
        spread = ndim - len(before + after)
        if spread < 0 or (spread and not dots):
            _fail(subscripts, f"{term!r} does not name {ndim} dimensions")
    return [*before, *(range(spread - 1, -1, -1) if dots else ()), *after]


def _parse(subscripts, operands):
    """(the names of each operand's dimensions, those of the result)."""
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if len(terms) != len(operands):
        _fail(subscripts, f"{len(terms)} terms for {len(operands)} operands")
    names = [_letters(subscripts, term, x.ndim, 0) for term, x in zip(terms, operands)]
    spread = max((n + 1 for term in names for n in term if isinstance(n, int)), default=0)
    if arrow:
        result = _letters(subscripts, output, None, spread)
        if len(set(result)) < len(result):
            _fail(subscripts, "a letter occurs twice in the result")
        known = {n for term in names for n in term}
        for name in result:
            if isinstance(name, str) and name not in known:
                _fail(subscripts, f"{name!r} of the result is in no operand")
        result = [name for name in result if name in known]
    else:
        counts = Counter(n for term in names for n in term)
        result = [*range(spread - 1, -1, -1)]
        result += sorted(n for n, count in counts.items() if count == 1 and isinstance(n, str))
    return names, result


def _sizes(subscripts, names, operands):
    """The size of each name; a dimension of 1 gives way, but only under an ellipsis."""
    sizes = {}
    for term, x in zip(names, operands):
        for name, size in zip(term, x.shape):
            known = sizes.setdefault(name, size)
            if size == known or (isinstance(name, int) and size == 1):
                continue
            if not (isinstance(name, int) and known == 1):
                what = "a dimension under '...'" if isinstance(name, int) else repr(name)
                _fail(subscripts, f"{what} has sizes {known} and {size}")
            sizes[name] = size
    return sizes


def _single(x, names, sizes, needed):
    """X and its NAMES with each name once: repeated ones by the diagonal, broadcast ones dropped; what is not NEEDED
    elsewhere is summed."""
    names = list(names)
    for name in [n for n, count in Counter(names).items() if count > 1]:
        while names.count(name) > 1:
            first = names.index(name)
            second = names.index(name, first + 1)
            others = [d for d in range(len(names)) if d not in (first, second)]
            x = take_diagonal(_core.transpose(x, axes=(*others, first, second)), 0)
            names = [names[d] for d in others] + [name]
    thin = [d for d, name in enumerate(names) if x.shape[d] != sizes[name]]
    if thin:
        x = _core.squeeze(x, axis=thin)
        names = [name for d, name in enumerate(names) if d not in thin]
    gone = [d for d, name in enumerate(names) if name not in needed]
    if gone:
        x = _core.sum(x, axis=gone)
        names = [name for d, name in enumerate(names) if d not in gone]
    return x, names


def _pair(left, right, sizes, needed):
    """The product of two (tensor, names), summed over the names that both have and nobody NEEDS."""
    (a, names_a), (b, names_b) = left, right
    shared = [n for n in names_a if n in names_b]
    batch = [n for n in shared if n in needed]
    summed = [n for n in shared if n not in needed]
    rows = [n for n in names_a if n not in shared]
    columns = [n for n in names_b if n not in shared]

    def matrices(x, names, *groups):
        order = [names.index(n) for group in (batch, *groups) for n in group]
        shape = [math.prod(sizes[n] for n in group) for group in (batch, *groups)]
        return _core.reshape(_core.transpose(x, axes=order) if order else x, shape=shape)

    names = [*batch, *rows, *columns]
    y = product(matrices(a, names_a, rows, summed), matrices(b, names_b, summed, columns))
    return _core.reshape(y, shape=[sizes[n] for n in names]), names


def _cheapest(parts, sizes, needed_without):
    """The pair of PARTS whose product is smallest."""
    pairs = [(i, j) for i in range(len(parts)) for j in range(i + 1, len(parts))]

    def cost(pair):
        names = {*parts[pair[0]][1], *parts[pair[1]][1]} & needed_without(pair)
        return math.prod(sizes[n] for n in names)

    return min(pairs, key=cost)


@symbolic
def einsum(subscripts, *operands, **kwargs):
    """Sums of products of OPERANDS: "ij,jk->ik" is a matrix product. Letters name dimensions; what is not in the result
    is summed, a letter twice in one term takes the diagonal, "..." stands for dimensions that broadcast. Without "->"
    the result has the letters that occur once, in the order of the alphabet. Pairs are taken in the order that keeps
    the intermediate results small; `optimize` is accepted and changes nothing."""
    if set(kwargs) - {"optimize"}:
        raise TypeError(f"einsum: unknown arguments {sorted(set(kwargs) - {'optimize'})}; it has: optimize")
    if not operands or not isinstance(subscripts, str):
        raise ValueError("einsum takes a string and at least one tensor")
    operands = [tensor(x) for x in operands]
    names, result = _parse(subscripts, operands)
    sizes = _sizes(subscripts, names, operands)
    whole = None
    if not any(map(is_float, operands)):
        whole = common_dtype(*operands)
        operands = [_core.cast(x, dtype="int64") for x in operands]

    def needed(without):
        return {*result}.union(*(term for i, term in enumerate(names) if i not in without))

    parts = []
    for i, x in enumerate(operands):
        parts.append(_single(x, names[i], sizes, needed({i})))
        names[i] = parts[i][1]
    while len(parts) > 1:
        i, j = _cheapest(parts, sizes, lambda pair: needed({*pair}))
        joined = _pair(parts[i], parts[j], sizes, needed({i, j}))
        parts = [part for k, part in enumerate(parts) if k not in (i, j)] + [joined]
        names = [part[1] for part in parts]
    (y, order) = parts[0]
    if order != result:
        y = _core.transpose(y, axes=[order.index(n) for n in result])
    return y if whole is None else _core.cast(y, dtype=whole)
