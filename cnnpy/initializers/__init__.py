"""First values for weights: by class, by name ('glorot_uniform'), or by any function of (shape, dtype)."""

import numpy as np

from cnnpy._core import Tensor
from cnnpy.initializers.initializer import Constant, Identity, Initializer, Ones, Zeros
from cnnpy.initializers.random_initializers import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomInitializer,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    compute_fans,
)
from cnnpy.initializers.stft import STFT
from cnnpy.utils.naming import to_snake_case
from cnnpy.utils.suggest import unknown

_CLASSES = (
    Constant, GlorotNormal, GlorotUniform, HeNormal, HeUniform, Identity, LecunNormal, LecunUniform, Ones, Orthogonal,
    RandomNormal, RandomUniform, STFT, TruncatedNormal, VarianceScaling, Zeros,
)  # fmt: skip
_ALIASES = {
    "IdentityInitializer": Identity,
    "OrthogonalInitializer": Orthogonal,
    "STFTInitializer": STFT,
    "normal": RandomNormal,
    "uniform": RandomUniform,
    "one": Ones,
    "zero": Zeros,
}
_BY_NAME = {
    **{cls.__name__: cls for cls in _CLASSES},
    **{to_snake_case(cls.__name__): cls for cls in _CLASSES},
    **_ALIASES,
}
globals().update(_BY_NAME)

__all__ = ["Initializer", "RandomInitializer", "compute_fans", "deserialize", "get", "serialize", *_BY_NAME]


def serialize(initializer):
    """INITIALIZER as a config."""
    from cnnpy.saving import serialize_keras_object

    return serialize_keras_object(initializer)


def deserialize(config, custom_objects=None):
    """The initializer that CONFIG describes."""
    from cnnpy.saving import deserialize_keras_object

    return deserialize_keras_object(config, custom_objects, module_objects=_BY_NAME)


def get(identifier):
    """The initializer IDENTIFIER means: a name, a config, a class, an object, an array (its values), None."""
    if identifier is None:
        return None
    if isinstance(identifier, str):
        from cnnpy.saving import get_registered_object

        cls = get_registered_object(identifier, None, _BY_NAME)
        if cls is None:
            raise unknown("initializer", identifier, _BY_NAME)
        return cls() if isinstance(cls, type) else cls
    if isinstance(identifier, dict):
        return get(deserialize(identifier))
    if isinstance(identifier, (np.ndarray, np.generic, Tensor)):
        return _given(identifier)
    if isinstance(identifier, type):
        return identifier()
    if callable(identifier):
        return identifier
    raise ValueError(f"an initializer is a name, an object or a function of (shape, dtype); got {identifier!r}")


def _given(values):
    """An initializer that gives VALUES."""

    def initialize(shape, dtype=None):
        if tuple(shape) != tuple(values.shape):
            raise ValueError(
                f"the weight has shape {tuple(shape)}, the array given as its initializer {tuple(values.shape)}"
            )
        return Tensor(values, dtype)

    return initialize
