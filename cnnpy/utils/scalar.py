"""A result of a metric or schedule: a Python float that also answers what Keras code asks of a scalar tensor."""

import numpy as np


class Scalar(float):
    """A float with `.numpy()`, `.shape` and `.dtype`."""

    __slots__ = ()
    shape = ()
    ndim = 0
    dtype = "float32"

    def numpy(self):
        """The value as a NumPy float32."""
        return np.float32(self)

    def item(self):
        """The value as a plain float."""
        return float(self)

    def __reduce__(self):
        return Scalar, (float(self),)
