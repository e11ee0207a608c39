"""Follow the regularized leader."""

from cnnpy.optimizers.optimizer import Optimizer, with_common_arguments


class Ftrl(Optimizer):
    """Follow the regularized leader (McMahan et al. 2013), for large sparse linear models.

    With p = -learning_rate_power, s the shrinkage and l2' = l2 + beta / (2 rate): a' = a + g^2; z += g + 2 s v - (a'^p
    - a^p) / rate v; v = (clip(z, -l1, l1) - z) / (a'^p / rate + 2 l2'). a starts at INITIAL_ACCUMULATOR_VALUE. The
    other arguments are those of Optimizer.
    """

    _rule = "ftrl"
    _own = (
        "learning_rate_power",
        "initial_accumulator_value",
        "l1_regularization_strength",
        "l2_regularization_strength",
        "l2_shrinkage_regularization_strength",
        "beta",
    )

    @with_common_arguments
    def __init__(
        self,
        learning_rate=0.001,
        learning_rate_power=-0.5,
        initial_accumulator_value=0.1,
        l1_regularization_strength=0.0,
        l2_regularization_strength=0.0,
        l2_shrinkage_regularization_strength=0.0,
        beta=0.0,
        **common,
    ):
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta
        if learning_rate_power > 0:
            raise ValueError(f"Ftrl: learning_rate_power must be negative or zero, got {learning_rate_power!r}")
        for name in self._own[1:5]:
            if getattr(self, name) < 0:
                raise ValueError(f"Ftrl: {name} must be positive or zero, got {getattr(self, name)!r}")
        super().__init__(learning_rate, **common)

    def _make_slots(self, variables):
        from cnnpy.initializers import Constant

        start = Constant(self.initial_accumulator_value)
        self._accumulators, self._linears = self.add_optimizer_variables(
            variables, ["accumulator", "linear"], [start, "zeros"]
        )
        return self._accumulators, self._linears

    def _numbers(self, rate):
        return (
            rate,
            self.learning_rate_power,
            self.l1_regularization_strength,
            self.l2_regularization_strength,
            self.l2_shrinkage_regularization_strength,
            self.beta,
        )
