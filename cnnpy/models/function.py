"""What leads from symbolic inputs to symbolic outputs, as a function of data."""

from cnnpy.models.functional import Functional
from cnnpy.utils.naming import auto_name


class Function:
    """The calls between INPUTS and OUTPUTS (symbolic tensors, or lists or dicts of them): a functional model without
    training. Called on data, or on other symbolic tensors, it gives the outputs for these."""

    def __init__(self, inputs, outputs, name=None):
        self._model = Functional(inputs, outputs, name=name or auto_name("Function"))

    @property
    def name(self):
        return self._model.name

    @property
    def operations(self):
        """The layers and functions that are called."""
        return self._model.operations

    @property
    def inputs(self):
        """The symbolic inputs, a list."""
        return self._model.inputs

    @property
    def outputs(self):
        """The symbolic outputs, a list."""
        return self._model.outputs

    def compute_output_spec(self, inputs):
        """The symbolic outputs for symbolic INPUTS."""
        return self._model.compute_output_spec(inputs)

    def compute_output_shape(self, input_shape):
        """The shapes of the outputs for inputs of INPUT_SHAPE."""
        return self._model.compute_output_shape(input_shape)

    def call(self, inputs):
        return self._model(inputs)

    __call__ = call

    def __repr__(self):
        return f"<Function name={self.name}>"
