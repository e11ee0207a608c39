"""The variables of one object in a file: under their numbers, their shapes checked before anything is read."""


def save_variables(variables, store):
    """Writes VARIABLES to STORE, a mapping of name to array."""
    for i, variable in enumerate(variables):
        store[str(i)] = variable.numpy()


def check_variables(owner, variables, store):
    """Raises ValueError unless STORE has an array of the right shape for each of OWNER's VARIABLES."""
    what = f"{type(owner).__name__} {owner.name!r}"
    if len(store) != len(variables):
        hint = "" if owner.built else "; it has not been built: call the model on data, or build it, first"
        raise ValueError(
            f"{what} has {len(variables)} variables, the file has {len(store)} for it under {store.path!r}{hint}"
        )
    for i, variable in enumerate(variables):
        shape = store.shape(str(i))
        if shape != tuple(variable.shape):
            raise ValueError(
                f"{what}: variable {i}, {getattr(variable, 'path', None) or variable.name!r}, has shape "
                f"{tuple(variable.shape)}, the file's array shape {shape}"
            )


def load_variables(variables, store):
    """Reads VARIABLES from STORE."""
    for i, variable in enumerate(variables):
        variable.assign(store.read(str(i), variable.shape).astype(variable.dtype, copy=False))
