"""Nadam."""

import numpy as np

from cnnpy import config
from cnnpy.optimizers.adam import TwoMeans


class Nadam(TwoMeans):
    """Adam with Nesterov momentum (Dozat 2016), the momentum growing by u_t = beta_1 (1 - 0.96^t / 2).

    m and s are Adam's means; with U = u_1 ... u_t, m' = u_(t+1) m / (1 - U u_(t+1)) + (1 - u_t) g / (1 - U);
    v -= rate m' / (sqrt(s / (1 - beta_2^t)) + epsilon). The other arguments are those of Optimizer.
    """

    _rule = "nadam"

    def _make_slots(self, variables):
        slots = super()._make_slots(variables)
        self._u_product = self.add_variable((), "ones", variables[0].dtype if variables else config.floatx())
        return slots

    def _plan(self):
        super()._plan()
        self._plain = False  # the product of the schedule changes with each step, see _update

    def _numbers(self, rate):
        return *super()._numbers(rate), self._u_product

    def _update(self, grads, iterations, options):
        super()._update(grads, iterations, options)
        factor = self.beta_1 * (1 - 0.5 * 0.96 ** (iterations + 1))
        self._u_product.assign(np.asarray(float(self._u_product) * factor, self._u_product.dtype))
