"""One row of the table of layers, and shapes that many rows share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

SEQUENCE = (2, 9, 4)
IMAGE = (2, 7, 6, 4)
VOLUME = (2, 5, 4, 6, 3)
VECTOR = (3, 5)


def normal(rng, shape):
    """Normally distributed numbers."""
    return rng.normal(size=shape)


@dataclass
class Case:
    """A layer by its name, the arguments that make it, an input shape (or a list of them) and its weights' names.

    ARGUMENTS may be a function of the library (cnnpy or keras) that returns them, for arguments that are layers or
    other objects of it.
    """

    layer: str
    arguments: dict | Callable[[Any], dict] = field(default_factory=dict)
    shape: tuple | list = IMAGE
    weights: list[str] = field(default_factory=list)
    dtype: str = "float32"  # of the input
    fill: Callable = normal  # (rng, shape) -> input
    random: bool = False  # training=True draws random numbers, so it is not compared with Keras
    trains_by_default: bool = False  # a call without `training` trains
    trains_otherwise: bool = False  # training=True gives other results than inference
    any_shape: bool = False  # takes inputs of any rank
    wraps: bool = False  # ARGUMENTS make a layer inside, and take a dtype for it
    differentiable: bool = True  # gradients reach the inputs
    same_config: bool = True  # its configuration is plain data and describes it wholly
    not_in_keras: str = ""  # why it is not compared with Keras
    tolerance: float = 1e-5  # of outputs against Keras, relative and absolute
    training_tolerance: float = 1e-4  # of gradients and of weights after a step

    def make(self, library, **more):
        """The layer of LIBRARY."""
        given = self.arguments
        if callable(given):
            inner = {"dtype": more["dtype"]} if self.wraps and "dtype" in more else {}
            given = given(library, **inner)
        return getattr(library.layers, self.layer)(**{**given, **more})

    def infer(self, layer, x):
        """LAYER, or a model of it, on X in inference."""
        return layer(x, training=False) if self.trains_by_default else layer(x)

    @property
    def channels_first(self):
        return not callable(self.arguments) and self.arguments.get("data_format") == "channels_first"
