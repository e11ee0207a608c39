"""Adagrad."""

from cnnpy.optimizers.optimizer import Optimizer, with_common_arguments


class Adagrad(Optimizer):
    """Gradients divided by the root of the sum of their squares (Duchi et al. 2011): a += g^2; v -= rate g / sqrt(a +
    epsilon).

    The sum starts at INITIAL_ACCUMULATOR_VALUE. The other arguments are those of Optimizer.
    """

    _rule = "adagrad"
    _own = ("initial_accumulator_value", "epsilon")

    @with_common_arguments
    def __init__(self, learning_rate=0.001, initial_accumulator_value=0.1, epsilon=1e-7, **common):
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon
        super().__init__(learning_rate, **common)

    def _make_slots(self, variables):
        from cnnpy.initializers import Constant

        start = Constant(self.initial_accumulator_value)
        self._accumulators = self.add_optimizer_variables(variables, "accumulator", start)
        return (self._accumulators,)

    def _numbers(self, rate):
        return rate, self.epsilon
