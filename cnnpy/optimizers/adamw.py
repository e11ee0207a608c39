"""AdamW."""

from cnnpy.optimizers.adam import Adam
from cnnpy.optimizers.optimizer import with_common_arguments


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2017): Adam whose weight_decay is 0.004 unless set."""

    @with_common_arguments
    def __init__(
        self,
        learning_rate=0.001,
        weight_decay=0.004,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
        **common,
    ):
        if weight_decay is None:
            raise ValueError("AdamW: weight_decay must be a number; use Adam to go without")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, **common)
