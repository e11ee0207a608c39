"""Losses as Python sees them: reductions, conversion, configs, names, subclasses."""

import copy
import itertools
import pickle

import numpy as np
import pytest

import cnnpy
from cnnpy import _core, losses
from gradients import check_gradients
from reference import losses as reference

rng = np.random.default_rng(3)
HOT = np.eye(4)[rng.integers(0, 4, 6)]
P = reference.softmax(rng.normal(size=(6, 4)))
CLASSES = [getattr(losses, name) for name in losses.__all__ if isinstance(getattr(losses, name), type)]
OWN = sorted({c for c in CLASSES if c not in (losses.Loss, losses.LossFunctionWrapper)}, key=lambda c: c.__name__)


def sample(cls):
    if cls is losses.CTC:
        return np.array([[1, 2], [3, 0], [2, 2], [0, 0], [1, 3], [3, 3]]), np.repeat(P[:, None], 4, 1)
    if cls is losses.Circle:
        return np.arange(6) // 2, P
    return (HOT.argmax(-1) if cls.__name__.startswith(("Sparse", "CategoricalGeneralized")) else HOT), P


@pytest.mark.parametrize("cls", OWN)
def test_contract(cls):
    y_true, y_pred = sample(cls)
    loss = cls()
    value = loss(y_true, y_pred)
    assert isinstance(value, cnnpy.Tensor) and value.shape == () and value.dtype == "float64"
    assert loss(y_true, y_pred.astype("float32")).dtype == "float32"
    assert loss(y_true.tolist(), y_pred.tolist()).dtype == "float32"
    np.testing.assert_allclose(loss(cnnpy.Tensor(y_true), cnnpy.Tensor(y_pred)).numpy(), value.numpy())
    for other in (cls.from_config(loss.get_config()), pickle.loads(pickle.dumps(loss)), copy.deepcopy(loss)):
        assert type(other) is cls and other.name == loss.name and other.get_config() == loss.get_config()
        assert other(y_true, y_pred).numpy() == value.numpy()
    other = losses.deserialize(losses.serialize(loss))
    assert type(other) is cls and other(y_true, y_pred).numpy() == value.numpy()
    each = cls(reduction="none")(y_true, y_pred).numpy()
    np.testing.assert_allclose(cls(reduction="sum")(y_true, y_pred).numpy(), each.sum())
    np.testing.assert_allclose(value.numpy(), each.mean())
    assert cls(reduction=None)(y_true, y_pred).shape == each.shape
    assert cls(dtype="float32")(y_true, y_pred).dtype == "float32"
    if each.ndim:
        w = rng.random(6)
        np.testing.assert_allclose(loss(y_true, y_pred, w).numpy(), (each * w).sum() / 6)
        weighted = cls(reduction="mean_with_sample_weight")(y_true, y_pred, w)
        np.testing.assert_allclose(weighted.numpy(), (each * w).sum() / w.sum())


@pytest.mark.parametrize("cls", OWN)
def test_gradients(cls):
    y_true, _ = sample(cls)
    shape = (6, 4, 4) if cls is losses.CTC else (6, 4)
    loss = cls(gamma=5.0) if cls is losses.Circle else cls()  # 80 is too steep for finite differences
    check_gradients(lambda y: loss(y_true, y), [rng.uniform(0.2, 0.45, shape)])


