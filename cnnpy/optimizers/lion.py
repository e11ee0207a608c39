"""Lion."""

from cnnpy.optimizers.optimizer import Optimizer, with_common_arguments


class Lion(Optimizer):
    """Steps of one size, by the sign of the momentum (Chen et al. 2023).

    v -= rate sign(beta_1 m + (1 - beta_1) g); m = beta_2 m + (1 - beta_2) g. Its rate should be 3 to 10 times smaller
    than Adam's. The other arguments are those of Optimizer.
    """

    _rule = "lion"
    _own = ("beta_1", "beta_2")

    @with_common_arguments
    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.99, **common):
        if not 0 < beta_1 <= 1:
            raise ValueError(f"Lion: beta_1 must be above 0 and at most 1, got {beta_1!r}")
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        super().__init__(learning_rate, **common)

    def _make_slots(self, variables):
        self._momentums = self.add_optimizer_variables(variables, "momentum")
        return (self._momentums,)

    def _numbers(self, rate):
        return rate, self.beta_1, self.beta_2
