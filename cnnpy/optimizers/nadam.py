"""Nadam."""

import numpy as np

from cnnpy import config
from cnnpy.optimizers.optimizer import Optimizer, with_common_arguments


class Nadam(Optimizer):
    """Adam with Nesterov momentum (Dozat 2016), the momentum growing by u_t = beta_1 (1 - 0.96^t / 2).

    m and s are Adam's means; with U = u_1 ... u_t, m' = u_(t+1) m / (1 - U u_(t+1)) + (1 - u_t) g / (1 - U);
    v -= rate m' / (sqrt(s / (1 - beta_2^t)) + epsilon). The other arguments are those of Optimizer.
    """

    _rule = "nadam"
    _own = ("beta_1", "beta_2", "epsilon")

    @with_common_arguments
    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, **common):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        super().__init__(learning_rate, **common)

    def _make_slots(self, variables):
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ["momentum", "velocity"])
        dtype = variables[0].dtype if variables else config.floatx()
        self._u_product = self.add_variable((), "ones", dtype)
        return self._momentums, self._velocities

    def _plan(self):
        super()._plan()
        self._plain = False  # the product of the schedule changes with each step, see _update

    def _numbers(self, rate):
        return rate, self.beta_1, self.beta_2, self.epsilon, self._u_product

    def _update(self, grads, iterations, options):
        super()._update(grads, iterations, options)
        factor = self.beta_1 * (1 - 0.5 * 0.96 ** (iterations + 1))
        self._u_product.assign(np.asarray(float(self._u_product) * factor, self._u_product.dtype))
