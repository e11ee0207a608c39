"""Old spellings work and say so once."""

import warnings

_said = set()


def warn_once(key, message, stacklevel=2):
    """A DeprecationWarning with MESSAGE, the first time that KEY comes; STACKLEVEL as seen by the caller."""
    if key not in _said:
        _said.add(key)
        warnings.warn(message, DeprecationWarning, stacklevel=stacklevel + 1)
