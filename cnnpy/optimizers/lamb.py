"""Lamb."""

import numpy as np

from cnnpy import _core
from cnnpy.optimizers.adam import TwoMeans


def _norm(x):
    return float(np.sqrt(np.asarray(_core.sum(_core.square(x)))))


class Lamb(TwoMeans):
    """Adam whose step is as long as the variable times the rate, for large batches (You et al. 2019).

    m and s are Adam's means, both corrected for their start; step = m / (sqrt(s) + epsilon); v -= rate |v| / |step|
    step, or rate step where one of the norms is 0. The other arguments are those of Optimizer.
    """

    def update_step(self, gradient, variable, learning_rate):
        i, t = self._get_variable_index(variable), int(np.asarray(self.iterations)) + 1
        m, s = self._momentums[i], self._velocities[i]
        self._blend(m, self.beta_1, gradient)
        self._blend(s, self.beta_2, _core.square(gradient))
        root = _core.sqrt(_core.divide(s, 1 - self.beta_2**t))
        step = _core.divide(_core.divide(m, 1 - self.beta_1**t), _core.add(root, self.epsilon))
        length, norm = _norm(variable), _norm(step)
        ratio = length / norm if length > 0 and norm > 0 else 1.0
        self.assign_sub(variable, _core.multiply(step, ratio * float(np.asarray(learning_rate))))
