"""Weights of a bounded spectral norm."""

from cnnpy import _core
from cnnpy.layers import arguments
from cnnpy.layers.axes import unit_length
from cnnpy.layers.calling import label
from cnnpy.layers.input_spec import InputSpec
from cnnpy.layers.wrappers import Wrapper


class SpectralNormalization(Wrapper):
    """Divides the kernel (or the embeddings) of LAYER by its largest singular value before every training step.

    The singular value is that of the kernel as a matrix [..., outputs], found by POWER_ITERATIONS steps of the power
    method from the vector of the step before, the weight `vector_u`. The kernel itself is changed, and only while
    training; one of zeros stays. Miyato et al., 2018. Raises ValueError for a layer that has neither weight.
    """

    def __init__(self, layer, power_iterations=1, **kwargs):
        super().__init__(layer, **kwargs)
        self.power_iterations = arguments.positive(type(self).__name__, "power_iterations", power_iterations)

    def build(self, input_shape):
        super().build(input_shape)
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})
        kernel = getattr(self.layer, "kernel", None)
        self.kernel = getattr(self.layer, "embeddings", None) if kernel is None else kernel
        if self.kernel is None:
            raise ValueError(f"{label(self)}: {label(self.layer)} has neither a kernel nor embeddings to normalise")
        from cnnpy.initializers import TruncatedNormal

        self.vector_u = self.add_weight(
            name="vector_u",
            shape=(1, self.kernel.shape[-1]),
            initializer=TruncatedNormal(stddev=0.02),
            dtype=self.kernel.dtype,
            trainable=False,
        )

    def call(self, inputs, training=False):
        if training and _core.any(_core.not_equal(self.kernel, 0.0)).item():
            vector, kernel = self.normalized_weights()
            self.vector_u.assign(vector)
            self.kernel.assign(kernel)
        return self.layer(inputs)

    def normalized_weights(self):
        """(the next `vector_u`, the kernel divided by its largest singular value)."""
        weights = _core.reshape(_core.stop_gradient(self.kernel), shape=(-1, self.kernel.shape[-1]))
        vector_u, transposed = _core.stop_gradient(self.vector_u), _core.transpose(weights)
        for _ in range(self.power_iterations):
            vector_v = unit_length(_core.matmul(vector_u, transposed), (), 1e-7)
            vector_u = unit_length(_core.matmul(vector_v, weights), (), 1e-7)
        sigma = _core.matmul(_core.matmul(vector_v, weights), _core.transpose(vector_u))
        return vector_u, _core.reshape(_core.divide(weights, sigma), shape=self.kernel.shape)

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    def get_config(self):
        return {**super().get_config(), "power_iterations": self.power_iterations}
