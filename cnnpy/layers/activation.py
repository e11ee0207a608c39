"""Activations as layers. Inputs and outputs have any, and the same, shape."""

import math

from cnnpy import _core, activations, constraints, initializers, regularizers
from cnnpy.layers.calling import label
from cnnpy.layers.layer import Layer


class _Elementwise(Layer):
    """A layer whose output has its input's shape."""

    _plain = True
    _float_inputs = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.built = True

    def compute_output_shape(self, input_shape):
        return input_shape


def _number(layer, name, value, minimum=None):
    if isinstance(value, bool) or not isinstance(value, (int, float)) or (minimum is not None and value < minimum):
        bound = "" if minimum is None else f" >= {minimum}"
        raise ValueError(f"{type(layer).__name__}: {name} must be a number{bound}, got {value!r}")
    return float(value)


class Activation(_Elementwise):
    """ACTIVATION, a name or a function, as a layer."""

    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)
        self._bind_ops()

    def _bind_ops(self):
        fused = activations.fused_name(self.activation)
        op = _core.activation.bind(label(self), activation=fused) if fused else None
        self._op = op or activations.bound(self.activation, label(self))

    def call(self, inputs):
        return self._op(inputs)

    def get_config(self):
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


class ReLU(_Elementwise):
    """max(x, 0), at most MAX_VALUE; below THRESHOLD it is negative_slope * (x - threshold)."""

    def __init__(self, max_value=None, negative_slope=0.0, threshold=0.0, **kwargs):
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else _number(self, "max_value", max_value, 0)
        self.negative_slope = _number(self, "negative_slope", negative_slope or 0.0, 0)
        self.threshold = _number(self, "threshold", threshold or 0.0, 0)
        self._bind_ops()

    @property
    def _fused_name(self):
        return "relu" if self.max_value is None and not self.negative_slope and not self.threshold else None

    def _bind_ops(self):
        self._op = _core.relu.bind(
            label(self),
            negative_slope=self.negative_slope,
            max_value=math.inf if self.max_value is None else self.max_value,
            threshold=self.threshold,
        )

    def call(self, inputs):
        return self._op(inputs)

    def get_config(self):
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }


class LeakyReLU(_Elementwise):
    """x where positive, else negative_slope * x. The layer's slope is 0.3, the function's 0.2, as in Keras."""

    def __init__(self, negative_slope=0.3, **kwargs):
        if "alpha" in kwargs:
            negative_slope = kwargs.pop("alpha")
        super().__init__(**kwargs)
        self.negative_slope = _number(self, "negative_slope", negative_slope, 0)
        self._bind_ops()

    def _bind_ops(self):
        self._op = _core.leaky_relu.bind(label(self), negative_slope=self.negative_slope)

    def call(self, inputs):
        return self._op(inputs)

    def get_config(self):
        return {**super().get_config(), "negative_slope": self.negative_slope}


class PReLU(_Elementwise):
    """x where positive, else alpha * x with a learned alpha for each place of a sample. He et al., 2015.

    SHARED_AXES, counted from 1, have one alpha together: [1, 2] for one a channel of images.
    """

    def __init__(
        self, alpha_initializer="Zeros", alpha_regularizer=None, alpha_constraint=None, shared_axes=None, **kwargs
    ):
        super().__init__(**kwargs)
        self.built = False
        self.supports_masking = True
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        if shared_axes is not None:
            shared_axes = [shared_axes] if hasattr(shared_axes, "__index__") else list(shared_axes)
            if not all(hasattr(axis, "__index__") and axis != 0 for axis in shared_axes):
                raise ValueError(
                    f"PReLU: shared_axes are numbers of axes, the batch (0) not among them, got {shared_axes}"
                )
        self.shared_axes = shared_axes
        self.alpha = None

    def _check_shape(self, shape):
        if self.alpha is None:
            return
        wanted = self.alpha.shape
        fits = len(shape) == len(wanted) + 1 and all(w == 1 or d is None or d == w for d, w in zip(shape[1:], wanted))
        if not fits:
            raise ValueError(
                f"{label(self)}: its alpha has shape {wanted}, which does not fit an input of {tuple(shape)}"
            )

    def build(self, input_shape):
        shape = list(input_shape[1:])
        for axis in self.shared_axes or ():
            if not -len(input_shape) < axis < len(input_shape):
                raise ValueError(f"{label(self)}: shared axis {axis} is none of an input of shape {tuple(input_shape)}")
            shape[axis - 1 if axis > 0 else axis] = 1
        self.alpha = self.add_weight(
            name="alpha",
            shape=shape,
            initializer=self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )

    def call(self, inputs):
        return _core.add(_core.relu(inputs), _core.multiply(self.alpha, _core.minimum(inputs, 0.0)))

    def compute_output_shape(self, input_shape):
        self._check_shape(input_shape)
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "alpha_initializer": initializers.serialize(self.alpha_initializer),
            "alpha_regularizer": regularizers.serialize(self.alpha_regularizer),
            "alpha_constraint": constraints.serialize(self.alpha_constraint),
            "shared_axes": self.shared_axes,
        }


class ELU(_Elementwise):
    """x where positive, else alpha * (exp(x) - 1). Clevert et al., 2016."""

    def __init__(self, alpha=1.0, **kwargs):
        super().__init__(**kwargs)
        self.alpha = _number(self, "alpha", alpha)
        self._bind_ops()

    def _bind_ops(self):
        self._op = _core.elu.bind(label(self), alpha=self.alpha)

    def call(self, inputs):
        return self._op(inputs)

    def get_config(self):
        return {**super().get_config(), "alpha": self.alpha}


class Softmax(_Elementwise):
    """exp(x) / sum(exp(x)) over AXIS, an integer or several. Where MASK is given and False, the result is 0."""

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis if hasattr(axis, "__index__") else list(axis)

    def call(self, inputs, mask=None):
        if mask is not None:
            inputs = _core.where(mask, inputs, -3e38 if self._compute_dtype == "float32" else -1e308)
        return activations.softmax(inputs, self.axis)

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}
