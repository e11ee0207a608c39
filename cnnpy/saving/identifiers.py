"""What the `get` of losses, metrics, regularizers and constraints share: an object for whatever names one."""

from cnnpy.saving.serialization import deserialize_keras_object, get_registered_object
from cnnpy.utils.suggest import unknown


def from_identifier(identifier, kind, by_name, choices):
    """The object that IDENTIFIER means: a name or alias of BY_NAME, a registered name, a config, a class (called
    without arguments), an object or a function as it is; None for None.

    Raises ValueError for a name nothing is known of, with the nearest spelling and all that are known, and for anything
    else, saying the CHOICES there are for this KIND.
    """
    if identifier is None:
        return None
    found = identifier
    if isinstance(identifier, str):
        found = get_registered_object(identifier, None, by_name)
        if found is None:
            raise unknown(kind, identifier, by_name)
    elif isinstance(identifier, dict):
        found = deserialize_keras_object(identifier, module_objects=by_name)
    if isinstance(found, type):
        return found()
    if callable(found):
        return found
    raise ValueError(f"a {kind} is {choices}; got {identifier!r}")