@pytest.mark.parametrize(
    ("make", "y_true"),
    [
        (lambda: losses.CategoricalCrossentropy(label_smoothing=0.1), HOT),
        (lambda: losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1), HOT),
        (lambda: losses.SparseCategoricalCrossentropy(ignore_class=2), HOT.argmax(-1)),
        (lambda: losses.SparseCategoricalCrossentropy(from_logits=True), HOT.argmax(-1)),
        (lambda: losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1), HOT),
        (lambda: losses.CategoricalFocalCrossentropy(gamma=1.5, label_smoothing=0.1), HOT),
        (lambda: losses.CategoricalFocalCrossentropy(from_logits=True), HOT),
        (lambda: losses.BinaryFocalCrossentropy(apply_class_balancing=True, gamma=3.0), HOT),
        (lambda: losses.BinaryFocalCrossentropy(from_logits=True), HOT),
        (lambda: losses.Huber(delta=0.3), HOT),
        (lambda: losses.CosineSimilarity(axis=0), HOT),
        (lambda: losses.Dice(axis=1), HOT),
        (lambda: losses.Tversky(alpha=0.3, beta=0.9, axis=(0,)), HOT),
        (lambda: losses.Circle(gamma=5.0, margin=0.1, remove_diagonal=False), np.arange(6) // 3),
        (lambda: losses.Circle(gamma=5.0), np.array([0, 0, 0, 1, 1, 2])),
        (lambda: losses.CategoricalGeneralizedCrossEntropy(0.2), HOT.argmax(-1)),
    ],
)
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
def test_gradients_with_arguments_and_weights(make, y_true, reduction):
    loss, weight = make(), rng.uniform(0.5, 1.5, 6)
    loss = type(loss).from_config({**loss.get_config(), "reduction": reduction})
    weighted = not isinstance(loss, (losses.Dice, losses.Tversky)) and getattr(loss, "axis", -1) != 0
    start = rng.uniform(0.2, 0.9, (6, 4))
    check_gradients(lambda y: loss(y_true, y, weight if weighted else None), [start])


def test_names_and_aliases():
    for name, function in (
        ("mse", losses.mean_squared_error),
        ("MSE", losses.mean_squared_error),
        ("mae", losses.mean_absolute_error),
        ("mape", losses.mean_absolute_percentage_error),
        ("msle", losses.mean_squared_logarithmic_error),
        ("bce", losses.binary_crossentropy),
        ("kld", losses.kl_divergence),
        ("categorical_crossentropy", losses.categorical_crossentropy),
    ):
        assert losses.get(name) is function
    assert isinstance(losses.get("CategoricalCrossentropy"), losses.CategoricalCrossentropy)
    assert isinstance(losses.get(losses.Huber), losses.Huber)
    assert losses.get(None) is None
    loss = losses.get({"class_name": "CategoricalCrossentropy", "config": {"from_logits": True}})
    assert loss.from_logits
    assert losses.get(loss) is loss
    with pytest.raises(ValueError, match=r"unknown loss 'mean_square_error'. Did you mean 'mean_squared_error'\?"):
        losses.get("mean_square_error")
    with pytest.raises(ValueError, match="a loss is a name"):
        losses.get(3)


def test_default_names():
    assert losses.MeanSquaredError().name == "mean_squared_error"
    assert losses.Huber().name == "huber_loss"

    class My(losses.Loss):
        def call(self, y_true, y_pred):
            return _core.mean_squared_error(y_true, y_pred)

    assert My(name="own").name == "own"
    assert My().name.startswith("my")


def test_subclass_gets_tensors_of_one_dtype():
    seen = []

    class My(losses.Loss):
        def call(self, y_true, y_pred):
            seen.append((type(y_true), y_true.dtype, type(y_pred), y_pred.dtype))
            return _core.mean_squared_error(y_true, y_pred)

    value = My()(HOT.astype("uint8"), P)
    np.testing.assert_allclose(value.numpy(), ((HOT - P) ** 2).mean())
    assert seen == [(cnnpy.Tensor, "float64", cnnpy.Tensor, "float64")]
    with pytest.raises(NotImplementedError, match="Loss has no call"):
        losses.Loss()(HOT, P)


def test_function_wrapper_matches_ranks():
    loss = losses.LossFunctionWrapper(losses.mean_squared_error, name="own")
    a, b = rng.random(5), rng.random((5, 1))
    np.testing.assert_allclose(loss(a, b).numpy(), ((a - b[:, 0]) ** 2).mean())
    np.testing.assert_allclose(loss(b, a).numpy(), ((a - b[:, 0]) ** 2).mean())
    again = losses.LossFunctionWrapper.from_config(loss.get_config())
    assert again.fn is losses.mean_squared_error


