"""What a program has used that cnnpy stood in for: module by module, the names asked for."""

_used = {}


def note(module, name=None):
    """MODULE, a dotted name of the other library, was imported; or its NAME was asked for."""
    names = _used.setdefault(module, set())
    if name is not None:
        names.add(name)


def emulated():
    """The modules of Keras and TensorFlow that cnnpy has stood in for in this process, with the names asked of them.

    A dict like {'keras.layers': [], 'tensorflow': ['GradientTape', 'reduce_mean']}. Of Keras's modules the names are
    not listed: the whole module is cnnpy's.
    """
    return {module: sorted(_used[module]) for module in sorted(_used)}
