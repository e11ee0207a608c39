"""Adadelta."""

from cnnpy.optimizers.optimizer import Optimizer, with_common_arguments


class Adadelta(Optimizer):
    """Steps as large as earlier steps relative to earlier gradients (Zeiler 2012).

    a = rho a + (1 - rho) g^2; step = sqrt(d + epsilon) g / sqrt(a + epsilon); d = rho d + (1 - rho) step^2; v -= rate
    step. The paper's own form has learning_rate=1.0. The other arguments are those of Optimizer.
    """

    _rule = "adadelta"
    _own = ("rho", "epsilon")

    @with_common_arguments
    def __init__(self, learning_rate=0.001, rho=0.95, epsilon=1e-7, **common):
        self.rho = rho
        self.epsilon = epsilon
        super().__init__(learning_rate, **common)

    def _make_slots(self, variables):
        self._accumulated_grads, self._accumulated_delta_vars = self.add_optimizer_variables(
            variables, ["accumulated_grad", "accumulated_delta_var"]
        )
        return self._accumulated_grads, self._accumulated_delta_vars

    def _numbers(self, rate):
        return rate, self.rho, self.epsilon
