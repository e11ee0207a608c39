"""Functions of Tensors with the names and arguments of keras.ops.

They compute at once, take Tensors, Variables, arrays, numbers and lists, and return Tensors. Called on symbolic tensors
they become a step of the model. `ops.numpy`, `ops.nn` and `ops.linalg` have the names that Keras has there.
"""

import importlib

from cnnpy.ops import (
    bits,
    blocks,
    control_flow,
    convolution,
    core,
    creation,
    elementwise,
    indexing,
    joining,
    linalg,
    losses,
    nan_reduction,
    nn,
    normalization,
    pooling,
    products,
    rearrange,
    reduction,
    scattering,
    sorting,
    statistics,
    summation,
)
from cnnpy.ops import image as image
from cnnpy.ops.bits import *  # noqa: F403
from cnnpy.ops.blocks import *  # noqa: F403
from cnnpy.ops.control_flow import *  # noqa: F403
from cnnpy.ops.convolution import *  # noqa: F403
from cnnpy.ops.core import *  # noqa: F403
from cnnpy.ops.creation import *  # noqa: F403
from cnnpy.ops.elementwise import *  # noqa: F403
from cnnpy.ops.indexing import *  # noqa: F403
from cnnpy.ops.joining import *  # noqa: F403
from cnnpy.ops.linalg import *  # noqa: F403
from cnnpy.ops.losses import *  # noqa: F403
from cnnpy.ops.nan_reduction import *  # noqa: F403
from cnnpy.ops.nn import *  # noqa: F403
from cnnpy.ops.normalization import *  # noqa: F403
from cnnpy.ops.pooling import *  # noqa: F403
from cnnpy.ops.products import *  # noqa: F403
from cnnpy.ops.rearrange import *  # noqa: F403
from cnnpy.ops.reduction import *  # noqa: F403
from cnnpy.ops.scattering import *  # noqa: F403
from cnnpy.ops.sorting import *  # noqa: F403
from cnnpy.ops.statistics import *  # noqa: F403
from cnnpy.ops.summation import *  # noqa: F403
from cnnpy.utils.suggest import no_attribute, suggestion

_ROOMS = (
    bits,
    blocks,
    control_flow,
    convolution,
    core,
    creation,
    elementwise,
    indexing,
    joining,
    linalg,
    losses,
    nan_reduction,
    nn,
    normalization,
    pooling,
    products,
    rearrange,
    reduction,
    scattering,
    sorting,
    statistics,
    summation,
)
_MODULES = ("numpy",)
__all__ = sorted(name for room in _ROOMS for name in room.__all__)

_COMPLEX = "there are no complex dtypes here"
_SPEECH = "speech recognition is out of scope"
# What Keras has and cnnpy does not offer, and why.
_ABSENT = {
    "angle": _COMPLEX,
    "ctc_decode": _SPEECH,
    "ctc_loss": _SPEECH,
    "dot_product_attention": "attention is out of scope; cnnpy is for convolutional networks",
    "eig": f"{_COMPLEX}; use eigh for symmetric matrices",
    "fft": _COMPLEX,
    "fft2": _COMPLEX,
    "ifft2": _COMPLEX,
    "imag": _COMPLEX,
    "irfft": _COMPLEX,
    "istft": _COMPLEX,
    "jvp": "there is no forward-mode differentiation here; use GradientTape",
    "polar": _COMPLEX,
    "rfft": _COMPLEX,
    "stft": _COMPLEX,
    "view_as_complex": _COMPLEX,
    "view_as_real": _COMPLEX,
}


def why_absent(module, name):
    """What to tell somebody who asks MODULE for a NAME that it has not."""
    if name in _ABSENT:
        return f"{module}.{name} is not offered: {_ABSENT[name]}"
    return f"{module} has no {name!r}.{suggestion(name, __all__)}"


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"cnnpy.ops.{name}")
    raise no_attribute(__name__, name, why_absent(__name__, name))