def test_labels_and_scores_may_differ_by_a_last_axis():
    a, b = rng.random(5), rng.random((5, 1))
    for cls in (losses.MeanSquaredError, losses.MeanAbsoluteError, losses.BinaryCrossentropy):
        np.testing.assert_allclose(cls()(a, b).numpy(), cls()(a[:, None], b).numpy())
        np.testing.assert_allclose(cls()(b, a).numpy(), cls()(b[:, 0], a).numpy())


def test_axis():
    t, y = np.moveaxis(HOT, -1, 0), np.moveaxis(P, -1, 0)
    for cls in (losses.CategoricalCrossentropy, losses.BinaryCrossentropy):
        np.testing.assert_allclose(cls(axis=0)(t, y).numpy(), cls()(HOT, P).numpy())
        check_gradients(lambda y, cls=cls: cls(axis=0)(t, y), [np.ascontiguousarray(np.clip(y, 0.1, 0.9))])
    with pytest.raises(ValueError, match="axis 2 is out of range"):
        losses.CategoricalCrossentropy(axis=2)(t, y)


def test_ignored_class_leaves_the_mean():
    labels = np.array([0, 9, 2, 9, 1, 3])
    kept = labels != 9
    loss = losses.SparseCategoricalCrossentropy(ignore_class=9)
    each = reference.sparse_categorical_crossentropy(np.where(kept, labels, 0), P) * kept
    np.testing.assert_allclose(loss(labels, P).numpy(), each.sum() / kept.sum())
    np.testing.assert_allclose(loss(labels[:, None], P, np.full(6, 2.0)).numpy(), 2 * each.sum() / kept.sum())
    assert loss(np.full(6, 9), P).numpy() == 0


def test_samples_without_a_partner_leave_the_mean_of_circle():
    e = rng.normal(size=(5, 3))
    e /= np.linalg.norm(e, axis=1, keepdims=True)
    labels = np.array([0, 0, 1, 1, 2])
    each = losses.Circle(reduction=None)(labels, e).numpy()
    assert each[4] == 0 and (each[:4] > 0).all()
    np.testing.assert_allclose(losses.Circle()(labels, e).numpy(), each.sum() / 4)
    np.testing.assert_allclose(losses.Circle()(labels[:, None], e).numpy(), each.sum() / 4)
    np.testing.assert_allclose(losses.circle(labels, e, np.full(2, 3), e[:2]).numpy(), 0)
    huge = losses.circle(labels, np.concatenate([e[:2], -e[:2], e[4:]]), gamma=1e4)
    assert np.isfinite(huge.numpy()).all() and huge.numpy().max() > 1e3


def test_ctc_sums_all_alignments():
    y_true, y_pred = np.array([[1, 2], [2, 2], [1, 0], [0, 0]]), rng.normal(size=(4, 4, 3))
    p = reference.softmax(y_pred)
    expected = np.zeros(4)
    for path in itertools.product(range(3), repeat=4):
        merged = [c for c, before in zip(path, (None, *path)) if c != before and c != 0]
        for i, labels in enumerate(y_true):
            if merged == [c for c in labels if c]:
                expected[i] += np.prod([p[i, t, c] for t, c in enumerate(path)])
    np.testing.assert_allclose(losses.ctc(y_true, y_pred).numpy(), -np.log(expected))
    assert np.isinf(losses.ctc(np.array([[1, 1, 2]]), y_pred[:1, :3]).numpy()).all()


def test_generalized_cross_entropy():
    labels = HOT.argmax(-1)
    p = P[np.arange(6), labels]
    for given in (labels, labels[:, None], labels.astype("float32")):
        np.testing.assert_allclose(
            losses.categorical_generalized_cross_entropy(given, P, 0.3).numpy(), (1 - p**0.3) / 0.3
        )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: losses.CategoricalGeneralizedCrossEntropy(q=1), "q must be between 0 and 1"),
        (lambda: losses.categorical_generalized_cross_entropy([0, 4], P[:2], 0.5), r"whole numbers in \[0, 4\)"),
        (lambda: losses.categorical_generalized_cross_entropy(HOT, P, 0.5), "one class number for each row"),
        (lambda: losses.circle([0, 1], P), "takes embeddings"),
        (lambda: losses.ctc([0, 1], P), r"takes labels \(batch, length\)"),
        (lambda: losses.ctc([[4]], P[None]), r"labels must be whole numbers in \[0, 4\)"),
    ],
)
def test_refusals(call, message):
    with pytest.raises((ValueError, NotImplementedError), match=message):
        loss = call()
        loss(HOT, P)


