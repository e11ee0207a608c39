"""Metrics: values, weights, state, configs."""

import copy
import pickle

import numpy as np
import pytest

import cnnpy
from cnnpy import _core, losses, metrics
from gradients import check_gradients
from reference import losses as reference

rng = np.random.default_rng(5)
LABELS = rng.integers(0, 4, 50)
HOT = np.eye(4)[LABELS]
P = reference.softmax(rng.normal(size=(50, 4)))
W = rng.random(50)
RIGHT = P.argmax(-1) == LABELS


def test_mean_and_sum():
    mean, total = metrics.Mean(), metrics.Sum()
    assert mean.result() == 0
    for metric in (mean, total):
        metric.update_state([1, 3, 5, 7], [1, 1, 0, 0])
    assert mean.result() == 2 and total.result() == 4
    mean.update_state(10.0)
    assert mean.result() == 14 / 3
    mean.reset_state()
    assert mean.result() == 0 and mean([2.0, 4.0]) == 3


def test_samples_count_not_values():
    mean = metrics.Mean()
    values = rng.random((5, 3, 2))
    mean.update_state(values)
    np.testing.assert_allclose(mean.result(), values.mean())
    assert mean.count == 5
    mean.update_state(np.zeros((15, 2)))
    np.testing.assert_allclose(mean.result(), values.mean() / 4)
    mean.reset_state()
    mean.update_state(values, np.arange(5.0))
    np.testing.assert_allclose(mean.result(), (values.mean((1, 2)) * np.arange(5)).sum() / 10)
    w = rng.random((5, 3))
    mean.reset_state()
    mean.update_state(values, w)
    np.testing.assert_allclose(mean.result(), (values.mean(2) * w).sum() / w.sum())


def test_result_is_a_float_that_answers_like_a_tensor():
    value = metrics.Mean()([1.0, 2.0])
    assert isinstance(value, float) and value.numpy() == np.float32(1.5) and value.item() == 1.5
    assert pickle.loads(pickle.dumps(value)) == 1.5 and f"{value:.2f}" == "1.50"


