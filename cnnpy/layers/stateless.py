"""Calls that leave no trace: values held by variables for a while."""

import contextlib

from cnnpy.layers import calling


@contextlib.contextmanager
def holding(variables, values):
    """VARIABLES have VALUES inside, and their own again afterwards. Gives a function that tells the present values."""
    values = list(values)
    if len(values) != len(variables):
        raise ValueError(f"got {len(values)} values for {len(variables)} variables")
    own = [variable.value for variable in variables]
    try:
        for variable, value in zip(variables, values):
            variable.assign(getattr(value, "value", value))
        yield lambda: [variable.value for variable in variables]
    finally:
        for variable, value in zip(variables, own):
            variable.assign(value)


def call(layer, trainable, others, args, kwargs, return_losses):
    """What Layer.stateless_call does."""
    if not layer.built:
        raise ValueError(f"{calling.label(layer)}: stateless_call needs a built layer; call it once on data")
    for name, given in (("trainable_variables", trainable), ("non_trainable_variables", others)):
        wanted = getattr(layer, name)
        if len(given) != len(wanted):
            raise ValueError(f"{calling.label(layer)}: {name} must have {len(wanted)} values, got {len(given)}")
    variables = [*layer.trainable_variables, *layer.non_trainable_variables]
    with holding(variables, [*trainable, *others]) as values:
        outputs = layer(*args, **kwargs)
        losses = list(layer.losses) if return_losses else None
        after = values()[len(trainable) :]
    return (outputs, after, losses) if return_losses else (outputs, after)
