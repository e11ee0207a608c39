"""Adamax."""

from cnnpy.optimizers.optimizer import Optimizer, with_common_arguments


class Adamax(Optimizer):
    """Adam with the largest gradient in place of the mean square (Kingma and Ba 2014).

    m += (1 - beta_1)(g - m); u = max(beta_2 u, |g|); v -= rate / (1 - beta_1^t) m / (u + epsilon). The other arguments
    are those of Optimizer.
    """

    _rule = "adamax"
    _own = ("beta_1", "beta_2", "epsilon")

    @with_common_arguments
    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, **common):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        super().__init__(learning_rate, **common)

    def _make_slots(self, variables):
        self._m, self._u = self.add_optimizer_variables(variables, ["momentum", "norm"])
        return self._m, self._u

    def _numbers(self, rate):
        return rate, self.beta_1, self.beta_2, self.epsilon
