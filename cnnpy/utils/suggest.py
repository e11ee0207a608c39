"""Did you mean ...?"""


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
