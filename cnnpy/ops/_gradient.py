"""Functions that are computed by NumPy, with a gradient that is written down beside them."""

import numpy as np

from cnnpy import _core
from cnnpy._core import Tensor


def with_gradient(inputs, outputs, gradient):
    """OUTPUTS (arrays), computed from the Tensors INPUTS, as Tensors that the tape can follow.

    GRADIENT takes the gradient of each output as an array and returns the list of those of the inputs. Outputs of
    integers have none; one array gives one Tensor, a list a tuple.
    """
    one = not isinstance(outputs, (list, tuple))
    dtype = inputs[0].dtype
    made = [
        Tensor(y) if y.dtype.kind != "f" else Tensor(y, dtype) for y in map(np.asarray, [outputs] if one else outputs)
    ]
    made = _core.custom_gradient(inputs, made, lambda *gradients: gradient(*map(np.asarray, gradients)))
    return made[0] if one else made


def without_gradient(name, inputs, outputs, reason):
    """OUTPUTS (arrays) as Tensors through which no gradient can be asked for: that raises NotImplementedError."""

    def gradient(*_):
        raise NotImplementedError(f"{name} has no gradient: {reason}; put stop_gradient() around it if none is meant")

    return with_gradient(inputs, outputs, gradient)
