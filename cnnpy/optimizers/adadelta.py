"""Adadelta."""

from cnnpy.optimizers.optimizer import Optimizer


class Adadelta(Optimizer):
    """Steps as large as earlier steps relative to earlier gradients (Zeiler 2012).

    a = rho a + (1 - rho) g^2; step = sqrt(d + epsilon) g / sqrt(a + epsilon); d = rho d + (1 - rho) step^2; v -= rate
    step. The paper's own form has learning_rate=1.0. The other arguments are those of Optimizer.
    """

    _rule = "adadelta"

    def __init__(
        self,
        learning_rate=0.001,
        rho=0.95,
        epsilon=1e-7,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name=None,
        **kwargs,
    ):
        self.rho = rho
        self.epsilon = epsilon
        super().__init__(
            learning_rate,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            loss_scale_factor,
            gradient_accumulation_steps,
            name,
            **kwargs,
        )

    def _make_slots(self, variables):
        self._accumulated_grads, self._accumulated_delta_vars = self.add_optimizer_variables(
            variables, ["accumulated_grad", "accumulated_delta_var"]
        )
        return self._accumulated_grads, self._accumulated_delta_vars

    def _numbers(self, rate):
        return rate, self.rho, self.epsilon

    def get_config(self):
        return {**super().get_config(), "rho": self.rho, "epsilon": self.epsilon}
