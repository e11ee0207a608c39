"""What compile makes of losses and metrics, and the mistakes it names."""

import numpy as np
import pytest

import cnnpy
from cnnpy import layers, losses, metrics
from cnnpy.models.compile import CompileLoss, CompileMetrics, label_kind, name_of, resolve_loss, resolve_metric

Tensor = cnnpy.Tensor


def value(tensor):
    return float(np.asarray(tensor))


def array(*shape, dtype="float32"):
    return Tensor(np.random.default_rng(0).uniform(0.1, 0.9, shape).astype(dtype))


def labels(*shape, classes=3):
    return Tensor(np.random.default_rng(1).integers(0, classes, shape))


# ---- names ----


@pytest.mark.parametrize(
    ("y", "output", "kind"),
    [
        ((4,), (4, 1), "binary"),
        ((4, 1), (4, 1), "binary"),
        ((4,), (4, 3), "sparse"),
        ((4, 1), (4, 3), "sparse"),
        ((4, 3), (4, 3), "categorical"),
        ((4, 5, 5), (4, 5, 5, 2), "sparse"),
        ((4, 5, 5, 1), (4, 5, 5, 1), "binary"),
    ],
)
def test_accuracy_and_crossentropy_follow_the_shapes(y, output, kind):
    y, output = array(*y), array(*output)
    assert label_kind(y, output) == kind
    accuracy = {"binary": "BinaryAccuracy", "sparse": "SparseCategoricalAccuracy", "categorical": "CategoricalAccuracy"}
    loss = {"binary": "binary", "sparse": "sparse_categorical", "categorical": "categorical"}[kind] + "_crossentropy"
    for name in ("accuracy", "acc", "Accuracy"):
        metric = resolve_metric(name, y, output)
        assert type(metric).__name__ == accuracy[kind] and metric.name == name
    for name in ("crossentropy", "ce"):
        assert resolve_loss(name, y, output).fn.__name__ == loss
        assert resolve_metric(name, y, output).name == name


def test_names_of_metrics_and_losses():
    y = array(4, 3)

    def my_metric(y_true, y_pred):
        return y_pred[:, 0]

    class MyMetric(metrics.MeanSquaredError):
        pass

    assert resolve_metric("mse", y, y).name == "mse"
    assert resolve_metric("MeanSquaredError", y, y).name == "MeanSquaredError"
    assert resolve_metric(metrics.MeanSquaredError(), y, y).name == "mean_squared_error"
    assert resolve_metric(my_metric, y, y).name == "my_metric"
    assert resolve_metric(MyMetric(name="mine"), y, y).name == "mine"
    assert resolve_loss(my_metric, y, y).name == "my_metric"
    assert resolve_loss(None, y, y) is None
    assert isinstance(resolve_loss(losses.MeanSquaredError, y, y), losses.MeanSquaredError)
    assert name_of(MyMetric) == "my_metric"


def build(**arguments):
    model = cnnpy.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.compile(**arguments)
    return model


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"loss": "mean_squared_eror"}, ValueError, "mean_squared_error"),
        ({"optimizer": "adamm", "loss": "mse"}, ValueError, "adam"),
        ({"loss": "mse", "metrics": ["acuracy"]}, ValueError, "acuracy"),
        ({"loss": "mse", "metrics": "accuracy"}, ValueError, r"metrics must be a list.*write metrics=\[...\]"),
        ({"loss": "mse", "weighted_metrics": "mse"}, ValueError, "weighted_metrics must be a list"),
        ({"loss": 3}, TypeError, "loss must be names, functions or Loss objects, got 3 of type int"),
        ({"loss": "mse", "metrics": [1.5]}, TypeError, "Metric objects, got 1.5"),
        ({"loss": "mse", "loss_weights": "a"}, ValueError, "loss_weights must be a number"),
        ({"loss": "mse", "loss_weights": ["accuracy"]}, ValueError, r"metrics go into metrics=\[...\]"),
        ({"loss": "mse", "steps_per_execution": 0}, ValueError, "steps_per_execution must be at least 1"),
    ],
)
def test_mistakes_are_named_by_compile_itself(arguments, error, message):
    with pytest.raises(error, match=message):
        build(**arguments)