@pytest.mark.parametrize(
    ("metric", "y_true", "y_pred", "each"),
    [
        (metrics.CategoricalAccuracy(), HOT, P, RIGHT),
        (metrics.CategoricalAccuracy(), HOT.astype("uint8"), P.astype("float32"), RIGHT),
        (metrics.SparseCategoricalAccuracy(), LABELS, P, RIGHT),
        (metrics.SparseCategoricalAccuracy(), LABELS[:, None].astype("float32"), P.astype("float32"), RIGHT),
        (metrics.BinaryAccuracy(), HOT, P, ((P > 0.5) == HOT).mean(-1)),
        (metrics.BinaryAccuracy(threshold=0.2), HOT.astype(bool), P, ((P > 0.2) == HOT).mean(-1)),
        (metrics.Accuracy(), LABELS, P.argmax(-1), RIGHT),
        (metrics.TopKCategoricalAccuracy(k=2), HOT, P, (P[RIGHT.size * [True], LABELS][:, None] < P).sum(-1) < 2),
        (metrics.SparseTopKCategoricalAccuracy(k=3), LABELS, P, None),
        (metrics.MeanSquaredError(), HOT, P, reference.mean_squared_error(HOT, P)),
        (metrics.MeanAbsoluteError(), HOT, P, reference.mean_absolute_error(HOT, P)),
        (metrics.BinaryCrossentropy(), HOT, P, reference.binary_crossentropy(HOT, P)),
        (metrics.CategoricalCrossentropy(label_smoothing=0.1), HOT, P, None),
        (metrics.SparseCategoricalCrossentropy(), LABELS, P, reference.sparse_categorical_crossentropy(LABELS, P)),
    ],
)
def test_values(metric, y_true, y_pred, each):
    if isinstance(metric, metrics.SparseTopKCategoricalAccuracy):
        each = (P[np.arange(50), LABELS][:, None] < P).sum(-1) < 3
    elif isinstance(metric, metrics.CategoricalCrossentropy):
        each = reference.categorical_crossentropy(HOT, P, label_smoothing=0.1)
    elif isinstance(metric, metrics.TopKCategoricalAccuracy):
        each = (P[np.arange(50), LABELS][:, None] < P).sum(-1) < 2
    each = np.asarray(each, "float64")
    metric.update_state(y_true, y_pred)
    np.testing.assert_allclose(metric.result(), each.mean(), rtol=1e-6)
    metric.reset_state()
    for part in (slice(0, 20), slice(20, 50)):
        metric.update_state(cnnpy.Tensor(y_true[part]), cnnpy.Tensor(y_pred[part]), W[part])
    np.testing.assert_allclose(metric.result(), (each * W).sum() / W.sum(), rtol=1e-6)
    for other in (copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
        assert other.result() == metric.result()
        other.update_state(y_true, y_pred)
    fresh = type(metric).from_config(metric.get_config())
    assert fresh.get_config() == metric.get_config() and fresh.result() == 0
    fresh = metrics.deserialize(metrics.serialize(metric))
    assert type(fresh) is type(metric)


def test_images_are_compared_by_pixel():
    y_true, y_pred = rng.integers(0, 3, (2, 5, 5)), rng.random((2, 5, 5, 3))
    metric = metrics.SparseCategoricalAccuracy()
    metric.update_state(y_true, y_pred)
    np.testing.assert_allclose(metric.result(), (y_pred.argmax(-1) == y_true).mean())
    metric.reset_state()
    metric.update_state(y_true[..., None], y_pred, np.array([1.0, 0.0]))
    np.testing.assert_allclose(metric.result(), (y_pred.argmax(-1) == y_true)[0].mean())


def test_a_score_at_the_threshold_is_negative():
    for dtype in ("float32", "float64"):
        y_pred = np.array([0.1, 0.5, 0.6], dtype)
        np.testing.assert_array_equal(metrics.binary_accuracy(np.array([0, 0, 1]), y_pred).numpy(), [1, 1, 1])
        at = np.array([0.1], dtype)
        assert metrics.binary_accuracy(np.array([0]), at, threshold=0.1).numpy() == 1


def test_ties_and_nan():
    np.testing.assert_array_equal(
        metrics.sparse_categorical_accuracy(np.array([0, 1]), np.array([[0.5, 0.5], [0.5, 0.5]])).numpy(), [1, 0]
    )
    labels = np.array([np.nan, 7.0, -1.0])
    assert metrics.sparse_categorical_accuracy(labels, np.ones((3, 4))).numpy().sum() == 0
    scores = np.array([[np.nan, 1.0, 2.0], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(
        metrics.sparse_top_k_categorical_accuracy(np.array([2, 2]), scores, 1).numpy(), [0, 1]
    )


def test_sorted_class_numbers():
    got = metrics.sparse_top_k_categorical_accuracy([2, 1], [[1, 0, 2], [1, 2, 0]], k=2, from_sorted_ids=True)
    np.testing.assert_array_equal(got, [0, 1])


def test_root_mean_squared_error_and_cosine():
    metric = metrics.RootMeanSquaredError()
    metric.update_state(HOT, P, W)
    np.testing.assert_allclose(metric.result(), np.sqrt((((HOT - P) ** 2).mean(-1) * W).sum() / W.sum()))
    metric = metrics.CosineSimilarity()
    metric.update_state(HOT, P)
    cosine = (HOT * P).sum(-1) / np.linalg.norm(P, axis=-1)
    np.testing.assert_allclose(metric.result(), cosine.mean())


@pytest.mark.parametrize("thresholds", [None, 0.3, [0.0, 0.25, 0.5, 1.0]])
def test_counts(thresholds):
    truth, scores = HOT.astype(bool), P.astype("float32")
    at = np.atleast_1d(0.5 if thresholds is None else thresholds).astype("float32")
    above = scores[None] > at[:, None, None]
    w = W[:, None]
    expected = {
        metrics.TruePositives: (above & truth) * w,
        metrics.FalsePositives: (above & ~truth) * w,
        metrics.TrueNegatives: (~above & ~truth) * w,
        metrics.FalseNegatives: (~above & truth) * w,
    }
    sums = {cls: values.sum((1, 2)) for cls, values in expected.items()}
    for cls, total in sums.items():
        metric = cls(thresholds=thresholds)
        metric.update_state(HOT, scores, W)
        np.testing.assert_allclose(np.atleast_1d(metric.result()), total)
        assert cls.from_config(metric.get_config()).get_config() == metric.get_config()
    tp, fp, fn = (sums[c] for c in (metrics.TruePositives, metrics.FalsePositives, metrics.FalseNegatives))
    for cls, other in ((metrics.Precision, fp), (metrics.Recall, fn)):
        metric = cls(thresholds=thresholds)
        metric.update_state(HOT, scores, W)
        expected = np.divide(tp, tp + other, out=np.zeros_like(tp), where=tp + other > 0)
        np.testing.assert_allclose(np.atleast_1d(metric.result()), expected)
        metric.reset_state()
        assert np.all(np.asarray(metric.result()) == 0)


def test_auc_of_a_perfect_and_a_random_order():
    truth = rng.integers(0, 2, 4000)
    metric = metrics.AUC()
    metric.update_state(truth, truth * 0.6 + 0.2)
    np.testing.assert_allclose(metric.result(), 1)
    metric.reset_state()
    scores = rng.random(4000)
    metric.update_state(truth, scores)
    order = np.argsort(scores)
    ranks = np.empty(4000)
    ranks[order] = np.arange(1, 4001)
    n = truth.sum()
    exact = (ranks[truth == 1].sum() - n * (n + 1) / 2) / (n * (4000 - n))
    np.testing.assert_allclose(metric.result(), exact, atol=2e-3)


def test_own_metric():
    class Positives(metrics.Metric):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.seen = self.add_weight(name="seen", initializer="zeros")
            self.inner = metrics.Mean()

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.seen.assign(self.seen.numpy() + np.asarray(y_true).sum())
            self.inner.update_state(y_pred)

        def result(self):
            return self.seen

    metric = Positives(name="positives")
    assert float(metric(HOT, P).numpy()) == 50
    assert [v.path for v in metric.variables] == ["positives/seen", "mean/total", "mean/count"]
    metric.reset_state()
    assert float(metric.result().numpy()) == 0 and metric.inner.count == 0
    with pytest.raises(NotImplementedError):
        metrics.Metric().update_state(1)


def test_names():
    assert isinstance(metrics.get("mse"), metrics.MeanSquaredError)
    assert isinstance(metrics.get("categorical_accuracy"), metrics.CategoricalAccuracy)
    assert isinstance(metrics.get("AUC"), metrics.AUC) and isinstance(metrics.get("auc"), metrics.AUC)
    assert metrics.get(metrics.binary_accuracy) is metrics.binary_accuracy
    assert metrics.get(None) is None
    with pytest.raises(ValueError, match=r"unknown metric 'acuracy'. Did you mean 'accuracy'\?"):
        metrics.get("acuracy")
    with pytest.raises(ValueError, match="a metric is a name"):
        metrics.get(3)
    wrapped = metrics.MeanMetricWrapper(losses.mean_squared_error, name="own")
    wrapped.update_state(HOT, P)
    np.testing.assert_allclose(wrapped.result(), ((HOT - P) ** 2).mean())
    assert metrics.MeanMetricWrapper.from_config(wrapped.get_config())._fn is losses.mean_squared_error


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.CategoricalAccuracy().update_state(LABELS, P), "use sparse_categorical_accuracy"),
        (lambda: metrics.SparseCategoricalAccuracy().update_state(HOT, P), "use the categorical metric"),
        (lambda: metrics.BinaryAccuracy().update_state(np.zeros((2, 3)), np.zeros((2, 4))), "they must agree"),
        (lambda: metrics.Mean().update_state(np.zeros(3), np.zeros(4)), "do not fit values"),
        (lambda: metrics.Precision(thresholds=2.0), "between 0 and 1"),
        (lambda: metrics.Precision().update_state(np.zeros(3), np.zeros(4)), "they must agree"),
        (lambda: metrics.Precision(class_id=7).update_state(HOT, P), "class_id 7"),
        (lambda: metrics.AUC(curve="x"), "curve must be"),
        (lambda: metrics.AUC(num_thresholds=1), "num_thresholds"),
        (lambda: metrics.sparse_top_k_categorical_accuracy(LABELS, P, k=0), "k must be at least 1"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_accuracy_has_no_gradient():
    assert not _core.categorical_accuracy.differentiable


MADE = [
    lambda: metrics.Mean(),
    lambda: metrics.Sum(),
    lambda: metrics.MeanSquaredError(),
    lambda: metrics.CategoricalAccuracy(),
    lambda: metrics.Precision(thresholds=[0.2, 0.4]),
    lambda: metrics.TruePositives(),
    lambda: metrics.AUC(),
    lambda: metrics.AUC(multi_label=True, num_labels=4),
    lambda: metrics.SensitivityAtSpecificity(0.5),
    lambda: metrics.F1Score(),
    lambda: metrics.R2Score(),
    lambda: metrics.OneHotMeanIoU(4),
]


@pytest.mark.parametrize("make", MADE)
def test_state_lives_in_variables(make):
    metric = make()
    args = (P,) if type(metric) in (metrics.Mean, metrics.Sum) else (HOT, P)
    metric.update_state(*args)
    assert all(v.path.startswith(metric.name + "/") and v.dtype == "float64" for v in metric.variables)
    before = [v.numpy() for v in metric.variables]
    expected = np.asarray(metric.result())
    empty = metric.stateless_reset_state()
    assert len(empty) == len(before) and not any(np.asarray(v).any() for v in empty)
    after = metric.stateless_update_state(empty, *args)
    for a, b, v in zip(after, before, metric.variables):
        np.testing.assert_array_equal(np.asarray(a), b)
        np.testing.assert_array_equal(v.numpy(), b)
    metric.reset_state()
    np.testing.assert_array_equal(np.asarray(metric.stateless_result(after)), expected)
    assert not any(v.numpy().any() for v in metric.variables)
    with pytest.raises(ValueError, match="metric_variables must be a list with one value for each"):
        metric.stateless_result(after[:-1])
    for v, value in zip(metric.variables, after):
        v.assign(value)
    for other in (metric, copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
        np.testing.assert_array_equal(np.asarray(other.result()), expected)


def test_counts_beyond_what_a_float32_tells_apart():
    mean = metrics.Mean()
    mean.count.assign(2.0**24)
    mean.total.assign(2.0**24)
    mean.update_state([1.0])
    assert float(mean.count) == 2**24 + 1


def test_several_results_are_a_tensor():
    for metric in (metrics.Precision(thresholds=[0.2, 0.5]), metrics.F1Score(), metrics.FBetaScore(threshold=0.3)):
        metric.update_state(HOT, P)
        assert isinstance(metric.result(), cnnpy.Tensor) and metric.result().dtype == "float32"


def test_a_wrapped_loss_is_better_when_lower():
    assert metrics.MeanMetricWrapper(losses.huber)._direction == "down"
    assert metrics.MeanMetricWrapper(losses.Huber())._direction == "down"
    assert metrics.MeanMetricWrapper(lambda t, p: p)._direction is None
    assert metrics.R2Score()._direction == "up"


def test_confusion_matrix_by_loops():
    y_true, y_pred, weight = rng.integers(-1, 5, 200), rng.integers(-1, 5, 200), rng.random(200)
    expected = np.zeros((4, 4))
    for t, p, w in zip(y_true, y_pred, weight):
        if 0 <= t < 4 and 0 <= p < 4:
            expected[t, p] += w
    metric = metrics.MeanIoU(4)
    metric.update_state(y_true, y_pred, weight)
    np.testing.assert_allclose(metric.total_cm.numpy(), expected)
    true = expected.diagonal()
    np.testing.assert_allclose(metric.result(), (true / (expected.sum(0) + expected.sum(1) - true)).mean(), rtol=1e-6)
    one = metrics.IoU(4, [2])
    one.update_state(y_true, y_pred, weight)
    np.testing.assert_allclose(one.result(), true[2] / (expected[2].sum() + expected[:, 2].sum() - true[2]), rtol=1e-6)


def test_iou_of_images():
    y_true, scores = rng.integers(0, 3, (2, 4, 5, 1)), rng.random((2, 4, 5, 3))
    flat, images = metrics.MeanIoU(3), metrics.MeanIoU(3, sparse_y_pred=False)
    flat.update_state(y_true.ravel(), scores.argmax(-1).ravel(), np.repeat([0.5, 2.0], 20))
    images.update_state(y_true, scores, np.array([0.5, 2.0]))
    assert images.result() == flat.result()
    ignoring = metrics.MeanIoU(3, ignore_class=0)
    ignoring.update_state(y_true, scores.argmax(-1))
    assert ignoring.total_cm.numpy()[0].sum() == 0


def test_correlations_are_what_numpy_says():
    a, b = rng.normal(size=(6, 30)), rng.normal(size=(6, 30)) + 1
    expected = [np.corrcoef(x, y)[0, 1] for x, y in zip(a, b)]
    np.testing.assert_allclose(metrics.pearson_correlation(a, b).numpy(), expected)
    expected = [2 * np.cov(x, y, ddof=0)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2) for x, y in zip(a, b)]
    np.testing.assert_allclose(metrics.concordance_correlation(a, b).numpy(), expected, rtol=1e-6)
    for function in (metrics.pearson_correlation, metrics.concordance_correlation):
        assert function(a, b, axis=(0, 1)).shape == ()
        check_gradients(lambda y, function=function: function(a[:2, :5], y), [b[:2, :5]])


def test_r2():
    t, p, w = rng.normal(size=(20, 3)), rng.normal(size=(20, 3)), rng.random(20)
    metric = metrics.R2Score(class_aggregation=None)
    metric.update_state(t, p, w)
    mean = (t * w[:, None]).sum(0) / w.sum()
    expected = 1 - (w[:, None] * (t - p) ** 2).sum(0) / (w[:, None] * (t - mean) ** 2).sum(0)
    np.testing.assert_allclose(metric.result().numpy(), expected, rtol=1e-5)
    few = metrics.R2Score(num_regressors=70)
    few.update_state(t, p)
    with pytest.warns(UserWarning, match="70 regressors are too many for 60 targets"):
        few.result()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.F1Score("mean"), "average must be None"),
        (lambda: metrics.FBetaScore(beta=1), "beta must be a float above 0"),
        (lambda: metrics.F1Score(threshold=1.5), r"threshold must be None or a float in \(0, 1\]"),
        (lambda: metrics.F1Score().update_state(LABELS, P), r"one shape \(samples, classes\)"),
        (lambda: metrics.IoU(3, [3]), "target class 3 is out of range, there are 3 classes"),
        (lambda: metrics.MeanIoU(4).update_state(LABELS, P), "Scores need sparse_y_pred=False"),
        (lambda: metrics.R2Score("mean"), "class_aggregation must be"),
        (lambda: metrics.R2Score(num_regressors=-1), "must not be negative"),
        (lambda: metrics.R2Score().update_state(LABELS, LABELS), r"one shape \(samples, outputs\)"),
    ],
)
def test_new_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
