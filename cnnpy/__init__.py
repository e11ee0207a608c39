"""cnnpy: convolutional neural networks on the CPU, with Keras's API over a C core."""

from cnnpy import _blas

_blas.preload()

from cnnpy._core import GradientTape, Tensor, Variable, array, from_dlpack  # noqa: E402

__version__ = "0.1.0"
__all__ = ["GradientTape", "Tensor", "Variable", "array", "from_dlpack"]
