"""Functions of Tensors with the names and arguments of keras.ops.

They compute at once, take Tensors, Variables, arrays, numbers and lists, and return Tensors. Called on symbolic tensors
they become a step of the model.
"""

from cnnpy.ops import convolution, core, creation, elementwise, nn, normalization, pooling, rearrange, reduction
from cnnpy.ops import image as image
from cnnpy.ops.convolution import *  # noqa: F403
from cnnpy.ops.core import *  # noqa: F403
from cnnpy.ops.creation import *  # noqa: F403
from cnnpy.ops.elementwise import *  # noqa: F403
from cnnpy.ops.nn import *  # noqa: F403
from cnnpy.ops.normalization import *  # noqa: F403
from cnnpy.ops.pooling import *  # noqa: F403
from cnnpy.ops.rearrange import *  # noqa: F403
from cnnpy.ops.reduction import *  # noqa: F403

_ROOMS = (convolution, core, creation, elementwise, nn, normalization, pooling, rearrange, reduction)
__all__ = sorted(name for room in _ROOMS for name in room.__all__)
