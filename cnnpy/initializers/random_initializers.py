"""Random initializers. The same seed gives the same values at each call; without one each object has its own."""

import math

import numpy as np

from cnnpy.initializers.initializer import Initializer
from cnnpy.random import normal_values, truncated_normal_values, uniform_values
from cnnpy.utils.random import SeedGenerator, make_default_seed

# Standard deviation of a standard normal distribution cut at -2 and 2.
_TRUNCATED_STDDEV = 0.87962566103423978


class RandomInitializer(Initializer):
    """An initializer with a seed: an integer, a SeedGenerator (new values at each call), or None."""

    def __init__(self, seed=None):
        if isinstance(seed, dict):
            seed = SeedGenerator.from_config(seed.get("config", seed))
        if (
            seed is not None
            and not isinstance(seed, SeedGenerator)
            and (isinstance(seed, bool) or not hasattr(seed, "__index__"))
        ):
            raise ValueError(f"{type(self).__name__}: seed must be an integer, a SeedGenerator or None, got {seed!r}")
        self._init_seed = seed
        self.seed = make_default_seed() if seed is None else seed

    def get_config(self):
        from cnnpy.saving import serialize_keras_object

        return {"seed": serialize_keras_object(self._init_seed)}


class RandomNormal(RandomInitializer):
    """Normal distribution."""

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        self.mean, self.stddev = mean, stddev
        super().__init__(seed)

    def values(self, shape, dtype):
        return normal_values(shape, self.mean, self.stddev, dtype, self.seed)

    def get_config(self):
        return {"mean": self.mean, "stddev": self.stddev, **super().get_config()}


class TruncatedNormal(RandomInitializer):
    """Normal distribution, drawn again beyond two standard deviations (what results has 0.88 STDDEV)."""

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        self.mean, self.stddev = mean, stddev
        super().__init__(seed)

    def values(self, shape, dtype):
        return truncated_normal_values(shape, self.mean, self.stddev, dtype, self.seed)

    def get_config(self):
        return {"mean": self.mean, "stddev": self.stddev, **super().get_config()}


class RandomUniform(RandomInitializer):
    """Even distribution in [minval, maxval)."""

    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        self.minval, self.maxval = minval, maxval
        super().__init__(seed)

    def values(self, shape, dtype):
        return uniform_values(shape, self.minval, self.maxval, dtype, self.seed)

    def get_config(self):
        return {"minval": self.minval, "maxval": self.maxval, **super().get_config()}


def compute_fans(shape, input_axes=None, output_axes=None):
    """(fan in, fan out) of a weight. Convolution kernels are [..., in, out]; a vector counts for both."""
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
    if len(shape) == 0:
        return 1, 1
    if len(shape) == 1:
        return shape[0], shape[0]
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


class VarianceScaling(RandomInitializer):
    """Random values whose variance is SCALE / n, with n the fan in, the fan out or their mean by MODE.

    DISTRIBUTION is 'truncated_normal' (whose narrowing is made up for), 'untruncated_normal' or 'uniform'.
    """

    def __init__(
        self, scale=1.0, mode="fan_in", distribution="truncated_normal", seed=None, input_axes=None, output_axes=None
    ):
        if not scale > 0:
            raise ValueError(f"VarianceScaling: scale must be positive, got {scale!r}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"VarianceScaling: mode must be 'fan_in', 'fan_out' or 'fan_avg', got {mode!r}")
        distribution = "truncated_normal" if str(distribution).lower() == "normal" else str(distribution).lower()
        if distribution not in ("truncated_normal", "untruncated_normal", "uniform"):
            raise ValueError(
                "VarianceScaling: distribution must be 'truncated_normal', 'untruncated_normal' or 'uniform', "
                f"got {distribution!r}"
            )
        self.scale, self.mode, self.distribution = scale, mode, distribution
        self.input_axes, self.output_axes = input_axes, output_axes
        super().__init__(seed)

    def values(self, shape, dtype):
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "truncated_normal":
            return truncated_normal_values(shape, 0.0, math.sqrt(variance) / _TRUNCATED_STDDEV, dtype, self.seed)
        if self.distribution == "untruncated_normal":
            return normal_values(shape, 0.0, math.sqrt(variance), dtype, self.seed)
        limit = math.sqrt(3 * variance)
        return uniform_values(shape, -limit, limit, dtype, self.seed)

    def get_config(self):
        return {
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            **super().get_config(),
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


class _Named(VarianceScaling):
    """A VarianceScaling with its numbers fixed."""

    _fixed = ()

    def __init__(self, seed=None, input_axes=None, output_axes=None):
        super().__init__(*self._fixed, seed, input_axes, output_axes)

    def get_config(self):
        config = super().get_config()
        return {name: config[name] for name in ("seed", "input_axes", "output_axes")}


class GlorotUniform(_Named):
    """Even in [-a, a], a = sqrt(6 / (fan in + fan out)). Glorot and Bengio, 2010."""

    _fixed = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Named):
    """Truncated normal, variance 2 / (fan in + fan out). Glorot and Bengio, 2010."""

    _fixed = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Named):
    """Even in [-a, a], a = sqrt(6 / fan in). He et al., 2015."""

    _fixed = (2.0, "fan_in", "uniform")


class HeNormal(_Named):
    """Truncated normal, variance 2 / fan in. He et al., 2015."""

    _fixed = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Named):
    """Even in [-a, a], a = sqrt(3 / fan in). LeCun et al., 1998."""

    _fixed = (1.0, "fan_in", "uniform")


class LecunNormal(_Named):
    """Truncated normal, variance 1 / fan in. LeCun et al., 1998."""

    _fixed = (1.0, "fan_in", "truncated_normal")


class Orthogonal(RandomInitializer):
    """GAIN times a random matrix with orthogonal rows or columns (all but the last axis taken together)."""

    def __init__(self, gain=1.0, seed=None):
        self.gain = gain
        super().__init__(seed)

    def values(self, shape, dtype):
        if len(shape) < 2:
            raise ValueError(f"Orthogonal initializer: the weight must have at least 2 dimensions, got shape {shape}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        flat = (max(rows, columns), min(rows, columns))
        q, r = np.linalg.qr(normal_values(flat, 0.0, 1.0, dtype, self.seed))
        q *= np.sign(np.diagonal(r))
        if rows < columns:
            q = q.T
        return (self.gain * q.reshape(shape)).astype(dtype)

    def get_config(self):
        return {"gain": self.gain, **super().get_config()}
