"""Adamax."""

from cnnpy.optimizers.adam import TwoMeans


class Adamax(TwoMeans):
    """Adam with the largest gradient in place of the mean square (Kingma and Ba 2014).

    m += (1 - beta_1)(g - m); u = max(beta_2 u, |g|); v -= rate / (1 - beta_1^t) m / (u + epsilon). The other arguments
    are those of Optimizer.
    """

    _rule = "adamax"

    def _make_slots(self, variables):
        self._m, self._u = self.add_optimizer_variables(variables, ["momentum", "norm"])
        return self._m, self._u
