"""Batch normalisation."""

import numpy as np

from cnnpy import _core, config, initializers
from cnnpy.layers.calling import label
from cnnpy.layers.normalization import ScaledNormalization

_CLIPS = ("rmax", "rmin", "dmax")


def _check_clipping(clipping):
    """CLIPPING, a dict of limits for the corrections of renormalisation. Raises ValueError."""
    unknown = set(clipping) - set(_CLIPS)
    if unknown:
        raise ValueError(f"BatchNormalization: renorm_clipping takes {', '.join(_CLIPS)}, got {sorted(unknown)}")
    rmax, rmin, dmax = (clipping.get(key) for key in _CLIPS)
    if rmax is not None and rmin is not None and rmax < rmin:
        raise ValueError(f"BatchNormalization: rmax must be at least rmin in renorm_clipping, got {clipping}")
    if dmax is not None and dmax < 0:
        raise ValueError(f"BatchNormalization: dmax must not be negative in renorm_clipping, got {clipping}")
    return clipping


class BatchNormalization(ScaledNormalization):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, per entry of AXIS.

    While training, mean and variance are those of the batch, and the moving averages follow them: moving = moving *
    momentum + batch * (1 - momentum), with the biased variance. Otherwise, and whenever `trainable` is False, the
    moving averages are used. Weights: gamma, beta, moving mean, moving variance. Ioffe and Szegedy, 2015.

    `call` takes a MASK of the input's shape but for the last dimension: what it leaves out does not count in the
    moments, nor do samples without anything left.

    RENORM=True trains with the corrections of batch renormalisation (Ioffe, 2017), so that small batches train on what
    inference will use: y = (x_normalised * r + d) * gamma + beta, where r and d, constants to the gradient and limited
    by RENORM_CLIPPING ('rmax', 'rmin', 'dmax'), come from averages of their own with RENORM_MOMENTUM. SYNCHRONIZED
    concerns several devices; there is one here, which sees the whole batch, so that it changes nothing.

    Raises ValueError for a training batch without samples (Keras gives NaN, which stay in the moving averages).
    """

    def __init__(
        self,
        axis=-1,
        momentum=0.99,
        epsilon=0.001,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        moving_mean_initializer="zeros",
        moving_variance_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        renorm=False,
        renorm_clipping=None,
        renorm_momentum=0.99,
        synchronized=False,
        **kwargs,
    ):
        super().__init__(
            axis, epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer,
            beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip
        if isinstance(axis, (list, tuple)) and len(axis) == 1:
            axis = axis[0]
        if not hasattr(axis, "__index__"):
            raise ValueError(f"BatchNormalization: axis must be an integer, got {axis!r}")
        if not 0 <= momentum <= 1:
            raise ValueError(f"BatchNormalization: momentum must be from 0 to 1, got {momentum!r}")
        self.axis = int(axis)
        self.momentum = float(momentum)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.renorm = bool(renorm)
        self.renorm_clipping = _check_clipping(renorm_clipping or {}) if renorm else renorm_clipping
        self.renorm_momentum = renorm_momentum
        self.synchronized = synchronized
        self.moving_mean = self.moving_variance = None

    def _check_shape(self, shape):
        if not -len(shape) <= self.axis < len(shape):
            raise ValueError(f"{label(self)}: axis {self.axis} does not exist in input shape {tuple(shape)}")
        size = shape[self.axis]
        if self.moving_mean is not None and size is not None and size != self.moving_mean.shape[0]:
            raise ValueError(
                f"{label(self)}: axis {self.axis} of the input has size {size}, its weights expect "
                f"{self.moving_mean.shape[0]}; got shape {tuple(shape)}"
            )

    def build(self, input_shape):
        self._check_shape(input_shape)
        shape = (input_shape[self.axis],)
        if shape[0] is None:
            raise ValueError(
                f"{label(self)}: axis {self.axis} must have a known size, got input shape {tuple(input_shape)}"
            )
        self._add_scale_and_offset(shape)
        self.moving_mean = self._statistic("moving_mean", shape, self.moving_mean_initializer)
        self.moving_variance = self._statistic("moving_variance", shape, self.moving_variance_initializer)
        if self.renorm:
            self.moving_stddev = self._statistic("moving_stddev", shape, self._initial_deviation)
            self.renorm_mean = self._statistic("renorm_mean", shape, self.moving_mean_initializer)
            self.renorm_stddev = self._statistic("renorm_stddev", shape, self._initial_deviation)

    def _statistic(self, name, shape, initializer):
        return self.add_weight(name=name, shape=shape, initializer=initializer, trainable=False)

    def _initial_deviation(self, shape, dtype=None):
        return np.sqrt(np.asarray(self.moving_variance_initializer(shape, dtype=dtype)))

    def _bind_ops(self):
        self._train_op, self._infer_op = self._bound("linear")

    def _bound(self, activation):
        """The core's ops for training and inference, with ACTIVATION, 'linear' or 'relu', in the same pass."""
        settings = {"axis": self.axis, "epsilon": self.epsilon, "activation": activation}
        ops = _core.batch_norm_training, _core.batch_norm_inference
        return tuple(op.bind(label(self), **settings) for op in ops)

    def call(self, inputs, training=None, mask=None):
        if mask is not None and len(mask.shape) != inputs.ndim - 1:
            raise ValueError(
                f"{label(self)}: the mask must have one dimension less than the input, got shape {tuple(mask.shape)} "
                f"for an input of shape {inputs.shape}"
            )
        if self.renorm and training and self._trainable:
            return self._renormalized(inputs, mask)
        return self._normalize(inputs, training, self._train_op, self._infer_op, mask)

    def _normalize(self, inputs, training, train_op, infer_op, mask=None):
        if not training or not self._trainable:
            return infer_op(inputs, self.moving_mean, self.moving_variance, self.gamma, self.beta)
        if mask is None:
            y, mean, variance = train_op(inputs, self.gamma, self.beta)
        else:
            mean, variance = self._masked_moments(inputs, mask)
            y = infer_op(inputs, mean, variance, self.gamma, self.beta)
        _core.update_moving_average(self.moving_mean, mean, self.momentum)
        _core.update_moving_average(self.moving_variance, variance, self.momentum)
        return y

    def _along(self, vector, ndim):
        """VECTOR shaped to broadcast along the axis of a tensor of NDIM dimensions."""
        shape = [1] * ndim
        shape[self.axis] = -1
        return _core.reshape(vector, shape=shape)

    def _masked_moments(self, inputs, mask):
        """Mean and variance of what MASK leaves."""
        ndim, place = inputs.ndim, self.axis % inputs.ndim
        others = [a for a in range(ndim) if a != place]
        kept = _core.broadcast_to(_core.expand_dims(_core.cast(mask, dtype="bool"), axis=-1), shape=inputs.shape)
        count = _core.add(_core.sum(_core.cast(kept, dtype=inputs.dtype), axis=others), config.epsilon())
        mean = _core.divide(_core.sum(_core.where(kept, inputs, 0.0), axis=others), count)
        deviation = _core.where(kept, _core.subtract(inputs, self._along(mean, ndim)), 0.0)
        return mean, _core.divide(_core.sum(_core.square(deviation), axis=others), count)

    def _renormalized(self, inputs, mask):
        """A training batch with the corrections r and d; moves all averages."""
        if mask is None:
            y, mean, variance = self._train_op(inputs, None, None)
        else:
            mean, variance = self._masked_moments(inputs, mask)
            y = self._infer_op(inputs, mean, variance, None, None)
        deviation = np.sqrt(np.asarray(variance) + self.epsilon)
        usual = np.maximum(np.asarray(self.renorm_stddev), self.epsilon**0.5)
        rmax, rmin, dmax = (self.renorm_clipping.get(key) for key in _CLIPS)
        r, d = deviation / usual, (np.asarray(mean) - np.asarray(self.renorm_mean)) / usual
        r = r if rmin is None else np.maximum(r, rmin)
        r = r if rmax is None else np.minimum(r, rmax)
        d = d if dmax is None else np.clip(d, -dmax, dmax)
        r, d = (v.astype(inputs.dtype) for v in (r, d))
        if self.gamma is not None:
            r, d = _core.multiply(self.gamma, r), _core.multiply(self.gamma, d)
        if self.beta is not None:
            d = _core.add(self.beta, d)
        deviation = deviation.astype(inputs.dtype)
        _core.update_moving_average(self.renorm_mean, mean, self.renorm_momentum)
        _core.update_moving_average(self.renorm_stddev, deviation, self.renorm_momentum)
        _core.update_moving_average(self.moving_mean, mean, self.momentum)
        _core.update_moving_average(self.moving_stddev, deviation, self.momentum)
        self.moving_variance.assign(np.maximum(np.asarray(self.moving_stddev) ** 2 - self.epsilon, 0))
        return _core.add(_core.multiply(y, self._along(r, inputs.ndim)), self._along(d, inputs.ndim))

    def get_config(self):
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "renorm": self.renorm,
            "renorm_clipping": self.renorm_clipping,
            "renorm_momentum": self.renorm_momentum,
            "synchronized": self.synchronized,
        }
