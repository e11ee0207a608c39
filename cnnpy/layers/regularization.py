"""Layers that act while training only."""

import math

from cnnpy import _core, random, regularizers
from cnnpy.layers import arguments
from cnnpy.layers.calling import label
from cnnpy.layers.layer import Layer
from cnnpy.utils.random import SeedGenerator


def fraction(layer, rate):
    """RATE, checked to be a number from 0 to 1."""
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
        raise ValueError(f"{type(layer).__name__}: rate must be a number from 0 to 1, got {rate!r}")
    return rate


def mask_shape(layer, shape):
    """The shape of LAYER's mask for an input of SHAPE by its `noise_shape`; None for one decision an element."""
    noise_shape = layer.noise_shape
    if noise_shape is None:
        return None
    if len(noise_shape) != len(shape):
        raise ValueError(
            f"{label(layer)}: noise_shape {noise_shape} does not have the rank of the input {tuple(shape)}"
        )
    return tuple(size if n is None else n for n, size in zip(noise_shape, shape))


class Dropout(Layer):
    """While training: a fraction RATE of the elements becomes 0, the others are divided by 1 - rate.

    NOISE_SHAPE gives the shape of the random mask; sizes of 1 share one decision, None takes the input's size. SEED
    makes the sequence of masks repeat. Srivastava et al., 2014.
    """

    _plain = True
    _float_inputs = True

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = fraction(self, rate)
        self.seed = seed
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self.seed_generator = SeedGenerator(seed)
        self.built = True
        self._bind_ops()

    def _bind_ops(self):
        seed = self.seed_generator.seed & ((1 << 64) - 1)
        self._op = _core.dropout.bind(label(self), rate=self.rate, seed=seed)

    def _mask_shape(self, shape):
        return mask_shape(self, shape)

    def call(self, inputs, training=False):
        if not training or not self.rate:
            return inputs
        offset = self.seed_generator.next()[1]
        mask_shape = self._mask_shape(inputs.shape)
        if mask_shape is None:
            return self._op(inputs, offset=offset)
        return self._op(inputs, offset=offset, noise_shape=mask_shape)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": self.noise_shape}


class _SpatialDropout(Dropout):
    """Dropout of whole channels. Tompson et al., 2014."""

    _rank = None

    def __init__(self, rate, data_format=None, seed=None, name=None, dtype=None, **kwargs):
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.data_format = arguments.data_format(type(self).__name__, data_format)

    def _check_shape(self, shape):
        if len(shape) != self._rank + 2:
            raise ValueError(f"{label(self)}: input must have {self._rank + 2} dimensions, got shape {tuple(shape)}")

    def _mask_shape(self, shape):
        ones = (1,) * self._rank
        if self.data_format == "channels_first":
            return (*shape[:2], *ones)
        return (shape[0], *ones, shape[-1])

    def get_config(self):
        config = super().get_config()
        del config["noise_shape"], config["trainable"]  # Keras's classes take neither
        return {**config, "data_format": self.data_format}


class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole channels of sequences [N,L,C]. Tompson et al., 2014."""

    _rank = 1

    def __init__(self, rate, seed=None, name=None, dtype=None, **kwargs):
        super().__init__(rate, "channels_last", seed, name, dtype, **kwargs)

    def get_config(self):
        config = super().get_config()
        del config["data_format"]
        return config


class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of [N,H,W,C] images (or [N,C,H,W]). Tompson et al., 2014."""

    _rank = 2


class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole channels of [N,D,H,W,C] volumes (or [N,C,D,H,W]). Tompson et al., 2014."""

    _rank = 3


class _Noise(Layer):
    """Random numbers while training; in inference the input itself."""

    _plain = True
    _float_inputs = True

    def __init__(self, seed, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)
        self.supports_masking = True
        self.built = True

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


class GaussianNoise(_Noise):
    """While training: the input plus normal noise of deviation STDDEV. SEED makes the noise repeat."""

    def __init__(self, stddev, seed=None, **kwargs):
        if isinstance(stddev, bool) or not isinstance(stddev, (int, float)) or not stddev >= 0:
            raise ValueError(f"GaussianNoise: stddev must be a number of at least 0, got {stddev!r}")
        super().__init__(seed, **kwargs)
        self.stddev = stddev

    def call(self, inputs, training=False):
        if not training or not self.stddev:
            return inputs
        noise = random.normal(inputs.shape, 0.0, self.stddev, inputs.dtype, self.seed_generator)
        return _core.add(inputs, noise)

    def get_config(self):
        return {**super().get_config(), "stddev": self.stddev}


class GaussianDropout(_Noise):
    """While training: the input times normal noise of mean 1 and deviation sqrt(rate / (1 - rate)).

    Srivastava et al., 2014.
    """

    def __init__(self, rate, seed=None, **kwargs):
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate < 1:
            raise ValueError(f"GaussianDropout: rate must be a number from 0 to under 1, got {rate!r}")
        super().__init__(seed, **kwargs)
        self.rate = rate

    def call(self, inputs, training=False):
        if not training or not self.rate:
            return inputs
        deviation = math.sqrt(self.rate / (1 - self.rate))
        return _core.multiply(inputs, random.normal(inputs.shape, 1.0, deviation, inputs.dtype, self.seed_generator))

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}


class AlphaDropout(_Noise):
    """Dropout for SELU networks, which keeps mean 0 and variance 1. Klambauer et al., 2017.

    While training a fraction RATE of the elements takes the value that SELU has far below 0, and all are scaled and
    shifted. NOISE_SHAPE as in Dropout.
    """

    _dropped = -1.6732632423543772 * 1.0507009873554805  # SELU's limit: -alpha * scale

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.rate = fraction(self, rate)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)

    def call(self, inputs, training=False):
        if not training or not self.rate:
            return inputs
        if self.rate == 1:
            return _core.multiply(inputs, 0.0)
        shape = mask_shape(self, inputs.shape) or inputs.shape
        keep = random.uniform(shape, dtype=inputs.dtype, seed=self.seed_generator).numpy() >= self.rate
        scale = ((1 - self.rate) * (1 + self.rate * self._dropped**2)) ** -0.5
        shift = -scale * self._dropped * self.rate
        # a (x k + d (1 - k)) + b, with what does not depend on x put together
        factor = (scale * keep).astype(inputs.dtype)
        offset = (scale * self._dropped * (1 - keep) + shift).astype(inputs.dtype)
        return _core.add(_core.multiply(inputs, factor), offset)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "noise_shape": self.noise_shape}


class ActivityRegularization(Layer):
    """Adds L1 times the sum of |x| and L2 times the sum of squares, divided by the batch size, to the loss; y = x."""

    _plain = True
    _float_inputs = True

    def __init__(self, l1=0.0, l2=0.0, **kwargs):
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1, self.l2 = l1, l2
        self.supports_masking = True
        self.built = True

    def call(self, inputs):
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = super().get_config()
        config.pop("activity_regularizer", None)
        return {**config, "l1": self.l1, "l2": self.l2}
