"""Normalisation of samples by themselves: layer, group, unit and root mean square; and what batch normalisation shares
with them."""

from cnnpy import _core, constraints, initializers, regularizers
from cnnpy.layers.axes import (
    checked_axes,
    over_axes,
    places_of,
    scale_by_deviation,
    sizes_along,
    unit_length,
    warn_of_rms_scaling,
)
from cnnpy.layers.calling import label
from cnnpy.layers.layer import Layer
from cnnpy.utils.old_paths import moved


class ScaledNormalization(Layer):
    """The base of normalisations that end with a scale and an offset: y = gamma * x_normalised + beta."""

    _plain = True
    _float_inputs = True
    supports_masking = True

    def __init__(
        self,
        axis=-1,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.axis = axis
        self.epsilon = float(epsilon)
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.gamma = self.beta = None

    def _add_scale_and_offset(self, shape):
        if self.scale:
            self.gamma = self.add_weight(
                name="gamma",
                shape=shape,
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
            )
        if self.center:
            self.beta = self.add_weight(
                name="beta",
                shape=shape,
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
            )

    def compute_output_shape(self, input_shape):
        self._check_shape(input_shape)
        return tuple(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "axis": self.axis,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }


class _OverAxes(Layer):
    """A layer with an `axis`, one or several, over whose sizes its weights go."""

    def _check_shape(self, shape):
        sizes = [shape[a] for a in places_of(label(self), self.axis, len(shape))]
        for weight in self.weights[:1]:
            if any(size not in (None, own) for size, own in zip(sizes, weight.shape)):
                raise ValueError(
                    f"{label(self)}: input shape {tuple(shape)} has sizes {tuple(sizes)} along axis {self.axis}, the "
                    f"layer was built for {weight.shape}"
                )

    @property
    def _dims(self):
        return len(self.axis) if isinstance(self.axis, list) else 1

    def compute_output_shape(self, input_shape):
        self._check_shape(input_shape)
        return tuple(input_shape)


class LayerNormalization(_OverAxes, ScaledNormalization):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, with the mean and variance of each sample over AXIS.

    AXIS is an integer or several; gamma and beta have their sizes. RMS_SCALING=True, which Keras has deprecated, gives
    gamma * x / sqrt(variance + epsilon): for the root mean square use RMSNormalization. Ba, Kiros and Hinton, 2016.
    Raises TypeError for an AXIS that is no integer, ValueError for one that the input does not have.
    """

    def __init__(self, axis=-1, *args, rms_scaling=False, **kwargs):
        super().__init__(checked_axes(type(self).__name__, axis), *args, **kwargs)
        if rms_scaling:
            warn_of_rms_scaling("RMSNormalization")
        self.rms_scaling = bool(rms_scaling)

    def build(self, input_shape):
        if self.rms_scaling:
            self.scale, self.center = True, False
        self._add_scale_and_offset(sizes_along(label(self), self.axis, input_shape))

    def _bind_ops(self):
        self._op = _core.layer_norm.bind(label(self), dims=self._dims, epsilon=self.epsilon)

    def call(self, inputs):
        op = self._by_deviation if self.rms_scaling else self._op
        return over_axes(op, label(self), self.axis, inputs, self.gamma, self.beta)

    def _by_deviation(self, x, gamma, _):
        return scale_by_deviation(x, gamma, self._dims, self.epsilon)

    def get_config(self):
        return {**super().get_config(), "rms_scaling": self.rms_scaling}


class RMSNormalization(_OverAxes):
    """scale * x / sqrt(mean(x^2) + epsilon), with the mean of each sample over AXIS, an integer or several.

    The weight `scale` has the sizes along AXIS and belongs to them (Keras multiplies it along the last axis, whatever
    AXIS is). Zhang and Sennrich, 2019.
    """

    _plain = True
    _float_inputs = True

    def __init__(self, axis=-1, epsilon=1e-6, **kwargs):
        super().__init__(**kwargs)
        self.axis = checked_axes(type(self).__name__, axis)
        self.epsilon = float(epsilon)
        self.scale = None

    def build(self, input_shape):
        self.scale = self.add_weight(
            name="scale", shape=sizes_along(label(self), self.axis, input_shape), initializer="ones"
        )

    def _bind_ops(self):
        self._op = _core.layer_norm.bind(label(self), dims=self._dims, epsilon=self.epsilon, rms=True)

    def call(self, inputs):
        return over_axes(self._op, label(self), self.axis, inputs, self.scale)

    def get_config(self):
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}


class GroupNormalization(ScaledNormalization):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, with the mean and variance of each group of channels of
    each sample.

    The channels along AXIS are cut into GROUPS groups of neighbours; -1 makes every channel a group (instance
    normalisation). gamma and beta have one entry per channel. The other arguments are those of LayerNormalization.
    Wu and He, 2018. Raises ValueError if the groups do not divide the channels.
    """

    def __init__(self, groups=32, axis=-1, *args, **kwargs):
        super().__init__(axis, *args, **kwargs)
        name = type(self).__name__
        if isinstance(groups, bool) or not hasattr(groups, "__index__") or (groups < 1 and groups != -1):
            raise ValueError(
                f"{name}: groups must be an integer of at least 1, or -1 for one a channel, got {groups!r}"
            )
        if isinstance(axis, bool) or not hasattr(axis, "__index__"):
            raise TypeError(f"{name}: axis must be an integer, got {axis!r}")
        self.axis = int(axis)
        self.groups = int(groups)

    def _check_shape(self, shape):
        if places_of(label(self), self.axis, len(shape)) == [0]:
            raise ValueError(f"{label(self)}: axis {self.axis} is the batch of input shape {tuple(shape)}")
        channels, weight = shape[self.axis], self.gamma if self.gamma is not None else self.beta
        if channels is None:
            return
        if weight is not None and channels != weight.shape[0]:
            raise ValueError(
                f"{label(self)}: input shape {tuple(shape)} has {channels} channels along axis {self.axis}, the layer "
                f"was built for {weight.shape[0]}"
            )
        if self.groups > 0 and channels % self.groups:
            raise ValueError(
                f"{label(self)}: {self.groups} groups do not divide the {channels} channels of input shape "
                f"{tuple(shape)}; pass a groups= that does, or -1 for one group a channel"
            )

    def build(self, input_shape):
        self._check_shape(input_shape)
        channels = sizes_along(label(self), self.axis, input_shape)
        if self.groups == -1:
            self.groups = channels[0]
        self._add_scale_and_offset(channels)

    def _bind_ops(self):
        self._op = _core.group_norm.bind(label(self), groups=self.groups, axis=self.axis, epsilon=self.epsilon)

    def call(self, inputs):
        return self._op(inputs, self.gamma, self.beta)

    def get_config(self):
        return {**super().get_config(), "groups": self.groups}


class UnitNormalization(_OverAxes):
    """x / sqrt(sum(x^2)), with the sum over AXIS, an integer or several: vectors of length 1. Zeros stay zeros."""

    _plain = True
    _float_inputs = True
    supports_masking = True

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = checked_axes(type(self).__name__, axis)
        self.built = True

    def call(self, inputs):
        return unit_length(inputs, self.axis, 1e-12)

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}


__getattr__ = moved("cnnpy.layers.normalization", "cnnpy.layers")
