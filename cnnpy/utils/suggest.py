"""Did you mean ...?"""

import sys


def suggestion(name, known):
    """' Did you mean 'x'?' if a word of KNOWN is near to NAME, else ''."""
    import difflib

    words = {word.lower(): word for word in known}
    near = difflib.get_close_matches(str(name).lower(), words, n=1, cutoff=0.6)
    return f" Did you mean {words[near[0]]!r}?" if near else ""


def unknown(kind, name, known):
    """A ValueError for an unknown NAME of a KIND, with the nearest spelling and all that are known."""
    listed = ", ".join(sorted(known, key=str.lower))
    return ValueError(f"unknown {kind} {name!r}.{suggestion(name, known)} Known are: {listed}")


def no_attribute(package, name, message):
    """The exception for a NAME that PACKAGE has not, to be raised in its `__getattr__`: an AttributeError.

    For `from package import name` it is an ImportError, since Python would put its own text in place of the other's.
    """
    from importlib.util import find_spec

    if name.startswith("__"):  # the importing of a submodule asks for __path__
        return AttributeError(message)
    asking = sys._getframe(2).f_globals.get("__name__", "")
    imported = asking.startswith(("importlib", "_frozen_importlib")) and find_spec(f"{package}.{name}") is None
    return (ImportError if imported else AttributeError)(message)
