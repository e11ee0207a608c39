"""Gradient descent."""

from cnnpy.optimizers.optimizer import Optimizer, with_common_arguments


class SGD(Optimizer):
    """Gradient descent, with momentum if asked: m = momentum m - rate g; v += m, or v += momentum m - rate g if
    NESTEROV.

    Without momentum v -= rate g. The other arguments are those of Optimizer.
    """

    _rule = "sgd"
    _own = ("momentum", "nesterov")

    @with_common_arguments
    def __init__(self, learning_rate=0.01, momentum=0.0, nesterov=False, **common):
        if isinstance(momentum, bool) or not isinstance(momentum, (int, float)) or not 0 <= momentum <= 1:
            raise ValueError(f"SGD: momentum must be a float between 0 and 1, got {momentum!r}")
        self.momentum = float(momentum)
        self.nesterov = bool(nesterov)
        super().__init__(learning_rate, **common)

    def _make_slots(self, variables):
        self.momentums = self.add_optimizer_variables(variables, "momentum") if self.momentum else []
        return (self.momentums,) if self.momentum else ()

    def _numbers(self, rate):
        return rate, self.momentum, self.nesterov
