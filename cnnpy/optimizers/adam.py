"""Adam."""

from cnnpy.optimizers.optimizer import Optimizer, with_common_arguments


class TwoMeans(Optimizer):
    """The base of Adam and its kin, which follow gradients by a mean with momentum BETA_1 and their size by one with
    BETA_2."""

    _own = ("beta_1", "beta_2", "epsilon")

    @with_common_arguments
    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, **common):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        super().__init__(learning_rate, **common)

    def _make_slots(self, variables):
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ["momentum", "velocity"])
        return self._momentums, self._velocities

    def _numbers(self, rate):
        return rate, self.beta_1, self.beta_2, self.epsilon


class Adam(TwoMeans):
    """Steps by running means of gradients and of their squares (Kingma and Ba 2014).

    m += (1 - beta_1)(g - m); s += (1 - beta_2)(g^2 - s); v -= alpha m / (sqrt(s) + epsilon) with alpha = rate sqrt(1
    - beta_2^t) / (1 - beta_1^t): epsilon is added to the uncorrected root, as in Keras. AMSGRAD takes the largest s
    so far (Reddi et al. 2018). The other arguments are those of Optimizer.
    """

    _rule = "adam"
    _own = (*TwoMeans._own, "amsgrad")

    @with_common_arguments
    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False, **common):
        self.amsgrad = amsgrad
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **common)

    def _make_slots(self, variables):
        slots = super()._make_slots(variables)
        self._velocity_hats = self.add_optimizer_variables(variables, "velocity_hat") if self.amsgrad else None
        return *slots, self._velocity_hats
