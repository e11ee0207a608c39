"""Normalisation."""

from cnnpy import _core, constraints, initializers, regularizers
from cnnpy.layers.calling import label
from cnnpy.layers.layer import Layer


class BatchNormalization(Layer):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, per entry of AXIS.

    While training, mean and variance are those of the batch, and the moving averages follow them: moving = moving *
    momentum + batch * (1 - momentum), with the biased variance. Otherwise, and whenever `trainable` is False, the
    moving averages are used. Weights: gamma, beta, moving mean, moving variance. Ioffe and Szegedy, 2015.
    """

    _plain = True
    _float_inputs = True

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
        super().__init__(**kwargs)
        if renorm:
            raise NotImplementedError("BatchNormalization: renorm is not offered; leave it False")
        if isinstance(axis, (list, tuple)) and len(axis) == 1:
            axis = axis[0]
        if not hasattr(axis, "__index__"):
            raise ValueError(f"BatchNormalization: axis must be an integer, got {axis!r}")
        if not 0 <= momentum <= 1:
            raise ValueError(f"BatchNormalization: momentum must be from 0 to 1, got {momentum!r}")
        self.axis = int(axis)
        self.momentum = float(momentum)
        self.epsilon = float(epsilon)
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.renorm, self.renorm_clipping, self.renorm_momentum = False, renorm_clipping, renorm_momentum
        self.synchronized = synchronized  # one process: the batch is whole anyway
        self.gamma = self.beta = self.moving_mean = self.moving_variance = None

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
        self.moving_mean = self.add_weight(
            name="moving_mean", shape=shape, initializer=self.moving_mean_initializer, trainable=False
        )
        self.moving_variance = self.add_weight(
            name="moving_variance", shape=shape, initializer=self.moving_variance_initializer, trainable=False
        )

    def _bind_ops(self):
        self._train_op = _core.batch_norm_training.bind(label(self), axis=self.axis, epsilon=self.epsilon)
        self._infer_op = _core.batch_norm_inference.bind(label(self), axis=self.axis, epsilon=self.epsilon)

    def call(self, inputs, training=None, mask=None):
        if mask is not None:
            raise NotImplementedError(f"{label(self)}: masks are not offered")
        if not training or not self._trainable:
            return self._infer_op(inputs, self.moving_mean, self.moving_variance, self.gamma, self.beta)
        y, mean, variance = self._train_op(inputs, self.gamma, self.beta)
        _core.update_moving_average(self.moving_mean, mean, self.momentum)
        _core.update_moving_average(self.moving_variance, variance, self.momentum)
        return y

    def compute_output_shape(self, input_shape):
        self._check_shape(input_shape)
        return tuple(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
            "renorm": self.renorm,
            "renorm_clipping": self.renorm_clipping,
            "renorm_momentum": self.renorm_momentum,
            "synchronized": self.synchronized,
        }
