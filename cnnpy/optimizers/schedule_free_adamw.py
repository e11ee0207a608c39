"""Schedule-free AdamW."""

from cnnpy.optimizers.optimizer import Optimizer, with_common_arguments


class ScheduleFreeAdamW(Optimizer):
    """Adam without momentum on an iterate z, whose mean x takes the place of a schedule (Defazio et al. 2024).

    The variables are y = (1 - beta_1) z + beta_1 x; z -= rate g / (sqrt(s / (1 - beta_2^t)) + epsilon) and x += (z - x)
    / t, with s the mean square of Adam. The rate grows in a line for WARMUP_STEPS. The other arguments are those of
    Optimizer.
    """

    _rule = "schedule_free_adamw"
    _own = ("beta_1", "beta_2", "epsilon", "warmup_steps")

    @with_common_arguments
    def __init__(self, learning_rate=0.0025, beta_1=0.9, beta_2=0.999, epsilon=1e-8, warmup_steps=0, **common):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.warmup_steps = warmup_steps
        super().__init__(learning_rate, **common)

    def _make_slots(self, variables):
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ["momentum", "velocity"])
        for momentum, variable in zip(self._momentums, variables):
            momentum.assign(variable)
        return self._momentums, self._velocities

    def _numbers(self, rate):
        return rate, self.beta_1, self.beta_2, self.epsilon, self.warmup_steps
