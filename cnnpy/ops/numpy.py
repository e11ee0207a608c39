"""`keras.ops.numpy`: the functions of cnnpy.ops that NumPy has, too."""

from cnnpy import ops
from cnnpy.ops import (
    bits,
    creation,
    elementwise,
    indexing,
    joining,
    nan_reduction,
    products,
    rearrange,
    reduction,
    sorting,
    statistics,
    summation,
)
from cnnpy.utils.suggest import no_attribute

_ROOMS = (
    bits,
    creation,
    elementwise,
    indexing,
    joining,
    nan_reduction,
    products,
    rearrange,
    reduction,
    sorting,
    statistics,
    summation,
)
# Theirs that NumPy has not, and NumPy's that live elsewhere.
_NOT = {
    "erf",
    "erfc",
    "erfinv",
    "in_top_k",
    "logsumexp",
    "moments",
    "rsqrt",
    "slice",
    "slice_update",
    "top_k",
    "unstack",
}
_MORE = {"bincount", "copy", "ndim", "size", "slogdet", "tanh", "vectorize"}

__all__ = sorted({name for room in _ROOMS for name in room.__all__} - _NOT | _MORE)

globals().update({name: getattr(ops, name) for name in __all__})


def __getattr__(name):
    raise no_attribute(__name__, name, ops.why_absent(__name__, name))