def test_failed_compile_changes_nothing():
    model = build(optimizer="sgd", loss="mse")
    kept = model.optimizer
    with pytest.raises(ValueError):
        model.compile("sgd", loss="nonsense")
    assert model.optimizer is kept and model.loss == "mse"


def test_compile_again_forgets_the_old_metrics():
    model = build(optimizer="sgd", loss="mse", metrics=["mae"])
    model.compile("sgd", loss="mae")
    assert model.metrics_names == ["loss"]
    assert list(model.evaluate(np.ones((2, 3)), np.ones((2, 2)), verbose=0, return_dict=True)) == ["loss"]


# ---- several outputs ----


def test_loss_of_one_output():
    y, p = array(4, 3), array(4, 3)
    mse = value(losses.MeanSquaredError()(y, p))
    assert value(CompileLoss("mse")(y, p)) == mse
    assert value(CompileLoss(["mse"])([y], [p])) == mse
    assert value(CompileLoss({"out": "mse"}, output_names=["out"])(y, p)) == mse
    assert value(CompileLoss("mse", 2.0)(y, p)) == pytest.approx(2 * mse)
    assert value(CompileLoss("mse", [0.5])(y, p)) == pytest.approx(0.5 * mse)
    weights = Tensor(np.array([1, 0, 0, 0], "float32"))
    assert value(CompileLoss("mse")(y, p, weights)) == pytest.approx(value(losses.MeanSquaredError()(y, p, weights)))


@pytest.mark.parametrize("y_kind", ["list", "tuple", "dict"])
@pytest.mark.parametrize("p_kind", ["list", "dict"])
@pytest.mark.parametrize("loss", [["mse", "mae"], {"b": "mae", "a": "mse"}, "mse", {"a": "mse"}, ["mse", None]])
@pytest.mark.parametrize("weights", [None, [2.0, 3.0], {"a": 2.0, "b": 3.0}])
def test_loss_of_two_outputs(y_kind, p_kind, loss, weights):
    ya, yb, pa, pb = array(4, 3), array(4, 1), Tensor(np.ones((4, 3), "float32")), Tensor(np.zeros((4, 1), "float32"))
    y = {"list": [ya, yb], "tuple": (ya, yb), "dict": {"b": yb, "a": ya}}[y_kind]
    p = {"list": [pa, pb], "dict": {"b": pb, "a": pa}}[p_kind]
    compiled = CompileLoss(loss, weights, output_names=["a", "b"])
    single = len(loss) if isinstance(loss, dict) else 2 if isinstance(loss, str) else len([x for x in loss if x])
    wa, wb = (2.0, 3.0) if weights else (1.0, 1.0)
    first = value(losses.MeanSquaredError()(ya, pa))
    second = {True: losses.MeanSquaredError()}.get(loss == "mse", losses.MeanAbsoluteError())(yb, pb)
    total = wa * first + (wb * value(second) if single == 2 else 0)
    assert value(compiled(y, p)) == pytest.approx(total, rel=1e-6)
    names = [metric.name for metric in compiled.metrics]
    assert names == (["a_loss", "b_loss"] if single == 2 else [])
    if names:
        assert compiled.metrics[0].result() == pytest.approx(first, rel=1e-6)


def test_labels_only_for_outputs_with_a_loss():
    y, p = array(4, 3), array(4, 3)
    assert value(CompileLoss([None, "mse"])([y], [array(4, 7), p])) == value(CompileLoss("mse")(y, p))


