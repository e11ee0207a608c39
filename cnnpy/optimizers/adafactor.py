"""Adafactor."""

import math

import numpy as np

from cnnpy import _core
from cnnpy.optimizers.optimizer import Optimizer, with_common_arguments


def _rms(x):
    return math.sqrt(float(np.asarray(_core.mean(_core.square(x)))))


class Adafactor(Optimizer):
    """Adam whose mean squares are kept as one per row and one per column (Shazeer and Stern 2018).

    With b = 1 - t^beta_2_decay, r and c move towards the means of g^2 + epsilon_1 over the last axis and the one
    before; s = r c / mean(r). Variables with fewer than two axes keep s itself. u = g / sqrt(s), shortened to a root
    mean square of CLIP_THRESHOLD; v -= max(epsilon_2, rms(v)) min(rate, 1 / sqrt(t)) u. RELATIVE_STEP is there for
    the sake of configs: as in Keras the rate never exceeds 1 / sqrt(t), with it or without. The other arguments are
    those of Optimizer.
    """

    _own = ("beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step")

    @with_common_arguments
    def __init__(
        self,
        learning_rate=0.001,
        beta_2_decay=-0.8,
        epsilon_1=1e-30,
        epsilon_2=1e-3,
        clip_threshold=1.0,
        relative_step=True,
        **common,
    ):
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step
        super().__init__(learning_rate, **common)

    def _make_slots(self, variables):
        self._r, self._c, self._v = [], [], []
        for variable in variables:
            shape = variable.shape
            if len(shape) < 2:  # not in use; Keras has them among the variables of its files
                sizes, dtype = ((), ()), "int32"
            else:
                sizes, dtype = (shape[:-1], (*shape[:-2], shape[-1])), variable.dtype
            for slot, size in zip((self._r, self._c), sizes):
                slot.append(self.add_variable(size, dtype=dtype, name=variable.name))
            self._v.append(self.add_variable_from_reference(variable, "velocity"))
        return self._r, self._c, self._v

    def update_step(self, gradient, variable, learning_rate):
        i, t = self._get_variable_index(variable), int(np.asarray(self.iterations)) + 1
        r, c, v = self._r[i], self._c[i], self._v[i]
        keep = 1 - t**self.beta_2_decay
        squares = _core.add(_core.square(gradient), self.epsilon_1)
        if len(variable.shape) < 2:
            self._blend(v, keep, squares)
        else:
            self._blend(r, keep, _core.mean(squares, axis=(-1,)))
            self._blend(c, keep, _core.mean(squares, axis=(-2,)))
            rows = _core.divide(r, _core.mean(r, axis=(-1,), keepdims=True))
            v.assign(_core.multiply(_core.expand_dims(rows, axis=-1), _core.expand_dims(c, axis=-2)))
        step = _core.divide(gradient, _core.sqrt(v))
        rate = min(float(np.asarray(learning_rate)), 1 / math.sqrt(t))
        size = max(self.epsilon_2, _rms(variable)) * rate / max(1.0, _rms(step) / self.clip_threshold)
        self.assign_sub(variable, _core.multiply(step, size))
