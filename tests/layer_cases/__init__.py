"""The table of layers that the contract and parity tests walk through: a file a family, a row a configuration.

Whoever writes a layer adds rows here, and with them it is built, called, trained, copied and compared with Keras.
"""

import importlib
import pkgutil

import numpy as np

from layer_cases.case import Case

FAMILIES = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "case")
CASES = [case for family in FAMILIES for case in importlib.import_module(f"layer_cases.{family}").CASES]


def ids(cases):
    """Names of CASES for pytest: the layer and its number among the rows of that layer."""
    counts = {}
    for case in cases:
        counts[case.layer] = counts.get(case.layer, 0) + 1
        yield f"{case.layer}-{counts[case.layer]}"


def data(case, dtype=None, seed=0, shape=None):
    """Input for CASE: an array, or a list of arrays where it takes several."""
    rng = np.random.default_rng(seed)
    shape = case.shape if shape is None else shape
    arrays = [case.fill(rng, s).astype(dtype or case.dtype) for s in shapes(shape)]
    return arrays if isinstance(shape, list) else arrays[0]


def shapes(shape):
    """SHAPE, or the list of them, as a list."""
    return shape if isinstance(shape, list) else [shape]


def open_batch(shape):
    """SHAPE, or each of a list, with None for the batch."""
    return [(None, *s[1:]) for s in shape] if isinstance(shape, list) else (None, *shape[1:])


__all__ = ["CASES", "Case", "data", "ids", "open_batch", "shapes"]
