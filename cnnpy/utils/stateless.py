"""Calls of objects that keep Variables as if they kept none: values in, values out."""

from contextlib import contextmanager


def check_values(owner, variables, values, what):
    """ValueError unless there is one of VALUES, the WHAT of OWNER, for each of VARIABLES."""
    if len(values) != len(variables):
        raise ValueError(
            f"{owner}: {what} must be a list with one value for each of its {len(variables)} variables, "
            f"got {len(values)}"
        )


@contextmanager
def borrowed(variables, values):
    """Within the block VARIABLES hold VALUES, after it what they held before, whatever happens."""
    before = [variable.value for variable in variables]
    try:
        for variable, value in zip(variables, values):
            variable.assign(value)
        yield
    finally:
        for variable, value in zip(variables, before):
            variable.assign(value)