@pytest.mark.parametrize(
    ("loss", "weights", "y", "message"),
    [
        (["mse"], None, 2, "loss has 1 entries, the model has 2 outputs"),
        (["mse", "mse"], [1.0], 2, "loss_weights has 1 entries"),
        ({"c": "mse"}, None, 2, r"loss names the outputs \['c'\], the model has \['a', 'b'\]"),
        ("mse", {"c": 1.0}, 2, r"loss_weights names the outputs \['c'\]"),
        ("mse", None, 3, "y: 3 given for 2 outputs"),
        ("mse", None, 1, "y: 1 given for 2 outputs"),
    ],
)
def test_structures_that_do_not_fit(loss, weights, y, message):
    with pytest.raises(ValueError, match=message):
        CompileLoss(loss, weights, output_names=["a", "b"])([array(4, 3)] * y, [array(4, 3)] * 2)


def test_keys_that_do_not_fit():
    p = {"a": array(4, 3), "b": array(4, 3)}
    with pytest.raises(ValueError, match=r"y has the keys \['a', 'c'\], the outputs are \['a', 'b'\]"):
        CompileLoss("mse")({"a": array(4, 3), "c": array(4, 3)}, p)
    with pytest.raises(ValueError, match="output b needs labels"):
        CompileLoss("mse")({"a": array(4, 3)}, p)


def test_metrics_of_one_output():
    y, p = labels(6), array(6, 3)
    weights = Tensor(np.arange(6, dtype="float32"))
    compiled = CompileMetrics(["accuracy", "accuracy", "acc"], ["accuracy"])
    compiled.update_state(y, p, weights)
    hits = (np.asarray(p).argmax(-1) == np.asarray(y)).astype(float)
    result = compiled.result()
    assert list(result) == ["accuracy", "accuracy_1", "acc", "weighted_accuracy"]
    assert result["accuracy_1"] == pytest.approx(hits.mean())
    assert result["weighted_accuracy"] == pytest.approx((hits * np.arange(6)).sum() / 15)
    compiled.update_state(y, p, weights)
    assert compiled.result()["acc"] == pytest.approx(hits.mean())
    compiled.reset_state()
    assert compiled.result()["acc"] == 0


@pytest.mark.parametrize(
    "given",
    [
        [["accuracy"], ["mae", "mse"]],
        [["accuracy"], ("mae", "mse")],
        {"b": ["mae", "mse"], "a": "accuracy"},
        ["accuracy", ["mae", "mse"]],
    ],
)
def test_metrics_of_two_outputs(given):
    compiled = CompileMetrics(given, None, output_names=["a", "b"])
    compiled.update_state([labels(4), array(4, 1)], [array(4, 3), array(4, 1)])
    assert list(compiled.result()) == ["a_accuracy", "b_mae", "b_mse"]
    assert type(compiled.metrics[0]).__name__ == "SparseCategoricalAccuracy"


def test_metrics_for_wrong_outputs():
    compiled = CompileMetrics(["accuracy"], None, output_names=["a", "b"])
    with pytest.raises(ValueError, match="metrics has 1 entries, the model has 2 outputs"):
        compiled.update_state([labels(4), labels(4)], [array(4, 3), array(4, 3)])


def test_metrics_names_are_those_of_evaluate():
    model = build(optimizer="sgd", loss="mse", metrics=["mae", metrics.MeanSquaredError(name="mine")])
    assert model.metrics_names == ["loss", "mae", "mine"]
    values = model.evaluate(np.ones((2, 3)), np.ones((2, 2)), verbose=0)
    named = model.evaluate(np.ones((2, 3)), np.ones((2, 2)), verbose=0, return_dict=True)
    assert model.metrics_names == ["loss", "mae", "mine"]
    assert values == [named[name] for name in model.metrics_names]
    assert list(named) == ["loss", "mae", "mine"] and all(type(v) is float for v in values)


def test_settings_without_effect_are_accepted():
    model = build(optimizer="sgd", loss="mse", run_eagerly=True, jit_compile=True, auto_scale_loss=False)
    assert model.run_eagerly is True and model.jit_compile is True
    assert build(optimizer="sgd", loss="mse").jit_compile is False
