"""How far predictions go along with targets: correlations and the coefficient of determination."""

import warnings

import numpy as np

from cnnpy import _core, config
from cnnpy.losses.functions import pair
from cnnpy.metrics.confusion import aligned
from cnnpy.metrics.metric import Metric
from cnnpy.metrics.reduction_metrics import FunctionMetric


def _centred(x, axis):
    """(the means of X along AXIS, X without them)."""
    mean = _core.mean(x, axis=axis, keepdims=True)
    return mean, _core.subtract(x, mean)


def _means_of_products(y_true, y_pred, axis):
    """(squares of y_true, squares of y_pred, both), averaged along AXIS."""
    return tuple(
        _core.mean(_core.multiply(a, b), axis=axis) for a, b in ((y_true, y_true), (y_pred, y_pred), (y_true, y_pred))
    )


def pearson_correlation(y_true, y_pred, axis=-1):
    """cov(y_true, y_pred) / (std(y_true) std(y_pred)) along AXIS, an integer or several: 1 for a rising line, -1 for a
    falling one, NaN where one of them is constant. Differentiable by y_pred."""
    y_true, y_pred = pair(y_true, y_pred)
    true, pred, both = _means_of_products(_centred(y_true, axis)[1], _centred(y_pred, axis)[1], axis)
    return _core.divide(both, _core.multiply(_core.sqrt(true), _core.sqrt(pred)))


def concordance_correlation(y_true, y_pred, axis=-1):
    """2 cov(y_true, y_pred) / (var(y_true) + var(y_pred) + (mean(y_true) - mean(y_pred))^2 + 1e-7) along AXIS, an
    integer or several (Lin 1989): 1 only where they are equal. Differentiable by y_pred."""
    y_true, y_pred = pair(y_true, y_pred)
    (true_mean, y_true), (pred_mean, y_pred) = _centred(y_true, axis), _centred(y_pred, axis)
    true, pred, both = _means_of_products(y_true, y_pred, axis)
    apart = _core.squeeze(_core.square(_core.subtract(true_mean, pred_mean)), axis=axis)
    scale = _core.add(_core.add(_core.add(true, pred), apart), config.epsilon())
    return _core.divide(_core.multiply(both, 2.0), scale)


class PearsonCorrelation(FunctionMetric):
    """The mean of Pearson's correlation along AXIS; see pearson_correlation."""

    _direction = "up"
    _function = staticmethod(pearson_correlation)

    def __init__(self, name="pearson_correlation", dtype=None, axis=-1):
        super().__init__(name, dtype, axis=axis)


class ConcordanceCorrelation(FunctionMetric):
    """The mean of the concordance correlation along AXIS; see concordance_correlation."""

    _direction = "up"
    _function = staticmethod(concordance_correlation)

    def __init__(self, name="concordance_correlation", dtype=None, axis=-1):
        super().__init__(name, dtype, axis=axis)


_AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


class R2Score(Metric):
    """The coefficient of determination: 1 - sum((y_true - y_pred)^2) / sum((y_true - mean(y_true))^2).

    y_true and y_pred are (samples, outputs). CLASS_AGGREGATION: 'uniform_average' gives the mean over the outputs,
    'variance_weighted_average' the mean by their variance, None a Tensor with a score for each. With NUM_REGRESSORS p
    it is the adjusted score 1 - (1 - r2)(n - 1) / (n - p - 1), n being the number of targets.
    """

    _direction = "up"

    def __init__(self, class_aggregation="uniform_average", num_regressors=0, name="r2_score", dtype=None):
        super().__init__(name=name, dtype=dtype)
        if class_aggregation not in _AGGREGATIONS:
            raise ValueError(
                "R2Score: class_aggregation must be None, 'uniform_average' or 'variance_weighted_average', "
                f"got {class_aggregation!r}"
            )
        if num_regressors < 0:
            raise ValueError(f"R2Score: num_regressors must not be negative, got {num_regressors!r}")
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.num_samples = self._add_sum("num_samples")
        self.count = None  # the other sums are made with the first batch, which tells the number of outputs

    def _make_sums(self, outputs):
        self.squared_sum = self._add_sum("squared_sum", (outputs,))
        self.sum = self._add_sum("sum", (outputs,))
        self.total_mse = self._add_sum("residual", (outputs,))
        self.count = self._add_sum("count", (outputs,))

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds targets and predictions, (samples, outputs); SAMPLE_WEIGHT is aligned with their first axes."""
        y_true, y_pred = (np.asarray(x, "float64") for x in pair(y_true, y_pred))
        if y_true.ndim != 2 or y_true.shape != y_pred.shape:
            raise ValueError(
                f"R2Score: takes targets and predictions of one shape (samples, outputs), got y_true {y_true.shape} "
                f"and y_pred {y_pred.shape}"
            )
        if self.count is None:
            self._make_sums(y_true.shape[1])
        weight = np.ones_like(y_true) if sample_weight is None else aligned(sample_weight, y_true.shape)
        self.sum.assign_add((weight * y_true).sum(0))
        self.squared_sum.assign_add((weight * y_true**2).sum(0))
        self.total_mse.assign_add((weight * (y_true - y_pred) ** 2).sum(0))
        self.count.assign_add(weight.sum(0))
        self.num_samples.assign_add(float(y_true.size))

    def result(self):
        if self.count is None:
            return self._answer(0.0)
        total_mse, sums = self.total_mse.numpy(), self.sum.numpy()
        with np.errstate(divide="ignore", invalid="ignore"):
            total = self.squared_sum.numpy() - sums * sums / self.count.numpy()
            scores = 1 - total_mse / total
        scores = np.where(np.isinf(scores), 0, scores)
        if self.class_aggregation == "uniform_average":
            scores = scores.mean()
        elif self.class_aggregation == "variance_weighted_average":
            scores = (total * scores).sum() / total.sum()
        return self._answer(self._adjusted(scores))

    def _adjusted(self, scores):
        p, n = self.num_regressors, float(self.num_samples)
        if not p:
            return scores
        if p >= n - 1:
            warnings.warn(
                f"R2Score: {p} regressors are too many for {n:.0f} targets; the score is not adjusted", stacklevel=3
            )
            return scores
        return 1 - (1 - scores) * (n - 1) / (n - p - 1)

    def get_config(self):
        return {
            **super().get_config(),
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }
