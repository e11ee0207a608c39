"""Layers that act while training only."""

from cnnpy import _core
from cnnpy.layers.calling import label
from cnnpy.layers.layer import Layer
from cnnpy.utils.random import SeedGenerator


class Dropout(Layer):
    """While training: a fraction RATE of the elements becomes 0, the others are divided by 1 - rate.

    NOISE_SHAPE gives the shape of the random mask; sizes of 1 share one decision, None takes the input's size. SEED
    makes the sequence of masks repeat. Srivastava et al., 2014.
    """

    _plain = True
    _float_inputs = True

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
            raise ValueError(f"{type(self).__name__}: rate must be a number from 0 to 1, got {rate!r}")
        self.rate = rate
        self.seed = seed
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self.seed_generator = SeedGenerator(seed)
        self.built = True
        self._bind_ops()

    def _bind_ops(self):
        seed = self.seed_generator.seed & ((1 << 64) - 1)
        self._op = _core.dropout.bind(label(self), rate=self.rate, seed=seed)

    def _mask_shape(self, shape):
        """The shape of the mask for an input of SHAPE, None for one decision an element."""
        if self.noise_shape is None:
            return None
        if len(self.noise_shape) != len(shape):
            raise ValueError(
                f"{label(self)}: noise_shape {self.noise_shape} does not have the rank of the input {tuple(shape)}"
            )
        return tuple(size if n is None else n for n, size in zip(self.noise_shape, shape))

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


class SpatialDropout2D(Dropout):
    """Dropout of whole channels of [N,H,W,C] images (or [N,C,H,W]). Tompson et al., 2014."""

    def __init__(self, rate, data_format=None, seed=None, name=None, dtype=None, **kwargs):
        from cnnpy.layers import arguments

        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.data_format = arguments.data_format(type(self).__name__, data_format)

    def _check_shape(self, shape):
        if len(shape) != 4:
            raise ValueError(f"{label(self)}: input must have 4 dimensions, got shape {tuple(shape)}")

    def _mask_shape(self, shape):
        return (shape[0], shape[1], 1, 1) if self.data_format == "channels_first" else (shape[0], 1, 1, shape[3])

    def get_config(self):
        config = super().get_config()
        del config["noise_shape"], config["trainable"]  # Keras's class takes neither
        return {**config, "data_format": self.data_format}
