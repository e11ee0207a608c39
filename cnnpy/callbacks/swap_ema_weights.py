"""SwapEMAWeights."""

import numpy as np

from cnnpy.callbacks.callback import Callback


class SwapEMAWeights(Callback):
    """Puts the optimizer's moving averages (`use_ema=True`) in the model's place for evaluation and prediction.

    They change places before `evaluate` and `predict`, and back after; with SWAP_ON_EPOCH at the epochs' ends too, for
    callbacks after this one that save the model. When training ends, the averages stay in the model. (Keras leaves them
    in the model after `predict`, too, and evaluates the wrong weights from then on.)

    Raises:
        ValueError: the optimizer keeps no averages.
    """

    backed_up = ("_averages_in_model",)

    def __init__(self, swap_on_epoch=False):
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._averages_in_model = False

    def _pairs(self):
        """(weight, its average) of the model's optimizer."""
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        averages = getattr(optimizer, "_averages", None)
        if not getattr(optimizer, "use_ema", False) or averages is None:
            raise ValueError("SwapEMAWeights: the optimizer keeps no averages; make it with use_ema=True")
        return zip(optimizer._trainable_variables, averages)

    def _swap(self, to_averages):
        if self._averages_in_model == to_averages:
            return
        for weight, average in self._pairs():
            kept = np.array(weight)
            weight.assign(average)
            average.assign(kept)
        self._averages_in_model = to_averages

    def on_epoch_begin(self, epoch, logs=None):
        if self.swap_on_epoch:
            self._swap(False)

    def on_epoch_end(self, epoch, logs=None):
        if self.swap_on_epoch:
            self._swap(True)
            # `fit` ends with the averages in the weights: what it then copies must be what the model has
            if epoch == self.params["epochs"] - 1:
                for weight, average in self._pairs():
                    average.assign(weight)

    def on_test_begin(self, logs=None):
        self._swap(True)

    def on_test_end(self, logs=None):
        self._swap(False)

    def on_predict_begin(self, logs=None):
        self._swap(True)

    def on_predict_end(self, logs=None):
        self._swap(False)