def test_one_class_is_warned_of_once():
    loss = losses.CategoricalCrossentropy()
    with pytest.warns(SyntaxWarning, match="one class only"):
        loss(np.ones((3, 1)), np.ones((3, 1)))
    loss(np.ones((3, 1)), np.ones((3, 1)))


def test_errors_name_the_loss():
    with pytest.raises(ValueError, match=r'MeanSquaredError "mean_squared_error": y_true has shape \(6, 4\)'):
        losses.MeanSquaredError()(HOT, P[:, :3])
    with pytest.raises(ValueError, match=r"unknown reduction 'summ'\. Did you mean 'sum'"):
        losses.MeanSquaredError(reduction="summ")
    with pytest.raises(ValueError, match="dtype must be float32 or float64"):
        losses.MeanSquaredError(dtype="int32")
    with pytest.raises(ValueError, match="sample weights of shape"):
        losses.MeanSquaredError()(HOT, P, np.ones(5))


def test_epsilon_of_the_configuration_counts():
    y_true, y_pred = np.array([[1.0]]), np.array([[0.0]])
    cnnpy.config.set_epsilon(1e-3)
    try:
        np.testing.assert_allclose(losses.BinaryCrossentropy()(y_true, y_pred).numpy(), -np.log(1e-3))
        np.testing.assert_allclose(losses.binary_crossentropy(y_true, y_pred).numpy(), -np.log(1e-3))
    finally:
        cnnpy.config.set_epsilon(1e-7)


def test_gradients_reach_float_labels_of_symmetric_losses():
    t = cnnpy.Tensor(HOT.astype("float32"))
    with cnnpy.GradientTape() as tape:
        tape.watch(t)
        loss = losses.MeanSquaredError()(t, P)
    np.testing.assert_allclose(tape.gradient(loss, t).numpy(), 2 * (HOT - P) / HOT.size, rtol=1e-5)


def test_cross_entropies_start_from_the_logits_of_a_softmax_or_sigmoid():
    z = rng.normal(size=(6, 4)) * 3
    for cls, y_true, activation in (
        (losses.CategoricalCrossentropy, HOT, cnnpy.activations.softmax),
        (losses.SparseCategoricalCrossentropy, HOT.argmax(-1), cnnpy.activations.softmax),
        (losses.BinaryCrossentropy, HOT, cnnpy.activations.sigmoid),
        (losses.BinaryFocalCrossentropy, HOT, cnnpy.activations.sigmoid),
    ):
        check_gradients(lambda x: cls()(y_true, activation(x)), [z])  # noqa: B023
        plain = cls()(y_true, activation(z).numpy()).numpy()
        np.testing.assert_allclose(cls()(y_true, activation(z)).numpy(), plain, rtol=1e-6)
        far = cnnpy.Tensor(np.where(HOT > 0, -900.0, 900.0))
        with cnnpy.GradientTape() as tape:
            tape.watch(far)
            loss = cls()(y_true, activation(far))
        assert loss.numpy() > 400 and np.abs(tape.gradient(loss, far).numpy()).max() > 0.01
    other = losses.CategoricalCrossentropy()(HOT, cnnpy.activations.sigmoid(z))  # of a sigmoid: as probabilities
    np.testing.assert_allclose(
        other.numpy(), losses.CategoricalCrossentropy()(HOT, cnnpy.activations.sigmoid(z).numpy()).numpy()
    )


def test_a_result_does_not_hold_on_to_a_chain_of_logits():
    x = cnnpy.Tensor(np.zeros(1000))
    before = _core.memory_stats()["in_use"]
    for _ in range(20_000):
        x = _core.sigmoid(x)
    assert _core.memory_stats()["in_use"] < before + 100_000
    assert _core.softmax(cnnpy.Tensor(HOT), axis=0)._softmax_logits is None
    assert _core.softmax(cnnpy.Tensor(HOT))._sigmoid_logits is None
