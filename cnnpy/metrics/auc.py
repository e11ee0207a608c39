"""The area under a curve of rates."""

import numpy as np

from cnnpy import config
from cnnpy.metrics.confusion import COUNTS, count, matched, quotient
from cnnpy.metrics.metric import Metric
from cnnpy.utils.scalar import Scalar

_CURVES = {"roc": "ROC", "pr": "PR", "prgain": "PRGAIN"}
_METHODS = ("interpolation", "minoring", "majoring")


class AUC(Metric):
    """The area under the ROC (true against false positive rate), PR (precision against recall) or PRGAIN curve.

    The curve is sampled at NUM_THRESHOLDS thresholds, or at THRESHOLDS and both ends. SUMMATION_METHOD
    'interpolation' takes the mean height of two neighbours (for PR the interpolation of Davis and Goadrich 2006),
    'minoring' the smaller, 'majoring' the larger. With MULTI_LABEL the areas of the columns of (samples, labels) are
    averaged, by LABEL_WEIGHTS if given. With FROM_LOGITS scores go through the sigmoid first.
    """

    _direction = "up"

    def __init__(
        self,
        num_thresholds=200,
        curve="ROC",
        summation_method="interpolation",
        name=None,
        dtype=None,
        thresholds=None,
        multi_label=False,
        num_labels=None,
        label_weights=None,
        from_logits=False,
    ):
        super().__init__(name=name, dtype=dtype)
        if str(curve).lower() not in _CURVES:
            raise ValueError(f"AUC: curve must be one of 'ROC', 'PR', 'PRGAIN', got {curve!r}")
        if str(summation_method).lower() not in _METHODS:
            raise ValueError(f"AUC: summation_method must be one of {', '.join(_METHODS)}, got {summation_method!r}")
        if thresholds is None and num_thresholds <= 1:
            raise ValueError(f"AUC: num_thresholds must be above 1, got {num_thresholds}")
        if num_labels and not multi_label:
            raise ValueError("AUC: num_labels is for multi_label=True")
        self.curve = _CURVES[str(curve).lower()]
        self.summation_method = str(summation_method).lower()
        self._given_thresholds = None if thresholds is None else sorted(float(t) for t in thresholds)
        inner = self._given_thresholds
        if inner is None:
            inner = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        # The ends lie outside [0, 1], so that every score is above the first and below the last.
        self._thresholds = np.array([-config.epsilon(), *inner, 1 + config.epsilon()])
        self.num_thresholds = len(self._thresholds)
        self.multi_label, self.num_labels, self.from_logits = multi_label, num_labels, from_logits
        self.label_weights = None if label_weights is None else np.asarray(label_weights, "float64")
        self._columns = None
        if num_labels or not multi_label:
            self._make_counts(num_labels if multi_label else None)

    @property
    def thresholds(self):
        """The thresholds, the ends included."""
        return list(self._thresholds)

    def _make_counts(self, columns):
        shape = (self.num_thresholds,) if columns is None else (self.num_thresholds, columns)
        for name in COUNTS:
            setattr(self, name, self._add_sum(name, shape))
        self._columns = columns or 1

    def _counts(self):
        """The four counts, [thresholds, columns]."""
        return [getattr(self, name).numpy().reshape(self.num_thresholds, -1) for name in COUNTS]

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds labels (0 and 1) and scores in [0, 1] of one shape; SAMPLE_WEIGHT is aligned with their first axes."""
        y_true, y_pred, weight = matched(y_true, y_pred, sample_weight, self.dtype)
        if self.from_logits:
            y_pred = 1 / (1 + np.exp(-y_pred))
        if not self.multi_label:
            if self.label_weights is not None:
                weight = np.broadcast_to(self.label_weights, y_pred.shape) * (1 if weight is None else weight)
            y_true, y_pred = y_true.reshape(-1, 1), y_pred.reshape(-1, 1)
            weight = None if weight is None else weight.reshape(-1, 1)
        elif y_pred.ndim != 2:
            raise ValueError(f"AUC: multi_label needs scores of shape (samples, labels), got {y_pred.shape}")
        if self._columns is None:
            self._make_counts(y_pred.shape[1])
        if y_pred.shape[1] != self._columns:
            raise ValueError(f"AUC: there are {self._columns} labels, got scores of shape {y_pred.shape}")
        columns = [
            count(y_true[:, k], y_pred[:, k], None if weight is None else weight[:, k], self._thresholds)
            for k in range(self._columns)
        ]
        for name in COUNTS:
            sums = getattr(self, name)
            sums.assign_add(np.stack([column[name] for column in columns], axis=1).reshape(sums.shape))

    def result(self):
        if self._columns is None:
            return Scalar(0.0)
        if self.curve == "PR" and self.summation_method == "interpolation":
            areas = self._interpolated_pr().sum(0)
        else:
            x, y = self._curve()
            if self.summation_method == "interpolation":
                heights = (y[:-1] + y[1:]) / 2
            else:
                heights = (np.minimum if self.summation_method == "minoring" else np.maximum)(y[:-1], y[1:])
            areas = ((x[:-1] - x[1:]) * heights).sum(0)
        if self.multi_label and self.label_weights is not None:
            return Scalar(quotient((areas * self.label_weights).sum(), self.label_weights.sum()))
        return Scalar(areas.mean())

    def _curve(self):
        tp, fp, tn, fn = self._counts()
        if self.curve == "ROC":
            return quotient(fp, fp + tn), quotient(tp, tp + fn)
        if self.curve == "PR":
            return quotient(tp, tp + fn), quotient(tp, tp + fp)
        # Flach and Kull 2015; undefined gains take the value that does least harm: recall 0, precision 1.
        scale = quotient(tp + fn, tn + fp)
        recall = np.where(tp == 0, 0, 1 - scale * quotient(fn, tp))
        precision = np.where(tp == 0, 1, 1 - scale * quotient(fp, tp))
        return np.maximum(recall, 0), precision

    def _interpolated_pr(self):
        """The area between neighbours when true positives grow in proportion to positives: dtp, p: differences and
        sums of both."""
        tp, fp, _, fn = self._counts()
        p = tp + fp
        dtp = tp[:-1] - tp[1:]
        slope = quotient(dtp, np.maximum(p[:-1] - p[1:], 0))
        intercept = tp[1:] - slope * p[1:]
        both = (p[:-1] > 0) & (p[1:] > 0)
        ratio = np.where(both, quotient(p[:-1], p[1:]), 1.0)
        return quotient(slope * (dtp + intercept * np.log(ratio)), tp[1:] + fn[1:])

    def get_config(self):
        config = {
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": None if self.label_weights is None else self.label_weights.tolist(),
            "from_logits": self.from_logits,
            **super().get_config(),
        }
        if self._given_thresholds is not None:
            config["thresholds"] = self._given_thresholds
        return config
