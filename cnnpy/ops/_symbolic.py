"""Functions whose results have shapes that values decide: they cannot be steps of a model."""

import functools

from cnnpy.layers.symbolic import has_symbolic


def of_values(function):
    """A decorator for such functions: refuses symbolic tensors by name."""

    @functools.wraps(function)
    def call(*args, **kwargs):
        if has_symbolic(args) or has_symbolic(kwargs.values()):
            raise ValueError(
                f"{function.__name__}: the shape of the result depends on values, which a symbolic tensor has not; "
                "call it inside a Layer of your own"
            )
        return function(*args, **kwargs)

    return call
