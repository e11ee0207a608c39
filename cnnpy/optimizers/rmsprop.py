"""RMSprop."""

from cnnpy.optimizers.optimizer import Optimizer, with_common_arguments


class RMSprop(Optimizer):
    """Gradients divided by the root of their mean square (Hinton 2012).

    s = rho s + (1 - rho) g^2; step = rate g / sqrt(s + epsilon), where CENTERED takes the square of the mean gradient
    from s; with momentum m = momentum m + step; v -= m, else v -= step. The other arguments are those of Optimizer.
    """

    _rule = "rmsprop"
    _own = ("rho", "momentum", "epsilon", "centered")

    @with_common_arguments
    def __init__(self, learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False, **common):
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered
        super().__init__(learning_rate, **common)

    def _make_slots(self, variables):
        self._velocities = self.add_optimizer_variables(variables, "velocity")
        self._momentums = self.add_optimizer_variables(variables, "momentum") if self.momentum > 0 else None
        self._average_gradients = self.add_optimizer_variables(variables, "average_gradient") if self.centered else None
        return self._velocities, self._momentums, self._average_gradients

    def _numbers(self, rate):
        return rate, self.rho, self.momentum, self.epsilon
