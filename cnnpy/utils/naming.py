"""Names that count up: conv2d, conv2d_1, re_lu ..."""

import itertools
import re

_counts = {}  # name: what counts how often it was asked for, in one step, so that no two threads get the same


def to_snake_case(name):
    """ReLU gives re_lu, MaxPooling2D max_pooling2d, Conv2DTranspose conv2d_transpose."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def uniquify(name):
    """NAME the first time, then NAME_1, NAME_2 ..."""
    count = next(_counts.setdefault(name, itertools.count()))
    return f"{name}_{count}" if count else name


def auto_name(class_name):
    """The next free name for an object of the class."""
    return uniquify(to_snake_case(class_name))


def get_uid(prefix=""):
    """A number that counts up from 1 for each PREFIX."""
    return next(_counts.setdefault(prefix, itertools.count())) + 1


def reset_names():
    """Makes counting start anew."""
    _counts.clear()
