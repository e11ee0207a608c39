"""Kernels that compute a short-time Fourier transform."""

import numpy as np

from cnnpy.initializers.initializer import Initializer

# w[n] = a0 - a1 cos(2 pi n / (N - 1)) + a2 cos(4 pi n / (N - 1)) ...
_COSINE_SUMS = {
    "boxcar": (1.0,),
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
    "nuttall": (0.3635819, 0.4891775, 0.1365995, 0.0106411),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
}


def window_values(name, length, periodic):
    """The window NAME of LENGTH values: the sums of cosines by themselves, others by scipy.signal.

    PERIODIC windows are those of LENGTH + 1 values without the last. Raises ValueError for an unknown name.
    """
    if name not in _COSINE_SUMS:
        try:
            from scipy.signal import get_window
        except ImportError:
            raise ImportError(
                f"STFT: the window {name!r} needs scipy (pip install scipy); without it there are "
                + ", ".join(_COSINE_SUMS)
            ) from None
        return get_window(name, length, periodic)
    if length == 1:
        return np.ones(1)
    angle = 2 * np.pi * np.arange(length) / (length if periodic else length - 1)
    return sum((-1) ** k * a * np.cos(k * angle) for k, a in enumerate(_COSINE_SUMS[name]))


class STFT(Initializer):
    """Kernels of shape (window, 1, frequencies) for a Conv1D that computes a short-time Fourier transform.

    Kernel value: w[t] cos(2 pi t f / F), or -w[t] sin(...) with SIDE 'imag', F = 2 (frequencies - 1). WINDOW is None,
    the values w, or a name: boxcar, hann, hamming, blackman, nuttall, blackmanharris, or any of scipy.signal's if scipy
    is installed; PERIODIC as there. SCALING divides w by its length ('density'), by the sum of |w| ('spectrum'), or
    not (None).
    """

    def __init__(self, side="real", window="hann", scaling="density", periodic=False):
        if side not in ("real", "imag"):
            raise ValueError(f"STFT: side must be 'real' or 'imag', got {side!r}")
        if scaling not in (None, "density", "spectrum"):
            raise ValueError(f"STFT: scaling must be None, 'density' or 'spectrum', got {scaling!r}")
        if isinstance(window, str):
            window_values(window, 1, periodic)
        self.side, self.window, self.scaling, self.periodic = side, window, scaling, periodic

    def values(self, shape, dtype):
        if len(shape) != 3:
            raise ValueError(f"STFT initializer: the weight must be (window, 1, frequencies), got shape {shape}")
        length, _, frequencies = shape
        time = np.arange(length)[:, None, None]
        angle = -2 * np.pi * time * np.arange(frequencies) / (2 * (frequencies - 1))
        kernel = np.cos(angle) if self.side == "real" else np.sin(angle)
        if self.window is None:
            return kernel.astype(dtype)
        window = self.window
        window = np.asarray(window_values(window, length, self.periodic) if isinstance(window, str) else window)
        if window.shape != (length,):
            raise ValueError(f"STFT initializer: the window must have {length} values, got shape {window.shape}")
        scale = {"density": np.sqrt((window**2).sum()), "spectrum": np.abs(window).sum(), None: 1}[self.scaling]
        return (kernel * window[:, None, None] / scale).astype(dtype)

    def get_config(self):
        return {"side": self.side, "window": self.window, "periodic": self.periodic, "scaling": self.scaling}

    @classmethod
    def from_config(cls, config):
        if isinstance(config.get("window"), dict):
            from cnnpy.saving import deserialize_keras_object

            config = {**config, "window": deserialize_keras_object(config["window"])}
        return cls(**config)
